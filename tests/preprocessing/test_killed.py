"""Runs that are killed with SIGKILL, and workers that die: what is finished stays, and the end is the same."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lia_bench.core.prepared_dataset import FINISHED_FOLDER
from lia_bench.preprocessing.clip_table import read_metadata
from lia_bench.preprocessing.preparing import PreparationOptions, prepare_from_table
from tests.core.videos import encode
from tests.preprocessing.ended import wait_until_ended
from tests.preprocessing.serial_engine import SerialEngine

PROGRAM = """
import sys
import time
from pathlib import Path
from lia_bench.preprocessing.clip_table import read_metadata
from lia_bench.preprocessing.preparing import PreparationOptions, prepare_from_table
from lia_bench.preprocessing.workers.engine import LocalEngine

class Waiting(LocalEngine):
    def run(self, build, groups):
        for count, result in enumerate(super().run(build, groups)):
            while count == 12 and not output.with_name("go-on").exists():
                time.sleep(0.01)
            yield result

if __name__ == "__main__":
    footage, table, output = map(Path, sys.argv[1:])
    engine = Waiting(2)
    options = PreparationOptions(output, 64, "mp4", engine, engine)
    prepare_from_table(read_metadata(table), footage, options, "vox", {})
"""
"""After twelve clips it waits for a file beside its output, so that no test comes too late on a busy machine."""


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the footage and the table of thirty clips of five videos, and the program that prepares them."""
    folder = tmp_path_factory.mktemp("killed")
    (folder / "footage").mkdir()
    rows = ["video_id,start,end,bbox,fps,width,height,partition,person_id"]
    footage = encode(folder / "video.mp4", count=80, width=320, height=240)
    for video in "abcde":
        shutil.copy(footage, folder / "footage" / f"{video}.mp4")
        rows += [f"{video},{10 * k},{10 * k + 30},20-20-220-220,25,320,240,train,p" for k in range(6)]
    (folder / "table.csv").write_text("\n".join(rows) + "\n")
    (folder / "program.py").write_text(PROGRAM)
    return folder


@pytest.fixture
def words(material: Path) -> list[str]:
    """The command that prepares them; the output folder is still to be added."""
    return [sys.executable, *(str(material / name) for name in ("program.py", "footage", "table.csv"))]


@pytest.fixture(scope="module")
def whole(material: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The table of a run that nothing stopped."""
    output = tmp_path_factory.mktemp("whole")
    _finish(material, output)
    return _table(output)


def _finish(material: Path, output: Path) -> None:
    """Prepare what is left, in this process."""
    options = PreparationOptions(output, 64, "mp4", SerialEngine(), SerialEngine())
    prepare_from_table(read_metadata(material / "table.csv"), material / "footage", options, "vox", {})


def _clips(output: Path) -> list[Path]:
    return sorted((output / "train").glob("p#*.mp4")) if output.exists() else []


def _wait_for(count: int, output: Path, process: "subprocess.Popen[bytes]") -> None:
    while len(_clips(output)) < count and process.poll() is None:
        time.sleep(0.005)


def _noted(output: Path) -> set[str]:
    """Clips that the run has written down as finished; a line that the kill cut short is none."""
    files = (output / FINISHED_FOLDER).glob("clips-*.jsonl")
    lines = (line for file in files for line in file.read_text(encoding="utf-8").splitlines())
    return {json.loads(line)["clip"] for line in lines if line.endswith("}")}


def _table(output: Path) -> bytes:
    return (output / "clips.csv").read_bytes()


@pytest.mark.slow
def test_a_killed_run_ends_in_the_same_bytes(words: list[str], material: Path, whole: bytes, tmp_path: Path) -> None:
    output = tmp_path / "killed"
    before: dict[Path, int] = {}
    for count in (1, 8, 15):
        process = subprocess.Popen([*words, str(output)], stderr=subprocess.DEVNULL)
        _wait_for(count, output, process)
        workers = list(_children(process.pid))
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until_ended(workers)
        assert not (output / "clips.csv").exists()
        assert all(path.stat().st_mtime_ns == time for path, time in before.items()), "a finished clip was cut again"
        # One a worker may have lain in its place without having been noted yet.
        noted = _noted(output)
        before = {
            path: path.stat().st_mtime_ns for path in _clips(output) if path.relative_to(output).as_posix() in noted
        }
        assert len(before) >= count - 4
    _finish(material, output)
    assert _table(output) == whole
    assert not list(output.glob("*/.*"))


@pytest.mark.slow
def test_a_worker_that_is_killed_takes_one_clip_with_it(
    words: list[str], material: Path, whole: bytes, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    process = subprocess.Popen([*words, str(output)], stderr=subprocess.DEVNULL)
    _wait_for(5, output, process)
    victim = next(_children(process.pid))
    os.kill(victim, signal.SIGSTOP)
    # By the second clip of the other worker, this one has a job, too.
    _wait_for(len(_clips(output)) + 2, output, process)
    os.kill(victim, signal.SIGKILL)
    (tmp_path / "go-on").touch()
    assert process.wait() == 0
    all_lines, lines = whole.splitlines(), _table(output).splitlines()
    lost = [line for line in lines if b',failed,"worker_died: its process was ended by SIGKILL' in line]
    assert len(lost) == 1
    assert len(set(all_lines) & set(lines)) == len(all_lines) - 1
    _finish(material, output)
    assert _table(output) == whole


def _children(parent: int) -> Iterator[int]:
    """The worker processes of a process, without the helper that Python starts beside them."""
    for task in Path(f"/proc/{parent}/task").iterdir():
        for child in (task / "children").read_text().split():
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                yield int(child)


@pytest.mark.slow
def test_two_runs_at_once(words: list[str], tmp_path: Path) -> None:
    first = subprocess.Popen([*words, str(tmp_path / "out")], stderr=subprocess.DEVNULL)
    _wait_for(1, tmp_path / "out", first)
    first.send_signal(signal.SIGSTOP)
    second = subprocess.run([*words, str(tmp_path / "out")], capture_output=True, text=True, check=False)
    first.send_signal(signal.SIGCONT)
    (tmp_path / "go-on").touch()
    assert second.returncode != 0
    assert "another run is preparing this dataset" in second.stderr
    assert first.wait() == 0
