"""A prepared dataset packed for training: its frames as JPEG pictures in tar files, found by an index beside each."""

import csv
import hashlib
import io
import json
import tarfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from lia_bench.core.atomic import replacing, write_text
from lia_bench.core.clips_table import TABLE, TAR_COLUMN, ClipsTable, Row, clip_key, find_clip
from lia_bench.core.console import progress
from lia_bench.core.dataset_description import (
    DESCRIPTION,
    DatasetDescription,
    Packing,
    read_description,
    write_description,
)
from lia_bench.core.errors import InputError
from lia_bench.core.prepared_dataset import FINISHED_FOLDER, PARTITIONS, table_of
from lia_bench.core.processes import alone_at
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.video import open_indexed, sha256_of_video
from lia_bench.core.video.packed_frames import (
    INDEX_VERSION,
    TAR,
    index_of,
    line_of_picture,
    member_name,
)
from lia_bench.core.video.reader import Frame
from lia_bench.preprocessing.ledger import Entry, Ledger, Notes


@dataclass(frozen=True)
class PackingOptions:
    """How a dataset is packed.

    Attributes:
        quality: of the JPEG pictures, 1 to 100; colours have half the resolution (4:2:0), as those of mp4 clips.
        frames: of a tar file, about: clips stay whole.
        share: (number, count), number from 1, of the tar files that this run writes.
        workers: clips that are read at the same time.
    """

    quality: int = 95
    frames: int = 50_000
    share: tuple[int, int] = (1, 1)
    workers: int = 1


@dataclass(frozen=True)
class TarFile:
    """A tar to write: its name, and the rows of its clips in the order of their members."""

    name: str
    rows: tuple[Row, ...]
    made_from: str


@dataclass(frozen=True)
class Packed:
    """What a run has left.

    Attributes:
        tars: how many the whole dataset has.
        missing: names of those that are not there, other runs' shares; with them there are no tables yet.
        hash: SHA-256 of clips.csv; empty while tars are missing.
    """

    tars: int
    missing: tuple[str, ...]
    hash: str


def pack(folder: Path, output: Path, options: PackingOptions) -> Packed:
    """Pack the clips of a prepared dataset, and write its tables once all tar files are there.

    Several runs, on several machines, may write into one folder, each its share. Killed and started again, a run goes
    on; tar files that are there and whole are kept.

    Raises:
        InputError: no whole prepared dataset, a clip that is not as it was prepared, or an output that holds another
            dataset or that another run is at work in.
        UnreadableVideoError: a clip cannot be read.
    """
    table, description = _read(folder)
    tars = _divided(table, options)
    _check_output(folder, output, description, options, {tar.name for tar in tars})
    pool = ThreadPoolExecutor(options.workers)  # Pillow, PyAV and hashlib let go of the interpreter's lock
    try:
        packer = _Packer(folder, output, options, pool)
        packer.write(tars)
    finally:
        pool.shutdown(cancel_futures=True)
    missing = tuple(tar.name for tar in tars if not packer.has(tar))
    digest = "" if missing else _write_tables(output, table, tars, description, packer)
    return Packed(len(tars), missing, digest)


