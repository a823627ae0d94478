"""Prepared clips on disk: what `preprocess` wrote, or folders of videos as others leave them; and lists of clips.

By lists, people who hold different subsets of a dataset compare on what they have in common.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lia_bench.core.clips_table import NEEDED, TABLE, TAR_COLUMN, ClipsTable, clip_key, find_clip, read_clips_table
from lia_bench.core.dataset_description import DESCRIPTION, read_description
from lia_bench.core.errors import InputError, UnreadableTextError, UnreadableVideoError
from lia_bench.core.names import as_text, is_text, printable, same_name
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.suggestions import likely
from lia_bench.core.text_files import read_list, read_table
from lia_bench.core.video.files import VIDEO_SUFFIXES as VIDEO_SUFFIXES
from lia_bench.core.video.files import divide_files, left_out_line
from lia_bench.core.video.image import open_picture
from lia_bench.core.video.packed_frames import WAY_OUT
from lia_bench.core.video.picture_readers import PICTURE_SUFFIXES, is_strip, ordered_frames
from lia_bench.core.video.readers import sha256_of_video

PARTITIONS = ("train", "test")
FINISHED_FOLDER = ".finished"
"""Where `preprocess` notes clips as it goes; without a clips.csv beside it, the preparation is not over."""


@dataclass(frozen=True)
class Clip:
    """One short video of one subject.

    Attributes:
        name: unique within a partition; free of the suffix.
        path: video file, frame folder or strip, for `lia_bench.core.video.open_video`.
        partition: "train" or "test".
        person_id: who is seen, where the dataset tells.
        frames: how many it has, where the dataset tells.
        sha256: of the file as it was prepared, as `sha256_of_video` has it, where the dataset tells.
    """

    name: str
    path: Path
    partition: str
    person_id: str | None
    frames: int | None = None
    sha256: str | None = None

    def checked_sha256(self) -> str:
        """SHA-256 of the file as it is.

        Raises:
            UnreadableVideoError: it is not the one that was prepared.
        """
        found = sha256_of_video(self.path)
        if self.sha256 not in (None, found):
            raise UnreadableVideoError(
                f"{self.path}: damaged, or changed since it was prepared (its SHA-256 is not the one in {TABLE}): "
                "fetch it again, or prepare the dataset again"
            )
        return found

    @property
    def key(self) -> str:
        """What tells it from all others of its dataset: 'partition/name'."""
        return f"{self.partition}/{self.name}"


@dataclass(frozen=True)
class PreparedDataset:
    """The clips of a folder.

    Attributes:
        name: the folder's name, as "vox-256".
        folder: where it lies.
        hash: SHA-256 of clips.csv; of a folder without one, over the names and hashes of its videos.
        clips: sorted as clips.csv has them, or by name.
        remarks: lines for the user: what lies there and is no clip.
    """

    name: str
    folder: Path
    hash: str
    clips: tuple[Clip, ...]
    remarks: tuple[str, ...] = ()

    def partition(self, name: str) -> list[Clip]:
        """The clips of "train" or "test".

        Raises:
            InputError: the partition is empty.
        """
        clips = [clip for clip in self.clips if clip.partition == name]
        if not clips:
            raise InputError(
                f"{self.folder}: no clip in the partition '{name}'; put videos into {self.folder / name}, "
                f"or name another dataset"
            )
        return clips

    def only(self, keys: Collection[str]) -> "PreparedDataset":
        """The clips of some keys, by name.

        The hash of the result is made from those clips alone, so that it is the same for everyone who has cut them,
        whatever else is in their folders.
        """
        wanted = {same_name(key) for key in keys}
        chosen = [clip for clip in self.clips if same_name(clip.key) in wanted]
        clips = sorted(chosen, key=lambda clip: same_name(clip.key))
        return replace(self, clips=tuple(clips), hash=_hash_of(clips))


def open_dataset(
    name_or_folder: str | Path, data_folder: Path = Path("data"), size: int | None = None
) -> PreparedDataset:
    """A prepared dataset by name ("vox", with `size` 256: data/vox-256) or by folder.

    A folder with clips.csv gives the clips that it lists as ok. Another folder gives the videos, frame folders
    and strips in its subfolders train and test; without those subfolders, the videos that lie in it, each of
    them in both partitions. Still images are no clips, and a person is known by what precedes '#' in a name.

    Raises:
        InputError: no such dataset or folder, no clip in it, an unfinished preparation, or a
            clips.csv that does not fit what is there.
    """
    folder = _find(str(name_or_folder), data_folder, size)
    remarks: tuple[str, ...] = ()
    if (folder / TABLE).is_file() or (folder / FINISHED_FOLDER).is_dir():
        clips, digest = _listed(folder)
    else:
        clips, remarks = _as_they_lie(folder)
        digest = _hash_of(clips)
    if not clips:
        raise InputError(
            f"{folder}: the folder holds no clip; it needs videos, frame folders or strips in train/ or test/"
        )
    return PreparedDataset(as_text(folder.resolve().name), folder, digest, tuple(clips), remarks)


def subject_of(dataset: PreparedDataset) -> str:
    """What the clips of a dataset show ("face", "body", "sample"), as its dataset.json tells; empty where it does not.

    Raises:
        InputError: its dataset.json is damaged.
    """
    return read_description(dataset.folder).subject if (dataset.folder / DESCRIPTION).is_file() else ""


def table_of(folder: Path, columns_read: Sequence[str] = ()) -> ClipsTable:
    """The clips.csv of a prepared dataset.

    Args:
        folder: of the dataset.
        columns_read: what the caller reads beside clip, partition and status.

    Raises:
        InputError: no such folder, an unfinished preparation, or no readable clips.csv with these columns.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; name the folder of a prepared dataset")
    if (folder / FINISHED_FOLDER).is_dir() and not (folder / TABLE).is_file():
        raise InputError(f"{folder}: the preparation of this dataset was interrupted; run its command again")
    return read_clips_table(folder / TABLE, columns_read)


