"""Tables of clips in the published columns: what to cut out of which video."""

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from lia_bench.core.errors import InputError
from lia_bench.core.suggestions import likely
from lia_bench.preprocessing.boxes import Box

COLUMNS = ("video_id", "person_id", "start", "end", "bbox", "fps", "width", "height", "partition")
OPTIONAL = ("person_id",)
BOX = re.compile(r"\d+-\d+-\d+-\d+")


def parse_box(text: str) -> Box:
    """A box from 'left-top-right-bottom' in whole pixels.

    Raises:
        ValueError: the text is no such box.
    """
    if not BOX.fullmatch(text):
        raise ValueError(f"'{text}' is not left-top-right-bottom in whole pixels, such as 286-45-601-361")
    return Box(*(int(side) for side in text.split("-")))


# Identifiers become file names.
Identifier = Annotated[str, Field(min_length=1, pattern=r"^[^/\\\x00]+$")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class MetadataRow(BaseModel):
    """One row: a stretch of a video and a box in it.

    Attributes:
        video_id: identifier of the footage; what follows '#' says more.
        person_id: who is seen; None where the table has no such column or cell.
        start: first frame, counted from 0 at `fps`.
        end: the frame behind the last one.
        bbox: pixels in a frame of `width` x `height`.
        fps: the rate that start and end count in.
        width: of the frame that the box was measured in.
        height: of the frame that the box was measured in.
        partition: "train" or "test".
        line: line of the file.
        text: the row's cells as they were written.
    """

    model_config = ConfigDict(frozen=True)

    video_id: Identifier
    person_id: Identifier | None = None
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    bbox: Annotated[Box, BeforeValidator(parse_box)]
    fps: Positive
    width: Positive
    height: Positive
    partition: Literal["train", "test"]
    line: int
    text: Mapping[str, str]


def read_metadata(path: Path) -> list[MetadataRow]:
    """The rows of a metadata CSV; the column `person_id` is optional, further columns are ignored.

    Raises:
        InputError: no file, no row, a missing column, or a cell that is not what its column needs.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            _check_columns(path, reader.fieldnames or ())
            rows = [_row(path, reader.line_num, cells) for cells in reader]
    except FileNotFoundError:
        raise InputError(f"{path}: no such metadata file; name the table of clips with --metadata") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not readable as a CSV table: {error}") from error
    if not rows:
        raise InputError(f"{path}: the table has no row")
    return rows


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    for name in COLUMNS:
        if name not in columns and name not in OPTIONAL:
            others = [column for column in columns if column not in COLUMNS]
            raise InputError(
                f"{path}: the column '{name}' is missing{likely(name, others)}; "
                f"a table needs {','.join(column for column in COLUMNS if column not in OPTIONAL)}"
            )


def _row(path: Path, line: int, cells: Mapping[str, Any]) -> MetadataRow:
    text = {name: (cells.get(name) or "").strip() for name in COLUMNS}
    try:
        return MetadataRow.model_validate({**text, "person_id": text["person_id"] or None, "line": line, "text": text})
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"{path}, line {line}: {first['loc'][0]} '{text.get(str(first['loc'][0]), '')}': {first['msg']}"
        ) from None
