"""`lia-bench quickstart`: the whole chain on the embedded sample dataset."""

import os
import shlex
import sys
import time
from pathlib import Path

import click


@click.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Where data, runs and results go.",
)
def command(folder: Path) -> None:
    """Prepare the sample dataset, train small LIA and FOMM networks on it, and compare them.

    Takes a few minutes on two CPU cores. Each stage is an ordinary command and is printed before it runs;
    started again after an interruption, what is finished is not done again.

    \b
    Example:
      lia-bench quickstart --folder demo
    """
    from lia_bench.cli.main import cli

    # Read by torch when it is imported, below. In networks as small as these a second thread waits more than
    # it works: measured on two cores, one thread was 1.5 to 6 times as fast as two.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

    data = folder / "data"
    runs = folder / "runs"
    dataset = data / "sample-64"
    here = ["--dataset", str(dataset), "--runs", str(runs), "--name", "quickstart"]
    stages = (
        ["preprocess", "sample", "--size", "64", "--output", str(dataset)],
        ["train", "lia:demo-64", *here],
        ["train", "fomm:demo-64", *here],
        ["evaluate", "--models", "lia,fomm", "--results", str(folder / "results"), *here],
    )
    started = time.monotonic()
    for number, words in enumerate(stages, start=1):
        click.secho(f"\n[{number}/{len(stages)}] lia-bench {shlex.join(words)}", bold=sys.stderr.isatty(), err=True)
        cli.main(args=words, prog_name="lia-bench", standalone_mode=False)
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    click.echo(f"finished in {minutes} min {seconds} s")
