"""Leaderboards for a terminal, a pipe or a log."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lia_bench.leaderboards.cells import describe_cell
from lia_bench.leaderboards.tables import Measurement, measurements, ordered
from lia_bench.metrics.registry import METRICS

PIPED_WIDTH = 100
BEST = "*"


def print_leaderboard(content: Mapping[str, Any]) -> None:
    """Print a report's tables to standard output, one a task; `*` marks the best value of a column.

    Columns without any value are left out, and the reason is a line below.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PIPED_WIDTH)
    everything = measurements(content)
    for task, transfer in dict.fromkeys((measurement.task, measurement.transfer) for measurement in everything):
        rows = [row for row in everything if (row.task, row.transfer) == (task, transfer)]
        setting = content["setting"]
        size = f"{setting['width']}x{setting['height']}"
        title = f"{setting['dataset']} at {size}: {task}, {transfer} transfer"
        console.print(Text(title, style="bold"), soft_wrap=True)
        console.print(_table(content, rows))
        for line in _remarks(content, rows):
            console.print(Text(line, style="dim"), soft_wrap=True)


def _table(content: Mapping[str, Any], rows: Sequence[Measurement]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("model", overflow="fold", min_width=len("identity"))
    metrics = [name for name in ordered(content["setting"]["metrics"]) if any(row.values(name) for row in rows)]
    for name in metrics:
        arrow = "↓" if METRICS[name].better == "lower" else "↑"
        table.add_column(f"{name} {arrow}", justify="right", no_wrap=True)
    for name in ("fps ↑", "clips"):
        table.add_column(name, justify="right", no_wrap=True)
    columns = [_metric_column(name, rows) for name in metrics]
    columns.append(_column([row.frames_per_second() for row in rows], 1, lower=False))
    for number, row in enumerate(rows):
        table.add_row(Text(row.model["label"]), *(column[number] for column in columns), str(len(row.clips)))
    return table


def _metric_column(name: str, rows: Sequence[Measurement]) -> list[Text]:
    means = [sum(values) / len(values) if (values := row.values(name)) else None for row in rows]
    return _column(means, METRICS[name].decimals, METRICS[name].better == "lower")


def _column(values: Sequence[float | None], decimals: int, lower: bool) -> list[Text]:
    there = [value for value in values if value is not None]
    best = (min(there) if lower else max(there)) if there else None
    return [_cell(value, decimals, value == best) for value in values]


def _cell(value: float | None, decimals: int, is_best: bool) -> Text:
    if value is None:
        return Text("-")
    return Text((BEST if is_best else "") + f"{value:.{decimals}f}", style="bold green" if is_best else "")


def _remarks(content: Mapping[str, Any], rows: Sequence[Measurement]) -> list[str]:
    """One line a reason, with the metrics whose whole column it left empty."""
    cells = [describe_cell(row, metric) for row in rows for metric in ordered(content["setting"]["metrics"])]
    filled = {cell["metric"] for cell in cells if cell["reason"] is None}
    reasons: dict[str, list[str]] = {}
    for cell in cells:
        if cell["metric"] not in filled and cell["metric"] not in reasons.setdefault(cell["reason"], []):
            reasons[cell["reason"]].append(cell["metric"])
    return [f"{', '.join(metrics)}: {reason}" for reason, metrics in reasons.items()]
