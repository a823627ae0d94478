"""Shards of a dataset, cut by jobs of an array: read, and checked to make a whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from lia_bench.core.clips_table import DESCRIPTION, TABLE, ClipsTable, Row, clip_key, read_description
from lia_bench.core.errors import InputError
from lia_bench.core.hashing import sha256_of_file
from lia_bench.core.prepared_dataset import PARTITIONS, table_of

ITS_OWN = ("shard", "positions", "versions", "counts", "hash")
"""What dataset.json says of a shard alone; the rest is the same in all shards of a dataset."""

ITS_OWN_ARGUMENTS = ("shard", "footage")
"""Jobs may have the footage in different places."""


class _Number(BaseModel):
    index: int = Field(ge=1)
    count: int = Field(ge=1)


class Part(BaseModel):
    """What dataset.json says of a shard: which it is, and the place of each of its rows among all rows."""

    shard: _Number
    positions: list[tuple[int, ...]]


@dataclass(frozen=True)
class Shard:
    """A folder that `preprocess ... --shard` made.

    Attributes:
        folder: where it lies.
        table: its clips.csv.
        description: its dataset.json.
        part: which shard it is, and the place of each of its rows among the rows of all shards.
    """

    folder: Path
    table: ClipsTable
    description: dict[str, Any]
    part: Part


def read_shards(folders: Sequence[Path]) -> list[Shard]:
    """The shards in these folders, all of one dataset, in their order.

    Raises:
        InputError: a shard is missing, there twice, unfinished, damaged, or of another dataset.
    """
    shards = [_read(folder) for folder in folders]
    _check_complete(shards)
    shards.sort(key=lambda shard: shard.part.shard.index)
    _check_same(shards)
    return shards


def rows_in_order(shards: Sequence[Shard]) -> list[tuple[Shard, Row]]:
    """Every row of every shard, as one run without shards would have listed them.

    Raises:
        InputError: two shards have the same row or the same clip.
    """
    placed: dict[tuple[int, ...], tuple[Shard, Row]] = {}
    clips: dict[str, Path] = {}
    for shard in shards:
        for position, row in zip(shard.part.positions, shard.table.rows, strict=True):
            if position in placed:
                other = placed[position][0].folder
                raise InputError(f"{shard.folder}: has a row that {other} has too; prepare all shards by one command")
            placed[position] = (shard, row)
        for row in shard.table.good:
            if clip_key(row) in clips:
                raise InputError(f"{shard.folder}: the clip {clip_key(row)} is in {clips[clip_key(row)]} too")
            clips[clip_key(row)] = shard.folder
    return [placed[position] for position in sorted(placed)]


def _read(folder: Path) -> Shard:
    table = table_of(folder, columns_read=("frames", "sha256"))
    description = read_description(folder)
    if description.get("hash") != sha256_of_file(folder / TABLE):
        raise InputError(f"{folder / TABLE}: not the table that {DESCRIPTION} describes; run this shard again")
    if "shard" not in description:
        raise InputError(f"{folder}: a whole dataset, no shard; shards come from `lia-bench preprocess ... --shard`")
    try:
        part = Part.model_validate(description)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise InputError(f"{folder / DESCRIPTION}: {where}: {error.errors()[0]['msg']}; run this shard again") from None
    if len(part.positions) != len(table.rows):
        raise InputError(
            f"{folder / DESCRIPTION}: {len(part.positions)} positions for {len(table.rows)} rows; run this shard again"
        )
    for row in table.good:
        if row["partition"] not in PARTITIONS or Path(row["clip"]).name != row["clip"] or row["clip"] == "..":
            raise InputError(f"{folder / TABLE}: '{clip_key(row)}' cannot be a clip of a dataset; run this shard again")
    return Shard(folder, table, description, part)


def _check_complete(shards: Sequence[Shard]) -> None:
    count = shards[0].part.shard.count
    found: dict[int, Path] = {}
    for shard in shards:
        number = shard.part.shard
        if number.count != count:
            raise InputError(
                f"{shard.folder}: a shard of {number.count}, and {shards[0].folder} is one of {count}; "
                "merge the shards of one dataset"
            )
        if number.index in found:
            raise InputError(f"{shard.folder}: shard {number.index}/{count}, and so is {found[number.index]}")
        found[number.index] = shard.folder
    missing = [str(index) for index in range(1, count + 1) if index not in found]
    if missing:
        raise InputError(f"{len(missing)} of {count} shards are not among the folders given: {', '.join(missing)}")


def _check_same(shards: Sequence[Shard]) -> None:
    first, *others = shards
    expected = _common(first)
    for shard in others:
        found = _common(shard)
        for key in (*expected, *found):
            if found.get(key) != expected.get(key):
                raise InputError(
                    f"{shard.folder}: made with {key} {found.get(key)}, and {first.folder} with {expected.get(key)}; "
                    "prepare all shards by the same command"
                )
        if shard.table.columns != first.table.columns:
            raise InputError(
                f"{shard.folder / TABLE}: other columns than in {first.folder}; prepare all shards by the same version"
            )


def _common(shard: Shard) -> dict[str, Any]:
    content = {key: value for key, value in shard.description.items() if key not in (*ITS_OWN, "arguments")}
    arguments = shard.description.get("arguments", {})
    return content | {f"--{key}": value for key, value in arguments.items() if key not in ITS_OWN_ARGUMENTS}
