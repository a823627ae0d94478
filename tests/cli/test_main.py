"""The command line as a whole: fast help, one-line errors, exit codes."""

import subprocess
import sys

import click
import pytest

from lia_bench.cli import main as command_line
from lia_bench.core.errors import InputError

HEAVY = ("torch", "numpy", "pandas", "av", "decord", "rich", "tqdm")


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from lia_bench.cli.main import run\n"
        "assert run(['--help'], False) == 0\n"
        f"print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "quickstart" in result.stdout
    assert "HEAVY []" in result.stdout


@pytest.mark.parametrize("name", command_line.COMMANDS)
def test_every_command_has_help_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.run([name, "--help"], False) == 0
    page = capsys.readouterr().out
    assert "Example" in page
    assert f"lia-bench {name}" in page


def test_mistyped_command_suggests_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.run(["evalute"], False) == 2
    assert "did you mean 'evaluate'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "code", "message"),
    [
        (InputError("metadata.csv: no column 'bbox'"), 1, "error: metadata.csv: no column 'bbox'"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(28, "No space left on device", "runs/model"), 1, "runs/model: the disk is full"),
        (PermissionError(13, "Permission denied", "data/x"), 1, "data/x: Permission denied"),
        (ImportError("No module named 'cv2'"), 1, "lia-bench doctor names"),
        # What a server without a desktop's libraries says at the import of OpenCV, and at MediaPipe's first detector.
        (ImportError("libGL.so.1: cannot open shared object file: No such file"), 1, "libgl1 libegl1"),
        (OSError("libEGL.so.1: cannot open shared object file: No such file or directory"), 1, "libegl1"),
        (ZeroDivisionError("division by zero"), 1, "unexpected ZeroDivisionError"),
    ],
)
def test_errors_become_one_line(
    raised: BaseException,
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    @click.command()
    def broken() -> None:
        raise raised

    monkeypatch.setattr(command_line.LazyGroup, "get_command", lambda *_: broken)
    assert command_line.run(["models"], False) == code
    printed = capsys.readouterr().err
    assert message in printed
    assert len(printed.strip().splitlines()) == 1
    assert command_line.run(["models"], True) == code
    assert "Traceback" in capsys.readouterr().err
