"""Whether a video file is as long as its own structure says; decoders do not ask."""

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from av.video.stream import VideoStream

EBML_HEADER = bytes.fromhex("1a45dfa3")
MATROSKA_SEGMENT = bytes.fromhex("18538067")


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
