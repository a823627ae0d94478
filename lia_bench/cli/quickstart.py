"""`lia-bench quickstart`: the whole chain on the embedded sample dataset."""

import os
import shlex
import time
from pathlib import Path

import click

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

    Takes a few minutes on two CPU cores. Each stage is an ordinary command and is printed before it runs;
    started again after an interruption, what is finished is not done again.

    \b
    Examples:
      lia-bench quickstart --folder demo --open
      lia-bench quickstart --folder /tmp/smoke --smoke
    """
    from lia_bench.cli.main import cli

    # Read by torch when it is imported, below. In networks as small as these a second thread waits more than
    # it works: measured on two cores, one thread was 1.5 to 6 times as fast as two.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

    data = folder / "data"
    runs = folder / "runs"
    dataset = data / "sample-64"
    results = ["--results", str(folder / "results")]
    here = ["--dataset", str(dataset), "--runs", str(runs), "--name", "quickstart"]
    footage, training = (SMOKE_FOOTAGE, SMOKE_TRAINING) if smoke else ([], [])
    stages = (
        ["preprocess", "sample", "--size", "64", "--output", str(dataset), *footage],
        ["train", "lia:demo-64", *here, *training],
        ["train", "fomm:demo-64", *here, *training],
        ["evaluate", "--models", "lia,fomm", *results, *here],
        ["leaderboard", "html", *results],
    )
    started = time.monotonic()
    for number, words in enumerate(stages, start=1):
        click.echo(f"\n[{number}/{len(stages)}] lia-bench {shlex.join(words)}", err=True)
        cli.main(args=words, prog_name="lia-bench", standalone_mode=False)
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    click.echo(f"finished in {minutes} min {seconds} s")
    if smoke:
        click.echo("everything runs; networks trained this shortly say nothing about their models")
    if show:
        click.launch(str((folder / "results" / "quickstart" / "report" / "index.html").resolve()))
