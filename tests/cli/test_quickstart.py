"""Two commands of `lia-bench quickstart` at the same time; `make dist` runs it whole."""

import time
from pathlib import Path

import pytest

from lia_bench.cli.quickstart import beside
from lia_bench.core.errors import LiaBenchError


def test_both_are_done_in_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "new" / "it.log"
    with beside(["weights", "list", "vgg19"], log):
        print("inside")
    assert "vgg19" in log.read_text()
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0] == "inside"
    assert printed.out.splitlines()[1] in log.read_text()
    assert str(log) in printed.err


def test_one_that_fails_is_named_with_its_reason(tmp_path: Path) -> None:
    with (
        pytest.raises(LiaBenchError, match=r"lia-bench models show lai failed: .*did you mean 'lia'.*it.log"),
        beside(["models", "show", "lai"], tmp_path / "it.log"),
    ):
        pass


ENDLESS = """
import signal, sys, time
from pathlib import Path
def end(number, frame):
    Path("ended").touch()
    sys.exit(143)
signal.signal(signal.SIGTERM, end)
Path("began").touch()
time.sleep(600)
"""


def test_it_is_ended_where_the_inside_is_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = tmp_path / "lia_bench"
    stand_in.mkdir()
    (stand_in / "__init__.py").touch()
    (stand_in / "__main__.py").write_text(ENDLESS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def interrupted_once_it_runs() -> None:
        while not Path("began").exists():
            time.sleep(0.02)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), beside(["train", "fomm"], tmp_path / "it.log"):
        interrupted_once_it_runs()
    assert Path("ended").exists()
