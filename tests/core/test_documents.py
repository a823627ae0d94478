"""JSON files with a schema: what is damaged is one line with the file and the key."""

import json
import math
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from lia_bench.core.documents import Version, read_document, write_document
from lia_bench.core.errors import CheckpointError, InputError


class Row(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    frames: int
    score: float | None = None


class Table(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    version: int = Field(2, alias="schema")
    date: datetime
    rows: tuple[Row, ...]


WHOLE: dict[str, Any] = {"schema": 2, "date": "2025-01-31T12:00:00Z", "rows": [{"name": "a", "frames": 3}]}


def read(path: Path) -> Table:
    return read_document(path, Table, "a table", "take another --name", version=Version("schema", 2))


def damaged(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read(path)
    return str(caught.value)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    date = datetime.fromisoformat("2025-01-31T12:00:00Z")
    table = Table(date=date, rows=(Row(name="é", frames=1, score=math.inf), Row(name="b", frames=2**63)))
    write_document(path, table)
    assert read(path) == table
    assert json.loads(path.read_text(encoding="utf-8"))["schema"] == 2


def test_a_path_that_is_not_utf8_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    name = b"clip-\xff".decode("utf-8", errors="surrogateescape")
    write_document(path, Table(date=datetime.fromisoformat("2025-01-31"), rows=(Row(name=name, frames=1),)))
    assert read(path).rows[0].name == name


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Expecting value: line 1 column 1"),
        (b'{"schema": 2, "rows"', "Expecting ':' delimiter"),
        (b"\xff\xfe{}", "it is not UTF-8 text"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b'{"date": %s}' % (b'{"a":' * 100_000), "it is nested too deeply"),
        (b'{"schema": %s}' % (b"9" * 5000), "it holds an integer of 5000 digits"),
        (b'{"schema": 2, "rows": %d}' % 2**64, "it holds an integer of 20 digits"),
        (b"[]", "Input should be an object"),
        (b"null", "Input should be an object"),
        (b"{}", "'date' is missing"),
    ],
)
def test_what_is_no_such_file(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    message = damaged(path, content)
    assert message.startswith(f"{path}: not readable as a table (")
    assert reason in message
    assert message.endswith("): take another --name")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rows": [{"name": "a", "frames": "3"}]}, "rows.0.frames: Input should be a valid integer"),
        ({"rows": [{"name": "a", "frames": True}]}, "rows.0.frames: Input should be a valid integer"),
        ({"rows": [{"name": "a", "frames": 3, "score": "0.5"}]}, "rows.0.score: Input should be a valid number"),
        ({"rows": [{"name": "a"}]}, "'rows.0.frames' is missing"),
        ({"rows": [{"name": "a", "frames": 3, "sc\nore": 1}]}, "rows.0.sc"),
        ({"rows": {"a": 1}}, "rows: Input should be a valid array"),
        ({"date": "yesterday"}, "date: Input should be a valid datetime"),
        ({"schema": "2"}, "schema: Input should be a valid integer"),
    ],
)
def test_the_key_that_does_not_fit_is_named(change: dict[str, Any], reason: str, tmp_path: Path) -> None:
    message = damaged(tmp_path / "table.json", json.dumps(WHOLE | change).encode())
    assert reason in message
    assert "\n" not in message


def test_a_newer_version_is_said_before_its_other_differences(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    message = damaged(path, b'{"schema": 3, "runs": []}')
    assert message == (f"{path}: written by a newer LIA-Bench (schema 3, this version reads 2): upgrade LIA-Bench")


def test_missing_files_and_folders_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"table\.json: there is no such file: take another --name"):
        read(tmp_path / "table.json")
    with pytest.raises(CheckpointError, match=r"not readable as a table \(Is a directory\): train again"):
        read_document(tmp_path, Table, "a table", "train again", error=CheckpointError)
