"""Frames of a video file by decord, for the files that decord reads soundly."""

import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

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
    """Whether decord may be asked for frames of this file; `DecordReader.agrees` tells whether it knows them all.

    decord finds a frame by counting from a keyframe, whose place it takes from the file's index. So the file has to
    have an index of every frame, in which each keyframe starts anew; everything else goes to PyAV, which sees the
    time of each frame that it gives. What decord 0.6.0 was seen to get wrong:

    - damage: it conceals it, or repeats the previous frame, without a word;
    - keyframes that are not IDR, and intra refresh: after a seek, frames lack their references or are other ones;
    - containers without such an index: in AVI it gives the frames of the first group for those of all;
    - more than 8 bits: its old FFmpeg converts them to other colours;
    - 16, 24, 48 or 72 pixels wide: or less than 16 in part: it takes the padding of a row for further channels;
    - HDR and the primaries of BT.2020: it gives their values as they are coded;
    - several videos in a file: its old FFmpeg may choose another one.

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
        and "mp4" in scan.container
        and scan.alone
        and scan.standard_colour
    )


class DecordReader(FrameReader):
    """A reader for scanned files that `reads_soundly` accepts."""

    def __init__(self, path: Path, scan: Scan) -> None:
        import decord

        decord.logging.set_level(decord.logging.QUIET)
        self.properties = VideoProperties(path, scan.frames, scan.width, scan.height, scan.fps, scan.remarks)
        try:
            self._video: Any = decord.VideoReader(str(path), num_threads=1)
        except (RuntimeError, decord.DECORDError):
            raise UnreadableVideoError(f"{path}: decord cannot open the video") from None
        self.agrees = self._knows_frames_of(scan)
        """Whether decord knows the same frames by the same times as the scan: an edit list makes it count others."""

    def frame(self, index: int) -> Frame:
        import decord

        self.check(index)
        try:
            return as_frame(self._video[index].asnumpy())
        except (RuntimeError, decord.DECORDError):
            raise UnreadableVideoError(
                f"{self.properties.path}: frame {index} of {len(self)} can no longer be decoded; has it changed?"
            ) from None

    def _knows_frames_of(self, scan: Scan) -> bool:
        if len(self._video) != scan.frames or scan.times is None:
            return False
        theirs = self._video.get_frame_timestamp(range(scan.frames))[:, 0].astype(np.float64)
        ours = np.asarray(scan.times, np.float64) * scan.time_base
        gaps = np.diff(ours)
        # They are of single precision, and may count from another zero.
        near = 0.45 * gaps.min() if len(gaps) else np.inf
        keys = tuple(self._video.get_key_indices())
        return bool(np.abs((theirs - theirs[0]) - (ours - ours[0])).max() < near) and keys == scan.keyframes

    def close(self) -> None:
        # decord has no close of its own: it lets go with the last reference.
        self._video = None
