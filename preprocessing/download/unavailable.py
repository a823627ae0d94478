"""Videos that are gone: a list in the footage folder, so that they are asked for once."""

import csv
import io
import os
from pathlib import Path

from lia_bench.core.atomic import write_text
from lia_bench.core.errors import UnreadableTextError
from lia_bench.core.text_files import parse_table, read_table

FILE_NAME = "unavailable.csv"
COLUMNS = ("video_id", "reason")


def read_unavailable(folder: Path) -> dict[str, str]:
    """Why the videos that are gone could not be fetched, by identifier; empty without a list."""
    return _read(folder / FILE_NAME)[0]


class UnavailableVideos:
    """The list of one folder; users may delete lines to have videos tried again."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self.reasons, self._as_written_here = _read(self._path)

    def add(self, video_id: str, reason: str) -> None:
        """Write down a video that is gone; its line survives a crash right after. One in the list stays as it is."""
        if video_id in self.reasons:
            return
        self.reasons[video_id] = reason
        if not self._as_written_here:
            self._rewrite()
            self._as_written_here = True
            return
        with self._path.open("ab+") as file:
            file.write((self._missing_start() + _line(video_id, reason)).encode())
            file.flush()
            os.fsync(file.fileno())

    def remove(self, video_id: str) -> None:
        """Forget a video that was there after all."""
        if self.reasons.pop(video_id, None) is not None:
            self._rewrite()

    def _rewrite(self) -> None:
        write_text(self._path, _line(*COLUMNS) + "".join(_line(*row) for row in self.reasons.items()))

    def _missing_start(self) -> str:
        content = self._path.read_bytes()
        if not content:
            return _line(*COLUMNS)
        return "" if content.endswith(b"\n") else "\n"


def _read(path: Path) -> tuple[dict[str, str], bool]:
    """The reasons, and whether lines may be added to the file: it is in UTF-8 with commas, as it is written here."""
    try:
        table = read_table(path)
    except UnreadableTextError as error:
        if error.missing:
            return {}, True
        # A crash may have cut the last line within a character.
        table = parse_table(path.read_text(encoding="utf-8", errors="replace"), path)
    lines = (table.columns, *(cells for _, cells in table.lines))
    reasons = {line[0]: line[1] if len(line) > 1 else "" for line in lines if line and line[:2] != COLUMNS}
    return reasons, table.separator == "," and _is_utf8(path)


def _is_utf8(path: Path) -> bool:
    try:
        return "\0" not in path.read_bytes().decode()
    except UnicodeDecodeError:
        return False


def _line(*cells: str) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
