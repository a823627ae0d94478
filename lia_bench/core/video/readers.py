"""Which reader a path needs, and what tells its content from any other."""

import hashlib
import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lia_bench.core.errors import UnreadableVideoError
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.video.animated_pictures import AnimatedReader, is_animated
from lia_bench.core.video.decoders import DecordReader, PyAVReader, reads_soundly
from lia_bench.core.video.image import holds_picture
from lia_bench.core.video.packed_frames import PackedReader, packed_clip, sha256_of_packed
from lia_bench.core.video.packet_index import index_packets
from lia_bench.core.video.picture_readers import FolderReader, StripReader, frame_files
from lia_bench.core.video.reader import FrameReader
from lia_bench.core.video.scan import Scan, scan


@dataclass(frozen=True)
class Footage:
    """A video that may break before its end.

    Attributes:
        reader: the frames before the break, all of them sound.
        defect: what is broken after those frames; None for a sound video.
        scan: what the decoding of the whole file found.
    """

    reader: FrameReader
    defect: str | None
    scan: Scan


def open_video(path: Path) -> FrameReader:
    """A reader for a video: a file of any container FFmpeg knows, a folder of png or jpg, an animated picture, a strip.

    Told by content, not by suffix (a png named .jpg is common). A video file is decoded once before the first
    frame is given out, so that a damaged one is refused and never read short; the scan is kept for the process.

    Raises:
        UnreadableVideoError: nothing there, empty, not a video, or broken before its end.
    """
    path = Path(path)
    pictures = open_pictures(path)
    if pictures is not None:
        return pictures
    found = scan(path)
    if found.defect is not None:
        raise UnreadableVideoError(
            f"{path}: the video breaks after frame {found.frames - 1} ({found.defect}); fetch it again"
        )
    return _open_scanned(path, found)


def open_pictures(path: Path) -> FrameReader | None:
    """A reader for what is stored as pictures, as `open_video` has it; None for everything else, which is FFmpeg's.

    A path within a tar is that of a packed clip.

    Raises:
        UnreadableVideoError: nothing there, a damaged picture, or a still one that is no strip.
    """
    packed = packed_clip(path)
    if packed is not None:
        return PackedReader(packed)
    if path.is_dir():
        return FolderReader(path)
    _check_readable(path)
    if not holds_picture(path):
        return None
    return AnimatedReader(path) if is_animated(path) else StripReader(path)


def open_indexed(path: Path) -> FrameReader:
    """As `open_video`, but a video file that allows it is not decoded beforehand.

    For clips whose hash is known, or where one bad frame matters to nothing else: damage raises when it is read.

    Raises:
        UnreadableVideoError: as `open_video`, for what shows without decoding.
    """
    path = Path(path)
    pictures = open_pictures(path)
    if pictures is not None:
        return pictures
    index = index_packets(path)
    return open_video(path) if index is None else PyAVReader(path, index)


def open_footage(path: Path) -> Footage:
    """A video file with all of its sound frames, though it may break after them; memory does not grow with it.

    Read by PyAV: decord keeps a whole group of pictures, which of raw footage can be half a gigabyte.

    Raises:
        UnreadableVideoError: not one frame of it can be read.
    """
    found = scan(path)
    return Footage(PyAVReader(path, found), found.defect, found)


def sha256_of_video(path: Path) -> str:
    """Hexadecimal SHA-256 of a video file; of a folder or a packed clip, over the names and hashes of its pictures."""
    packed = packed_clip(path)
    if packed is not None:
        return sha256_of_packed(packed)
    if not path.is_dir():
        return sha256_of_file(path)
    digest = hashlib.sha256()
    for file in frame_files(path):
        digest.update(f"{file.name} {sha256_of_file(file)}\n".encode())
    return digest.hexdigest()


class OpenReaders:
    """Readers of `open_indexed` that stay open between frames: opening a file takes a third of the time of a pair.

    At most `files` video files are open at once, of no more than `megapixels` in all, since a decoder holds a dozen
    frames. What is stored as pictures is opened anew each time. Nothing is handed on to another process.
    """

    def __init__(self, files: int = 32, megapixels: float = 16.0) -> None:
        self._files = files
        self._pixels = megapixels * 1e6
        self._open: OrderedDict[Path, tuple[PyAVReader, tuple[int, int]]] = OrderedDict()
        self._process = os.getpid()

    @contextmanager
    def reader(self, path: Path) -> Iterator[FrameReader]:
        """A reader of the file as it is now.

        Raises:
            UnreadableVideoError: as `open_indexed`. The file is closed when the body of the context raises.
        """
        if self._process != os.getpid():
            # Copies of a process that was forked: they share its places in the files, and clearing one away may wait
            # for threads that are not here.
            _OF_ANOTHER_PROCESS.append(self._open)
            self._open, self._process = OrderedDict(), os.getpid()
        kept, stamp = self._open.pop(path, None), _stamp(path)
        if kept is not None and kept[1] != stamp:
            kept[0].close()
            kept = None
        reader = kept[0] if kept is not None else open_indexed(path)
        try:
            yield reader
        except BaseException:
            reader.close()
            raise
        if isinstance(reader, PyAVReader) and _size(reader) <= self._pixels:
            self._open[path] = reader, stamp
            self._make_room()
        else:
            reader.close()

    def close(self) -> None:
        """Close all files."""
        while self._open:
            self._open.popitem()[1][0].close()

    def __getstate__(self) -> dict[str, object]:
        return {"_files": self._files, "_pixels": self._pixels, "_open": OrderedDict(), "_process": 0}

    def _make_room(self) -> None:
        while len(self._open) > self._files or sum(_size(reader) for reader, _ in self._open.values()) > self._pixels:
            self._open.popitem(last=False)[1][0].close()


_OF_ANOTHER_PROCESS: list[OrderedDict[Path, tuple[PyAVReader, tuple[int, int]]]] = []


def _size(reader: FrameReader) -> int:
    return reader.properties.width * reader.properties.height


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def _open_scanned(path: Path, found: Scan) -> FrameReader:
    if reads_soundly(found):
        reader = DecordReader(path, found)
        if reader.agrees:
            return reader
        reader.close()
    return PyAVReader(path, found)


def _check_readable(path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise UnreadableVideoError(f"{path}: no such file or folder") from None
    except OSError as error:
        raise UnreadableVideoError(f"{path}: {error.strerror or error}") from None
