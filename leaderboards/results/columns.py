"""The columns of leaderboard.csv, one entry each, and the rows that they are of.

Whoever reads, writes, sorts, exports or shows a table takes its columns from here: a new one is a new entry.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lia_bench.core.names import printable
from lia_bench.metrics.registry import METRICS, ordered
from lia_bench.metrics.specification import Better

if TYPE_CHECKING:
    from lia_bench.leaderboards.results.measurement import Measurement, Summary
    from lia_bench.leaderboards.results.report import Report

LEADERBOARD = "leaderboard.csv"

SPEED = "fps"
"""The column of frames a second."""

FLOOR = "identity"
"""The model that every evaluation shows beside those that were asked for: its speed, of no work, is never the best."""

ARROWS: Mapping[Better, str] = {"lower": "↓", "higher": "↑", "nearer": "≈"}
Kind = Literal["text", "count", "score"]
Part = Literal["who", "size", "scores", "where", "paper"]
Origin = Literal["measured", "published"]
Cell = str | int | float | None
Source = Callable[["Report", "Measurement"], Cell]
"""Makes a cell from a report and one of its measurements."""

USER_STUDY = "user-study"
"""The task of rows whose columns are preferences of raters, `preference_vs_<model>_percent` and the like."""
AGAINST_ONE = re.compile(r"preference_vs_.+_percent")
"""How many per cent of the answers preferred the row's model to one other."""
AMONG_ALL = re.compile(r"selected_best_(.+_)?percent")
"""How many per cent of the answers chose the row's model among all that were shown."""
ENDINGS = ("_low", "_high", "_frames", "_missing")
"""Of columns that belong to a score's column."""


@dataclass(frozen=True)
class Column:
    """A column of leaderboard.csv.

    Attributes:
        name: in the header.
        kind: 'text', 'count' (whole numbers), or 'score', numbers to compare.
        part: of the table, in this order: 'who' was measured on what, 'size', 'scores', 'where' the numbers come from,
            and the 'paper' that a published row stands in.
        better: which values of a score are better.
        decimals: digits after the point that a printed table gives a measured score.
        on_one: column of text that rows must have alike for their scores to be ranked; empty for none.
        summary: definition and unit of a score.
        bounds: the lowest and the highest value of a score that was measured.
        measured: makes the cell of what is measured here; None where papers alone fill it, and for metrics.
        seldom: whether a table has the column only if one of its rows says something there.
        apart: whether rows that differ in the text measure something else, so that they are neither merged nor ranked.
    """

    name: str
    kind: Kind
    part: Part
    better: Better = "higher"
    decimals: int = 1
    on_one: str = ""
    summary: str = ""
    bounds: tuple[float, float] = (0.0, math.inf)
    measured: Source | None = None
    seldom: bool = False
    apart: bool = False


def _text(part: Part, measured: Source | None = None, *, seldom: bool = False) -> Any:
    """A column of text; empty where nothing is said."""
    return field(default="", metadata={"kind": "text", "part": part, "measured": measured, "seldom": seldom})


def _arranged(said: Callable[[Any], object], *tasks: str) -> Any:
    """A column of text on how an evaluation was arranged, in these tasks; empty where it is as usual."""

    def measured(report: "Report", of: "Measurement") -> str:
        return str(said(report.setting) or "") if of.task in tasks else ""

    entry = {"kind": "text", "part": "where", "measured": measured, "seldom": True, "apart": True}
    return field(default="", metadata=entry)


def _references(setting: Any) -> str:
    if not getattr(setting, "references", 0):
        return ""
    return f"{setting.references}, best of each frame" if setting.best_of_references else str(setting.references)


def _rendering(setting: Any) -> str:
    reduced = getattr(setting, "precision", "32-true")
    return ", ".join([reduced] * (reduced != "32-true") + ["compiled"] * getattr(setting, "compiled", False))


def _count(measured: Source) -> Any:
    """A column of whole numbers; None where nothing is said."""
    return field(default=None, metadata={"kind": "count", "part": "size", "measured": measured})


def _score(better: Better, decimals: int, summary: str, on_one: str, measured: Source) -> Any:
    """A column of numbers to compare that every row may have; None where nothing is said."""
    entry = {"better": better, "decimals": decimals, "summary": summary, "on_one": on_one, "measured": measured}
    return field(default=None, metadata={"kind": "score", "part": "scores", **entry})


def _extractors(report: "Report", of: "Measurement") -> str:
    described = sorted((column, metric.description) for column, metric in of.run.plan.metrics.items())
    return ";".join(f"{column}={said}" for column, said in described if said != column)


def _rendered(report: "Report", of: "Measurement") -> str:
    if of.model.rendered is None:
        return ""
    height, width = of.model.rendered
    return f"{width}x{height}, compared at {report.setting.width}x{report.setting.height}"