def _find(name: str, data_folder: Path, size: int | None) -> Path:
    if size is not None and (data_folder / f"{name}-{size}").is_dir():
        return data_folder / f"{name}-{size}"
    for folder in (data_folder / name, Path(name)):
        if folder.is_dir():
            return folder
    sizes = sorted(data_folder.glob(f"{name}-*")) if Path(name).name == name else []
    if size is None and len(sizes) == 1:
        return sizes[0]
    if sizes:
        raise InputError(
            f"dataset '{name}': there is {', '.join(folder.name for folder in sizes)} in {data_folder}"
            + (f", but not at {size} pixels; prepare it with --size {size}" if size else "; name one of them")
        )
    if Path(name).name != name:
        raise InputError(f"{name}: no such folder")
    prepared = [folder.name for folder in data_folder.glob("*-*")]
    raise InputError(
        f"dataset '{name}': no such folder, and nothing of that name in {data_folder}{likely(name, prepared)}; "
        f"prepare it with `lia-bench preprocess {name}`, or name a folder of clips"
    )


def _listed(folder: Path) -> tuple[list[Clip], str]:
    rows = table_of(folder).good
    table = folder / TABLE
    digest = sha256_of_file(table)
    if (folder / DESCRIPTION).is_file() and read_description(folder).hash != digest:
        raise InputError(f"{table}: not the table that {DESCRIPTION} describes; prepare the dataset again")
    clips = []
    for row in rows:
        path = find_clip(folder, row)
        if path is None:
            if tar := row.get(TAR_COLUMN):
                raise InputError(f"{folder / tar}: {TABLE} has clips of this tar but it is not there; {WAY_OUT}")
            missing = folder / row["partition"] / row["clip"]
            raise InputError(f"{missing}: {TABLE} lists this clip but it is not there; prepare the dataset again")
        frames = row.get("frames", "")
        clips.append(
            Clip(
                row["clip"],
                path,
                row["partition"],
                row.get("person_id") or None,
                int(frames) if frames.isdecimal() else None,
                row.get("sha256") or None,
            )
        )
    return clips, digest


