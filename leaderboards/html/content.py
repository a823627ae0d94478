"""What the page shows, as plain data: tables of rows that may be compared, and the clips behind them."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from lia_bench.core.names import printable
from lia_bench.core.provenance import VERSION
from lia_bench.leaderboards.board.board import Board
from lia_bench.leaderboards.board.groups import Group
from lia_bench.leaderboards.board.measured_rows import MeasuredRow, Reports
from lia_bench.leaderboards.html.clips import clip_content
from lia_bench.leaderboards.html.media import Media
from lia_bench.leaderboards.results.columns import COLUMNS, ResultRow, number, present, score
from lia_bench.leaderboards.results.published import NOT_COMPARABLE, PAPERS
from lia_bench.leaderboards.results.report import Cell
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
