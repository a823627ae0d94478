"""Small videos made on the spot, of the kinds that readers have to tell apart."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from lia_bench.core.video.reader import Frame


def moving_picture(count: int, width: int = 96, height: int = 64) -> Iterator[Frame]:
    """Frames of smooth waves that drift, no two alike."""
    y, x = np.mgrid[0:height, 0:width]
    for index in range(count):
        channels = [
            np.sin((x + (2 + channel) * index) / 9) * np.cos((y - index) / (7 + channel)) for channel in range(3)
        ]
        yield (127.5 + 120 * np.stack(channels, axis=2)).astype(np.uint8)


def encode(
    path: Path,
    count: int = 48,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    options: Mapping[str, str] | None = None,
    times: Sequence[int] | None = None,
    index_first: bool = False,
    **picture: int,
) -> Path:
    """A video of `moving_picture` at 25 frames a second; `times` are milliseconds, for a variable rate."""
    with av.open(str(path), "w", options={"movflags": "faststart"} if index_first else {}) as container:
        stream: Any = container.add_stream(codec, rate=25)
        frames = list(moving_picture(count, **picture))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixel_format
        stream.options = dict(options or {})
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for index, frame in enumerate(frames):
            image = av.VideoFrame.from_ndarray(frame, format="rgb24")
            if times is not None:
                image.pts, image.time_base = times[index], Fraction(1, 1000)
            container.mux(stream.encode(image))
        container.mux(stream.encode(None))
    if codec == "libsvtav1" and hasattr(os, "sched_setscheduler"):
        # It gives a process of root real-time priority, in which all that follows would hold up every other process.
        for thread in Path("/proc/self/task").iterdir():
            with suppress(ProcessLookupError):
                os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))
    return path


def open_files(folder: Path) -> int:
    """How many files of a folder this process has open."""
    count = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            count += descriptor.readlink().is_relative_to(folder)
    return count


def animation(path: Path, delays: Sequence[float], width: int = 64, height: int = 64) -> Path:
    """A gif, animated png or animated webp of `moving_picture`, whose frames stay for `delays` in milliseconds."""
    images = [Image.fromarray(frame) for frame in moving_picture(len(delays), width=width, height=height)]
    settings: dict[str, Any] = {"lossless": True} if path.suffix == ".webp" else {}
    images[0].save(path, save_all=True, append_images=images[1:], duration=list(delays), **settings)
    return path


def damage(path: Path, copy: Path, at: float, length: int = 400) -> Path:
    """A copy with `length` bytes overwritten with zeros at the fraction `at` of the file."""
    content = bytearray(path.read_bytes())
    start = int(len(content) * at)
    content[start : start + length] = bytes(length)
    copy.write_bytes(content)
    return copy
