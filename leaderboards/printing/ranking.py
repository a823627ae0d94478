"""What is shown between models, two or all of a table by mean rank, for a terminal, a pipe or a log."""

from collections.abc import Iterator

from rich import box
from rich.table import Table
from rich.text import Text

from lia_bench.core.console import wide_console
from lia_bench.core.names import counted
from lia_bench.leaderboards.board.comparison import Comparison, Difference
from lia_bench.leaderboards.board.ranking import Ranking
from lia_bench.leaderboards.results.columns import ARROWS

NO_DIFFERENCE = "no difference shown"

FEW_CLIPS = 20
"""With fewer, simulated 95 % intervals hold the truth in less than 90 % of cases."""


def print_ranking(ranking: Ranking) -> None:
    """Print to standard output: mean ranks with their intervals, who is shown better than whom, what was left out."""
    console = wide_console()
    if ranking.models:
        size = f"mean rank over {counted(len(ranking.metrics), 'metric')}, {counted(ranking.clips, 'clip')}"
        console.print(Text(f"{ranking.title}: {size}", style="bold"), soft_wrap=True)
        console.print(_ranks(ranking))
        measured = [metric for metric in ranking.metrics if metric not in ranking.of_sets]
        if measured:
            title = f"in how many of {counted(len(measured), 'metric')} the row is shown better than the column"
            console.print(Text(title, style="bold"), soft_wrap=True)
            console.print(_matrix(ranking))
        for metric in measured:
            console.print(Text(_verdicts(ranking, metric)), soft_wrap=True)
    for line in [*_remarks(ranking), *ranking.problems]:
        console.print(Text(line, style="dim"), soft_wrap=True)


def _ranks(ranking: Ranking) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", justify="right")
    table.add_column("model", overflow="fold", min_width=len("identity"))
    for column in ("rank ↓", "95 % interval", *ranking.metrics):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column(f"{NO_DIFFERENCE} from", overflow="fold")
    for number, model in enumerate(ranking.models, start=1):
        alike = [
            str(place)
            for place, other in enumerate(ranking.models, start=1)
            if other is not model and model.overlaps(other)
        ]
        interval = f"{model.interval[0]:.2f} to {model.interval[1]:.2f}" if model.interval else "-"
        places = (f"{model.ranks[metric]:g}" for metric in ranking.metrics)
        table.add_row(str(number), Text(model.label), f"{model.rank:.2f}", interval, *places, ", ".join(alike))
    return table


def _matrix(ranking: Ranking) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", justify="right")
    table.add_column("model", overflow="fold", min_width=len("identity"))
    for number in range(1, len(ranking.models) + 1):
        table.add_column(str(number), justify="right", no_wrap=True)
    for winner, model in enumerate(ranking.models):
        cells = [
            "" if loser == winner else str(len(_wins(ranking, winner, loser))) for loser in range(len(ranking.models))
        ]
        table.add_row(str(winner + 1), Text(model.label), *cells)
    return table


def _wins(ranking: Ranking, winner: int, loser: int) -> list[str]:
    """The metrics in which one is shown better than the other."""
    side = "first" if winner < loser else "second"
    differences = ranking.differences[min(winner, loser), max(winner, loser)]
    return [difference.metric for difference in differences if difference.shown == side]


def _verdicts(ranking: Ranking, metric: str) -> str:
    """Who is shown better than whom in a metric, and between whom no difference is shown; models by their numbers."""
    everyone = range(len(ranking.models))
    won = {
        winner: [str(loser + 1) for loser in everyone if loser != winner and metric in _wins(ranking, winner, loser)]
        for winner in everyone
    }
    wins = [f"{winner + 1} better than {', '.join(losers)}" for winner, losers in won.items() if losers]
    ties = [
        f"{first + 1}-{second + 1}"
        for (first, second), differences in ranking.differences.items()
        if any(difference.metric == metric and difference.shown is None for difference in differences)
    ]
    return f"{metric}: " + "; ".join([*wins, *([f"{NO_DIFFERENCE}: {', '.join(ties)}"] if ties else [])])


def _remarks(ranking: Ranking) -> Iterator[str]:
    if ranking.of_sets:
        listed = ", ".join(ranking.of_sets)
        yield f"{listed}: one value for all clips together; counts with its one rank, of which no interval is known"
    if ranking.models and any(model.interval is None for model in ranking.models):
        yield f"no interval of ranks from {counted(ranking.clips, 'clip')} or metrics of sets alone: {NO_DIFFERENCE}"
    elif ranking.models and ranking.clips < FEW_CLIPS:
        yield _few_clips(ranking.clips)


def _few_clips(clips: int) -> str:
    return f"few clips ({clips}): intervals from so few are too narrow, so take what they show as a hint"


def print_comparison(comparison: Comparison) -> None:
    """Print a comparison to standard output, one table a task."""
    console = wide_console()
    for task in dict.fromkeys(difference.task for difference in comparison.differences):
        table = Table(title=f"{comparison.folder.name}: {task}", title_justify="left", box=box.SIMPLE_HEAD)
        for column in ("metric", comparison.first, comparison.second, "difference", "95 % interval", "clips", ""):
            table.add_column(column, justify="left" if column in ("metric", "") else "right")
        for difference in comparison.differences:
            if difference.task == task:
                table.add_row(*_difference_cells(difference, comparison))
        console.print(table)
    fewest = min((difference.clips for difference in comparison.differences), default=FEW_CLIPS)
    if 1 < fewest < FEW_CLIPS:
        console.print(_few_clips(fewest), soft_wrap=True)
    for problem in comparison.problems:
        console.print(f"not compared: {problem}", soft_wrap=True)


def _difference_cells(difference: Difference, comparison: Comparison) -> list[str]:
    low, high = difference.interval or (None, None)
    verdict = {None: "no difference shown", "first": comparison.first, "second": comparison.second}[difference.shown]
    said = verdict if difference.shown is None else f"{verdict} is better"
    if difference.better == "nearer":
        said = "neither end is better"
    return [
        f"{difference.metric} {ARROWS[difference.better]}",
        f"{difference.first:.4g}",
        f"{difference.second:.4g}",
        f"{difference.first - difference.second:+.3g}",
        f"{low:+.3g} to {high:+.3g}" if low is not None and high is not None else "",
        str(difference.clips),
        said,
    ]
