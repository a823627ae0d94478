"""`lia-bench leaderboard`: what results say, and what papers print."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lia_bench.cli.options import names
from lia_bench.core.names import counted

if TYPE_CHECKING:
    from lia_bench.core.errors import InputError
    from lia_bench.leaderboards.board.board import Board, View

FOLDER = click.Path(path_type=Path, file_okay=False)
SUFFIXES = {".csv": "csv", ".md": "markdown", ".tex": "latex", ".json": "json"}
TABLE = "table"
HELP = """Show results together: those of all folders below --results, or of FILES and folders.

Of what was measured twice the newest row is shown. Rows stand in one table only if they may be ranked: same
dataset, protocol, extractors and clips; what tells the tables apart is said. Exit code 1 says that a file, line or
cell could not be read, or that a file was edited; all else is shown.

With --by the rows are the checkpoints that were evaluated, by what their config.json says of KEY: as `train --set`
takes it, or as the model's paper calls it. What the paper itself prints for that setting comes below, apart.

\b
Examples:
  lia-bench leaderboard --sort lpips --intervals
  lia-bench leaderboard results/vox-256 --with-published --output table.tex
  lia-bench leaderboard --published --paper lia --table 1
  lia-bench leaderboard --by motion.directions
  lia-bench leaderboard compare lia fomm
