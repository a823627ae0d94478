"""What is asked of a file before its pictures: which stream they are in, and whether the file is whole."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lia_bench.core.errors import UnreadableVideoError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

DRAWN_TEXTS = frozenset({"adf", "ansi", "bin", "idf", "tty", "xbin"})
LISTS = frozenset({"concat", "dash", "hls", "imf"})
# JPEGs found anywhere, as in a PDF or a text document; icons.
PICTURES = frozenset({"ico", "mjpeg"})
NO_VIDEOS = DRAWN_TEXTS | LISTS | PICTURES

EBML_HEADER = bytes.fromhex("1a45dfa3")
MATROSKA_SEGMENT = bytes.fromhex("18538067")


def open_container(path: Path) -> "InputContainer":
    """A file of any container that FFmpeg knows; close it after use.

    Raises:
        UnreadableVideoError: FFmpeg does not know what it is.
    """
    import av

    try:
        # Titles are of any encoding, and nobody needs them. A relative name may look like a protocol of FFmpeg's.
        return av.open(str(path.absolute()), options={"format_whitelist": _formats()}, metadata_errors="replace")
    except (av.FFmpegError, OSError):
        raise UnreadableVideoError(
            f"{path}: not readable as a video (no known format, or its index is lost); fetch it again"
        ) from None


@cache
def _formats() -> str:
    """FFmpeg's containers, without those that draw a text, read pictures, or fetch other files named in a list."""
    from av import formats_available

    return ",".join(
        sorted(name for name in formats_available if name not in NO_VIDEOS and not name.endswith(("pipe", "image2")))
    )


def best_stream(container: "InputContainer", path: Path) -> "VideoStream":
    """The stream that everything here reads and copies: FFmpeg's best one that is no cover picture.

    Raises:
        UnreadableVideoError: the file holds no moving picture, or one of a kind that FFmpeg has no decoder for.
    """
    moving = moving_streams(container)
    if not moving:
        cover = " but a cover picture" if container.streams.video else ""
        raise UnreadableVideoError(f"{path}: the file holds no moving picture{cover}; give a video")
    best = container.streams.best("video")
    stream = next((stream for stream in moving if best is not None and stream.index == best.index), moving[0])
    if stream.codec_context is None:
        raise UnreadableVideoError(f"{path}: FFmpeg has no decoder for its video; convert it to H.264")
    return stream


def moving_streams(container: "InputContainer") -> "list[VideoStream]":
    """The video streams that are no cover pictures, those that are marked as default first."""
    from av.stream import Disposition

    moving = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    return sorted(moving, key=lambda stream: not stream.disposition & Disposition.default)


def remarks_on(container: "InputContainer", taken: "VideoStream") -> tuple[str, ...]:
    """What should be known of a file of several videos: the one that is `taken`, and the others."""
    others = [stream for stream in moving_streams(container) if stream.index != taken.index]
    if not others:
        return ()
    named = ", ".join(_named(stream) for stream in sorted(others, key=lambda stream: stream.index))
    return (f"several_videos: of the videos in this file {_named(taken)} is read, FFmpeg's best; not {named}",)


def _named(stream: "VideoStream") -> str:
    return f"stream {stream.index} ({stream.width}x{stream.height})"


def is_cut_short(path: Path, size: int, stream: "VideoStream") -> bool:
    """Whether a file of `size` bytes ends before its last picture: by the index of mp4, by the size in Matroska.

    Such a file can decode without one error, when it happens to end between two packets.
    """
    entries = stream.index_entries
    if len(entries):
        last = entries[len(entries) - 1]
        if last.pos + last.size > size:
            return True
    with path.open("rb") as file:
        end = _matroska_end(file)
    return end is not None and end > size


def _matroska_end(file: BinaryIO) -> int | None:
    """Where the first segment of a Matroska or WebM file ends; None for other files and for live recordings."""
    if file.read(4) != EBML_HEADER:
        return None
    header = _variable_integer(file)
    if header is None:
        return None
    file.seek(header, 1)
    if file.read(4) != MATROSKA_SEGMENT:
        return None
    length = _variable_integer(file)
    return None if length is None else file.tell() + length


def _variable_integer(file: BinaryIO) -> int | None:
    """EBML's integer (RFC 8794, section 4): the zeros in front count the bytes; all ones mean unknown."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    length = 9 - first[0].bit_length()
    value = int.from_bytes(first + file.read(length - 1)) & ((1 << 7 * length) - 1)
    return None if value == (1 << 7 * length) - 1 else value
