"""A run's JSON files: those of the first version are read and go on, damaged ones are one line with file and key."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lia_bench.core.errors import LiaBenchError
from lia_bench.models.checkpoint import read_description
from lia_bench.models.loading import load_experiment
from lia_bench.models.training.run_folder import RunFolder

BEFORE = Path(__file__).parent / "written_before"
STEP = "00001500"
DEEP = "[" * 100_000 + "]" * 100_000
CONFIG = f"checkpoints/{STEP}/config.json"
READERS: dict[str, Callable[[Path], object]] = {
    "run.json": lambda run: RunFolder(run).description(),
    "checkpoints.json": lambda run: RunFolder(run).last(),
    CONFIG: lambda run: read_description(run / "checkpoints" / STEP),
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return shutil.copytree(BEFORE, tmp_path / "run")


def test_a_run_of_the_first_version_is_read(run: Path) -> None:
    folder = RunFolder(run)
    description = folder.description()
    assert (description.model, description.variant) == ("lia", "demo-64")
    assert description.dataset.name == "sample-64"
    assert [(session.from_step, session.accelerator) for session in description.sessions] == [(0, "cpu")]
    assert folder.last() == folder.best() == run / "checkpoints" / STEP
    assert folder.lowest_l1() == 0.057901736348867416
    assert folder.written() == "2026-11-29T09:02:49.576607+00:00"


def test_a_checkpoint_of_the_first_version_is_read(run: Path) -> None:
    description = read_description(run / "checkpoints" / STEP)
    assert (description.model, description.variant, description.step) == ("lia", "demo-64", 1500)
    assert description.weights == "as trained"
    _, experiment = load_experiment("lia", "demo-64", [description.experiment])
    assert experiment.schedule.iterations == 1500


def test_a_run_of_the_first_version_goes_on(run: Path) -> None:
    folder = RunFolder(run)
    description = folder.description()
    folder.begin(description.with_session(description.sessions[0]), {})
    folder.checkpoint(1600).mkdir()
    folder.record(1600, 0.06)
    assert len(folder.description().sessions) == 2
    assert folder.last() == folder.checkpoint(1600)
    assert folder.best() == folder.checkpoint(1500)


def test_keys_that_another_program_added_stay(run: Path) -> None:
    path = run / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"note": "mine"}))
    folder = RunFolder(run)
    folder.begin(folder.description(), {})
    assert json.loads(path.read_text())["note"] == "mine"


TEXTS = ("", "{", "[]", "null", DEEP, '{"format": 1, "runs": ' + DEEP + "}")


# An empty index of checkpoints is rebuilt, as the next test shows.
@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name in READERS for text in TEXTS if text or name != "checkpoints.json"]
)
def test_what_is_no_such_file_is_one_line(run: Path, name: str, text: str) -> None:
    (run / name).write_text(text)
    assert name in _refusal(run, name)


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\0" * 300, b'{"format": 1}'])
def test_an_index_that_is_lost_or_empty_is_told_from_the_checkpoints(
    run: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run / "checkpoints.json"
    before = json.loads(path.read_text())
    (run / "checkpoints" / "00001400").mkdir()
    (run / "metrics.csv").write_text("step,validation_l1\n1400,0.05\n1450,0.01\n1500,0.057\n1500\n1501,x")
    path.unlink() if content is None else path.write_bytes(content)
    folder = RunFolder(run)
    assert folder.last() == run / "checkpoints" / STEP
    assert folder.best() == run / "checkpoints" / "00001400"
    assert (path.read_bytes() if path.is_file() else None) == content
    reason = "it is lost" if content is None else "it names none"
    assert capsys.readouterr().err == (
        f"{path}: not readable as an index of checkpoints ({reason}): rebuilt from their folders, "
        "the last is 00001500, the best 00001400\n"
    )
    folder.restore_index()
    folder.tidy()
    restored = json.loads(path.read_text())
    assert restored.keys() == before.keys() | {"format"}
    assert (restored["last_validation_l1"], restored["best_validation_l1"]) == (0.057, 0.05)
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"00001400", "00001500"}


def test_without_the_table_of_losses_the_last_checkpoint_is_the_best_until_the_next(run: Path) -> None:
    (run / "checkpoints.json").unlink()
    folder = RunFolder(run)
    assert folder.best() == folder.last() == run / "checkpoints" / STEP
    folder.restore_index()
    folder.checkpoint(1600).mkdir()
    folder.record(1600, 0.9)
    assert folder.best() == folder.last() == folder.checkpoint(1600)


@pytest.mark.parametrize(
    ("name", "keys", "value"),
    [
        ("run.json", ("model",), 7),
        ("run.json", ("model",), None),
        ("run.json", ("dataset",), "sample"),
        ("run.json", ("dataset", "hash"), ["a"]),
        ("run.json", ("sessions",), {"0": {}}),
        ("run.json", ("sessions", 0, "from_step"), "0"),
        ("run.json", ("sessions", 0, "from_step"), -1),
        ("checkpoints.json", ("last",), "../../elsewhere"),
        ("checkpoints.json", ("last",), 1500),
        ("checkpoints.json", ("best",), True),
        ("checkpoints.json", ("best_validation_l1",), "low"),
        ("checkpoints.json", ("written",), 2026),
        (CONFIG, ("model",), ["lia"]),
        (CONFIG, ("variant",), None),
        (CONFIG, ("step",), 1.5),
        (CONFIG, ("experiment",), "lia"),
        (CONFIG, ("format",), "one"),
    ],
)
def test_a_value_of_another_kind_is_one_line_with_its_key(
    run: Path, name: str, keys: tuple[str | int, ...], value: object
) -> None:
    path = run / name
    content: Any = json.loads(path.read_text())
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    path.write_text(json.dumps(content))
    refusal = _refusal(run, name)
    assert name in refusal
    assert ".".join(map(str, keys)) in refusal


@pytest.mark.parametrize("name", READERS)
def test_a_file_of_a_later_version_asks_for_an_upgrade(run: Path, name: str) -> None:
    (run / name).write_text(json.dumps(json.loads((run / name).read_text()) | {"format": 2}))
    assert "upgrade LIA-Bench" in _refusal(run, name)


def _refusal(run: Path, name: str) -> str:
    with pytest.raises(LiaBenchError) as caught:
        READERS[name](run)
    message = str(caught.value)
    assert message.startswith(str(run))
    assert "\n" not in message
    return message