"""


class DefaultCommand(click.Group):
    """A group that runs its command `default` where the first word names no other; its help page shows both."""

    def __init__(self, *args: Any, default: click.Command, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._default = default
        self.add_command(default)

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Put the default command's name before words that start with no command."""
        if not args or (args[0] not in self.commands and args[0] not in self.get_help_option_names(context)):
            args = [str(self._default.name), *args]
        return super().parse_args(context, args)

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, but the default command's name is in no message, since nobody types it."""
        name, command, rest = super().resolve_command(context, args)
        return ("" if command is self._default else name), command, rest

    def list_commands(self, context: click.Context) -> list[str]:
        """The commands that have to be named."""
        return [name for name in super().list_commands(context) if name != self._default.name]

    def format_usage(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Two lines: of the default command, and of the others."""
        pieces = " ".join(self._default.collect_usage_pieces(context))
        formatter.write_usage(context.command_path, pieces)
        formatter.write_usage(context.command_path, "COMMAND ...", prefix="   or: ")

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The default command's options, and the other commands."""
        click.Command.format_options(self._default, context, formatter)
        self.format_commands(context, formatter)


def _filter(column: str, what: str) -> click.Option:
    return click.Option([f"--{column}"], callback=names, metavar="NAMES", help=f"Only {what}, separated by commas.")


def _show(
    files: Sequence[Path],
    results: Path,
    name: str | None,
    key: str | None,
    metrics: tuple[str, ...] | None,
    sort: str | None,
    group: str | None,
    published: bool,
    with_published: bool,
    intervals: bool,
    rank: bool,
    format_name: str | None,
    output: Path | None,
    **filters: tuple[str, ...] | None,
) -> None:
    wanted = {column: values for column, values in filters.items() if values is not None}
    if key is not None:
        if files or wanted or metrics or sort or group or published or with_published or rank or format_name or output:
            raise click.UsageError("--by goes with --results and --name alone")
        _show_by(key, results, name)
        return
    paths = _paths(files, results, name, wanted, published, with_published)
    chosen = _format(format_name, output)
    if rank and (chosen != TABLE or published):
        raise click.UsageError(
            "--rank is of measured rows and goes to the terminal: leave out --format and --published"
        )
    from lia_bench.leaderboards.board.board import View, measured_board, published_board

    view = View(wanted, metrics, sort, group)
    board = published_board(view) if published else measured_board(paths, view, with_published)
    if chosen == TABLE:
        _print(board, view, published, intervals)
        unread = _print_ranks(board) if rank else ()
    else:
        unread = ()
        _export(board, chosen, intervals, output)
    if (error := _list_problems([*board.problems, *unread])) is not None:
        raise error


def _results_paths(files: Sequence[Path], results: Path, name: str | None) -> Sequence[Path]:
    """The files and folders that were given, else the folder `name` of results, else all of them.

    Raises:
        UsageError: there are both files and a name.
    """
    if files and name:
        raise click.UsageError("give either files and folders, or --name")
    return files or [results if name is None else results / name]


def _list_problems(problems: Sequence[str]) -> "InputError | None":
    """Print a line for each problem to standard error; returns the error to end with, None where there are none."""
    from lia_bench.core.errors import InputError

    for line in problems:
        click.echo(f"problem: {line}", err=True)
    if not problems:
        return None
    count = counted(len(problems), "problem")
    return InputError(f"{count} with these results, listed above; the rest is shown")


def _show_by(key: str, results: Path, name: str | None) -> None:
    from lia_bench.leaderboards.board.by_setting import leaderboard_by
    from lia_bench.leaderboards.printing.by_setting import print_by_setting

    print_by_setting(leaderboard_by(key, results, name))


def _paths(
    files: Sequence[Path],
    results: Path,
    name: str | None,
    filters: Collection[str],
    published: bool,
    with_published: bool,
) -> Sequence[Path]:
    """What to read of results; UsageError where options exclude each other."""
    if published and (files or name or with_published):
        raise click.UsageError("--published shows papers alone; --with-published shows them beside results")
    paths = _results_paths(files, results, name)
    if {"paper", "table"} & {*filters} and not (published or with_published):
        raise click.UsageError("--paper and --table are of published rows: give --published or --with-published")
    return paths


def _format(format_name: str | None, output: Path | None) -> str:
    """What to write: as asked for, or as the file's suffix says."""
    if output is None or format_name is not None:
        if output is not None and format_name == TABLE:
            raise click.UsageError("a table is printed: give --output another --format")
        return format_name or TABLE
    if output.suffix not in SUFFIXES:
        raise click.UsageError(f"'{output.name}' says no format: give --format, or a name in {', '.join(SUFFIXES)}")
    return SUFFIXES[output.suffix]


def _print(board: "Board", view: "View", published: bool, intervals: bool) -> None:
    from lia_bench.leaderboards.printing.papers import print_published
    from lia_bench.leaderboards.printing.terminal import print_board

    # Sorted or grouped, rows have no paper's shape any more.
    if published and view.sort is None and view.group is None:
        print_published([row for group in board.groups for row in group.rows], board.columns)
    else:
        print_board(board, intervals)


def _print_ranks(board: "Board") -> Sequence[str]:
    """Print the ranks of each group; returns a line for each report that could not be read."""
    from lia_bench.leaderboards.board.measured_rows import Reports
    from lia_bench.leaderboards.board.ranking import rank
    from lia_bench.leaderboards.printing.ranking import print_ranking

    reports = Reports()
    for group in board.groups:
        # Every folder's intervals are drawn with its seed; ranks of several folders need one.
        seed = group.rows[0].seed
        print_ranking(rank(group, board.columns, int(seed) if seed.isdecimal() else 0, reports))
    return reports.problems


def _export(board: "Board", chosen: str, intervals: bool, output: Path | None) -> None:
    from lia_bench.core.atomic import write_text
    from lia_bench.leaderboards.printing.exports import FORMATS

    text = FORMATS[chosen](board.apart(), board.columns, intervals)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_text(output, text)
        click.echo(f"written: {output}")
    for line in (*board.differences, *board.remarks):
        click.echo(line, err=True)


SHOW = click.Command(
    "show",
    callback=_show,
    hidden=True,
    help=HELP,
    params=[
        click.Argument(["files"], nargs=-1, type=click.Path(path_type=Path)),
        click.Option(
            ["--results"], type=FOLDER, default=Path("results"), show_default=True, help="Where FILES are not given."
        ),
        click.Option(["--name"], help="Only this folder below --results."),
        click.Option(["--by", "key"], metavar="KEY", help="A row for each value of this setting of the models."),
        _filter("model", "these models, as name or name:variant"),
        _filter("dataset", "these datasets"),
        _filter("task", "these tasks"),
        _filter("transfer", "these modes of transfer"),
        _filter("protocol", "these protocols"),
        click.Option(["--metrics"], callback=names, metavar="NAMES", help="Columns to show, separated by commas."),
        click.Option(["--sort"], metavar="COLUMN", help="Best row first; text and counts upwards."),
        click.Option(["--group"], metavar="COLUMN", help="A table for each value of a column of text, such as device."),
        click.Option(["--intervals"], is_flag=True, help="95 % intervals with the numbers."),
        click.Option(["--rank"], is_flag=True, help="Mean rank over metrics with its uncertainty below each table."),
        click.Option(
            ["--with-published"], is_flag=True, help="Rows of papers beneath, apart and never ranked with yours."
        ),
        click.Option(["--published"], is_flag=True, help="What papers print, from here alone."),
        _filter("paper", "published rows of these papers"),
        _filter("table", "published rows of these tables"),
        click.Option(
            ["--format", "format_name"],
            type=click.Choice([TABLE, *SUFFIXES.values()]),
            help="What to write.  [default: by the suffix of --output, else table]",
        ),
        click.Option(
            ["--output"], type=click.Path(path_type=Path, dir_okay=False), help="File to write.  [default: printed]"
        ),
    ],
)


@click.group(name="leaderboard", cls=DefaultCommand, default=SHOW, help=HELP)
def command() -> None:
    pass


@command.command("html")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--results", type=FOLDER, default=Path("results"), show_default=True, help="Where FILES are not given.")
@click.option("--name", help="Only this folder below --results.")
@click.option("--with-published", is_flag=True, help="What papers print beneath, apart.")
@click.option(
    "--output",
    type=FOLDER,
    help="Folder to write.  [default: `report` in the folder of results, or in the one that holds them all]",
)
def html(files: tuple[Path, ...], results: Path, name: str | None, with_published: bool, output: Path | None) -> None:
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

    paths = _results_paths(files, results, name)
    written = write_report(paths, output, published_rows() if with_published else ())
    for line in written.remarks:
        click.echo(line, err=True)
    error = _list_problems(written.problems)
    click.echo(f"report: {written.index}")
    if error is not None:
        raise error


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
    from lia_bench.leaderboards.board.comparison import compare_models
    from lia_bench.leaderboards.printing.ranking import print_comparison

    print_comparison(compare_models(first, second, results, name))
