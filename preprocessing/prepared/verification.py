"""Whether a prepared dataset is still what it was when it was prepared."""

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lia_bench.core.clips_table import TABLE, ClipsTable, clip_key, find_clip
from lia_bench.core.console import progress
from lia_bench.core.dataset_description import DESCRIPTION, DatasetDescription, read_description
from lia_bench.core.errors import LiaBenchError
from lia_bench.core.inner_files import named_inside
from lia_bench.core.prepared_dataset import PARTITIONS, table_of
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.video import open_video, sha256_of_video


@dataclass(frozen=True)
class Problem:
    """Something that is not as it was.

    Attributes:
        clip: 'partition/clip', or the name of the dataset's file that is wrong.
        reason: what is wrong with it.
    """

    clip: str
    reason: str


@dataclass(frozen=True)
class Verification:
    """What a check of a whole dataset found.

    Attributes:
        hash: SHA-256 of clips.csv as it is now.
        clips: number of clips that were looked at.
        problems: what is wrong; empty for a sound dataset.
        unlisted: 'partition/file' of what lies among the clips without a row.
    """

    hash: str
    clips: int
    problems: tuple[Problem, ...]
    unlisted: tuple[str, ...]


def verify(folder: Path, workers: int) -> Verification:
    """Compare clips.csv with dataset.json, and decode and hash every clip.

    Args:
        folder: the dataset.
        workers: clips that are read at the same time.

    Raises:
        InputError: no prepared dataset, or a table or description that cannot be read.
    """
    table = table_of(folder, columns_read=("frames", "sha256"))
    description = read_description(folder)
    digest = sha256_of_file(folder / TABLE)
    problems = [*_problems_of_table(table, digest, description), *_problems_of_tars(folder, description)]
    pool = ThreadPoolExecutor(workers)  # PyAV, decord and hashlib let go of the interpreter's lock
    try:
        checks = pool.map(lambda row: _check(folder, row, description.size), table.good)
        for row, reason in zip(
            table.good, progress(checks, title="verifying", total=len(table.good), unit="clip"), strict=True
        ):
            if reason is not None:
                problems.append(Problem(clip_key(row), reason))
    finally:
        pool.shutdown(cancel_futures=True)
    return Verification(digest, len(table.good), tuple(problems), tuple(unlisted(folder, table)))


def without_path(error: Exception, path: Path) -> str:
    """What an error says about a clip that is named beside it."""
    text = str(error)
    for place in (path.resolve(), path):
        text = text.replace(f"{place}: ", "").replace(str(place), path.name)
    return text


def _problems_of_table(table: ClipsTable, digest: str, description: DatasetDescription) -> list[Problem]:
    problems = []
    if description.hash != digest:
        reason = f"its hash is {digest[:12]} and {DESCRIPTION} says {description.hash[:12]}"
        problems.append(Problem(TABLE, f"changed: {reason}"))
    for key, count in Counter(map(clip_key, table.good)).items():
        if count > 1:
            problems.append(Problem(key, f"listed {count} times as ok in {TABLE}"))
    return problems


def _problems_of_tars(folder: Path, description: DatasetDescription) -> list[Problem]:
    """Tar files of a packed dataset that are not as they were."""
    tars = description.packed.tars if description.packed else {}
    problems = []
    for name, digest in progress(tars.items(), title="verifying", unit="tar", shown=bool(tars)):
        path = named_inside(folder, name)
        if not path.is_file():
            problems.append(Problem(name, "missing: the file is not there"))
        elif sha256_of_file(path) != digest:
            problems.append(Problem(name, f"changed: its SHA-256 is not the one in {DESCRIPTION}"))
    return problems


def _check(folder: Path, row: Mapping[str, str], size: int | None) -> str | None:
    """What is wrong with one clip."""
    path = find_clip(folder, row)
    if path is None:
        return "missing: the file is not there"
    try:
        with open_video(path) as reader:
            frames, shape = len(reader), (reader.properties.width, reader.properties.height)
            if not path.is_file():  # a file was decoded to its end as it was opened, pictures were not
                for _ in reader:
                    pass
        digest = sha256_of_video(path)
    except (LiaBenchError, OSError) as error:
        return f"unreadable: {without_path(error, path)}"
    if str(frames) != row["frames"]:
        return f"changed: it has {frames} frames and {TABLE} says {row['frames']}"
    if size is not None and shape != (size, size):
        return f"changed: it is {shape[0]}x{shape[1]} and {DESCRIPTION} says {size}x{size}"
    if digest != row["sha256"]:
        return f"changed: its SHA-256 is {digest[:12]} and {TABLE} says {row['sha256'][:12]}"
    return None


def unlisted(folder: Path, table: ClipsTable) -> list[str]:
    """What lies in the folders of a dataset's partitions and is no clip that its table lists as ok, by path."""
    listed = {find_clip(folder, row) for row in table.good}
    return [
        f"{partition}/{path.name}"
        for partition in PARTITIONS
        if (folder / partition).is_dir()
        for path in sorted((folder / partition).iterdir())
        if path not in listed
    ]
