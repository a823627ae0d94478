"""`lia-bench leaderboard html`: results as a page with moving pictures."""

from pathlib import Path

import click

from lia_bench.cli.results_paths import list_problems, results_paths

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(name="html")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--results", type=FOLDER, default=Path("results"), show_default=True, help="Where FILES are not given.")
@click.option("--name", help="Only this folder below --results.")
@click.option("--with-published", is_flag=True, help="What papers print beneath, apart.")
@click.option(
    "--output",
    type=FOLDER,
    help="Folder to write.  [default: `report` in the folder of results, or in the one that holds them all]",
)
def command(
    files: tuple[Path, ...], results: Path, name: str | None, with_published: bool, output: Path | None
) -> None:
    """Write a page that opens from disk: tables, metrics, clips, and the videos of all models side by side and in step.

    FILES are folders of results. The page and its videos are one folder that needs no server and no internet, and may
    be moved. Videos are hard links of those in the results where the disk allows it, so that they take no room.

    \b
    Examples:
      lia-bench leaderboard html
      lia-bench leaderboard html results/vox-256 results/vox-256-later --with-published
    """
    from lia_bench.leaderboards.html.report import write_report
    from lia_bench.leaderboards.results.published import published_rows

    paths = results_paths(files, results, name)
    written = write_report(paths, output, published_rows() if with_published else ())
    for line in written.remarks:
        click.echo(line, err=True)
    error = list_problems(written.problems)
    click.echo(f"report: {written.index}")
    if error is not None:
        raise error
