"""`lia-bench quickstart`: the whole chain on the embedded sample dataset."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

STAGES = 5
SMOKE_FOOTAGE = ["--identities", "8", "--frames", "6"]
SMOKE_TRAINING = ["--set", "schedule.iterations=10", "--set", "data.batch_size=2"]


@click.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Where data, runs and results go.",
)
@click.option("--smoke", is_flag=True, help="A few clips and iterations: whether everything runs, in a minute.")
@click.option("--open", "show", is_flag=True, help="Open the report page in the browser at the end.")
def command(folder: Path, smoke: bool, show: bool) -> None:
    """Prepare the sample dataset, train small LIA and FOMM networks on it, compare them, and write the report page.

    Takes a few minutes on two CPU cores. Each stage is an ordinary command and is printed before it runs, the two
    trainings at the same time where there are two cores; started again after an interruption, what is finished is
    not done again.

    \b
    Examples:
      lia-bench quickstart --folder demo --open
      lia-bench quickstart --folder /tmp/smoke --smoke
    """
    from lia_bench.core.provenance import usable_cores

    # Read by torch when it is imported, below. In networks as small as these a second thread waits more than
    # it works: measured on two cores, one thread was 1.5 to 6 times as fast as two.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

    data = folder / "data"
    runs = folder / "runs"
    dataset = data / "sample-64"
    results = ["--results", str(folder / "results")]
    here = ["--dataset", str(dataset), "--runs", str(runs), "--name", "quickstart"]
    footage, training = (SMOKE_FOOTAGE, SMOKE_TRAINING) if smoke else ([], [])
    lia, fomm = (["train", f"{model}:demo-64", *here, *training] for model in ("lia", "fomm"))
    started = time.monotonic()
    _run(1, ["preprocess", "sample", "--size", "64", "--output", str(dataset), *footage])
    if usable_cores() > 1:
        with beside(_announced(3, fomm), folder / "fomm.log"):
            _run(2, lia)
    else:
        _run(2, lia)
        _run(3, fomm)
    _run(4, ["evaluate", "--models", "lia,fomm", *results, *here])
    _run(5, ["leaderboard", "html", *results])
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    click.echo(f"finished in {minutes} min {seconds} s")
    if smoke:
        click.echo("everything runs; networks trained this shortly say nothing about their models")
    if show:
        click.launch(str((folder / "results" / "quickstart" / "report" / "index.html").resolve()))


def _announced(number: int, words: list[str]) -> list[str]:
    click.echo(f"\n[{number}/{STAGES}] lia-bench {shlex.join(words)}", err=True)
    return words


def _run(number: int, words: list[str]) -> None:
    from lia_bench.cli.main import cli

    cli.main(args=_announced(number, words), prog_name="lia-bench", standalone_mode=False)


@contextmanager
def beside(words: Sequence[str], log: Path) -> Iterator[None]:
    """Run a command in a process of its own while the inside runs, and wait for it at the end.

    What it prints goes to `log`, its last line to the terminal, too. Where the inside fails or is interrupted, the
    process is ended as by SIGTERM, which keeps what it has.

    Raises:
        LiaBenchError: it failed.
    """
    from lia_bench.core.errors import LiaBenchError

    click.echo(f"at the same time, in a process of its own, which writes to {log}", err=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "lia_bench", *words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C is for this process, which ends the other one in order.
            start_new_session=True,
        )
        try:
            yield
            process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    last = " ".join(log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:])
    if process.returncode:
        raise LiaBenchError(f"lia-bench {shlex.join(words)} failed: {last}; {log} has all that it said")
    click.echo(last)