@dataclass(frozen=True)
class ResultRow:
    """What a model scored on a dataset, measured here, judged by raters or printed in a paper.

    Every field but the mappings and the file is a column. Metrics and preferences of raters, of which each row has its
    own, are in the mappings.

    Attributes:
        model: its name; what a paper calls it where it is published.
        values: column of a metric or a preference to its number, only where there is one.
        intervals: column to the 95 % interval of the number, only where there is one.
        printed: column to the number's text in the file, so that a paper's 0.120 stays 0.120.
        counts: metric to the frames that were scored and those that were left out since nothing was found there.
        extractors: what metrics rest on, as 'akd=akd_openpose(weights ...);...'.
        seed: of the pairs of the cross task.
        sources: what the sources of the cross task were drawn from, where not from the dataset.
        pairs: the first digits of the SHA-256 of the pairs that a file named.
        references: how many further views of each source models were given.
        max_frames: so many first frames of each clip counted.
        source_frame: 'skipped' where the first frame, which is the source, is not in the numbers.
        start: 'best' where relative transfer began from the driving frame most like the source.
        set_side: 'source' where distances of sets are from the sources' clips.
        rendering: 'bf16-mixed', 'compiled' or both where models rendered so, which is faster and changes frames.
        experiment: name and hash of the experiment that asked for it.
        rendered: the size of the model's frames where they were resized to be compared, and to which.
        doubtful: the scores that are not what the report beside their table gives, as 'l1;psnr'.
        file: the file that it was read from.
    """

    model: str = _text("who", lambda report, of: of.model.model)
    variant: str = _text("who", lambda report, of: of.model.variant)
    checkpoint: str = _text("who", lambda report, of: of.model.checkpoint)
    dataset: str = _text("who", lambda report, of: report.setting.dataset)
    split: str = _text("who", lambda report, of: report.setting.split)
    task: str = _text("who", lambda report, of: of.task)
    transfer: str = _text("who", lambda report, of: of.own_transfer)

    values: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    printed: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    clips: int | None = _count(lambda report, of: len(of.clips))
    frames: int | None = _count(lambda report, of: of.frames)
    fps: float | None = _score(
        "higher",
        decimals=1,
        summary="frames that the model renders a second, on the device that the row names",
        on_one="device",
        measured=lambda report, of: of.frames_per_second,
    )

    protocol: str = _text("where", lambda report, of: report.setting.protocol)
    extractors: str = _text("where", _extractors)
    dataset_hash: str = _text("where", lambda report, of: report.setting.dataset_hash)
    checkpoint_sha256: str = _text("where", lambda report, of: of.model.checkpoint_sha256)
    seed: str = _text("where", lambda report, of: str(report.setting.seed))
    device: str = _text("where", lambda report, of: of.run.plan.device)
    version: str = _text("where", lambda report, of: of.run.plan.version)
    date: str = _text("where", lambda report, of: of.date)
    origin: Origin = field(
        default="measured", metadata={"kind": "text", "part": "where", "measured": lambda report, of: "measured"}
    )
    sources: str = _arranged(lambda setting: getattr(setting, "source_set", ""), "cross")
    pairs: str = _arranged(lambda setting: setting.given_pairs[:12], "cross")
    references: str = _arranged(_references, "reconstruction", "cross")
    max_frames: str = _arranged(lambda setting: setting.max_frames, "reconstruction", "cross")
    source_frame: str = _arranged(lambda setting: "skipped" if setting.skip_source_frame else "", "reconstruction")
    start: str = _arranged(lambda setting: "best" if getattr(setting, "start", "") == "best" else "", "cross")
    set_side: str = _arranged(lambda setting: "source" if setting.set_side == "source" else "", "cross")
    rendering: str = _arranged(_rendering, "reconstruction", "cross")
    experiment: str = _text("where", lambda report, of: report.setting.experiment, seldom=True)
    rendered: str = _text("where", _rendered, seldom=True)
    doubtful: str = _text("where", seldom=True)

    paper: str = _text("paper")
    table: str = _text("paper")
    note: str = _text("paper")

    file: Path | None = None


PRINTED_ALONE: Mapping[str, Better] = {
    "apd": "lower",
    "gaze_mae_degrees": "lower",
    "id_distance": "lower",
    "image_quality": "higher",
    "spearman": "higher",
}
"""Scores that papers print and nothing measures here, and which values of them are better."""

COLUMNS = {entry.name: Column(entry.name, **entry.metadata) for entry in fields(ResultRow) if entry.metadata}
"""Name to column, of those that any row may have, in the order of the file."""

APART = tuple(name for name, column in COLUMNS.items() if column.apart)
"""The columns that say how an evaluation was arranged."""


