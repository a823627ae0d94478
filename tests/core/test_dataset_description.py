"""dataset.json: what is written is read back, older files say the same as before, damaged ones are refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from lia_bench.core.dataset_description import (
    Counts,
    DatasetDescription,
    ShardNumber,
    read_description,
    write_description,
)
from lia_bench.core.errors import InputError
from lia_bench.core.prepared_dataset import PreparedDataset, subject_of

COUNTS = Counts(rows=2, ok=1, dropped=1, failed=0, unavailable=0, clips={"train": 1, "test": 0}, frames=4)
WHOLE: dict[str, Any] = {
    "schema": 2,
    "recipe": "vox",
    "subject": "face",
    "arguments": {"size": 64, "footage": "videos", "rule": {"min_frames": 64}},
    "versions": {"lia-bench": "0.1.0", "decord": None, "system": ["here", "there"]},
    "counts": COUNTS.model_dump(),
    "hash": "0123",
}


def _with(folder: Path, text: str) -> Path:
    (folder / "dataset.json").write_text(text, encoding="utf-8")
    return folder


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    for description in (
        DatasetDescription.model_validate(WHOLE),
        DatasetDescription.model_validate({**WHOLE, "shard": {"index": 2, "count": 3}, "positions": [[-1, 0], [2]]}),
        DatasetDescription.model_validate({**WHOLE, "shard": {"index": 3, "count": 3}, "positions": []}),
    ):
        write_description(tmp_path, description)
        assert read_description(tmp_path) == description
        content = json.loads((tmp_path / "dataset.json").read_text())
        assert list(content)[:7] == list(WHOLE)
        assert ("shard" in content, "positions" in content) == (description.shard is not None,) * 2


def test_a_folder_whose_name_is_no_utf_8(tmp_path: Path) -> None:
    arguments = {"size": 64, "footage": b"caf\xe9".decode(errors="surrogateescape")}
    write_description(tmp_path, DatasetDescription.model_validate({**WHOLE, "arguments": arguments}))
    assert read_description(tmp_path).arguments == arguments


def test_what_holds_of_shards(tmp_path: Path) -> None:
    shard = {"shard": {"index": 2, "count": 3}, "positions": [[1]]}
    description = read_description(_with(tmp_path, json.dumps(WHOLE | shard)))
    assert (description.shard, description.positions, description.size) == (ShardNumber(index=2, count=3), [[1]], 64)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"hash": ', "Expecting value"),
        ("[" * 100_000, "it is nested too deeply"),
        ('{"arguments": ' * 100_000, "it is nested too deeply"),
        ("[1]", "Input should be an object"),
        ('{"arguments": [' + "[" * 500 + "]" * 500 + "]}", "arguments: Input should be "),
    ],
)
def test_what_is_no_description(text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        read_description(_with(tmp_path, text))
    message = str(refused.value)
    assert message.startswith(f"{tmp_path / 'dataset.json'}: not readable as the description of a dataset ({reason}")
    assert message.endswith("): run the command that prepares the dataset again")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"hash": 12}, "hash: Input should be a valid string"),
        ({"subject": None}, "subject: Input should be a valid string"),
        ({"recipe": ["vox"]}, "recipe: Input should be a valid string"),
        ({"arguments": "none"}, "arguments: Input should be an object"),
        ({"arguments": {"size": "64"}}, "arguments: its size is no whole number of pixels"),
        ({"versions": {"a\nb": 1}}, "versions.a b.str: Input should be a valid string"),
        ({"counts": {**WHOLE["counts"], "rows": "two"}}, "counts.rows: Input should be a valid integer"),
        ({"counts": {"rows": 2}}, "'counts.ok' is missing"),
        ({"shard": 1}, "shard: Input should be an object"),
        ({"shard": {"index": 1, "count": 0}}, "shard.count: Input should be greater than or equal to 1"),
        ({"positions": [[1], "2"]}, "positions.1: Input should be a valid array"),
        ({"schema": "2"}, "schema: Input should be 2"),
    ],
)
@pytest.mark.parametrize("schema", [1, 2])
def test_a_field_of_another_shape(change: dict[str, Any], reason: str, schema: int, tmp_path: Path) -> None:
    content = WHOLE | change
    if schema == 1:
        content = {key: value for key, value in content.items() if key not in ("schema", "subject")}
    _with(tmp_path, json.dumps(content))
    if schema == 1 and ("schema" in change or "subject" in change):
        assert read_description(tmp_path).subject == "face"
        return
    with pytest.raises(InputError) as refused:
        read_description(tmp_path)
    assert f"{tmp_path / 'dataset.json'}: not readable as the description of a dataset ({reason}" in str(refused.value)


def test_a_missing_field(tmp_path: Path) -> None:
    for key in ("recipe", "subject", "arguments", "versions", "counts", "hash"):
        _with(tmp_path, json.dumps({name: value for name, value in WHOLE.items() if name != key}))
        with pytest.raises(InputError, match=rf"dataset\.json: not readable .*'{key}' is missing"):
            read_description(tmp_path)


def test_a_file_of_a_later_schema(tmp_path: Path) -> None:
    _with(tmp_path, json.dumps({"schema": 3, "hash": {"sha256": "0123"}}))
    with pytest.raises(InputError, match=r"written by a newer LIA-Bench \(schema 3, this version reads 2\): upgrade"):
        read_description(tmp_path)


@pytest.mark.parametrize(
    ("description", "subject"),
    [
        ({"recipe": "vox"}, "face"),
        ({"recipe": "taichi"}, "body"),
        ({"recipe": "sample"}, "sample"),
        ({"recipe": "mgif"}, ""),
        ({"recipe": "folder", "arguments": {"detector": "s3fd"}}, "face"),
        ({"recipe": "folder", "arguments": {"detector": "mediapipe-pose"}}, "body"),
        ({"recipe": "folder", "arguments": {}}, ""),
        ({"recipe": "of-a-package-that-is-elsewhere"}, ""),
    ],
)
def test_what_the_clips_show_follows_from_what_made_them(
    tmp_path: Path, description: dict[str, object], subject: str
) -> None:
    """Where dataset.json was written before it said so."""
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    dataset = PreparedDataset(tmp_path.name, tmp_path, "", ())
    assert subject_of(dataset) == subject


def test_what_the_clips_show_is_what_dataset_json_says(tmp_path: Path) -> None:
    dataset = PreparedDataset(tmp_path.name, tmp_path, "", ())
    assert subject_of(dataset) == ""
    for subject in ("body", ""):
        _with(tmp_path, json.dumps(WHOLE | {"subject": subject}))
        assert subject_of(dataset) == subject
