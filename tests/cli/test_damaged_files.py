"""A damaged JSON file ends every command that reads it in one line, which names the file and what is wrong in it."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lia_bench.cli.main import run
from tests.leaderboards.toy_results import ToyResults, write_results

TESTS = Path(__file__).parents[1]
CONFIG = "runs/lia/old/checkpoints/00001500/config.json"
DEEP = "[" * 100_000 + "]" * 100_000


class File(NamedTuple):
    """A kind of file: where it lies, the key of its version, another key, and commands that read it."""

    path: str
    version: str
    field: str
    commands: tuple[str, ...]
    needed: bool = True
    """Whether the other key has to be there."""


FILES = {
    "report": File(
        "results/toy/report.json",
        "schema",
        "runs",
        (
            "leaderboard html results/toy --output page",
            "leaderboard compare lia fomm --name toy",
            "study create --results results/toy --output other",
            "evaluate --models identity --dataset data/whole --task reconstruction --name toy --metrics l1",
            "score --generated data/whole/test --reference data/whole/test --name toy --metrics l1 --device cpu",
        ),
    ),
    "dataset": File(
        "data/whole/dataset.json",
        "schema",
        "hash",
        (
            "datasets show data/whole",
            "datasets verify data/whole --workers 1",
            "datasets merge data/whole --output merged",
            "train lia:demo-64 --dataset data/whole --accelerator cpu",
            "evaluate --models identity --dataset data/whole --metrics l1 --no-videos --device cpu",
        ),
        needed=False,
    ),
    "run": File(
        "runs/lia/old/run.json",
        "format",
        "model",
        (
            "train lia:demo-64 --name old --resume --accelerator cpu",
            "evaluate --models lia --dataset data/whole --metrics l1 --no-videos --device cpu",
        ),
    ),
    "checkpoints": File(
        "runs/lia/old/checkpoints.json",
        "format",
        "last",
        (
            "evaluate --models lia@runs/lia/old --dataset data/whole --metrics l1 --no-videos --device cpu",
            "models convert lia@runs/lia/old converted --to lia-bench",
        ),
        needed=False,
    ),
    "configuration": File(
        CONFIG,
        "format",
        "model",
        (
            "evaluate --models lia@runs/lia/old --dataset data/whole --metrics l1 --no-videos --device cpu",
            "models convert lia@runs/lia/old converted --to lia-bench",
        ),
    ),
    "study": File(
        "study/study.json", "schema_version", "questions", ("study report study", "study serve study --port 0")
    ),
}
COMMANDS = [pytest.param(file, words, id=f"{kind}-{words}") for kind, file in FILES.items() for words in file.commands]


def without(content: dict[str, Any], key: str) -> str:
    return json.dumps({name: value for name, value in content.items() if name != key})


DAMAGES: dict[str, tuple[Callable[[File, dict[str, Any]], str | bytes], str]] = {
    "empty": (lambda file, content: "", "not readable as"),
    "truncated": (lambda file, content: json.dumps(content)[:-20], "not readable as"),
    "no JSON": (lambda file, content: "<html></html>", "not readable as"),
    "no object": (lambda file, content: "[]", "not readable as"),
    "not UTF-8": (lambda file, content: b"\x80\x81" + json.dumps(content).encode(), "it is not UTF-8 text"),
    "nested deeply": (lambda file, content: DEEP, "not readable as"),
    "nested deeply in a field": (
        lambda file, content: json.dumps(content | {file.field: 0}).replace(f'"{file.field}": 0', f'"x": {DEEP}'),
        "not readable as",
    ),
    "of another type": (lambda file, content: json.dumps(content | {file.field: {"a": 1}}), "{field}"),
    "of a huge number": (
        lambda file, content: json.dumps(content | {file.field: 0}).replace(
            f'"{file.field}": 0', f'"{file.field}": {"9" * 5000}'
        ),
        "5000 digits",
    ),
    "of a newer version": (lambda file, content: json.dumps(content | {file.version: 999}), "{version} 999"),
    "without a field": (lambda file, content: without(content, file.field), "'{field}' is missing"),
}


@pytest.fixture
def _world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder to work in, with one of each file."""
    write_results(tmp_path / "results" / "toy", ToyResults(clips=2, tasks=("reconstruction",), videos=False))
    shutil.copytree(TESTS / "preprocessing" / "written_before" / "whole", tmp_path / "data" / "whole")
    shutil.copytree(TESTS / "models" / "training" / "written_before", tmp_path / "runs" / "lia" / "old")
    (tmp_path / CONFIG).with_name("model.safetensors").touch()
    (tmp_path / "study").mkdir()
    shutil.copyfile(TESTS / "leaderboards" / "written_before" / "study_2.json", tmp_path / "study" / "study.json")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_world")
@pytest.mark.parametrize(("file", "words"), COMMANDS)
def test_every_command_names_the_file_and_the_field(file: File, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(file.path)
    content = json.loads(path.read_text(encoding="utf-8"))
    for damage, (spoil, said) in DAMAGES.items():
        if damage == "without a field" and not file.needed:
            continue
        spoilt = spoil(file, content)
        path.write_bytes(spoilt if isinstance(spoilt, bytes) else spoilt.encode())
        code = run(words.split(), debug=False)
        printed = capsys.readouterr()
        lines = [line for line in printed.err.splitlines() if path.name in line]
        assert code != 0, f"{damage}: {printed.out}"
        assert printed.err.splitlines()[-1].startswith("error: "), f"{damage}: {printed.err}"
        assert any(said.format(**file._asdict()) in line for line in lines), f"{damage}: {printed.err}"
        assert not re.search(r"unexpected|Traceback", printed.out + printed.err), damage
        path.write_text(json.dumps(content))
