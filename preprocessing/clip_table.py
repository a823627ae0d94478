"""Tables of clips in the published columns, what to cut out of which video; those of datasets' authors are fetched."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from lia_bench.core.atomic import replacing, write_text
from lia_bench.core.errors import InputError, UnreadableTextError
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.suggestions import likely
from lia_bench.core.text_files import read_table
from lia_bench.core.weights import weights_home
from lia_bench.preprocessing.boxes import Box

COLUMNS = ("video_id", "person_id", "start", "end", "bbox", "fps", "width", "height", "partition")
OPTIONAL = ("person_id",)
BOX = re.compile(r"[0-9]{1,9}-[0-9]{1,9}-[0-9]{1,9}-[0-9]{1,9}")
TIMEOUT = 30.0
"""Seconds without an answer from where a table is published."""

LONGEST_FOOTAGE = 100
"""Hours; a row that ends later was damaged. Of the published tables the latest ends after 1.2."""
LONGEST = 100
"""Bytes of an identifier: a clip's name holds two, and file systems allow 255."""


def parse_box(text: str) -> Box:
    """A box from 'left-top-right-bottom' in whole pixels.

    Raises:
        ValueError: the text is no such box, or the box holds nothing.
    """
    if not BOX.fullmatch(text):
        raise ValueError("not left-top-right-bottom in whole pixels from 0, such as 286-45-601-361")
    box = Box(*(int(side) for side in text.split("-")))
    if box.left >= box.right or box.top >= box.bottom:
        raise ValueError("its right does not lie to the right of its left, or its bottom not below its top")
    return box


def parse_identifier(text: str) -> str:
    """An identifier that is safe as a part of a file name.

    Raises:
        ValueError: it is empty, too long, begins with a dot, or holds a separator of folders or a control character.
    """
    if not text:
        raise ValueError("it is empty")
    if text.startswith(".") or any(character in "/\\" or not character.isprintable() for character in text):
        raise ValueError("an identifier becomes a file name: no '/', no '\\', no control character, no leading dot")
    if len(text.encode()) > LONGEST:
        raise ValueError(f"an identifier becomes a file name: no more than {LONGEST} bytes")
    return text


Identifier = Annotated[str, AfterValidator(parse_identifier)]
FrameNumber = Annotated[int, Field(ge=0, le=10**9)]
# Beyond all footage, and near enough that no product of two of them loses a whole number.
Measure = Annotated[float, Field(ge=0.001, le=100_000, allow_inf_nan=False)]


class MetadataRow(BaseModel):
    """One row: a stretch of a video and a box in it.

    Attributes:
        video_id: identifier of the footage; what follows '#' says more.
        person_id: who is seen; None where the table has no such column or cell.
        start: first frame, counted from 0 at `fps`.
        end: the frame behind the last one.
        bbox: pixels in a frame of `width` x `height`; may reach beyond the frame.
        fps: the rate that start and end count in.
        width: of the frame that the box was measured in.
        height: of the frame that the box was measured in.
        partition: "train" or "test".
        line: line of the file; 0 for a row that was not read from one.
        text: the row's cells as they were written.
    """

    model_config = ConfigDict(frozen=True)

    video_id: Identifier
    person_id: Identifier | None = None
    start: FrameNumber
    end: FrameNumber
    bbox: Annotated[Box, BeforeValidator(parse_box)]
    fps: Measure
    width: Measure
    height: Measure
    partition: Literal["train", "test"]
    line: int
    text: Mapping[str, str]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start > self.end:
            raise ValueError(f"start {self.start} lies after end {self.end}")
        hours = self.end / self.fps / 3600
        if hours > LONGEST_FOOTAGE:
            raise ValueError(
                f"end {self.end} is {hours:,.0f} hours into the video at {self.fps:g} frames a second, "
                f"and no footage is longer than {LONGEST_FOOTAGE}"
            )
        return self


@dataclass(frozen=True)
class UnusableRow:
    """A row that no clip can be made of.

    Attributes:
        line: line of the file.
        text: the row's cells as they were written.
        reason: what is wrong with it.
    """

    line: int
    text: Mapping[str, str]
    reason: str


@dataclass(frozen=True)
class MetadataTable:
    """A table of clips.

    Attributes:
        path: the file.
        rows: in its order.
        unusable: the other rows.
    """

    path: Path
    rows: tuple[MetadataRow, ...]
    unusable: tuple[UnusableRow, ...]


