"""Commands that list or explain load no heavy library: a table of ten rows is no reason to wait for torch."""

import json
import subprocess
import sys

import pytest

from lia_bench.cli.main import COMMANDS
from tests.leaderboards.test_study import answer_all, study_of
from tests.leaderboards.toy_results import ToyResults, write_results

# Whatever of these is broken, the commands below do not notice.
HEAVY = (
    *("torch", "torchvision", "torchmetrics", "torchdiffeq", "lightning_fabric", "tensorboard", "safetensors", "lpips"),
    *("cv2", "decord", "skimage", "scipy", "pandas", "matplotlib", "tifffile", "pytorch_fid", "huggingface_hub"),
    *("mediapipe", "face_alignment", "insightface", "onnx", "onnxruntime", "numba"),
    *("gradio", "gdown", "yt_dlp", "ray", "tfrecord", "flask", "waitress"),
)

LISTINGS = (
    *("metrics list", "weights list", "weights list s3fd", "models list", "datasets list", "experiment list"),
    *("leaderboard toy", "leaderboard --published", "leaderboard compare lia fomm --results ."),
    *("leaderboard html toy --output page", "study report study"),
)

PROGRAM = f"""
import contextlib, io, json, sys
import click
from lia_bench.cli.main import cli, run

def pages(command, words):
    yield [*words, "--help"]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from pages(command.get_command(context, name), [*words, name])

found = {{}}
lines = [*pages(cli, []), *(line.split() for line in {LISTINGS!r})]
for words in lines:
    before = set(sys.modules)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        code = run(words, False)
    loaded = [name for name in {HEAVY!r} if name in sys.modules and name not in before]
    found[" ".join(words)] = {{"code": code, "loaded": loaded, "printed": bool(printed.getvalue())}}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """What each command loads that none before it did, by the words that are typed."""
    folder = tmp_path_factory.mktemp("work")
    results = write_results(folder / "toy", ToyResults(clips=4, tasks=("reconstruction",), frames=2))
    study_of(results, folder / "study")
    answer_all(folder / "study", "ann", "lia")
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, cwd=folder)
    result: dict[str, dict[str, object]] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("line", LISTINGS)
def test_listings_load_nothing_heavy(found: dict[str, dict[str, object]], line: str) -> None:
    assert found[line] == {"code": 0, "loaded": [], "printed": True}


def test_help_pages_load_nothing_heavy(found: dict[str, dict[str, object]]) -> None:
    pages = {line: result for line, result in found.items() if line.endswith("--help")}
    assert {line.split()[0] for line in pages} == {"--help", *COMMANDS}
    assert {line: result for line, result in pages.items() if result["loaded"] or not result["printed"]} == {}
