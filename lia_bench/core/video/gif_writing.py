"""Frames to animated gifs."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lia_bench.core.atomic import replacing
from lia_bench.core.errors import InputError
from lia_bench.core.video.reader import Frame
from lia_bench.core.video.writing import errors_of_disk, rate_of

if TYPE_CHECKING:
    from fractions import Fraction

    from av.filter import Graph
    from av.video.frame import VideoFrame


def write_gif(path: Path, frames: Iterable[Frame], fps: float) -> int:
    """Write `frames`, uint8 RGB (H, W, 3) of one size, as a gif that repeats for ever; returns how many there were.

    A gif counts time in hundredths of a second: single frames stay for up to one more or less than they should, and
    the whole lasts as long as it should.

    Args:
        path: the file; appears only when it is whole.
        frames: streamed, a handful in memory at a time.
        fps: frames a second. Many viewers slow down what has more than 50.

    Raises:
        InputError: no frame.
    """
    import av

    count = 0
    with (
        replacing(path) as temporary,
        errors_of_disk(path),
        av.open(str(temporary), "w", format="gif") as container,
    ):
        stream: Any = None
        for picture in _paletted(frames, rate_of(fps)):
            if stream is None:
                stream = container.add_stream("gif", rate=rate_of(fps))
                stream.height, stream.width, stream.pix_fmt = picture.height, picture.width, "pal8"
            container.mux(stream.encode(picture))
            count += 1
        if stream is None:
            raise InputError(f"{path}: there is no frame to write")
        container.mux(stream.encode(None))
    return count


def _paletted(frames: Iterable[Frame], rate: "Fraction") -> "Iterator[VideoFrame]":
    """`frames` in 256 colours, chosen anew for every frame, since one choice for all would need all at once."""
    import av

    graph: Graph | None = None
    for index, frame in enumerate(frames):
        graph = graph or _colour_choice(frame.shape[1], frame.shape[0], rate)
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        picture.pts, picture.time_base = index, 1 / rate
        graph.push(picture)
        yield from _ready(graph)
    if graph is not None:
        graph.push(None)
        yield from _ready(graph)


def _colour_choice(width: int, height: int, rate: "Fraction") -> "Graph":
    """FFmpeg's filters; their ordered dither stands still where the picture does."""
    from av.filter import Graph

    graph = Graph()
    source = graph.add("buffer", f"video_size={width}x{height}:pix_fmt=rgb24:time_base={1 / rate}:pixel_aspect=1/1")
    split = graph.add("split")
    choose = graph.add("palettegen", "stats_mode=single")
    use = graph.add("paletteuse", "new=1:dither=bayer:bayer_scale=4")
    sink = graph.add("buffersink")
    source.link_to(split)
    split.link_to(use, 0, 0)
    split.link_to(choose, 1, 0)
    choose.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    return graph


def _ready(graph: "Graph") -> "Iterator[VideoFrame]":
    import av

    while True:
        try:
            picture = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        assert isinstance(picture, av.VideoFrame)
        yield picture
