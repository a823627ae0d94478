"""The board of one report: what `evaluate` and `score` print, with a line for all that is missing."""

from collections.abc import Iterator, Mapping, Sequence

from lia_bench.leaderboards.board.board import Board
from lia_bench.leaderboards.board.groups import Group
from lia_bench.leaderboards.results.columns import measured_row, names
from lia_bench.leaderboards.results.measurement import Measurement, MetricSummary, Summary, summaries
from lia_bench.leaderboards.results.report import Report
from lia_bench.metrics.registry import ordered

Numbers = Mapping[str, Sequence[MetricSummary]]
"""A metric to its number in each row."""


def evaluation_board(report: Report) -> Board:
    """All that a report has measured, a group for each task and wanted transfer, called as the user called it."""
    of_groups: dict[tuple[str, str], list[Summary]] = {}
    for summary in summaries(report):
        of_groups.setdefault((summary.measurement.task, summary.measurement.transfer), []).append(summary)
    groups = tuple(_group(report, of) for of in of_groups.values())
    columns = (*ordered(report.setting.metrics), *names("scores"))
    return Board(groups, tuple(() for _ in groups), columns)


def _group(report: Report, of: Sequence[Summary]) -> Group:
    first = of[0].measurement
    transfer = f", {first.transfer} transfer" if first.transfer else ""
    return Group(
        rows=tuple(measured_row(report, summary) for summary in of),
        called=tuple(summary.measurement.label for summary in of),
        about=f"{report.setting.dataset} at {report.setting.width}x{report.setting.height}: {first.task}{transfer}",
        remarks=tuple(_remarks(of)),
    )


def _remarks(of: Sequence[Summary]) -> list[str]:
    """Who transferred motion another way; why columns are empty, a line a reason; which cells are; frames and clips
    left out; distances of too few samples."""
    rows = [summary.measurement for summary in of]
    numbers = {metric: [summary.metrics[metric] for summary in of] for metric in of[0].metrics}
    filled = {metric: own for metric, own in numbers.items() if any(one.cell.reason is None for one in own)}
    without_weights = {metric: names for row in rows for metric, names in row.run.missing_weights.items()}
    reasons: dict[str, list[str]] = {}
    for cell in (one.cell for summary in of for one in summary.metrics.values()):
        if cell.reason is None or cell.metric in without_weights:
            continue
        where = cell.metric if cell.metric not in filled else f"{cell.metric} of {cell.model}"
        if where not in reasons.setdefault(cell.reason, []):
            reasons[cell.reason].append(where)
    return [
        *_other_transfers(rows),
        *(f"{', '.join(where)}: {reason}" for reason, where in reasons.items()),
        *_frames_left_out(filled),
        *_clips_left_out(filled),
        *_clips_without(of),
        *_small_sets(numbers),
        *_missing_weights(without_weights),
    ]


def _other_transfers(rows: Sequence[Measurement]) -> Iterator[str]:
    for mode in dict.fromkeys(row.own_transfer for row in rows):
        others = [row for row in rows if row.own_transfer == mode != row.transfer]
        if others:
            labels = ", ".join(row.label for row in others)
            yield f"{labels}: {mode} transfer, not {others[0].transfer}"


def _missing_weights(without_weights: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """One list of all metrics that lack nothing but weights, and the command that gets them."""
    if not without_weights:
        return
    needed: dict[tuple[str, ...], list[str]] = {}
    for metric, weights in without_weights.items():
        needed.setdefault(tuple(weights), []).append(metric)
    listed = "; ".join(f"{', '.join(metrics)} ({', '.join(weights)})" for weights, metrics in needed.items())
    yield f"empty without third-party weights: {listed}"
    missing = dict.fromkeys(name for weights in needed for name in weights)
    yield f"to get them: lia-bench weights fetch {' '.join(missing)}"


def _frames_left_out(numbers: Numbers) -> Iterator[str]:
    for metric, own in numbers.items():
        missing = [(one.undetected_frames, one.cell) for one in own]
        left_out = [
            f"{cell.model} {count} of {cell.valid_frames + cell.missing_frames}" for count, cell in missing if count
        ]
        if left_out:
            yield f"{metric}: frames left out since nothing was found there: {', '.join(left_out)}"


def _clips_left_out(numbers: Numbers) -> Iterator[str]:
    for metric, own in numbers.items():
        infinite = [(one.infinite_clips, one.cell) for one in own if one.value is not None]
        left_out = [f"{cell.model} {count} of {cell.clips}" for count, cell in infinite if count]
        if left_out:
            yield f"{metric}: clips left out since they equal their references: {', '.join(left_out)}"


def _clips_without(of: Sequence[Summary]) -> Iterator[str]:
    """Why clips have no part in the numbers of a metric that says so."""
    for metric in of[0].metrics:
        told = [
            f"{summary.metrics[metric].cell.model} {count} of {len(summary.clips)} ({reason})"
            for summary in of
            if summary.metrics[metric].value is not None
            for reason, count in summary.metrics[metric].reasons.items()
        ]
        if told:
            yield f"{metric}: clips left out: {', '.join(told)}"


def _small_sets(numbers: Numbers) -> Iterator[str]:
    for metric, own in numbers.items():
        sizes = {
            (entry.generated, entry.dimensions)
            for one in own
            if (entry := one.of_sets) and entry.value and entry.generated and entry.dimensions
        }
        for samples, dimensions in sorted(sizes):
            if samples <= dimensions:
                yield (
                    f"{metric}: from {samples} samples of {dimensions} numbers; so few bias it upwards, "
                    "so compare it only with distances from as many samples"
                )
