"""Shards of a dataset to the dataset that one run would have made."""

import csv
import io
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lia_bench.core.atomic import link_or_copy, replacing, write_text
from lia_bench.core.clips_table import STATUSES, TABLE, ClipsTable, Row, clip_key, find_clip
from lia_bench.core.console import progress
from lia_bench.core.dataset_description import (
    DESCRIPTION,
    Counts,
    DatasetDescription,
    ProgramVersion,
    ShardNumber,
    read_description,
    write_description,
)
from lia_bench.core.errors import InputError
from lia_bench.core.names import printable
from lia_bench.core.prepared_dataset import FINISHED_FOLDER, PARTITIONS, table_of
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.video import sha256_of_video
from lia_bench.preprocessing.ledger import FOUND_TABLE, alone_in

FRAMES = re.compile(r"[0-9]{1,9}")

ITS_OWN_ARGUMENTS = ("shard", "footage")
"""Jobs may have the footage in different places."""


@dataclass(frozen=True)
class Shard:
    """A folder that `preprocess ... --shard` made.

    Attributes:
        folder: where it lies.
        table: its clips.csv.
        description: its dataset.json.
        number: which shard it is.
        positions: the place of each of its rows among the rows of all shards.
    """

    folder: Path
    table: ClipsTable
    description: DatasetDescription
    number: ShardNumber
    positions: list[list[int]]


def merge(folders: Sequence[Path], output: Path) -> str:
    """Put the shards of a dataset together; returns the dataset's hash, that of a run without shards.

    Clips are hard links to those of the shards where the file system allows it, and copies elsewhere; the shards stay
    as they are. Killed and started again, it goes on. What the shards noted about finished work comes along, so that
    `preprocess` can go on in the merged folder.

    Args:
        folders: the shards that `preprocess ... --shard` made, all of them, in any order.
        output: folder of the dataset.

    Raises:
        InputError: a shard is missing, there twice, unfinished, damaged, or of another dataset; or `output` holds
            another dataset.
    """
    shards = _read_shards(folders)
    owned = _rows_in_order(shards)
    with alone_in(output):
        return _merge(shards, owned, output)


def _merge(shards: Sequence[Shard], owned: Sequence[tuple[Shard, Row]], output: Path) -> str:
    rows = [row for _, row in owned]
    text = _as_csv(shards[0].table.columns, rows)
    _begin(output, text, shards)
    good = [(shard, row) for shard, row in owned if row["status"] == "ok"]
    for shard, row in progress(good, title="merging", unit="clip"):
        _place(shard, row, output)
    _merge_found(shards, rows, output)
    write_text(output / TABLE, text)
    digest = sha256_of_file(output / TABLE)
    write_description(output, _description(shards, rows, digest))
    return digest


def _as_csv(columns: Sequence[str], rows: Iterable[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row[column] for column in columns] for row in rows)
    return text.getvalue()


def _begin(output: Path, text: str, shards: Sequence[Shard]) -> None:
    if output.resolve() in {shard.folder.resolve() for shard in shards}:
        raise InputError(f"{output}: one of the shards; name another --output")
    table = output / TABLE
    if table.is_file() and table.read_bytes() != text.encode():
        raise InputError(f"{output}: holds another dataset; remove it, or name another --output")
    (output / FINISHED_FOLDER).mkdir(parents=True, exist_ok=True)
    notes: dict[str, str] = {}
    for shard in shards:
        for file in sorted((shard.folder / FINISHED_FOLDER).glob("*.jsonl")):
            notes[file.name] = notes.get(file.name, "") + file.read_text(encoding="utf-8")
    for name, lines in notes.items():
        write_text(output / FINISHED_FOLDER / name, lines)


def _place(shard: Shard, row: Row, output: Path) -> None:
    source = find_clip(shard.folder, row)
    if source is None:
        raise InputError(f"{shard.folder}: the clip {clip_key(row)} is not there; run this shard again")
    target = output / row["partition"] / source.name
    if target.exists() and sha256_of_video(target) == row["sha256"]:
        return
    if sha256_of_video(source) != row["sha256"]:
        raise InputError(
            f"{shard.folder}: the clip {clip_key(row)} is not the one that {TABLE} describes; run this shard again"
        )
    with replacing(target) as temporary:
        if source.is_dir():
            shutil.copytree(source, temporary, copy_function=link_or_copy)
        else:
            link_or_copy(source, temporary)


