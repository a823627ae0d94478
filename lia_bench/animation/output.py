"""Finished frames to a file, with the driving video's sound."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from lia_bench.core.atomic import replacing
from lia_bench.core.errors import InputError, UnreadableVideoError
from lia_bench.core.video import write_gif, write_video
from lia_bench.core.video.packet_index import index_packets
from lia_bench.core.video.reader import Frame
from lia_bench.core.video.scan import scan
from lia_bench.core.video.sound import has_sound

if TYPE_CHECKING:
    from av import Packet
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.filter import Graph


RATE = 48000
"""Samples a second: AAC comes in pieces of 1024, of which the last one may reach beyond the frames; at this rate,
by less than a frame of any usual video."""

BITS_PER_CHANNEL = 96_000
"""A second: where AAC is hard to tell from what it was made of."""


def add_sound(silent: Path, driving: Path, path: Path) -> int:
    """Write the frames of `silent` and the sound of `driving`, from its first frame on, to the mp4 `path`.

    The frames are taken over as they are. The sound is encoded anew as AAC, since only so can it be cut at the very
    sample where the frames begin and end; one or two channels stay, more become two. Nothing but some packets of
    each is in memory.

    Args:
        silent: an mp4 whose frames last as long as the driving video's.
        driving: a video with sound.
        path: written in place, so give a temporary name.

    Returns:
        how many damaged packets of the sound were left out.

    Raises:
        UnreadableVideoError: none of the sound can be decoded.
    """
    import av

    with (
        av.open(str(silent)) as pictures,
        av.open(str(driving), metadata_errors="replace") as origin,
        av.open(str(path), "w", format="mp4") as container,
    ):
        shown = pictures.streams.video[0]
        assert shown.duration is not None
        assert shown.time_base is not None
        sound = _Sound(origin, driving, start=_first_time(driving), duration=shown.duration * shown.time_base)
        stream = container.add_stream_from_template(shown)
        heard: Any = container.add_stream("aac", rate=RATE, layout=sound.layout)
        heard.bit_rate = BITS_PER_CHANNEL * sound.channels
        packets = (packet for packet in pictures.demux(shown) if packet.dts is not None)
        for packet in heapq.merge(_assigned(packets, stream), sound.packets(heard), key=_time_of):
            container.mux(packet)
        if not sound.decoded:
            raise UnreadableVideoError(f"{driving}: its sound cannot be decoded; fetch it again")
        return sound.damaged


class _Sound:
    """The sound of a video from one moment on, for some time."""

    def __init__(self, container: "InputContainer", path: Path, start: Fraction, duration: Fraction) -> None:
        self._container = container
        self._stream: AudioStream = container.streams.audio[0]
        self._start, self._duration = start, duration
        self.channels = min(self._stream.codec_context.channels, 2)
        self.layout = "mono" if self.channels == 1 else "stereo"
        self.decoded = self.damaged = 0

    def packets(self, encoder: "AudioStream") -> "Iterator[Packet[Any]]":
        """The packets of the sound, encoded by `encoder`."""
        graph: Graph | None = None
        for frame in self._frames():
            graph = graph or self._cut(frame)
            graph.push(frame)
            yield from self._encoded(graph, encoder)
        if graph is not None:
            graph.push(None)
            yield from self._encoded(graph, encoder)
            yield from encoder.encode(None)

    def _frames(self) -> "Iterator[AudioFrame]":
        import av

        end = self._start + self._duration
        for packet in self._container.demux(self._stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                self.damaged += 1
                continue
            for frame in frames:
                self.decoded += 1
                if frame.time is not None and frame.time > end:
                    return
                yield frame

    def _cut(self, frame: "AudioFrame") -> "Graph":
        """FFmpeg's filters: time counted from the start, gaps filled with silence, what comes later left out."""
        from av.filter import Graph

        assert frame.time_base is not None
        graph = Graph()
        filters = [
            graph.add_abuffer(
                sample_rate=frame.sample_rate, format=frame.format, layout=frame.layout, time_base=frame.time_base
            ),
            graph.add("asetpts", f"PTS-{float(self._start)}/TB"),
            graph.add("aresample", f"{RATE}:async=1:first_pts=0"),
            graph.add("aformat", f"sample_fmts=fltp:channel_layouts={self.layout}"),
            graph.add("atrim", f"start=0:end={float(self._duration)}"),
            # AAC's own frame.
            graph.add("asetnsamples", "n=1024:p=0"),
            graph.add("abuffersink"),
        ]
        graph.link_nodes(*filters).configure()
        return graph

    def _encoded(self, graph: "Graph", encoder: "AudioStream") -> "Iterator[Packet[Any]]":
        import av

        while True:
            try:
                frame = graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            assert isinstance(frame, av.AudioFrame)
            yield from encoder.encode(frame)


def _first_time(driving: Path) -> Fraction:
    """Seconds on the file's clock at which its first frame is shown."""
    found = index_packets(driving) or scan(driving)
    return Fraction(found.times[0] * found.time_base) if found.times is not None else Fraction(0)


def _assigned(packets: "Iterator[Packet[Any]]", stream: Any) -> "Iterator[Packet[Any]]":
    for packet in packets:
        packet.stream = stream
        yield packet


def _time_of(packet: "Packet[Any]") -> Fraction:
    assert packet.dts is not None
    assert packet.time_base is not None
    return packet.dts * packet.time_base


FORMATS = ("mp4", "gif")


def check_film_name(path: Path) -> None:
    """Raise InputError unless a file's suffix names one of `FORMATS`."""
    if path.suffix.lower().removeprefix(".") not in FORMATS:
        raise InputError(f"{path}: results are written as .mp4 or .gif; give --output one of these suffixes")


@dataclass(frozen=True)
class Written:
    """What became of a result.

    Attributes:
        frames: how many it has.
        with_sound: whether it can be heard.
        remarks: what the user should know.
    """

    frames: int
    with_sound: bool = False
    remarks: tuple[str, ...] = ()


def write_film(path: Path, frames: Iterable[Frame], fps: float, driving: Path) -> Written:
    """Write `frames`, uint8 RGB (H, W, 3) of one even size, as mp4 or gif by the suffix of `path`.

    An mp4 gets the sound of `driving`, where it has any. The file appears only when it is whole.

    Raises:
        InputError: no frame.
        UnreadableVideoError: a frame of the driving video cannot be decoded.
    """
    if path.suffix.lower() == ".gif":
        return Written(write_gif(path, frames, fps))
    if not has_sound(driving):
        return Written(write_video(path, frames, fps))
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}.", suffix=".partial") as folder,
        replacing(path) as temporary,
    ):
        silent = Path(folder) / "silent.mp4"
        count = write_video(silent, frames, fps)
        try:
            damaged = add_sound(silent, driving, temporary)
        except UnreadableVideoError as error:
            silent.replace(temporary)
            return Written(count, remarks=(f"{path} has no sound: {error}",))
    remark = f"{driving}: {damaged} damaged pieces of its sound are silent in {path}"
    return Written(count, with_sound=True, remarks=(remark,) if damaged else ())
