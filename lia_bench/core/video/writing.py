"""Frames to files: H.264 in mp4, or a folder of png pictures; whole or not there."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np

from lia_bench.core.atomic import replacing
from lia_bench.core.errors import InputError
from lia_bench.core.video.reader import Frame

QUALITY = 14
"""x264's constant rate factor: visually lossless."""

KEYFRAME_INTERVAL = 12
"""Frames from one keyframe to the next: reading a frame at random decodes six others on average."""

ENCODER = {"preset": "veryfast", "coder": "vlc", "mbtree": "0", "bf": "0"}
"""x264's settings. At this quality "veryfast" takes a third of the time of "medium" for files of the same size; without
arithmetic coding they grow by a twentieth and decode in half the time; with its tree of macroblocks x264 does not
always give the same bytes for frames below 64 pixels; B-frames slow down random reading."""


def write_video(path: Path, frames: Iterable[Frame], fps: float, *, quality: int = QUALITY) -> int:
    """Write `frames`, uint8 RGB (H, W, 3) of one even size, as H.264 yuv420p; returns how many there were.

    No B-frames and a keyframe every 12 frames, since training reads frames at random. The same frames make
    the same bytes on every machine with the same PyAV.

    Args:
        path: the file, of a container PyAV knows by its suffix, normally mp4; appears only when it is whole.
        frames: streamed, one in memory at a time.
        fps: frames a second.
        quality: x264's constant rate factor, 0 (lossless luma) to 51; 14 is visually lossless.

    Raises:
        InputError: no frame, a size that changes or that is odd.
    """
    import av

    ahead = _first(path, frames)
    height, width = ahead.first.shape[:2]
    if height % 2 or width % 2:
        raise InputError(f"{path}: frames of {width}x{height} cannot be H.264: give an even width and height")
    with replacing(path) as temporary:
        try:
            return _encode(temporary, ahead, fps, quality)
        except av.FFmpegError as error:
            # Its class says nothing to those who handle a full disk.
            raise OSError(error.errno, error.strerror, str(path)) from error


def encoder_options(quality: int = QUALITY) -> Mapping[str, str]:
    """All that x264 is told, by FFmpeg's names of its options."""
    return {"crf": str(quality), "g": str(KEYFRAME_INTERVAL), **ENCODER}


def write_png_folder(path: Path, frames: Iterable[Frame]) -> int:
    """Write `frames`, uint8 RGB of one size, as `path`/0000000.png, 0000001.png, ...; returns how many.

    The folder appears only when it is whole.

    Raises:
        InputError: no frame, or a size that changes.
    """
    from PIL import Image

    ahead = _first(path, frames)
    with replacing(path) as temporary:
        temporary.mkdir()
        count = 0
        for frame in ahead.all:
            _check_size(path, frame, ahead.first)
            # Pillow's own level 6 takes more than twice the time and saves one byte in twenty.
            Image.fromarray(frame).save(temporary / f"{count:07d}.png", compress_level=4)
            count += 1
    return count


def _encode(path: Path, ahead: "_Ahead", fps: float, quality: int) -> int:
    import av

    height, width = ahead.first.shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=_rate(fps))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        # The stream depends on the number of encoder threads, and the number of cores must not change a hash.
        stream.codec_context.thread_count = 1
        stream.options = dict(encoder_options(quality))
        count = 0
        for frame in ahead.all:
            _check_size(path, frame, ahead.first)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
            count += 1
        container.mux(stream.encode(None))
    return count


class _Ahead:
    """An iterable of which the first frame is already known."""

    def __init__(self, first: Frame, rest: Iterator[Frame]) -> None:
        self.first = first
        self.all = itertools.chain([first], rest)


def _first(path: Path, frames: Iterable[Frame]) -> _Ahead:
    rest = iter(frames)
    first = next(rest, None)
    if first is None:
        raise InputError(f"{path}: there is no frame to write")
    return _Ahead(first, rest)


def _check_size(path: Path, frame: Frame, first: Frame) -> None:
    if frame.shape != first.shape or frame.dtype != np.uint8:
        raise InputError(f"{path}: a frame is {frame.dtype} {frame.shape}, the first was uint8 {first.shape}")


def _rate(fps: float) -> Fraction:
    # 1001 is the denominator of the television rates (30000/1001 = 29.97).
    return Fraction(fps).limit_denominator(1001)
