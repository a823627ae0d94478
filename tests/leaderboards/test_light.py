"""What shows results waits for no heavy library and takes little memory: a table of ten rows is no reason for torch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.leaderboards.test_study import answer_all
from tests.leaderboards.toy_results import ToyResults, write_results

HEAVY = ("torch", "torchvision", "torchmetrics", "cv2", "mediapipe", "pandas", "scipy", "matplotlib")
MEGABYTES = 150

COMMANDS = {
    "table": "leaderboard results",
    "with intervals and ranks": "leaderboard results --intervals --rank",
    "papers beside": "leaderboard results --with-published",
    "papers": "leaderboard --published",
    "export": "leaderboard results --output table.csv",
    "comparison": "leaderboard compare lia fomm",
    "page": "leaderboard html results --with-published",
    "study": "study report study",
}

PROGRAM = f"""
import json, sys
from pathlib import Path
from lia_bench.cli.main import run
code = run(sys.argv[1:], False)
loaded = [name for name in {HEAVY!r} if name in sys.modules]
# The maximum of getrusage is the starting process's own where that is larger.
(peak,) = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(json.dumps({{"code": code, "loaded": loaded, "megabytes": int(peak) / 1024}}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with results and a study that was answered."""
    from lia_bench.leaderboards.study.creation import StudyRequest, create_study

    folder = tmp_path_factory.mktemp("light")
    toy = ToyResults(clips=2, models=(*"abcdefgh", "lia", "fomm"), tasks=("reconstruction",), frames=2)
    write_results(folder / "results" / "toy", toy)
    request = StudyRequest((folder / "results" / "toy",), folder / "study", models=("lia", "fomm"), attention_checks=1)
    create_study(request, lambda line: None)
    for rater in ("ann", "bob"):
        answer_all(folder / "study", rater, "lia")
    return folder


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no Linux")
@pytest.mark.parametrize("command", COMMANDS)
def test_showing_results_loads_nothing_heavy(folder: Path, command: str) -> None:
    words = COMMANDS[command].split()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, cwd=folder, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["code"], found["loaded"]) == (0, []), done.stderr
    assert found["megabytes"] < MEGABYTES