def _merge_found(shards: Sequence[Shard], rows: Sequence[Row], output: Path) -> None:
    """Write the rows of the shards' tables of found clips, where they have such tables, in the order of clips.csv."""
    found = set()
    columns: list[str] = []
    for path in (shard.folder / FOUND_TABLE for shard in shards):
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                columns, *lines = csv.reader(file)
            found |= set(map(tuple, lines))
    if columns:
        chosen = [row for row in rows if tuple(row[column] for column in columns) in found]
        write_text(output / FOUND_TABLE, _as_csv(columns, chosen))


def _description(shards: Sequence[Shard], rows: Sequence[Row], digest: str) -> DatasetDescription:
    statuses = Counter(row["status"] for row in rows)
    good = [row for row in rows if row["status"] == "ok"]
    clips = Counter(row["partition"] for row in good)
    first = shards[0].description
    return first.model_copy(
        update={
            "arguments": {key: value for key, value in first.arguments.items() if key != "shard"},
            "versions": _versions(shards),
            "counts": Counts(
                rows=len(rows),
                **{status: statuses[status] for status in STATUSES},
                clips={name: clips[name] for name in PARTITIONS},
                frames=sum(int(row["frames"]) for row in good),
            ),
            "hash": digest,
            "shard": None,
            "positions": None,
        }
    )


def _versions(shards: Sequence[Shard]) -> dict[str, ProgramVersion | list[ProgramVersion]]:
    """Versions that all shards agree on, and of others each one that some shard was made with."""
    found: dict[str, list[ProgramVersion]] = {}
    for shard in shards:
        for name, version in shard.description.versions.items():
            several = version if isinstance(version, list) else [version]
            found[name] = list(dict.fromkeys([*found.get(name, ()), *several]))
    return {name: several[0] if len(several) == 1 else several for name, several in found.items()}


def _read_shards(folders: Sequence[Path]) -> list[Shard]:
    """The shards in these folders, all of one dataset, in their order."""
    shards = [_read(folder) for folder in folders]
    _check_complete(shards)
    shards.sort(key=lambda shard: shard.number.index)
    _check_same(shards)
    return shards


def _rows_in_order(shards: Sequence[Shard]) -> list[tuple[Shard, Row]]:
    """Every row of every shard, as one run without shards would have listed them."""
    placed: dict[tuple[int, ...], tuple[Shard, Row]] = {}
    clips: dict[str, Path] = {}
    for shard in shards:
        for position, row in zip(map(tuple, shard.positions), shard.table.rows, strict=True):
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
    if description.hash != sha256_of_file(folder / TABLE):
        raise InputError(f"{folder / TABLE}: not the table that {DESCRIPTION} describes; run this shard again")
    if description.shard is None:
        raise InputError(f"{folder}: a whole dataset, no shard; shards come from `lia-bench preprocess ... --shard`")
    positions = description.positions or []
    if len(positions) != len(table.rows):
        raise InputError(
            f"{folder / DESCRIPTION}: {len(positions)} positions for {len(table.rows)} rows; run this shard again"
        )
    for row in table.good:
        if row["partition"] not in PARTITIONS or Path(row["clip"]).name != row["clip"] or row["clip"] == "..":
            raise InputError(f"{folder / TABLE}: '{clip_key(row)}' cannot be a clip of a dataset; run this shard again")
        if not FRAMES.fullmatch(row["frames"]):
            raise InputError(
                f"{folder / TABLE}: {clip_key(row)}: '{printable(row['frames'])[:20]}' is no number of frames; "
                "run this shard again"
            )
    return Shard(folder, table, description, description.shard, positions)


def _check_complete(shards: Sequence[Shard]) -> None:
    count = shards[0].number.count
    found: dict[int, Path] = {}
    for shard in shards:
        number = shard.number
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
    """What dataset.json says alike of all shards of a dataset, by the name that users know it by."""
    description = shard.description
    arguments = {key: value for key, value in description.arguments.items() if key not in ITS_OWN_ARGUMENTS}
    return {
        "recipe": description.recipe,
        "subject": description.subject,
        **{f"--{key}": value for key, value in arguments.items()},
    }
