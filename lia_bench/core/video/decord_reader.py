"""Frames of a video file by decord, for the files that decord reads soundly."""

import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lia_bench.core.errors import UnreadableVideoError
from lia_bench.core.video.reader import Frame, FrameReader, VideoProperties, as_frame
from lia_bench.core.video.scan import Scan

EIGHT_BIT_FORMATS = frozenset(
    {"yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p", "gray", "gbrp", "nv12"}
)

TAKEN_FOR_CHANNELS = frozenset(
    width for width in range(1, 96) if width % 32 and 3 * 32 * math.ceil(width / 32) % width == 0
)
"""Widths in pixels whose rows, padded to 32 pixels, hold a whole number of channels above three."""


def reads_soundly(scan: Scan) -> bool:
    """Whether decord is here and gives the right frame of this file at any index.

    What it was seen to get wrong (0.6.0), so that such files go to PyAV:

    - damage: it conceals it, or repeats the previous frame, without a word;
    - open groups of pictures and intra refresh: after a seek, frames lack their references;
    - more than 8 bits: its old FFmpeg converts them to other colours;
    - 16, 24, 48 or 72 pixels wide: or less than 16 in part: it takes the padding of a row for further channels;
    - MPEG-TS and MPEG-PS: it cannot seek there; AV1 it does not know.

    Of the rest only H.264 was compared frame by frame, so only H.264 goes to decord.
    """
    return (
        find_spec("decord") is not None
        and scan.defect is None
        and scan.closed_groups
        and scan.times is not None
        and scan.codec == "h264"
        and scan.pixel_format in EIGHT_BIT_FORMATS
        and TAKEN_FOR_CHANNELS.isdisjoint((scan.width, scan.height))
        and not scan.container.startswith("mpeg")
    )


class DecordReader(FrameReader):
    """A reader for scanned files that `reads_soundly` accepts."""

    def __init__(self, path: Path, scan: Scan) -> None:
        import decord

        decord.logging.set_level(decord.logging.QUIET)
        self.properties = VideoProperties(path, scan.frames, scan.width, scan.height, scan.fps)
        try:
            self._video: Any = decord.VideoReader(str(path), num_threads=1)
        except (RuntimeError, decord.DECORDError):
            raise UnreadableVideoError(f"{path}: decord cannot open the video") from None
        # An edit list hides frames from FFmpeg that decord counts.
        self.agrees = len(self._video) == scan.frames

    def frame(self, index: int) -> Frame:
        import decord

        self.check(index)
        try:
            return as_frame(self._video[index].asnumpy())
        except (RuntimeError, decord.DECORDError):
            raise UnreadableVideoError(
                f"{self.properties.path}: frame {index} of {len(self)} can no longer be decoded; has it changed?"
            ) from None

    def close(self) -> None:
        # decord has no close of its own: it lets go with the last reference.
        self._video = None
