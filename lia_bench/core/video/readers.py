"""Which reader a path needs, and what tells its content from any other."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from lia_bench.core.errors import UnreadableVideoError
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.video.animated_pictures import AnimatedReader, is_animated
from lia_bench.core.video.decord_reader import DecordReader, reads_soundly
from lia_bench.core.video.image import holds_picture
from lia_bench.core.video.packet_index import index_packets
from lia_bench.core.video.picture_readers import FolderReader, StripReader, frame_files
from lia_bench.core.video.pyav_reader import PyAVReader
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

    Raises:
        UnreadableVideoError: nothing there, a damaged picture, or a still one that is no strip.
    """
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
    """Hexadecimal SHA-256 of a video file; of a frame folder, over the names and hashes of its pictures."""
    if not path.is_dir():
        return sha256_of_file(path)
    digest = hashlib.sha256()
    for file in frame_files(path):
        digest.update(f"{file.name} {sha256_of_file(file)}\n".encode())
    return digest.hexdigest()


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
