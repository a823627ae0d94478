"""What the page shows, as plain data: tables of rows that may be compared, and the clips behind them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from lia_bench.core.console import progress
from lia_bench.core.errors import UnreadableVideoError
from lia_bench.core.names import printable
from lia_bench.core.provenance import VERSION
from lia_bench.core.video import open_indexed
from lia_bench.core.video.reader import NOMINAL_FPS
from lia_bench.leaderboards.board.board import Board
from lia_bench.leaderboards.board.groups import Group
from lia_bench.leaderboards.board.measured_rows import MeasuredRow, Reports
from lia_bench.leaderboards.html.media import Media, slug
from lia_bench.leaderboards.results.columns import COLUMNS, ResultRow, number, present, score
from lia_bench.leaderboards.results.published import NOT_COMPARABLE, PAPERS
from lia_bench.leaderboards.results.report import Cell, ClipEntry, ModelResult
from lia_bench.metrics.registry import METRICS

PROVENANCE = [
    name
    for name, column in COLUMNS.items()
    # What the table's title and setting say, and what is in a column of its own.
    if column.kind != "score" and name not in ("model", "dataset", "split", "task", "origin")
]


class Page(NamedTuple):
    """What the page shows, and what the results lack.

    Attributes:
        content: plain data for JSON.
        problems: a line for each file that is gone, damaged or doubtful.
        remarks: a line for each thing that the results never had, or have twice.
    """

    content: dict[str, Any]
    problems: list[str]
    remarks: list[str]


def page_content(board: Board, published: Sequence[Group], media: Media) -> Page:
    """The tables of a board with their clips, and tables of papers; several measured ones are numbered.

    Args:
        board: what was measured.
        published: tables of papers.
        media: takes the videos.

    Raises:
        OSError: a video can be neither linked nor copied.
    """
    groups = [*board.groups, *published]
    numbered = len(board.groups) if len(board.groups) > 1 else 0
    tables = [_table(group, f"{place}. " if place <= numbered else "") for place, group in enumerate(groups, start=1)]
    reports = Reports()
    lacking: list[str] = []
    for place, (group, table) in enumerate(zip(groups, tables, strict=True), start=1):
        metrics = [column["name"] for column in table["columns"] if column["name"] not in COLUMNS]
        found, _ = reports.behind(group)
        cells = [_cells(row) for row in found]
        for row, own in zip(found, cells, strict=True):
            _add_measurement(table["rows"][row.place], row, own)
        lacking += _missing_values(found, cells, metrics)
        table["clips"] = clip_content(found, metrics, media, f"{place:02d} {group.title}")
    unread = [f"{problem}; its rows are shown without clips" for problem in reports.problems]
    problems = list(dict.fromkeys([*board.problems, *unread, *media.problems()]))
    # Two tables of one folder have some lines in common.
    remarks = list(dict.fromkeys([*board.remarks, *media.remarks(), *lacking]))
    datasets = dict.fromkeys(group.setting["dataset"] for group in board.groups)
    content = {
        "title": ", ".join(filter(None, datasets)) or "results",
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "version": VERSION,
        "tables": tables,
        "published_note": NOT_COMPARABLE,
        "problems": [*problems, *remarks],
        "differences": list(board.differences),
    }
    return Page(content, problems, remarks)


def _table(group: Group, number: str) -> dict[str, Any]:
    title, labels, names = f"{number}{group.title}", group.labels, present(group.rows)
    measured = group.setting["origin"] == "measured"
    marks = [group.marks(name) if measured else [""] * len(group.rows) for name in names]
    return {
        "title": title,
        "task": group.setting["task"],
        "origin": group.setting["origin"],
        "note": _note(group),
        "setting": {name: value for name, value in group.setting.items() if value},
        "columns": [_column(name, group) for name in names],
        "rows": [
            _row(row, label, names) | {"marks": [own[place] for own in marks]}
            for place, (row, label) in enumerate(zip(group.rows, labels, strict=True))
        ],
    }


def _cells(row: MeasuredRow) -> dict[str, Cell]:
    """What stands behind the row's cells, by column."""
    return {metric: row.measurement.cell(metric) for metric in row.measurement.metrics()}


