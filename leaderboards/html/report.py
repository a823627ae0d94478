"""Writes a report: results in, one folder out that opens from disk."""

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from lia_bench.core.atomic import remove_partial, write_text
from lia_bench.core.processes import alone_in_folder
from lia_bench.leaderboards.board.board import Board, measured_board
from lia_bench.leaderboards.board.groups import Group, comparable
from lia_bench.leaderboards.html.content import page_content
from lia_bench.leaderboards.html.media import Media
from lia_bench.leaderboards.results.columns import ResultRow

INDEX = "index.html"
STYLES = ("base.css", "table.css", "charts.css", "explorer.css", "player.css")
SCRIPTS = (
    "dom.js",
    "icons.js",
    "format.js",
    "theme.js",
    "table.js",
    "provenance.js",
    "charts.js",
    "gap.js",
    "ranking.js",
    "explorer.js",
    "playback.js",
    "player.js",
    "main.js",
)
PARTS = files("lia_bench.leaderboards.html") / "page"


@dataclass(frozen=True)
class WrittenReport:
    """What was written.

    Attributes:
        index: the page.
        tables: how many tables of measured rows it has.
        videos: how many files stand beside it.
        problems: a line for each file that is gone, damaged or doubtful.
        remarks: a line for each thing that the results never had, or have twice.
    """

    index: Path
    tables: int
    videos: int
    problems: tuple[str, ...]
    remarks: tuple[str, ...]


def write_report(
    paths: Sequence[Path], output: Path | None = None, published: Sequence[ResultRow] = ()
) -> WrittenReport:
    """Write the report over folders of results; a former one stays until this one is whole.

    Args:
        paths: folders of results, folders of such folders, or their leaderboard.csv.
        output: the report's folder; what else is in it stays. None is `report` in the folder of results, and of
            several in the folder that holds them all.
        published: rows of papers, shown apart.

    Raises:
        InputError: no readable row anywhere, or another process is writing there.
        OSError: the folder cannot be written.
    """
    board = measured_board(paths)
    output = output or _usual_output(board.folders)
    with alone_in_folder(
        output, "another report is being written here; wait until it is done", "name another --output"
    ):
        return _write(board, comparable(published), output)


def _write(board: Board, published: Sequence[Group], output: Path) -> WrittenReport:
    media = Media(output)
    try:
        page = page_content(board, published, media)
        write_text(output / INDEX, render_page(page.content))
    except BaseException:
        media.remove()
        raise
    # Only now does no page need the former videos.
    media.remove_others()
    remove_partial(output)
    return WrittenReport(output / INDEX, len(board.groups), media.files, tuple(page.problems), tuple(page.remarks))


def _usual_output(folders: Sequence[Path]) -> Path:
    if any(folder.is_absolute() for folder in folders):
        folders = [folder.absolute() for folder in folders]
    return Path(os.path.commonpath(folders)) / "report"


def render_page(content: Mapping[str, Any]) -> str:
    """The page over `content`, plain data without NaN; nothing of the data can become markup or script."""
    from jinja2 import Environment
    from markupsafe import Markup

    template = Environment(autoescape=True, keep_trailing_newline=True).from_string(_part("index.html"))
    script = "\n(() => {\n'use strict';\n" + "\n".join(map(_part, SCRIPTS)) + "\n})();\n"
    return template.render(
        title=content["title"],
        styles=Markup("\n".join(map(_part, STYLES))),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        data=Markup(_json(content)),
    )


def _json(content: Mapping[str, Any]) -> str:
    """JSON in which no text can end the script element that it stands in."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # A path that is not UTF-8 has lone surrogates, and JSON's escape of those is Python's.
    text = text.encode("utf-8", errors="backslashreplace").decode()
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _part(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")
