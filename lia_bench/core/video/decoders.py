"""Frames of a video file: by decord, for the files that it reads soundly, and by PyAV for every format FFmpeg reads."""

import math
from bisect import bisect_right
from collections.abc import Generator, Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lia_bench.core.errors import UnreadableVideoError
from lia_bench.core.video.colour import to_bt709
from lia_bench.core.video.container import best_stream, open_container
from lia_bench.core.video.reader import Frame, FrameReader, VideoProperties, as_frame
from lia_bench.core.video.scan import Scan

if TYPE_CHECKING:
    from av import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream


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


class PyAVReader(FrameReader):
    """The sound frames of a scanned file; a frame is known by its time, so none is taken for another."""

    def __init__(self, path: Path, scan: Scan) -> None:
        from av.video.reformatter import VideoReformatter

        self.properties = VideoProperties(path, scan.frames, scan.width, scan.height, scan.fps, scan.remarks)
        self._scan = scan
        # One for all frames: setting the colour conversion up takes longer than converting a small frame.
        self._reformatter = VideoReformatter()
        self._open()

    def frame(self, index: int) -> Frame:
        self.check(index)
        start = self._scan.keyframes[bisect_right(self._scan.keyframes, index) - 1]
        if index < self._next or start > self._next:
            self._go_to(index)
        while self._next < index:
            self._advance()
        return self._convert(self._advance())

    def __iter__(self) -> Iterator[Frame]:
        # A reader of its own, so that a call of `frame` in between does not disturb the loop.
        with closing(PyAVReader(self.properties.path, self._scan)) as reader:
            for index in range(len(self)):
                yield reader.frame(index)

    def close(self) -> None:
        # What decodes refers to the reader, and the reader to it: else both would hold the decoder's memory until
        # Python looks for such circles, which it does by the number of objects, not by their size.
        self._pictures.close()
        self._container.close()

    def _open(self) -> None:
        self._container = open_container(self.properties.path)
        self._stream = best_stream(self._container, self.properties.path)
        self._stream.codec_context.thread_count = 1
        self._pictures = self._decode(self._container.demux(self._stream))
        self._next = 0

    def _go_to(self, index: int) -> None:
        """Make `index` the next frame, or 0 where the file can only be read from its beginning."""
        times = self._scan.times
        packets = self._packets_before(times[index]) if times is not None and len(self._scan.keyframes) > 1 else None
        if packets is None:
            self.close()
            self._open()
        else:
            self._pictures = self._decode(packets)
            self._next = index

    def _packets_before(self, target: int) -> "Iterator[Packet[VideoStream]] | None":
        """Packets from a keyframe shown no later than `target`; None when none is found by seeking.

        Containers seek by decoding time, so the keyframe found may be one that is shown later, whose leading
        pictures would come out damaged.
        """
        import av

        time = target
        try:
            while True:
                self._container.seek(time, stream=self._stream)
                packets = self._container.demux(self._stream)
                first = next(packets)
                if first.pts is None or first.dts is None or not first.is_keyframe:
                    return None
                if first.pts <= target:
                    return _chain(first, packets)
                if time <= (self._stream.start_time or 0):
                    return None
                time = min(time, first.dts) - 1
        except (av.FFmpegError, StopIteration):
            return None

    def _decode(self, packets: "Iterator[Packet[VideoStream]]") -> "Generator[VideoFrame]":
        import av

        try:
            for packet in packets:
                if packet.is_corrupt:
                    break
                yield from packet.decode()
            else:
                return
        except av.FFmpegError:
            pass
        # What was decoded before the damage is still held back for reordering.
        yield from self._stream.codec_context.decode(None)

    def _advance(self) -> "VideoFrame":
        """The picture of frame `_next`."""
        import av

        times = self._scan.times
        try:
            for picture in self._pictures:
                if picture.is_corrupt:
                    break
                if times is None or picture.pts == times[self._next]:
                    self._next += 1
                    return picture
                if picture.pts is None or picture.pts > times[self._next]:
                    break
        except av.FFmpegError:
            pass
        raise UnreadableVideoError(
            f"{self.properties.path}: frame {self._next} of {len(self)} can no longer be decoded; has it changed?"
        )

    def _convert(self, picture: "VideoFrame") -> Frame:
        if self._scan.standard_colour:
            values = self._reformatter.reformat(picture, format="rgb24").to_ndarray()
        else:
            values = to_bt709(picture, self._reformatter)
        return as_frame(np.rot90(values, self._scan.quarter_turns))


def _chain(first: "Packet[VideoStream]", rest: "Iterator[Packet[VideoStream]]") -> "Iterator[Packet[VideoStream]]":
    yield first
    yield from rest