def _add_measurement(content: dict[str, Any], row: MeasuredRow, cells: Mapping[str, Cell]) -> None:
    """Why cells of a row are empty, by column, and on which clips the model failed."""
    if failed := row.measurement.problems():
        content["provenance"].append(["failed on", "; ".join(failed)])
    content["reasons"] = {metric: cell.reason for metric, cell in cells.items() if cell.reason is not None}


def _missing_values(
    rows: Sequence[MeasuredRow], cells: Sequence[Mapping[str, Cell]], metrics: Sequence[str]
) -> list[str]:
    """A line for each folder, task and metric that has a value of the whole but lacks it on clips."""
    found: dict[tuple[Path, str, str], list[str]] = {}
    for metric in metrics:
        for row, own in zip(rows, cells, strict=True):
            cell = own.get(metric)
            if cell is not None and 0 < cell.clips_with_a_value < cell.clips:
                without = f"{cell.model} on {cell.clips - cell.clips_with_a_value} of {cell.clips}"
                found.setdefault((row.folder, cell.task, metric), []).append(without)
    return [
        f"{folder}: {task}: clips without a value of {metric}: {', '.join(models)}"
        for (folder, task, metric), models in found.items()
    ]


def _note(group: Group) -> str:
    paper = PAPERS.get(group.setting.get("paper", ""))
    return f"{paper.title}: {paper.measured}" if paper else ""


def _column(name: str, group: Group) -> dict[str, Any]:
    meanings = {metric.name: metric.summary for metric in METRICS.values() if name in (metric.name, metric.alias)}
    # 'akd_openpose(weights ...)': the description starts with the definition that was measured.
    meant = next((meanings[key] for key in meanings if group.extractors.get(name, name).startswith(key)), "")
    column = score(name)
    return {
        "name": name,
        "better": column.better,
        "decimals": column.decimals,
        "summary": column.summary or meant or (next(iter(meanings.values())) if len(meanings) == 1 else ""),
    }


def _row(row: ResultRow, label: str, columns: Sequence[str]) -> dict[str, Any]:
    return {
        "label": label,
        "model": printable(row.model),
        "transfer": row.transfer,
        "clips": row.clips,
        "values": [_finite(number(row, name)) for name in columns],
        "intervals": [_interval(row, name) for name in columns],
        # A measured number is rounded as its column is; a paper's stays as printed.
        "printed": [row.printed.get(name, "") for name in columns] if row.origin == "published" else None,
        "reasons": {},
        "provenance": _provenance(row),
    }


def _interval(row: ResultRow, column: str) -> list[float | None] | None:
    ends = [_finite(end) for end in row.intervals.get(column, ())]
    return ends if ends and None not in ends else None


def _provenance(row: ResultRow) -> list[list[str]]:
    """Where the row comes from, each with a word for it, without what nobody said."""
    meanings = [part.partition("=")[::2] for part in row.extractors.split(";") if part]
    facts = {name.replace("_", " ").replace("sha256", "SHA-256"): _fact(row, name) for name in PROVENANCE}
    facts["extractors"] = ", ".join(f"{name}: {meaning}" if meaning else name for name, meaning in meanings)
    facts["results"] = str(row.file.parent) if row.file and row.origin == "measured" else ""
    return [[name, printable(value)] for name, value in facts.items() if value]


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def _fact(row: ResultRow, name: str) -> str:
    value = getattr(row, name)
    return f"{value:,}" if isinstance(value, int) else value or ""


VIDEO, FLOW = 1, 2
"""What there is of a model on a clip; the page adds them up in one digit."""
SOURCE, DRIVING = 1, 2


@dataclass
class _Clip:
    """A clip of any of the folders: its entries there, each with the folder."""

    name: str
    source: str
    frames: int
    entries: list[tuple[Path, ClipEntry]] = field(default_factory=list)