def measured_cells(report: "Report", of: "Measurement") -> dict[str, Cell]:
    """Every cell that is made of what is measured here, by column, without metrics."""
    return {name: column.measured(report, of) for name, column in COLUMNS.items() if column.measured is not None}


def measured_row(report: "Report", summary: "Summary") -> ResultRow:
    """The row of a leaderboard: means over clips with their intervals, and where they come from."""
    own: dict[str, Any] = measured_cells(report, summary.measurement)
    of = summary.metrics
    return ResultRow(
        **own,
        values={metric: one.value for metric, one in of.items() if one.value is not None},
        intervals={metric: one.interval for metric, one in of.items() if one.interval is not None},
        counts={metric: (one.cell.valid_frames, one.cell.missing_frames) for metric, one in of.items()},
    )


def names(part: Part) -> list[str]:
    """The columns of a part of the table, without metrics and preferences."""
    return [column.name for column in COLUMNS.values() if column.part == part]


def names_of(kind: Kind) -> list[str]:
    """The columns of a kind, without metrics and preferences."""
    return [column.name for column in COLUMNS.values() if column.kind == kind]


def score(name: str) -> Column:
    """The column of that name, which holds numbers to compare: a metric's, a preference's, a paper's, or of every row.

    Of a plain name the definitions of the metric all agree on what is better.

    Raises:
        UnknownNameError: no such metric, and no preference.
    """
    if name in COLUMNS and COLUMNS[name].kind == "score":
        return COLUMNS[name]
    if _is_preference(name):
        return Column(name, "score", "scores", bounds=(0.0, 100.0))
    if name in PRINTED_ALONE:
        return Column(name, "score", "scores", PRINTED_ALONE[name])
    alias = next((metric for metric in METRICS.values() if metric.alias == name), None)
    # An unknown name gets the registry's own message, with what may have been meant.
    metric = METRICS[name] if name in METRICS or alias is None else alias
    return Column(name, "score", "scores", metric.better, metric.decimals, bounds=metric.bounds)


def is_score(name: str) -> bool:
    """Whether a column holds numbers to compare: a metric, the speed, a preference of raters, or what papers print."""
    own = COLUMNS.get(name)
    return own.kind == "score" if own else _is_preference(name) or name in PRINTED_ALONE or _is_metric(name)


def belongs_to(column: str) -> str:
    """The score that a column says something of, such as an end of its interval; any other column is its own."""
    ending = next((ending for ending in ENDINGS if column.endswith(ending)), "")
    return column.removesuffix(ending)


def is_doubtful(row: ResultRow, name: str) -> bool:
    """Whether a row's value of a score's column may have been edited."""
    return name in row.doubtful.split(";")


def better(name: str) -> Better:
    """Which values of a score's column are better.

    Raises:
        UnknownNameError: no such metric, and no preference.
    """
    return score(name).better


def arrow(name: str) -> str:
    """'↓' where lower values of a score are better, '↑' where higher ones are, '≈' where those near true ones are."""
    return ARROWS[better(name)]


def number(row: ResultRow, name: str) -> float | None:
    """A row's value of a score's column; None where it has none."""
    if name in COLUMNS:
        value: float | None = getattr(row, name)
        return value
    return row.values.get(name)


def printed(row: ResultRow, name: str) -> str:
    """The text of a cell: of a published number the paper's, of a measured one with the digits it is worth.

    Empty where the row has none.
    """
    value = number(row, name)
    if value is None:
        return ""
    if row.origin == "published" and name in row.printed:
        return row.printed[name]
    return f"{value:.{score(name).decimals}f}"


def present(rows: Iterable[ResultRow]) -> list[str]:
    """Every score's column in which some row has a value: metrics in their order, what is not measured, others."""
    rows = list(rows)
    found = list(dict.fromkeys(name for row in rows for name in row.values))
    unmeasured = [name for name in found if _is_preference(name) or name in PRINTED_ALONE]
    metrics = ordered([name for name in found if name not in unmeasured])
    others = [name for name in names_of("score") if any(number(row, name) is not None for row in rows)]
    return [*metrics, *unmeasured, *others]


def is_against_one(name: str) -> bool:
    """Whether a column holds preferences of the row's model to one other."""
    return AGAINST_ONE.fullmatch(name) is not None


def printed_name(row: ResultRow) -> str:
    """What a paper calls a row: the model, and its variant where there is one."""
    return printable(f"{row.model} {row.variant}".strip())


def _is_preference(name: str) -> bool:
    return is_against_one(name) or AMONG_ALL.fullmatch(name) is not None


def _is_metric(name: str) -> bool:
    return name in METRICS or any(metric.alias == name for metric in METRICS.values())
