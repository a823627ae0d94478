"""What the page shows, as plain data: tables of rows that may be compared, and the clips behind them."""

import math
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from lia_bench.leaderboards.board.groups import Group
from lia_bench.leaderboards.html.clips import clip_content
from lia_bench.leaderboards.html.media import Media, slug
from lia_bench.leaderboards.html.reports import Behind, Reports, missing_values
from lia_bench.leaderboards.results.columns import COLUMNS, ResultRow, labels, number, present, score
from lia_bench.leaderboards.results.published import NOT_COMPARABLE, PAPERS
from lia_bench.metrics.registry import METRICS


def group_content(place: int, group: Group, reports: Reports, media: Media) -> tuple[dict[str, Any], list[str]]:
    """One table with its clips.

    Args:
        place: of the table on the page.
        group: rows that may be ranked together.
        reports: opens what stands behind rows.
        media: takes the videos.

    Returns:
        plain data for JSON and a line for each thing that the results lack.

    Raises:
        OSError: a video can be neither linked nor copied.
    """
    behind = [reports.behind(row) for row in group.rows]
    names = labels(group.rows)
    columns = present(group.rows)
    contestants = [(index, names[index], found) for index, found in enumerate(behind) if found is not None]
    folder = f"{place:02d}-{slug(group.title)}"
    metrics = [name for name in columns if name not in COLUMNS]
    content = {
        "title": group.title,
        "task": group.setting["task"],
        "origin": group.setting["origin"],
        "note": _note(group),
        "setting": {name: value for name, value in group.setting.items() if value},
        "columns": [_column(name, group) for name in columns],
        "rows": [_row(row, name, found, columns) for row, name, found in zip(group.rows, names, behind, strict=True)],
        "clips": clip_content(contestants, metrics, media, folder),
    }
    return content, missing_values([found for _, _, found in contestants], metrics)


def page_content(
    title: str, tables: Sequence[Mapping[str, Any]], problems: Sequence[str], differences: Sequence[str], date: str
) -> dict[str, Any]:
    """All that the page shows; several measured tables get the numbers by which `differences` call them."""
    measured = [table for table in tables if table["origin"] == "measured"]
    if len(measured) > 1:
        numbered = [{**table, "title": f"{place}. {table['title']}"} for place, table in enumerate(measured, start=1)]
        tables = [*numbered, *(table for table in tables if table["origin"] != "measured")]
    return {
        "title": title,
        "date": date,
        "version": version("lia-bench"),
        "tables": list(tables),
        "published_note": NOT_COMPARABLE,
        "problems": list(problems),
        "differences": list(differences),
    }


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
        "ranked": group.ranks(name),
    }


def _row(row: ResultRow, label: str, behind: Behind | None, columns: Sequence[str]) -> dict[str, Any]:
    return {
        "label": label,
        "model": row.model,
        "transfer": row.transfer,
        "clips": row.clips,
        "values": [_finite(number(row, name)) for name in columns],
        "intervals": [_interval(row, name) for name in columns],
        # A measured number is rounded as its column is; a paper's stays as printed.
        "printed": [row.printed.get(name, "") for name in columns] if row.origin == "published" else None,
        "reasons": behind.reasons() if behind else {},
        "provenance": _provenance(row, behind),
    }


def _interval(row: ResultRow, column: str) -> list[float | None] | None:
    ends = [_finite(end) for end in row.intervals.get(column, ())]
    return ends if ends and None not in ends else None


def _provenance(row: ResultRow, behind: Behind | None) -> list[list[str]]:
    """Where the row comes from, each with a word for it, without what nobody said."""
    meanings = [part.partition("=")[::2] for part in row.extractors.split(";") if part]
    facts = {
        "paper": row.paper,
        "table": row.table,
        "note": row.note,
        "variant": row.variant,
        "transfer": row.transfer,
        "clips": _count(row.clips),
        "frames": _count(row.frames),
        "checkpoint": row.checkpoint,
        "checkpoint SHA-256": row.checkpoint_sha256,
        "protocol": row.protocol,
        "extractors": ", ".join(f"{name}: {meaning}" if meaning else name for name, meaning in meanings),
        "dataset hash": row.dataset_hash,
        "seed": row.seed,
        "device": row.device,
        "version": row.version,
        "date": row.date,
        "results": str(row.file.parent) if row.file and row.origin == "measured" else "",
    }
    if behind and behind.measurement.problems():
        facts["failed on"] = "; ".join(behind.measurement.problems())
    return [[name, value] for name, value in facts.items() if value]


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
