"""Shards of a dataset to the dataset that one run would have made."""

import csv
import io
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lia_bench.core.atomic import replacing, write_json, write_text
from lia_bench.core.clips_table import DESCRIPTION, STATUSES, TABLE, Row, clip_key, find_clip
from lia_bench.core.errors import InputError
from lia_bench.core.hashing import sha256_of_file
from lia_bench.core.linking import link_or_copy
from lia_bench.core.prepared_dataset import FINISHED_FOLDER, PARTITIONS
from lia_bench.core.progress import progress
from lia_bench.core.video import sha256_of_video
from lia_bench.preprocessing.locking import alone_in
from lia_bench.preprocessing.prepared.shards import Shard, read_shards, rows_in_order

FOUND_TABLE = "metadata.csv"
"""The clips that a search found, beside clips.csv."""


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
    shards = read_shards(folders)
    owned = rows_in_order(shards)
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
    write_json(output / DESCRIPTION, _description(shards, rows, digest))
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


def _description(shards: Sequence[Shard], rows: Sequence[Row], digest: str) -> dict[str, Any]:
    statuses = Counter(row["status"] for row in rows)
    good = [row for row in rows if row["status"] == "ok"]
    clips = Counter(row["partition"] for row in good)
    content = {key: value for key, value in shards[0].description.items() if key not in ("shard", "positions")}
    arguments = {key: value for key, value in content.get("arguments", {}).items() if key != "shard"}
    return content | {
        "arguments": arguments,
        "versions": _versions(shards),
        "counts": {
            "rows": len(rows),
            **{status: statuses[status] for status in STATUSES},
            "clips": {name: clips[name] for name in PARTITIONS},
            "frames": sum(int(row["frames"]) for row in good),
        },
        "hash": digest,
    }


def _versions(shards: Sequence[Shard]) -> dict[str, Any]:
    """Versions that all shards agree on, and of others each one that some shard was made with."""
    found: dict[str, dict[Any, None]] = {}
    for shard in shards:
        for name, version in shard.description.get("versions", {}).items():
            found.setdefault(name, {})[version] = None
    return {name: next(iter(several)) if len(several) == 1 else list(several) for name, several in found.items()}