def clip_content(rows: Sequence[MeasuredRow], metrics: Sequence[str], media: Media, title: str) -> dict[str, Any]:
    """What the page needs of all clips that the rows of one table were measured on.

    Args:
        rows: of the table.
        metrics: columns of the table.
        media: takes the videos.
        title: of the table, which its folder of videos is called by.

    Returns:
        plain data: `values` by metric, row and clip; `has` a string of digits for each row, sums of VIDEO and FLOW; of
        each clip `[name, source, frames, fps, folder, SOURCE and DRIVING summed]`; `gaps` the clips' start pose gaps,
        None where one is unknown.

    Raises:
        OSError: a video can be neither linked nor copied.
    """
    clips = _united(rows)
    results = [_results(row) for row in rows]
    shown = [name for name in metrics if any(_value(r, name) is not None for own in results for r in own.values())]
    stems = [f"{number}-{slug(row.label)}" for number, row in enumerate(rows)]
    folder = PurePosixPath(slug(title))
    has = [""] * len(rows)
    listed: list[list[Any]] = []
    for place, (key, clip) in enumerate(progress(clips.items(), title="videos", unit="clip", shown=len(clips) > 20)):
        own = folder / f"{place:04d}-{slug(clip.name)}"
        parts, fps = _shared_files(clip, media, own)
        listed.append([printable(clip.name), printable(clip.source), clip.frames, fps, str(media.name / own), parts])
        for column, row in enumerate(rows):
            result = results[column].get(key)
            kinds = ((VIDEO, result.video, ""), (FLOW, result.flow_video, "-flow")) if result else ()
            there = sum(
                kind
                for kind, named, suffix in kinds
                if media.put(row.folder, named, own / f"{stems[column]}{suffix}.mp4")
            )
            has[column] += str(there)
    return {
        "metrics": shown,
        "contestants": [row.place for row in rows],
        "files": stems,
        "clips": listed,
        "gaps": [_gap(clip) for clip in clips.values()],
        "values": [[[_value(of_row.get(key), name) for key in clips] for of_row in results] for name in shown],
        "has": has,
    }


def _united(rows: Sequence[MeasuredRow]) -> dict[tuple[str, str], _Clip]:
    """The clips of all rows by source and driving clip, in the order of the first folder that has them."""
    clips: dict[tuple[str, str], _Clip] = {}
    for row in rows:
        for entry in row.measurement.clips:
            clip = clips.setdefault((entry.source, entry.clip), _Clip(entry.clip, entry.source, entry.frames))
            if all(folder != row.folder for folder, _ in clip.entries):
                clip.entries.append((row.folder, entry))
    return clips


def _gap(clip: _Clip) -> float | None:
    """What the first folder that knows it says of how differently source and first driving frame stand."""
    known = (entry.start_pose_gap for _, entry in clip.entries if entry.start_pose_gap is not None)
    gap = next(known, None)
    return None if gap is None else float(f"{gap:.5g}")


def _results(row: MeasuredRow) -> dict[tuple[str, str], ModelResult]:
    return {(clip.source, clip.clip): clip.models[row.measurement.index] for clip in row.measurement.clips}


def _shared_files(clip: _Clip, media: Media, place: PurePosixPath) -> tuple[int, float]:
    """Put the source picture and the driving video beside the page; which there are, and the rate of frames."""
    there, fps = 0, NOMINAL_FPS
    for folder, entry in clip.entries:
        if not there & SOURCE and media.put(folder, entry.source_picture, place / "source.png"):
            there |= SOURCE
        if not there & DRIVING and (driving := media.put(folder, entry.driving_video, place / "driving.mp4")):
            there |= DRIVING
            fps = _frames_per_second(driving)
    return there, fps


def _frames_per_second(video: Path) -> float:
    try:
        with open_indexed(video) as reader:
            return round(reader.properties.fps, 4)
    except UnreadableVideoError:
        # The page's player shows what can be shown of it, and says so where that is nothing.
        return NOMINAL_FPS


def _value(result: ModelResult | None, metric: str) -> float | None:
    score = result.scores.get(metric) if result else None
    return None if score is None or score.value is None else float(f"{score.value:.5g}")
