"""Where the frames of a well-built file lie, by its packets alone: nothing but a handful of frames is decoded.

A cut of a few seconds out of ten minutes needs no decode of the ten minutes. The price is that damage shows only
where frames are read: a `PyAVReader` over an index raises when a frame does not come out as the index says.
"""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from lia_bench.core.errors import UnreadableVideoError
from lia_bench.core.video.colour import is_standard, not_converted
from lia_bench.core.video.container import best_stream, is_cut_short, open_container, remarks_on
from lia_bench.core.video.scan import Scan, evenly_spaced, pixel_aspect

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

CODECS = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4"})
"""In mp4, where a packet of these is a frame."""


def index_packets(path: Path) -> Scan | None:
    """A scan of an mp4 or mov file of an even rate, by its packets; None for every other file, which has to be decoded.

    Made once a process, and again when the file changes.
    """
    try:
        status = path.stat()
    except OSError:
        return None
    return _index(path.resolve(), status.st_size, status.st_mtime_ns)


# An index takes one to two kilobytes: a process that reads at random in all of VoxCeleb keeps them all.
@lru_cache(maxsize=32768)
def _index(path: Path, size: int, changed: int) -> Scan | None:
    import av

    try:
        with open_container(path) as container:
            if "mp4" not in container.format.name:
                return None
            return _of_container(path, size, container)
    except (av.FFmpegError, OSError, UnreadableVideoError):
        return None


def _of_container(path: Path, size: int, container: "InputContainer") -> Scan | None:
    stream = best_stream(container, path)
    codec = stream.codec_context.name
    if codec not in CODECS or stream.average_rate is None or is_cut_short(path, size, stream):
        return None
    stream.codec_context.thread_count = 1
    times: list[int] = []
    keys: list[int] = []
    for packet in container.demux(stream):
        if not packet.size:
            continue
        if packet.pts is None or packet.is_corrupt or packet.is_discard:
            return None
        times.append(packet.pts)
        if packet.is_keyframe:
            keys.append(packet.pts)
    times.sort()
    keys.sort()
    even = evenly_spaced(times) if times else None
    if even is None or not keys or keys[0] != even[0]:
        return None
    first = _decoded_at(container, stream, keys[0])
    if first is None or _decoded_at(container, stream, keys[len(keys) // 2]) is None:
        return None
    if not_converted(first) is not None:
        return None
    turns = round(first.rotation / 90) % 4
    rate = float(stream.average_rate)
    return Scan(
        frames=len(even),
        width=first.height if turns % 2 else first.width,
        height=first.width if turns % 2 else first.height,
        fps=rate,
        quarter_turns=turns,
        pixel_aspect=pixel_aspect(stream, turns),
        codec=codec,
        pixel_format=first.format.name,
        container=container.format.name,
        times=even,
        durations=(),
        time_base=float(stream.time_base or 0),
        grid_rate=float(stream.guessed_rate or rate),
        keyframes=tuple((key - even.start) // even.step for key in keys),
        closed_groups=False,
        stream=stream.index,
        alone=len(container.streams.video) == 1,
        standard_colour=is_standard(first),
        remarks=remarks_on(container, stream),
        defect=None,
    )


def _decoded_at(container: "InputContainer", stream: "VideoStream", key: int) -> "VideoFrame | None":
    """The picture of a keyframe; None where decoding cannot begin there, as in a file refreshed line by line."""
    from av.video.frame import PictureType

    container.seek(key, stream=stream)
    for picture in container.decode(stream):
        if picture.pts is not None and picture.pts >= key:
            return picture if picture.pts == key and picture.pict_type == PictureType.I else None
    return None
