"""Frames to files: H.264 in mp4, animated gifs, folders of png pictures, or copies of what is H.264 already."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lia_bench.core.atomic import replacing
from lia_bench.core.errors import InputError
from lia_bench.core.video.container import best_stream, open_container
from lia_bench.core.video.packet_index import index_packets
from lia_bench.core.video.reader import Frame

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.filter import Graph
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream

QUALITY = 14
"""x264's constant rate factor: visually lossless."""

KEYFRAME_INTERVAL = 12
"""Frames from one keyframe to the next: reading a frame at random decodes six others on average."""

ENCODER = {"preset": "veryfast", "coder": "vlc", "mbtree": "0", "bf": "0"}
"""x264's settings. At this quality "veryfast" takes a third of the time of "medium" for files of the same size; without
arithmetic coding they grow by a twentieth and decode in half the time; with its tree of macroblocks x264 does not
always give the same bytes for frames below 64 pixels; B-frames slow down random reading."""

COLOUR = {"color_range": "tv", "colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709"}
"""What a file says of its colours, so that nobody who reads it has to guess."""

INDEX_FIRST: Mapping[str, str] = MappingProxyType({"movflags": "+faststart"})
"""An option of mp4 for browsers: the index at the front, so that a video plays before all of it has come."""


class VideoWriter:
    """A video that grows frame by frame, H.264 yuv420p: a context manager, at whose end the file appears, whole.

    No B-frames and a keyframe every 12 frames, since training reads frames at random. The same frames make
    the same bytes on every machine with the same PyAV. An error within the context leaves no file.
    """

    def __init__(
        self, path: Path, fps: float, *, quality: int = QUALITY, container: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Nothing is written before the first frame.

        Args:
            path: the file, of a container PyAV knows by its suffix, normally mp4.
            fps: frames a second.
            quality: x264's constant rate factor, 0 (lossless luma) to 51; 14 is visually lossless.
            container: FFmpeg's options of the container, such as `INDEX_FIRST`.
        """
        self.count = 0
        """How many frames there are so far."""
        self._path = path
        self._fps = fps
        self._quality = quality
        self._options = dict(container)
        self._shape: tuple[int, ...] = ()
        self._open = ExitStack()
        # One for all frames: setting the conversion up takes longer than converting a small frame.
        self._reformatter: VideoReformatter
        self._container: OutputContainer
        self._stream: VideoStream

    def write(self, frame: Frame) -> None:
        """Add a frame, uint8 RGB (H, W, 3), of the first one's size.

        Raises:
            InputError: a size that changes or that is odd.
            OSError: it cannot be written.
        """
        import av
        from av.video.reformatter import Colorspace

        if not self._shape:
            self._begin(frame)
        _check_size(self._path, frame, self._shape)
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        picture = self._reformatter.reformat(picture, format="yuv420p", dst_colorspace=Colorspace.ITU709)
        self._container.mux(self._stream.encode(picture))
        self.count += 1

    def _begin(self, frame: Frame) -> None:
        import av
        from av.video.reformatter import VideoReformatter

        height, width = frame.shape[:2]
        if height % 2 or width % 2:
            raise InputError(f"{self._path}: frames of {width}x{height} cannot be H.264: give an even width and height")
        self._shape = frame.shape
        self._reformatter = VideoReformatter()
        temporary = self._open.enter_context(replacing(self._path))
        self._open.enter_context(errors_of_disk(self._path))
        self._container = self._open.enter_context(av.open(str(temporary), "w", container_options=self._options))
        self._stream = self._container.add_stream("libx264", rate=rate_of(self._fps))
        self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv420p"
        # The stream depends on the number of encoder threads, and the number of cores must not change a hash.
        self._stream.codec_context.thread_count = 1
        self._stream.options = dict(encoder_options(self._quality))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._open.__exit__(kind, error, trace)
            return
        with self._open:
            if not self.count:
                raise InputError(f"{self._path}: there is no frame to write")
            self._container.mux(self._stream.encode(None))


@contextmanager
def errors_of_disk(path: Path) -> Iterator[None]:
    """Let what FFmpeg raises while `path` is written be an OSError of that file."""
    import av

    try:
        yield
    except av.FFmpegError as error:
        # Its class says nothing to those who handle a full disk.
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_video(path: Path, frames: Iterable[Frame], fps: float, *, quality: int = QUALITY) -> int:
    """Write `frames`, uint8 RGB (H, W, 3) of one even size, as `VideoWriter` does; returns how many there were.

    Args:
        path: the file, of a container PyAV knows by its suffix, normally mp4; appears only when it is whole.
        frames: streamed, one in memory at a time.
        fps: frames a second.
        quality: x264's constant rate factor, 0 (lossless luma) to 51; 14 is visually lossless.

    Raises:
        InputError: no frame, a size that changes or that is odd.
        OSError: it cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> from lia_bench.core.video import open_video
    >>> frames = [np.full((32, 64, 3), level, np.uint8) for level in (0, 100, 200)]
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "greys.mp4"
    ...     count = write_video(path, frames, fps=25)
    ...     with open_video(path) as video:
    ...         properties, read = video.properties, [frame.shape for frame in video]
    >>> count, properties.fps, read
    (3, 25.0, [(32, 64, 3), (32, 64, 3), (32, 64, 3)])
    """
    with VideoWriter(path, fps, quality=quality) as video:
        for frame in frames:
            video.write(frame)
    return video.count


def encoder_options(quality: int = QUALITY) -> Mapping[str, str]:
    """All that x264 is told, by FFmpeg's names of its options."""
    return {"crf": str(quality), "g": str(KEYFRAME_INTERVAL), **ENCODER, **COLOUR}


def write_png_folder(path: Path, frames: Iterable[Frame]) -> int:
    """Write `frames`, uint8 RGB of one size, as `path`/0000000.png, 0000001.png, ...; returns how many.

    The folder appears only when it is whole.

    Raises:
        InputError: no frame, or a size that changes.
    """
    from PIL import Image

    rest = iter(frames)
    first = next(rest, None)
    if first is None:
        raise InputError(f"{path}: there is no frame to write")
    with replacing(path) as temporary:
        temporary.mkdir()
        count = 0
        for frame in chain([first], rest):
            _check_size(path, frame, first.shape)
            # Pillow's own level 6 takes more than twice the time and saves one byte in twenty.
            Image.fromarray(frame).save(temporary / f"{count:07d}.png", compress_level=4)
            count += 1
    return count


def _check_size(path: Path, frame: Frame, first: tuple[int, ...]) -> None:
    if frame.shape != first or frame.dtype != np.uint8:
        raise InputError(f"{path}: a frame is {frame.dtype} {frame.shape}, the first was uint8 {first}")


def rate_of(fps: float) -> Fraction:
    """Frames a second as the fraction that a container states."""
    # 1001 is the denominator of the television rates (30000/1001 = 29.97).
    return Fraction(fps).limit_denominator(1001)


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


def _paletted(frames: Iterable[Frame], rate: Fraction) -> "Iterator[VideoFrame]":
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


def _colour_choice(width: int, height: int, rate: Fraction) -> "Graph":
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


def plays_in_browsers(path: Path, fps: float) -> bool:
    """Whether a file shows its frames in every browser, evenly and upright, `fps` a second: H.264 yuv420p in mp4."""
    index = index_packets(path) if path.is_file() else None
    return (
        index is not None
        and (index.codec, index.pixel_format) == ("h264", "yuv420p")
        and (index.quarter_turns, index.pixel_aspect) == (0, 1)
        and abs(index.fps - fps) < 0.01
    )


def copy_video(path: Path, target: Path) -> None:
    """Copy the pictures of an mp4, as they are encoded and without sound, with the index at the front; atomically.

    Raises:
        OSError: `target` cannot be written.
    """
    import av

    with (
        replacing(target) as temporary,
        errors_of_disk(target),
        open_container(path) as source,
        av.open(str(temporary), "w", container_options=dict(INDEX_FIRST)) as copy,
    ):
        stream = best_stream(source, path)
        same = copy.add_stream_from_template(stream)
        for packet in source.demux(stream):
            # The last one is empty.
            if packet.dts is not None:
                packet.stream = same
                copy.mux(packet)
