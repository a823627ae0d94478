"""The board of one report: what `evaluate` and `score` print, with a line for all that is missing."""

from collections.abc import Iterator, Mapping, Sequence

from lia_bench.leaderboards.board.board import Board
from lia_bench.leaderboards.board.groups import Group, extractors_of, setting_of
from lia_bench.leaderboards.results.columns import present
from lia_bench.leaderboards.results.csv_writing import row_of
from lia_bench.leaderboards.results.measurement import Measurement, measurements
from lia_bench.leaderboards.results.report import Report
from lia_bench.metrics.registry import ordered


def evaluation_board(report: Report) -> Board:
    """All that a report has measured, a group for each task and wanted transfer, called as the user called it."""
    of_groups: dict[tuple[str, str], list[Measurement]] = {}
    for measurement in measurements(report):
        of_groups.setdefault((measurement.task, measurement.transfer), []).append(measurement)
    groups = tuple(_group(report, of) for of in of_groups.values())
    columns = present([row for group in groups for row in group.rows])
    return Board(groups, tuple(() for _ in groups), tuple(columns))


def _group(report: Report, of: Sequence[Measurement]) -> Group:
    rows = tuple(row_of(report, measurement) for measurement in of)
    size = f"{report.setting.width}x{report.setting.height}"
    transfer = f", {of[0].transfer} transfer" if of[0].transfer else ""
    return Group(
        rows,
        setting_of(rows[0]),
        {metric: extractor for row in rows for metric, extractor in extractors_of(row).items()},
        called=tuple(measurement.label for measurement in of),
        about=f"{report.setting.dataset} at {size}: {of[0].task}{transfer}",
        remarks=tuple(_remarks(report, of)),
    )


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
