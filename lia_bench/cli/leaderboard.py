"""`lia-bench leaderboard`: what results say."""

from pathlib import Path

import click

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group(name="leaderboard")
def command() -> None:
    """Results of evaluations: compare two models.

    \b
    Example:
      lia-bench leaderboard compare lia fomm
    """


@command.command("compare")
@click.argument("first")
@click.argument("second")
@click.option("--name", help="Folder below --results.  [default: the only one there]")
@click.option("--results", type=FOLDER, default=Path("results"), show_default=True, help="Folder of results.")
def compare(first: str, second: str, name: str | None, results: Path) -> None:
    """Compare two models over the clips that both have: difference of every metric with its 95 % interval.

    FIRST and SECOND are models as the table calls them.

    \b
    Example:
      lia-bench leaderboard compare lia fomm --name vox-256
    """
    from lia_bench.leaderboards.comparison import compare_models, print_comparison

    print_comparison(compare_models(first, second, results, name))