def read_metadata(path: Path) -> MetadataTable:
    """The rows of a metadata CSV; the column `person_id` is optional, further columns are ignored.

    Raises:
        InputError: no file, no row, a missing column, or not one usable row.
    """
    try:
        table = read_table(path)
    except UnreadableTextError as error:
        if error.missing:
            raise InputError(f"{path}: no such metadata file; name the table of clips with --metadata") from None
        raise InputError(f"{path}: not readable as a CSV table: {error.reason}") from error
    if not table.columns:
        raise InputError(f"{path}: the file is empty; get the table again")
    _check_columns(path, table.columns)
    rows = [_row(number, cells) for number, cells in table.rows()]
    if not rows:
        raise InputError(f"{path}: the table has no row")
    unusable = tuple(row for row in rows if isinstance(row, UnusableRow))
    if len(unusable) == len(rows):
        raise InputError(f"{path}: no row of the table is usable; line {unusable[0].line}: {unusable[0].reason}")
    return MetadataTable(path, tuple(row for row in rows if isinstance(row, MetadataRow)), unusable)


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    for name in COLUMNS:
        if name not in columns and name not in OPTIONAL:
            others = [column for column in columns if column not in COLUMNS]
            raise InputError(
                f"{path}: the column '{name}' is missing{likely(name, others)}; "
                f"a table needs {','.join(column for column in COLUMNS if column not in OPTIONAL)}"
            )


def _row(line: int, cells: Mapping[str, Any]) -> MetadataRow | UnusableRow:
    text = {name: (cells.get(name) or "").strip() for name in COLUMNS}
    try:
        return MetadataRow.model_validate({**text, "person_id": text["person_id"] or None, "line": line, "text": text})
    except ValidationError as error:
        first = error.errors()[0]
        reason = first["msg"].removeprefix("Value error, ")
        column = str(first["loc"][0]) if first["loc"] else ""
        return UnusableRow(line, text, f"{column} '{text[column]}': {reason}" if column else reason)


def found_row(
    video_id: str,
    person_id: str | None,
    start: int,
    end: int,
    bbox: Box,
    fps: float,
    size: tuple[int, int],
    partition: str,
) -> MetadataRow:
    """A row as a table would have it, for a tube that was found; `size` is the width and height of its frame."""
    sides = Box(*(int(side) for side in bbox))
    cells = {
        "video_id": video_id,
        "person_id": person_id or "",
        "start": str(start),
        "end": str(end),
        "bbox": "-".join(str(side) for side in sides),
        "fps": f"{fps:.10g}",
        "width": str(size[0]),
        "height": str(size[1]),
        "partition": partition,
    }
    return MetadataRow.model_validate({**cells, "person_id": person_id, "line": 0, "text": cells})


@dataclass(frozen=True)
class PublishedTable:
    """A table in a public repository.

    Attributes:
        name: the dataset.
        address: where its authors keep it.
    """

    name: str
    address: str

    @property
    def path(self) -> Path:
        """Where the table belongs on this machine: beside the third-party weights."""
        return weights_home().parent / "tables" / f"{self.name}-metadata.csv"


_SIAROHIN = "https://raw.githubusercontent.com/AliaksandrSiarohin/video-preprocessing/master"
_SNAP = "https://raw.githubusercontent.com/snap-research/articulated-animation/main"

TABLES: dict[str, PublishedTable] = {
    table.name: table
    for table in (
        PublishedTable("vox", f"{_SIAROHIN}/vox-metadata.csv"),
        PublishedTable("taichi", f"{_SIAROHIN}/taichi-metadata.csv"),
        PublishedTable("ted", f"{_SNAP}/data/ted-metadata.csv"),
    )
}


def table_path(name: str) -> Path:
    """The published table of a dataset, fetched if it is not here yet.

    Raises:
        InputError: it cannot be fetched, or has changed since it was.
    """
    return locate_table(TABLES[name])


def locate_table(table: PublishedTable) -> Path:
    """The file of a published table, fetched if it is not here yet.

    The first fetch writes down the SHA-256 in a file beside it; from then on the table has to agree with it, so that
    two runs never mean different rows by the same name.

    Raises:
        InputError: it cannot be fetched, is no table of clips, or has changed since it was fetched.
    """
    path = table.path
    noted = path.with_name(f"{path.name}.sha256")
    if not path.is_file():
        _fetch(table)
        noted.unlink(missing_ok=True)
    digest = sha256_of_file(path)
    if not noted.is_file():
        write_text(noted, f"{digest}  {path.name}\n")
    if noted.read_text(encoding="utf-8").split()[:1] != [digest]:
        raise InputError(
            f"{path}: the table has changed since it was fetched (its SHA-256 is not the one in {noted.name}); "
            "remove the file to have it fetched anew, or give a table with --metadata"
        )
    return path


def _fetch(table: PublishedTable) -> None:
    from urllib.request import urlopen

    try:
        with urlopen(table.address, timeout=TIMEOUT) as answer:
            content: bytes = answer.read()
    except (OSError, HTTPException) as error:
        raise InputError(
            f"the table '{table.name}' is not on this machine and {table.address} cannot be fetched "
            f"({' '.join(str(error).split())}); fetch it elsewhere and give it with --metadata"
        ) from error
    columns = next(csv.reader(content.decode("utf-8-sig", errors="replace").splitlines()), [])
    if "video_id" not in columns or "bbox" not in columns:
        raise InputError(
            f"{table.address}: what came is no table of clips, so it was not kept; "
            "try again behind another network, or give the table with --metadata"
        )
    with replacing(table.path) as temporary:
        temporary.write_bytes(content)
