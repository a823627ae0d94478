"""One picture of a prepared dataset, because people look before they read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lia_bench.core.atomic import replacing
from lia_bench.core.clips_table import TABLE, ClipsTable, Row, find_clip
from lia_bench.core.errors import LiaBenchError
from lia_bench.core.names import counted
from lia_bench.core.prepared_dataset import PARTITIONS, table_of
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.video import open_indexed
from lia_bench.preprocessing.prepared.verification import without_path

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from PIL.ImageFont import FreeTypeFont, ImageFont

    Font = FreeTypeFont | ImageFont

SHEET = "contact-sheet.jpg"
CLIPS = 60
COLUMNS = 4
SIDE = 112
"""Of one frame, in pixels."""

GAP = 12
CAPTION = 24
HEADING = 36
MARGIN = 20
BACKGROUND, INK, FAINT, EMPTY = (255, 255, 255), (20, 20, 20), (110, 110, 110), (200, 200, 200)


def write_contact_sheet(folder: Path) -> Path:
    """Draw a grid of clips, each by its first, middle and last frame, to `folder`/contact-sheet.jpg.

    Of many clips sixty are shown, spread evenly over each partition; the same dataset gives the same picture. A clip
    that cannot be read is a grey tile with the reason.

    Args:
        folder: a prepared dataset.

    Returns:
        The path of the picture.

    Raises:
        InputError: `folder` is no prepared dataset.
    """
    table = table_of(folder)
    groups = {name: [row for row in table.good if row["partition"] == name] for name in PARTITIONS}
    chosen = _choose({name: rows for name, rows in groups.items() if rows})
    sheet = _Sheet(chosen)
    sheet.title(*_titles(folder, table, groups, sum(map(len, chosen.values()))))
    if not chosen:
        sheet.heading(f"no clip was cut; {TABLE} has the reason of every row")
    for name, rows in chosen.items():
        sheet.heading(f"{name}: {_of(len(rows), len(groups[name]))}")
        for row in rows:
            sheet.clip(folder, row)
    with replacing(folder / SHEET) as temporary:
        sheet.image.save(temporary, quality=88)
    return folder / SHEET


def _choose(groups: Mapping[str, Sequence[Row]]) -> dict[str, list[Row]]:
    """At most CLIPS rows: half of them from each partition, or more where the other has not that many."""
    chosen = {}
    for name, rows in groups.items():
        others = sum(min(len(other), CLIPS // 2) for key, other in groups.items() if key != name)
        count = min(len(rows), CLIPS - others)
        chosen[name] = [rows[index * len(rows) // count] for index in range(count)]
    return chosen


def _titles(folder: Path, table: ClipsTable, groups: Mapping[str, Sequence[Row]], shown: int) -> tuple[str, str]:
    digest = sha256_of_file(folder / TABLE)[:12]
    counts = " + ".join(f"{len(rows):,} {name}" for name, rows in groups.items())
    return (
        folder.resolve().name,
        f"{_of(shown, len(table.good))} ({counts}), hash {digest}; first, middle and last frame of each",
    )


def _of(shown: int, there: int) -> str:
    return f"{shown:,} of {there:,} clips" if shown < there else counted(there, "clip")


class _Sheet:
    """The picture while it is drawn, from the top to the bottom."""

    def __init__(self, groups: Mapping[str, Sequence[Row]]) -> None:
        from PIL import Image, ImageDraw, ImageFont

        self.tile = 3 * SIDE
        lines = sum(-(-len(rows) // COLUMNS) for rows in groups.values())
        width = 2 * MARGIN + COLUMNS * self.tile + (COLUMNS - 1) * GAP
        height = 2 * MARGIN + 2 * HEADING + max(1, len(groups)) * HEADING + lines * (SIDE + CAPTION + GAP)
        self.image = Image.new("RGB", (width, height), BACKGROUND)
        self._draw = ImageDraw.Draw(self.image)
        self._large, self._medium, self._small = (ImageFont.load_default(size) for size in (26, 17, 13))
        self._top = MARGIN
        self._column = 0

    def title(self, name: str, line: str) -> None:
        """The two lines at the head of the sheet."""
        width = self.image.width - 2 * MARGIN
        self._draw.text((MARGIN, self._top), _shortened(name, self._large, width), INK, self._large)
        self._draw.text((MARGIN, self._top + HEADING), line, FAINT, self._medium)
        self._top += 2 * HEADING

    def heading(self, text: str) -> None:
        """The name of a group of clips, which begins on a line of its own."""
        self._end_line()
        self._draw.text((MARGIN, self._top + 6), text, INK, self._medium)
        self._top += HEADING

    def clip(self, folder: Path, row: Row) -> None:
        """Three frames of a clip with its name below."""
        if self._column == COLUMNS:
            self._end_line()
        left = MARGIN + self._column * (self.tile + GAP)
        try:
            for place, picture in enumerate(_three_frames(folder, row)):
                corner = (left + place * SIDE + (SIDE - picture.width) // 2, self._top + (SIDE - picture.height) // 2)
                self.image.paste(picture, corner)
        except (LiaBenchError, OSError) as error:
            self._grey(left, str(error))
        name = _shortened(row["clip"], self._small, self.tile)
        self._draw.text((left, self._top + SIDE + 4), name, INK, self._small)
        self._column += 1

    def _grey(self, left: int, reason: str) -> None:
        self._draw.rectangle((left, self._top, left + self.tile - 1, self._top + SIDE - 1), EMPTY)
        lines = _wrapped(reason, self._small, self.tile - 2 * GAP)[: SIDE // 18]
        self._draw.multiline_text((left + GAP, self._top + GAP), "\n".join(lines), INK, self._small)

    def _end_line(self) -> None:
        if self._column:
            self._top += SIDE + CAPTION + GAP
            self._column = 0


def _three_frames(folder: Path, row: Row) -> list["Picture"]:
    from PIL import Image

    path = find_clip(folder, row)
    if path is None:
        raise LiaBenchError("the file is not there")
    try:
        with open_indexed(path) as reader:
            frames = [reader.frame(index) for index in (0, len(reader) // 2, len(reader) - 1)]
    except LiaBenchError as error:
        raise LiaBenchError(without_path(error, path)) from error
    pictures = [Image.fromarray(frame) for frame in frames]
    scale = SIDE / max(pictures[0].size)
    size = tuple(max(1, round(side * scale)) for side in pictures[0].size)
    return [picture.resize((size[0], size[1]), Image.Resampling.LANCZOS) for picture in pictures]


def _shortened(text: str, font: "Font", width: float) -> str:
    """The text, with dots in its middle where it is too wide."""
    keep = len(text)
    short = text
    while font.getlength(short) > width and keep > 2:
        keep -= 1
        short = f"{text[: (keep + 1) // 2]}...{text[len(text) - keep // 2 :]}"
    return short


def _wrapped(text: str, font: "Font", width: float) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(_shortened(word, font, width))
        else:
            lines[-1] = _shortened(longer, font, width)
    return lines
