"""Which files of a folder are videos: their content decides, and what is left out is named."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from lia_bench.core.errors import UnreadableVideoError
from lia_bench.core.names import printable
from lia_bench.core.video.animated_pictures import is_animated
from lia_bench.core.video.container import best_stream, open_container
from lia_bench.core.video.image import first_bytes, holds_picture, open_picture
from lia_bench.core.video.packed_frames import PackedReader, packed_clip
from lia_bench.core.video.picture_readers import frame_files, is_strip

VIDEO_SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        *("mp4", "m4v", "mov", "3gp", "3g2", "f4v", "mkv", "webm", "avi", "flv", "wmv", "asf", "ogv", "mpg", "mpeg"),
        *("m2v", "vob", "mts", "m2ts", "mxf", "gif"),
    )
)
"""What names a video, so that one of them that cannot be read is an error and not left out."""

STILL_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heif", b"mif1")
"""Of pictures that are stored as a video of one frame (ISO/IEC 23008-12)."""

UNFINISHED = frozenset({".part", ".partial", ".crdownload", ".download", ".tmp", ".ytdl"})
"""What downloads are called before they are whole."""

NAMED = 5
"""How many of what was left out a line names."""


def divide_files(files: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """The videos among some files, and the others, both in the order given.

    A file whose suffix names a video is one; of the others, those that FFmpeg opens as one, and animated pictures.
    """
    videos: list[Path] = []
    others: list[Path] = []
    for file in files:
        suffix = file.suffix.lower()
        taken = suffix in VIDEO_SUFFIXES or (suffix not in UNFINISHED and holds_video(file))
        (videos if taken else others).append(file)
    return videos, others


def holds_video(path: Path) -> bool:
    """Whether a file is a video or an animated picture, whatever its name."""
    if not path.is_file():
        return False
    if holds_picture(path):
        return is_animated(path)
    start = first_bytes(path, 12)
    if start[4:8] == b"ftyp" and start[8:] in STILL_BRANDS:
        return False
    try:
        with open_container(path) as container:
            return best_stream(container, path).width > 0
    except UnreadableVideoError:
        return False


def has_one_frame(path: Path) -> bool:
    """Whether a video file, animated picture, strip or folder of frames holds a single frame; nothing is decoded.

    Raises:
        UnreadableVideoError: it is no video.
        InputError: a picture that cannot be read.
    """
    if path.is_dir():
        return len(frame_files(path)) == 1
    packed = packed_clip(path)
    if packed is not None:
        with PackedReader(packed) as reader:
            return len(reader) == 1
    if holds_picture(path):
        with open_picture(path) as picture:
            animated = int(getattr(picture, "n_frames", 1))
            return animated == 1 and not is_strip(picture.width, picture.height)
    with open_container(path) as container:
        packets = container.demux(best_stream(container, path))
        return sum(1 for _ in islice((packet for packet in packets if packet.size), 2)) == 1


def left_out_line(folder: Path, others: Iterable[Path], wanted: str = "video") -> str | None:
    """A line that counts and names the files of `folder` that are not what is `wanted`; None where there are none."""
    names = sorted(printable(str(path.relative_to(folder))) for path in others)
    if not names:
        return None
    files = f"file is no {wanted} and is" if len(names) == 1 else f"files are no {wanted}s and are"
    more = ", ..." if len(names) > NAMED else ""
    return f"{folder}: {len(names)} {files} left out: {', '.join(names[:NAMED])}{more}"
