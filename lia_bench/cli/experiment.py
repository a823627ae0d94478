"""`lia-bench experiment`: what papers measured, by one command, published numbers beside measured ones."""

from pathlib import Path

import click

from lia_bench.cli.options import names
from lia_bench.core.number_types import BATCH_SIZE

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group()
def command() -> None:
    """The experiments of the papers: list, explain and run them. NAME may be the path of a YAML file.

    \b
    Examples:
      lia-bench experiment list
      lia-bench experiment run lia-table1-vox --models lia,fomm
    """


_data = click.option(
    "--data", type=FOLDER, default=Path("data"), show_default=True, help="Folder of prepared datasets."
)
_runs = click.option("--runs", type=FOLDER, default=Path("runs"), show_default=True, help="Folder of training runs.")


@command.command("list")
def list_experiments() -> None:
    """Every experiment that there is.

    \b
    Example:
      lia-bench experiment list
    """
    from rich.table import Table
    from rich.text import Text

    from lia_bench.core.console import wide_console
    from lia_bench.leaderboards.experiments.registry import EXPERIMENTS, find_experiment

    table = Table(box=None, pad_edge=False)
    for name in ("experiment", "what", "hash"):
        table.add_column(name, overflow="fold")
    for name in EXPERIMENTS:
        experiment = find_experiment(name)
        table.add_row(name, Text(experiment.content.title), experiment.label.rpartition("#")[2])
    wide_console().print(table)


@command.command("show")
@click.argument("name")
@_data
@_runs
def show(name: str, data: Path, runs: Path) -> None:
    """What an experiment takes, and what of that is here: datasets, checkpoints, weights.

    \b
    Example:
      lia-bench experiment show lia-table1-vox
    """
    from lia_bench.leaderboards.experiments.registry import find_experiment
    from lia_bench.leaderboards.experiments.requirements import evaluations, requirements
    from lia_bench.leaderboards.experiments.table import print_requirements

    experiment = find_experiment(name)
    rows = experiment.content.rows
    print_requirements(
        experiment, [(one.title, requirements(one, rows, data, runs)) for one in evaluations(experiment)]
    )


@command.command("run")
@click.argument("name")
@click.option(
    "--models",
    callback=names,
    metavar="NAME[:VARIANT][@CHECKPOINT],...",
    help="Only these. A name alone means the checkpoints that fit its rows.  [default: every row's]",
)
@click.option("--name", "prefix", help="What the results folders begin with.  [default: the experiment's name]")
@click.option("--device", help="cpu, cuda, cuda:1, ...  [default: the GPU where there is one]")
@click.option(
    "--batch-size", type=BATCH_SIZE, default=8, show_default=True, help="Frames rendered together; changes no number."
)
@click.option("--videos/--no-videos", default=True, show_default=True, help="Write videos, as `evaluate` does.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="CSV file to write the tables to, too.")
@_data
@_runs
@click.option("--results", type=FOLDER, default=Path("results"), show_default=True, help="Folder of results.")
def run(
    name: str,
    models: tuple[str, ...] | None,
    prefix: str | None,
    device: str | None,
    batch_size: int,
    videos: bool,
    output: Path | None,
    data: Path,
    runs: Path,
    results: Path,
) -> None:
    """Evaluate what can be evaluated, print measured beside published, and say what empty cells lack.

    Each dataset and task of the experiment is a folder of results, as `evaluate` writes it. Killed and started again,
    or started with other models, it does what is left.

    \b
    Examples:
      lia-bench experiment run lia-table1-vox --models lia,fomm
      lia-bench experiment run mine.yaml --no-videos --output mine.csv
    """
    from lia_bench.core.atomic import write_text
    from lia_bench.core.console import say
    from lia_bench.core.errors import InputError
    from lia_bench.core.memory import batch_size_advice, keep_freed_memory
    from lia_bench.leaderboards.experiments.registry import find_experiment
    from lia_bench.leaderboards.experiments.run import ExperimentRequest, run_experiment
    from lia_bench.leaderboards.experiments.table import as_csv, print_tables

    experiment = find_experiment(name)
    request = ExperimentRequest(models, prefix, data, runs, results, device, batch_size, videos)
    keep_freed_memory()
    with batch_size_advice(batch_size):
        outcome = run_experiment(experiment, request, say)
    print_tables(experiment, outcome.tables)
    if output is not None:
        write_text(output, as_csv(experiment, outcome.tables))
    if outcome.failures:
        raise InputError(f"a clip was left out: {outcome.failures[0]}; report.json in the results folder lists all")
    if not any(table.measured_on for table in outcome.tables):
        raise InputError(f"nothing of {experiment.name} could be evaluated: the tables say what it takes")
