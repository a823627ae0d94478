"""Leaderboards for a terminal, a pipe or a log."""

from collections.abc import Iterator, Mapping, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from lia_bench.core.console import wide_console
from lia_bench.leaderboards.printing.marks import marked_cell
from lia_bench.leaderboards.results.measurement import Measurement, measurements
from lia_bench.leaderboards.results.report import Report
from lia_bench.metrics.registry import METRICS, ordered
from lia_bench.metrics.specification import MetricSpecification


def print_leaderboard(report: Report) -> None:
    """Print a report's tables to standard output, one a task; `*` marks the best value of a column.

    Columns without any value are left out, and the reason is a line below.
    """
    console = wide_console()
    everything = measurements(report)
    for task, transfer in dict.fromkeys((measurement.task, measurement.transfer) for measurement in everything):
        rows = [row for row in everything if (row.task, row.transfer) == (task, transfer)]
        size = f"{report.setting.width}x{report.setting.height}"
        title = f"{report.setting.dataset} at {size}: {task}" + (f", {transfer} transfer" if transfer else "")
        console.print(Text(title, style="bold"), soft_wrap=True)
        console.print(_table(report, rows))
        for line in _remarks(report, rows):
            console.print(Text(line, style="dim"), soft_wrap=True)


def _table(report: Report, rows: Sequence[Measurement]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("model", overflow="fold", min_width=len("identity"))
    metrics = [name for name in ordered(report.setting.metrics) if any(row.value(name) is not None for row in rows)]
    for name in metrics:
        arrow = "↓" if _meaning(name, rows).better == "lower" else "↑"
        table.add_column(f"{name} {arrow}", justify="right", no_wrap=True)
    columns = [_metric_column(name, rows) for name in metrics]
    speeds = [row.frames_per_second() for row in rows]
    if any(speeds):
        table.add_column("fps ↑", justify="right", no_wrap=True)
        columns.append(_column(speeds, 1, lower=False))
    table.add_column("clips", justify="right", no_wrap=True)
    for number, row in enumerate(rows):
        table.add_row(Text(row.label), *(column[number] for column in columns), str(len(row.clips)))
    return table


def _metric_column(name: str, rows: Sequence[Measurement]) -> list[Text]:
    meaning = _meaning(name, rows)
    return _column([row.value(name) for row in rows], meaning.decimals, meaning.better == "lower")


def _meaning(name: str, rows: Sequence[Measurement]) -> MetricSpecification:
    """The definition that a column stands for."""
    return METRICS[next(row.run.plan.metrics[name].definition for row in rows if row.value(name) is not None)]


def _column(values: Sequence[float | None], decimals: int, lower: bool) -> list[Text]:
    there = [value for value in values if value is not None]
    best = (min(there) if lower else max(there)) if there else None
    return [
        marked_cell("", False) if value is None else marked_cell(f"{value:.{decimals}f}", value == best)
        for value in values
    ]


def _remarks(report: Report, rows: Sequence[Measurement]) -> list[str]:
    """Who transferred motion another way; why columns are empty, a line a reason; which cells are; frames and clips
    left out; distances of too few samples."""
    metrics = ordered(report.setting.metrics)
    cells = [row.cell(metric) for row in rows for metric in metrics]
    filled = {cell.metric for cell in cells if cell.reason is None}
    without_weights = {metric: names for row in rows for metric, names in row.run.missing_weights.items()}
    reasons: dict[str, list[str]] = {}
    for cell in cells:
        if cell.reason is None or cell.metric in without_weights:
            continue
        where = cell.metric if cell.metric not in filled else f"{cell.metric} of {cell.model}"
        if where not in reasons.setdefault(cell.reason, []):
            reasons[cell.reason].append(where)
    return [
        *_other_transfers(rows),
        *(f"{', '.join(where)}: {reason}" for reason, where in reasons.items()),
        *_frames_left_out(rows, [metric for metric in metrics if metric in filled]),
        *_clips_left_out(rows, [metric for metric in metrics if metric in filled]),
        *_small_sets(rows, metrics),
        *_missing_weights(without_weights),
    ]


def _other_transfers(rows: Sequence[Measurement]) -> Iterator[str]:
    for mode in dict.fromkeys(row.own_transfer for row in rows):
        others = [row for row in rows if row.own_transfer == mode != row.transfer]
        if others:
            labels = ", ".join(row.label for row in others)
            yield f"{labels}: {mode} transfer, for want of {others[0].transfer}"


def _missing_weights(without_weights: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """One list of all metrics that lack nothing but weights, and the command that gets them."""
    if not without_weights:
        return
    needed: dict[tuple[str, ...], list[str]] = {}
    for metric, names in without_weights.items():
        needed.setdefault(tuple(names), []).append(metric)
    listed = "; ".join(f"{', '.join(metrics)} ({', '.join(names)})" for names, metrics in needed.items())
    yield f"empty without third-party weights: {listed}"
    yield f"to get them: lia-bench weights fetch {' '.join(dict.fromkeys(name for names in needed for name in names))}"


def _frames_left_out(rows: Sequence[Measurement], metrics: Sequence[str]) -> Iterator[str]:
    for metric in metrics:
        missing = [(row, row.frames_without_detection(metric)) for row in rows]
        left_out = [f"{row.label} {count} of {sum(row.counts(metric))}" for row, count in missing if count]
        if left_out:
            yield f"{metric}: frames left out since nothing was found there: {', '.join(left_out)}"


def _clips_left_out(rows: Sequence[Measurement], metrics: Sequence[str]) -> Iterator[str]:
    for metric in metrics:
        infinite = [(row, row.infinite_clips(metric)) for row in rows if row.value(metric) is not None]
        left_out = [f"{row.label} {count} of {len(row.clips)}" for row, count in infinite if count]
        if left_out:
            yield f"{metric}: clips left out since they equal their references: {', '.join(left_out)}"


def _small_sets(rows: Sequence[Measurement], metrics: Sequence[str]) -> Iterator[str]:
    for metric in metrics:
        sizes = {
            (entry.generated, entry.dimensions)
            for row in rows
            if (entry := row.of_sets(metric)) and entry.value and entry.generated and entry.dimensions
        }
        for samples, dimensions in sorted(sizes):
            if samples <= dimensions:
                yield (
                    f"{metric}: from {samples} samples of {dimensions} numbers; so few bias it upwards, "
                    "so compare it only with distances from as many samples"
                )