def _as_they_lie(folder: Path) -> tuple[list[Clip], tuple[str, ...]]:
    parts = [partition for partition in PARTITIONS if (folder / partition).is_dir()]
    if parts:
        found = {partition: _videos(folder / partition) for partition in parts}
    else:
        found = dict.fromkeys(PARTITIONS, _videos(folder))
    clips = [_clip(path, partition) for partition, (videos, _) in found.items() for path in videos]
    return clips, tuple(dict.fromkeys(line for _, lines in found.values() for line in lines))


def _hash_of(clips: list[Clip]) -> str:
    hashes = {path: sha256_of_video(path) for path in {clip.path for clip in clips}}
    digest = hashlib.sha256()
    for clip in clips:
        digest.update(f"{clip.partition}/{same_name(clip.path.name)} {hashes[clip.path]}\n".encode())
    return digest.hexdigest()


def _clip(path: Path, partition: str) -> Clip:
    name = path.name if path.is_dir() else path.stem
    person, mark, _ = name.partition("#")
    return Clip(name, path, partition, person if mark else None)


def _videos(folder: Path) -> tuple[list[Path], list[str]]:
    """The clips that lie in a folder, by name, and lines on what is none, has no name in UTF-8 or no sure order."""
    everything = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    there = [path for path in everything if is_text(path.name)]
    unnamed = [
        f"{printable(str(path))}: its name is no UTF-8 text, so that no table can hold it; rename it"
        for path in everything
        if not is_text(path.name)
    ]
    frames = {path: ordered_frames(path) for path in there if path.is_dir()}
    folders = [path for path, (files, _) in frames.items() if files]
    files, others = divide_files(path for path in there if not path.is_dir())
    strips = [path for path in others if path.suffix.lower() in PICTURE_SUFFIXES and _is_strip_file(path)]
    left_out = left_out_line(folder, set(others).difference(strips))
    orders = [f"{path}: {remark}" for path, (_, remarks) in frames.items() for remark in remarks]
    return sorted([*folders, *files, *strips]), [*unnamed, *orders, *([left_out] if left_out else [])]


def _is_strip_file(path: Path) -> bool:
    with open_picture(path) as image:
        return is_strip(image.width, image.height)


def good_clips(dataset: str) -> set[str]:
    """The clips of a prepared dataset (name or folder) or of a clips.csv alone, each as 'partition/clip' (`same_name`).

    Raises:
        InputError: no such dataset or table.
    """
    if Path(dataset).is_file():
        return {same_name(clip_key(row)) for row in read_clips_table(Path(dataset)).good}
    return {same_name(clip.key) for clip in open_dataset(dataset).clips}


def read_clip_list(path: Path, partition: str) -> set[str]:
    """The clips that a list names, each as 'partition/clip', as of `same_name`.

    Args:
        path: a text file with one 'partition/clip' or 'clip' a line, or a clips.csv, of which the clips with status
            ok count. No line is a comment, since names of clips begin with anything.
        partition: where a clip is whose line does not tell.

    Raises:
        InputError: no such file, or no clip in it.
    """
    try:
        is_table = set(NEEDED) <= set(read_table(path).columns)
        names = [] if is_table else read_list(path)
    except UnreadableTextError as error:
        raise InputError(f"{path}: no list of clips: {error.reason}; `lia-bench datasets common` writes one") from None
    if is_table:
        keys = {clip_key(row) for row in read_clips_table(path).good}
    else:
        keys = {name if "/" in name else f"{partition}/{name}" for name in names}
    keys = {same_name(key) for key in keys}
    if not keys:
        raise InputError(f"{path}: the list names no clip")
    return keys
