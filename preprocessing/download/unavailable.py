"""Videos that are gone: a list in the footage folder, so that they are asked for once."""

import csv
import io
import os
from pathlib import Path

from lia_bench.core.atomic import write_text

FILE_NAME = "unavailable.csv"
COLUMNS = ("video_id", "reason")


def read_unavailable(folder: Path) -> dict[str, str]:
    """Why the videos that are gone could not be fetched, by identifier; empty without a list."""
    try:
        text = (folder / FILE_NAME).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return {}
    rows = (row for row in csv.reader(text.splitlines()) if row and tuple(row) != COLUMNS)
    return {row[0]: row[1] if len(row) > 1 else "" for row in rows}


class UnavailableVideos:
    """The list of one folder; users may delete lines to have videos tried again."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self.reasons = read_unavailable(folder)

    def add(self, video_id: str, reason: str) -> None:
        """Write down a video that is gone; its line survives a crash right after. One in the list stays as it is."""
        if video_id in self.reasons:
            return
        self.reasons[video_id] = reason
        with self._path.open("ab+") as file:
            file.write((self._missing_start() + _line(video_id, reason)).encode())
            file.flush()
            os.fsync(file.fileno())

    def remove(self, video_id: str) -> None:
        """Forget a video that was there after all."""
        if self.reasons.pop(video_id, None) is not None:
            write_text(self._path, _line(*COLUMNS) + "".join(_line(*row) for row in self.reasons.items()))

    def _missing_start(self) -> str:
        content = self._path.read_bytes()
        if not content:
            return _line(*COLUMNS)
        return "" if content.endswith(b"\n") else "\n"


def _line(*cells: str) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