class _Packer:
    """What is done with each tar.

    Attributes:
        options: how the dataset is packed.
        entries: of the tars that are sure to be there and whole.
    """

    def __init__(self, folder: Path, output: Path, options: PackingOptions, pool: ThreadPoolExecutor) -> None:
        self.options = options
        self.entries: dict[str, Entry] = {}
        self._folder, self._output, self._pool = folder, output, pool
        self._hashes: dict[str, str] = {}

    def write(self, tars: Sequence[TarFile]) -> None:
        """Write those of this run's share that are not there."""
        number, count = self.options.share
        own = tars[number - 1 :: count]
        with progress(title="packing", total=sum(len(tar.rows) for tar in own), unit="clip") as bar:
            for tar in own:
                if self.has(tar):
                    bar.update(len(tar.rows))
                else:
                    self._write(tar, bar.update)

    def has(self, tar: TarFile) -> bool:
        """Whether a tar and its index are there and whole, whoever wrote them; each is read once."""
        if tar.name not in self.entries:
            entry = Ledger(self._output).find(tar.name, tar.made_from)
            index = index_of(self._output / tar.name)
            if entry is not None and index.is_file() and sha256_of_file(index) == entry.note:
                self.entries[tar.name] = entry
        return tar.name in self.entries

    def sha256_of(self, tar: TarFile, row: Row) -> str:
        """Of a clip as it is packed."""
        clip = clip_key(row)
        return self._hashes.get(clip) or sha256_of_video(self._output / tar.name / clip)

    def _write(self, tar: TarFile, tell: Callable[[], object]) -> None:
        path = self._output / tar.name
        busy = "another run is packing it; wait for it, or give each run its --shard"
        with alone_at(path, busy, "name another --output"):
            for partial in self._output.glob(f".{path.stem}.*.partial{TAR}"):
                partial.unlink()
            for table in (TABLE, DESCRIPTION):
                # Half a dataset is not taken for a whole one.
                (self._output / table).unlink(missing_ok=True)
            lines: list[str] = []
            with replacing(path) as temporary, tarfile.open(temporary, "w") as archive:
                for row, pictures in self._in_turn(tar.rows):
                    lines += self._add(archive, clip_key(row), pictures)
                    tell()
            write_text(index_of(path), f"{INDEX_VERSION} {len(lines)}\n{''.join(lines)}")
            index = sha256_of_file(index_of(path))
            entry = Entry(tar.name, tar.made_from, len(lines), sha256_of_file(path), index)
            (self._output / FINISHED_FOLDER).mkdir(exist_ok=True)
            Notes(self._output).add(entry)
        self.entries[tar.name] = entry

    def _in_turn(self, rows: Sequence[Row]) -> Iterator[tuple[Row, list[bytes]]]:
        """Each row with its clip's pictures; a few clips are read ahead, no more."""
        ahead: deque[tuple[Row, Future[list[bytes]]]] = deque()
        for row in rows:
            ahead.append((row, self._pool.submit(_pictures, self._folder, row, self.options.quality)))
            if len(ahead) > 2 * self.options.workers:
                first, pictures = ahead.popleft()
                yield first, pictures.result()
        for first, pictures in ahead:
            yield first, pictures.result()

    def _add(self, archive: tarfile.TarFile, clip: str, pictures: Sequence[bytes]) -> Iterator[str]:
        """Append a clip's pictures; the lines of the index on them. Nothing depends on who packs, and when."""
        digest = hashlib.sha256()
        for number, picture in enumerate(pictures):
            member = tarfile.TarInfo(member_name(clip, number))
            member.size = len(picture)
            archive.addfile(member, io.BytesIO(picture))
            offset = archive.offset - -(-len(picture) // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
            yield f"jpg {offset} {len(picture)} {member.name}\n"
            digest.update(line_of_picture(member.name, picture))
        self._hashes[clip] = digest.hexdigest()


def _read(folder: Path) -> tuple[ClipsTable, DatasetDescription]:
    table, description = table_of(folder, columns_read=("frames", "sha256")), read_description(folder)
    if description.hash != sha256_of_file(folder / TABLE):
        raise InputError(f"{folder / TABLE}: not the table that {DESCRIPTION} describes; prepare the dataset again")
    if description.shard is not None:
        raise InputError(f"{folder}: a shard of a dataset; put the shards together first, `lia-bench datasets merge`")
    if description.packed is not None:
        raise InputError(f"{folder}: is packed already; name the dataset that it was packed from")
    if not table.good:
        raise InputError(f"{folder}: the dataset has no clip; prepare it again")
    for row in table.good:
        name = row["clip"]
        plain = Path(name).name == name and name not in ("", "..") and name.isprintable()
        if row["partition"] not in PARTITIONS or not plain:
            raise InputError(f"{folder / TABLE}: '{clip_key(row)}' cannot be packed; prepare the dataset again")
        if not (row["frames"].isascii() and row["frames"].isdecimal() and len(row["frames"]) < 8):
            raise InputError(f"{folder / TABLE}: {clip_key(row)}: says no number of frames; prepare the dataset again")
    return table, description


def _check_output(
    folder: Path, output: Path, description: DatasetDescription, options: PackingOptions, names: Set[str]
) -> None:
    if output.resolve() == folder.resolve():
        raise InputError(f"{output}: the dataset itself; name another --output")
    if output.exists() and not output.is_dir():
        raise InputError(f"{output}: not a folder; name another --output")
    if not (output / DESCRIPTION).is_file():
        if any((output / name).exists() for name in (TABLE, *PARTITIONS)):
            raise InputError(f"{output}: holds another dataset; remove it, or name another --output")
    else:
        there = read_description(output).packed
        if there is None or there.source != description.hash or there.quality != options.quality:
            what = "another dataset, or one of another --quality"
            raise InputError(f"{output}: holds {what}; remove it, or name another --output")
    if strangers := {path.name for path in output.glob(f"[!.]*{TAR}")} - names:
        what = f"{min(strangers)}, as of other --frames, which nothing would name any more"
        raise InputError(f"{output}: holds {what}; remove it, or name another --output")


def _divided(table: ClipsTable, options: PackingOptions) -> list[TarFile]:
    """The same tar files in every run, whatever its share."""
    tars = []
    for partition in PARTITIONS:
        rows = sorted(
            (row for row in table.good if row["partition"] == partition), key=lambda row: f"{clip_key(row)}/".encode()
        )
        parts: list[list[Row]] = []
        left = 0
        for row in rows:
            if left <= 0:
                parts.append([])
                left = options.frames
            parts[-1].append(row)
            left -= int(row["frames"])
        for number, part in enumerate(parts):
            clips = [(clip_key(row), row["sha256"]) for row in part]
            made_from = hashlib.sha256(json.dumps([options.quality, version("pillow"), clips]).encode()).hexdigest()
            tars.append(TarFile(f"{partition}-{number:05d}{TAR}", tuple(part), made_from))
    return tars


def _pictures(folder: Path, row: Row, quality: int) -> list[bytes]:
    """The frames of a clip as JPEG files."""
    path = find_clip(folder, row)
    if path is None:
        raise InputError(f"{folder}: the clip {clip_key(row)} is not there; prepare the dataset again")
    if sha256_of_video(path) != row["sha256"]:
        raise InputError(f"{path}: not the clip that {TABLE} describes; prepare the dataset again")
    with open_indexed(path) as reader:
        pictures = [_as_jpeg(frame, quality) for frame in reader]
    if len(pictures) != int(row["frames"]):
        raise InputError(
            f"{path}: has {len(pictures)} frames, and {TABLE} says {row['frames']}; prepare the dataset again"
        )
    return pictures


def _as_jpeg(frame: Frame, quality: int) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(frame).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return file.getvalue()


def _write_tables(
    output: Path, table: ClipsTable, tars: Sequence[TarFile], description: DatasetDescription, packer: _Packer
) -> str:
    holders = {clip_key(row): tar for tar in tars for row in tar.rows}
    text = io.StringIO()
    writer = csv.DictWriter(text, (*table.columns, TAR_COLUMN), lineterminator="\n")
    writer.writeheader()
    for row in progress(table.rows, title="hashing", unit="clip"):
        if row["status"] == "ok":
            tar = holders[clip_key(row)]
            row = row | {TAR_COLUMN: tar.name, "sha256": packer.sha256_of(tar, row)}
        writer.writerow(row)
    write_text(output / TABLE, text.getvalue())
    digest = sha256_of_file(output / TABLE)
    hashes = {tar.name: packer.entries[tar.name].sha256 for tar in tars}
    packing = Packing(source=description.hash, quality=packer.options.quality, tars=hashes)
    versions = {**description.versions, "pillow": version("pillow")}
    write_description(output, description.model_copy(update={"versions": versions, "hash": digest, "packed": packing}))
    return digest
