"""Mean ranks and what is shown between models, for a terminal, a pipe or a log."""

from collections.abc import Iterator

from rich import box
from rich.table import Table
from rich.text import Text

from lia_bench.leaderboards.board.ranking import Ranking
from lia_bench.leaderboards.printing.console import wide_console
from lia_bench.leaderboards.results.statistics import FEW_CLIPS, few_clips

PIPED_WIDTH = 120
NO_DIFFERENCE = "no difference shown"


def print_ranking(ranking: Ranking) -> None:
    """Print to standard output: mean ranks with their intervals, who is shown better than whom, what was left out."""
    console = wide_console(PIPED_WIDTH)
    if ranking.models:
        size = f"mean rank over {_many(len(ranking.metrics), 'metric')}, {_many(ranking.clips, 'clip')}"
        console.print(Text(f"{ranking.title}: {size}", style="bold"), soft_wrap=True)
        console.print(_ranks(ranking))
        measured = [metric for metric in ranking.metrics if metric not in ranking.of_sets]
        if measured:
            title = f"in how many of {_many(len(measured), 'metric')} the row is shown better than the column"
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
        yield f"no interval of ranks from {_many(ranking.clips, 'clip')} or metrics of sets alone: {NO_DIFFERENCE}"
    elif ranking.models and ranking.clips < FEW_CLIPS:
        yield few_clips(ranking.clips)


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
