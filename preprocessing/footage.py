"""Raw footage as clips are cut out of it: an even rate, upright, and no frame that is not the one asked for."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from lia_bench.core.video import FrameReader, open_footage, open_video, resize
from lia_bench.core.video.animated_pictures import AnimatedReader, is_animated
from lia_bench.core.video.decoders import PyAVReader
from lia_bench.core.video.image import holds_picture
from lia_bench.core.video.packet_index import index_packets
from lia_bench.core.video.picture_readers import StillReader
from lia_bench.core.video.reader import Frame
from lia_bench.core.video.scan import Scan
from lia_bench.preprocessing.published_rule import constant_rate_order, stated_rate

_VARIABLE = (
    "variable_rate: frames were repeated or dropped to an even {:.2f} a second and then counted at the mean rate "
    "{:.2f}, as the published code does; this clip need not show the moments that the row names"
)


class Footage:
    """One open video; a context manager that closes itself.

    Attributes:
        path: file, or folder of pictures.
        frames: how many count; of a file of variable rate, the ticks of the even rate it is brought to.
        fps: the rate that rows of a table count by.
        clip_fps: the rate of the frames, which a clip is written at.
        stored_size: width and height of a frame as `frame` gives it.
        width: of a frame with square pixels, as `square_frame` gives it; rows are measured in this one.
        height: likewise.
        defect: what is broken behind the last frame, or None.
        remarks_on_file: what should be known of the file, each as "code: sentence".
        remarks: what should be known of every clip of this footage; those on the file are among them.
    """

    def __init__(self, path: Path, reader: FrameReader, scan: Scan | None) -> None:
        """Footage over an open reader; `scan` is what is known of a video file, None for pictures."""
        stored = reader.properties
        self.path = path
        self._reader = reader
        self._order, self.clip_fps = _even_order(reader, scan)
        self.frames = len(self._order)
        # What a table counts by is the mean rate of a video file, as in the published code; pictures have no table.
        self.fps = stated_rate(stored.fps if scan is not None and not _ticks(scan) else self.clip_fps)
        self.stored_size = (stored.width, stored.height)
        aspect = scan.pixel_aspect if scan is not None else 1.0
        # As players do: the longer side of the pixel is kept, so that nothing is lost.
        self.width = round(stored.width * max(aspect, 1.0))
        self.height = round(stored.height * max(1 / aspect, 1.0))
        self.defect = scan.defect if scan is not None else None
        self.remarks_on_file = stored.remarks
        stored_order = self._order == range(len(reader))
        variable = _VARIABLE if scan is not None else _UNEVEN
        self.remarks = (*stored.remarks, *(() if stored_order else (variable.format(self.clip_fps, stored.fps),)))

    def frame(self, index: int) -> Frame:
        """Frame `index` as it is stored but upright, uint8 RGB (H, W, 3).

        Raises:
            UnreadableVideoError: the file is damaged here.
        """
        return self._reader.frame(self._order[index])

    def square_frame(self, index: int) -> Frame:
        """Frame `index` upright and with square pixels, uint8 RGB (height, width, 3).

        Raises:
            UnreadableVideoError: the file is damaged here.
        """
        return resize(self.frame(index), (self.height, self.width))

    def check_after(self, last: int) -> None:
        """Make sure that frame `last` was whole: damage in it may show only where the next one is decoded.

        Raises:
            UnreadableVideoError: the file is damaged right behind this frame.
        """
        if last + 1 < self.frames:
            self.frame(last + 1)

    def close(self) -> None:
        """Give back the file."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _even_order(reader: FrameReader, scan: Scan | None) -> tuple[Sequence[int], float]:
    """The stored frame to show at each tick of an even rate, and that rate."""
    if isinstance(reader, AnimatedReader):
        return reader.even_order()
    if scan is None:
        return range(len(reader)), reader.properties.fps
    mean = _mean_rate(scan) if _ticks(scan) else None
    even = scan if mean is None else replace(scan, grid_rate=max(1.0, float(round(mean))))
    order = constant_rate_order(even)
    if order is None:
        return range(len(reader)), mean or reader.properties.fps
    return order, even.grid_rate


TICKING = 1000.0
"""Frames a second that no camera takes: the tick of the clock, which FFmpeg names where a file states no rate, as
recordings of browsers (WebM) do."""


def _ticks(scan: Scan) -> bool:
    return max(scan.grid_rate, scan.fps) >= TICKING


def _mean_rate(scan: Scan) -> float | None:
    """Frames a second by their times; None of a single frame."""
    times = scan.times
    if times is None or len(times) < 2:
        return None
    return float((len(times) - 1) / ((times[-1] - times[0]) * scan.time_base))


def open_quickly(path: Path) -> Footage:
    """Footage that is decoded only where frames are read, where the file allows it; otherwise as `open_carefully`.

    A damaged stretch raises when it is read; call `Footage.check_after` behind the last frame of one.

    Raises:
        UnreadableVideoError: nothing of it can be read.
    """
    index = index_packets(path)
    if index is None:
        return open_carefully(path)
    return Footage(path, PyAVReader(path, index), index)


def open_carefully(path: Path) -> Footage:
    """Footage of which every frame was decoded once, so that `frames` ends before the first damage.

    A folder of pictures is a video, and a picture is one of a single frame.

    Raises:
        UnreadableVideoError: not one frame can be read.
    """
    if path.is_dir() or is_animated(path):
        return Footage(path, open_video(path), None)
    if holds_picture(path):
        return Footage(path, StillReader(path), None)
    opened = open_footage(path)
    return Footage(path, opened.reader, opened.scan)


def footage_stamp(video: Path) -> tuple[int, int]:
    """What changes when footage changes: its size in bytes and the time of its last change; of none, -1 and -1."""
    try:
        status = video.stat()
    except OSError:
        # A link that leads nowhere, say: whoever opens it will say so.
        return -1, -1
    return status.st_size, status.st_mtime_ns


def described(error: Exception, video: Path) -> str:
    """An error that nobody foresaw, in one line, without the video's folder."""
    return f"{type(error).__name__}: {' '.join(without_folder(error, video).split())}"


def without_folder(error: Exception, video: Path) -> str:
    """The error's text with the name of the video alone: clips.csv is the same wherever the footage lies."""
    # realpath and not resolve, which raises for a link that leads to itself.
    return str(error).replace(os.path.realpath(video), video.name).replace(str(video), video.name)


_UNEVEN = "variable_rate: frames were repeated to an even {:.2f} a second, so that each stays as long as the file says"
