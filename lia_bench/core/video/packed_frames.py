"""Clips packed in tar files: their frames as JPEG pictures, each found by an index beside the tar.

The layout is webdataset's: members are named `train/<clip>/0000000.jpg`, which are its samples, and which any tar tool
unpacks to folders of frames. The index, `<tar's name>.idx`, is the one that NVIDIA DALI's `wds2idx` writes: a line
`v1.2 <frames>`, then `jpg <offset> <bytes> <member>` for each frame. Here members are sorted by their names' bytes.

A packed clip's path is that of its tar and what its members begin with: `vox-256-packed/train-00000.tar/train/<clip>`.
"""

import hashlib
import io
import mmap
import os
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.errors import UnreadableVideoError
from lia_bench.core.video.reader import NOMINAL_FPS, Frame, FrameReader, VideoProperties, as_frame

TAR = ".tar"
INDEX_VERSION = "v1.2"
WAY_OUT = "fetch it again, or pack the dataset again"


@dataclass(frozen=True)
class PackedClip:
    """Where a clip is: in a tar file, as the members `<name>/0000000.jpg` and following."""

    path: Path
    tar: Path
    name: str


def packed_clip(path: Path) -> PackedClip | None:
    """The clip that a path within a tar file means; None for all other paths."""
    clip = _divided(path)
    return clip if clip is not None and clip.tar.is_file() else None


@lru_cache(maxsize=32768)
def _divided(path: Path) -> PackedClip | None:
    # From the end: a folder around the dataset may be called like a tar, too.
    for number in range(len(path.parts) - 1, 0, -1):
        if path.parts[number - 1].endswith(TAR):
            return PackedClip(path, Path(*path.parts[:number]), "/".join(path.parts[number:]))
    return None


def index_of(tar: Path) -> Path:
    """The index that lies beside a tar."""
    return tar.with_suffix(".idx")


def member_name(clip: str, frame: int) -> str:
    """Of frame `frame` of a clip such as 'train/p#a#0'."""
    return f"{clip}/{frame:07d}.jpg"


class PackedReader(FrameReader):
    """Frames of a packed clip, each read and decoded by itself."""

    def __init__(self, clip: PackedClip) -> None:
        """Raises UnreadableVideoError where tar or index cannot be read, or hold no such clip."""
        try:
            with ExitStack() as failing:
                self._file = failing.enter_context(clip.tar.open("rb", buffering=0))
                tar, index = os.fstat(self._file.fileno()), index_of(clip.tar).stat()
                self._places = _places(clip, tar.st_size, (tar.st_mtime_ns, index.st_size, index.st_mtime_ns))
                failing.pop_all()
        except OSError as error:
            raise UnreadableVideoError(f"{error.filename}: {error.strerror or error}; {WAY_OUT}") from None
        height, width = self._places.size
        self.properties = VideoProperties(clip.path, len(self._places.offsets), width, height, NOMINAL_FPS)

    def frame(self, index: int) -> Frame:
        # As fast as torchvision's decoder, whose end is announced, and an eighth faster than Pillow; all three agree.
        import cv2

        self.check(index)
        stored = np.frombuffer(self.stored(index), np.uint8)
        try:
            decoded = cv2.imdecode(stored, cv2.IMREAD_COLOR_RGB)
        except cv2.error:
            # Of sizes that are beyond its limits.
            decoded = None
        if decoded is None:
            raise UnreadableVideoError(f"{self.properties.path}: frame {index} is damaged; {WAY_OUT}")
        if decoded.shape[:2] != self._places.size:
            raise UnreadableVideoError(
                f"{self.properties.path}: frame {index} is of another size than the first; {WAY_OUT}"
            )
        return as_frame(decoded)

    def stored(self, index: int) -> bytearray:
        """The JPEG file of a frame.

        Raises:
            UnreadableVideoError: the tar has become shorter.
        """
        data = bytearray(int(self._places.lengths[index]))
        self._file.seek(int(self._places.offsets[index]))
        if self._file.readinto(data) != len(data):
            raise UnreadableVideoError(f"{self.properties.path}: the file ends within frame {index}; {WAY_OUT}")
        return data

    def close(self) -> None:
        self._file.close()


def sha256_of_packed(clip: PackedClip) -> str:
    """As of the folder of frames that a tar tool would unpack: over the names and hashes of its pictures."""
    digest = hashlib.sha256()
    with PackedReader(clip) as reader:
        for number in range(len(reader)):
            digest.update(line_of_picture(member_name(clip.name, number), reader.stored(number)))
    return digest.hexdigest()


def line_of_picture(member: str, picture: bytes | bytearray) -> bytes:
    """What one picture adds to the hash of its clip."""
    return f"{member.rpartition('/')[2]} {hashlib.sha256(picture).hexdigest()}\n".encode()


@dataclass(frozen=True)
class _Places:
    """Where the frames of a clip are in its tar, in bytes, and their height and width in pixels."""

    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]
    size: tuple[int, int]


# A clip of 200 frames takes four kilobytes: a process that reads at random in all of VoxCeleb keeps them all.
@lru_cache(maxsize=32768)
def _places(clip: PackedClip, tar_size: int, state: tuple[int, ...]) -> _Places:
    index = index_of(clip.tar)
    try:
        with index.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            found = np.array(list(_lines_of(text, f"{clip.name}/".encode())), dtype=np.int64).reshape(-1, 2)
    except (ValueError, IndexError, OverflowError):
        raise UnreadableVideoError(f"{index}: not an index of packed frames, or damaged; {WAY_OUT}") from None
    offsets, lengths = found.T
    if not len(found):
        raise UnreadableVideoError(f"{index}: names no frame of {clip.name}; {WAY_OUT}")
    if offsets.min() < 0 or lengths.min() < 1 or (offsets + lengths).max() > tar_size:
        raise UnreadableVideoError(f"{clip.path}: the index names frames beyond the end of the file; {WAY_OUT}")
    return _Places(offsets, lengths, _picture_size(clip, int(offsets[0]), int(lengths[0])))


def _lines_of(text: mmap.mmap, start: bytes) -> Iterator[tuple[int, int]]:
    """Offset and length of all members whose names begin with `start`; they are looked for as in a dictionary."""
    header = text.readline()
    if not header.startswith(INDEX_VERSION.encode()):
        raise ValueError("another version")
    text.seek(bisect_left(range(len(text)), start, lo=len(header), key=lambda place: _name_at(text, place)))
    for line in iter(text.readline, b""):
        _, offset, length, name = line.rstrip(b"\n").split(b" ", 3)
        if not name.startswith(start):
            return
        yield int(offset), int(length)


def _name_at(text: mmap.mmap, place: int) -> bytes:
    """The member that the line around `place` is about."""
    end = text.find(b"\n", place)
    return text[text.rfind(b"\n", 0, place) + 1 : end if end >= 0 else len(text)].split(b" ", 3)[3]


def _picture_size(clip: PackedClip, offset: int, length: int) -> tuple[int, int]:
    from PIL import Image

    with clip.tar.open("rb") as file:
        file.seek(offset)
        start = file.read(length)
    try:
        with Image.open(io.BytesIO(start), formats=["JPEG"]) as picture:
            return picture.height, picture.width
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableVideoError(f"{clip.path}: the first frame is no JPEG picture; {WAY_OUT}") from error
