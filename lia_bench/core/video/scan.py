"""How much of a video file is sound: every packet decoded once, nothing converted.

libavcodec hides damage: it fills what it cannot decode from earlier pictures and goes on, and decord repeats
the previous frame on top of that. Both are silent, so a file is decoded here first, with the decoder's own
error flags in view, and the readers go no further than what came out clean. H.264 carries no checksum: damage
that decodes to wrong but legal pixels cannot be seen by anyone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from lia_bench.core.errors import UnreadableVideoError
from lia_bench.core.video.colour import is_standard, not_converted
from lia_bench.core.video.container import best_stream, is_cut_short, open_container, remarks_on
from lia_bench.core.video.reader import NOMINAL_FPS

if TYPE_CHECKING:
    from av import Packet
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

DAMAGED = "the data is damaged"

IDR = 5
"""H.264's type of a unit that starts anew (ITU-T H.264, table 7-1)."""


@dataclass(frozen=True)
class Scan:
    """What a whole decode of a file found.

    Attributes:
        frames: frames before the first damage, in display order.
        width: pixels, after the display rotation.
        height: pixels, after the display rotation.
        fps: mean rate; 25 where the file states none.
        quarter_turns: how often the stored picture is turned left by 90 degrees to stand upright.
        pixel_aspect: width of a pixel by its height, after the display rotation; 1 in most files.
        codec: FFmpeg's name, as "h264".
        pixel_format: FFmpeg's name, as "yuv420p".
        container: FFmpeg's name, as "mov,mp4,m4a,3gp,3g2,mj2".
        times: presentation time of each frame in units of `time_base`; None where the file has none.
        durations: how long each frame is to stay, in the same units; empty where they come at an even pace.
        time_base: seconds.
        grid_rate: the rate on whose grid FFmpeg puts frames of a variable rate.
        keyframes: ascending indices of the frames at which decoding may begin; 0 is always among them.
        closed_groups: nothing that follows a keyframe is shown before it or needs what lies before it; of H.264, every
            one of them is an IDR picture.
        stream: index in the file of the stream that holds the frames.
        alone: it is the only stream of pictures, covers counted.
        standard_colour: the values of its frames are those of BT.709, sRGB or standard television.
        remarks: what should be known of the file, each as "code: sentence".
        defect: what is broken after the last sound frame, or None for a sound file.
    """

    frames: int
    width: int
    height: int
    fps: float
    quarter_turns: int
    pixel_aspect: float
    codec: str
    pixel_format: str
    container: str
    times: Sequence[int] | None
    durations: Sequence[int]
    time_base: float
    grid_rate: float
    keyframes: tuple[int, ...]
    closed_groups: bool
    stream: int
    alone: bool
    standard_colour: bool
    remarks: tuple[str, ...]
    defect: str | None


def scan(path: Path) -> Scan:
    """The scan of a file, made once a process and again when the file changes.

    Raises:
        UnreadableVideoError: the file holds no readable frame at all.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        raise UnreadableVideoError(f"{path}: no such file") from None
    except OSError as error:
        raise UnreadableVideoError(f"{path}: not readable: {error.strerror}") from None
    if status.st_size == 0:
        raise UnreadableVideoError(f"{path}: the file is empty; fetch it again")
    return _scan(path.resolve(), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4096)
def _scan(path: Path, size: int, changed: int) -> Scan:
    with open_container(path) as container:
        return _Walk(path, size, container).result()


class _Walk:
    """One pass over a file's packets."""

    def __init__(self, path: Path, size: int, container: "InputContainer") -> None:
        self.path = path
        self.container = container
        self.stream = best_stream(container, path)
        # With frame threads an error surfaces some packets late.
        self.stream.codec_context.thread_count = 1
        self.first: VideoFrame | None = None
        self.shown: list[int] = []
        self.durations: list[int] = []
        self.timed = True
        self.decode_times: dict[int, int] = {}
        self.key_times: set[int] = set()
        self.latest_key: int | None = None
        self.clean_keyframes = True
        self.idr_keyframes = True
        self.leading_pictures = False
        self.defect = "the file is cut short" if is_cut_short(path, size, self.stream) else None

    def result(self) -> Scan:
        broken_at = self._decode()
        times = self.shown if self.defect is None else self._sound_times(broken_at)
        if self.first is None or not times:
            raise UnreadableVideoError(f"{self.path}: no frame of the video can be decoded; fetch it again")
        reason = not_converted(self.first)
        if reason is not None:
            raise UnreadableVideoError(f"{self.path}: {reason}, which is not read here; convert it to BT.709")
        turns = round(self.first.rotation / 90) % 4
        width, height = self.first.width, self.first.height
        if turns % 2:
            width, height = height, width
        stream = self.stream
        ordered = self.timed and all(a < b for a, b in pairwise(times))
        rate = float(stream.average_rate or stream.guessed_rate or NOMINAL_FPS)
        paced = (evenly_spaced(times) or tuple(times)) if ordered else None
        return Scan(
            frames=len(times),
            width=width,
            height=height,
            fps=rate,
            quarter_turns=turns,
            pixel_aspect=pixel_aspect(stream, turns),
            codec=stream.codec_context.name,
            pixel_format=self.first.format.name,
            container=self.container.format.name,
            times=paced,
            durations=() if isinstance(paced, range) else tuple(self.durations[: len(times)]),
            time_base=float(stream.time_base or 0),
            grid_rate=float(stream.guessed_rate or rate),
            keyframes=self._keyframes(times) if ordered else (0,),
            closed_groups=self.clean_keyframes and self.idr_keyframes and not self.leading_pictures,
            stream=stream.index,
            alone=len(self.container.streams.video) == 1,
            standard_colour=is_standard(self.first),
            remarks=remarks_on(self.container, stream),
            defect=self.defect,
        )

    def _keyframes(self, times: list[int]) -> tuple[int, ...]:
        if not self.clean_keyframes:
            return (0,)
        return (0, *(index for index, time in enumerate(times) if index and time in self.key_times))

    def _decode(self) -> int:
        """Decode until the end or the first damage; returns the decoding time of what was lost first."""
        import av

        # Damage may begin in the last bytes of the packet before the one that fails, and those still decode; in a
        # file cut short whatever comes before the cut is right.
        cut = self.defect is not None
        time = before = 0
        packets = self.container.demux(self.stream)
        try:
            for packet in packets:
                before = time
                time = packet.dts if packet.dts is not None else time + 1
                if packet.is_corrupt:
                    return self._broken(time if cut else before)
                self._note(packet)
                for frame in packet.decode():
                    damage = self._show(frame)
                    if damage is not None:
                        self.defect = self.defect or damage
                        return self.decode_times.get(self._time_of(frame), time)
        except av.FFmpegError:
            return self._broken(time if cut else before)
        # In a file cut short the last packet may be a part of one.
        return time

    def _broken(self, time: int) -> int:
        import av

        self.defect = self.defect or DAMAGED
        try:
            for frame in self.stream.codec_context.decode(None):
                if self._show(frame) is not None:
                    break
        except av.FFmpegError:
            pass  # What the decoder still held is lost with the rest.
        return time

    def _note(self, packet: "Packet[VideoStream]") -> None:
        time = packet.pts
        if time is None:
            return
        self.decode_times[time] = packet.dts if packet.dts is not None else time
        if packet.is_keyframe:
            self.key_times.add(time)
            self.idr_keyframes = self.idr_keyframes and self._is_idr(packet)
            self.latest_key = time
        elif self.latest_key is not None and time < self.latest_key:
            self.leading_pictures = True

    def _is_idr(self, packet: "Packet[VideoStream]") -> bool:
        """Whether no later picture can refer behind this keyframe; of codecs other than H.264 that is not asked."""
        codec = self.stream.codec_context
        return codec.name != "h264" or IDR in _unit_types(bytes(packet), codec.extradata or b"")

    def _show(self, frame: "VideoFrame") -> str | None:
        """Count a decoded frame; the reason when it is damaged."""
        from av.video.frame import PictureType

        if frame.is_corrupt:
            return DAMAGED
        if self.first is None:
            self.first = frame
        elif (frame.width, frame.height) != (self.first.width, self.first.height):
            return f"the picture changes its size to {frame.width}x{frame.height}"
        time = self._time_of(frame)
        if time in self.key_times and frame.pict_type != PictureType.I:
            self.clean_keyframes = False
        self.shown.append(time)
        self.durations.append(frame.duration or 0)
        return None

    def _time_of(self, frame: "VideoFrame") -> int:
        if frame.pts is None:
            self.timed = False
            return len(self.shown)
        return frame.pts

    def _sound_times(self, broken_at: int) -> list[int]:
        """The times of the frames that the damage cannot have touched and that no lost frame belongs between."""
        if not self.timed:
            return []
        sound: list[int] = []
        for time in self.shown:
            # A lost packet is shown no earlier than it is decoded; after that only an even pace shows that none is
            # missing.
            certain = time < broken_at
            even = len(sound) > 1 and time - sound[-1] == sound[-1] - sound[-2]
            if self.decode_times.get(time, time) >= broken_at or not (certain or even):
                break
            sound.append(time)
        return sound


def _unit_types(packet: bytes, configuration: bytes) -> Iterator[int]:
    """The types of the units in a packet of H.264 as mp4 holds it, each behind its length (ISO/IEC 14496-15, 5.3.3)."""
    if len(configuration) < 5 or configuration[0] != 1:
        return
    prefix = 1 + (configuration[4] & 3)
    position = 0
    while position + prefix < len(packet):
        yield packet[position + prefix] & 0x1F
        position += prefix + int.from_bytes(packet[position : position + prefix])


def evenly_spaced(times: list[int]) -> range | None:
    """Ascending times as a range, which needs no memory; None where they do not come at an even pace."""
    if len(times) == 1:
        return range(times[0], times[0] + 1)
    even = range(times[0], times[-1] + 1, times[1] - times[0]) if times[0] < times[1] else range(0)
    if len(even) == len(times) and all(a == b for a, b in zip(even, times, strict=True)):
        return even
    return None


def pixel_aspect(stream: "VideoStream", quarter_turns: int) -> float:
    """Width of a pixel by its height once the picture is upright; 1 where the file says nothing."""
    stored = stream.sample_aspect_ratio
    if not stored:
        return 1.0
    return float(1 / stored if quarter_turns % 2 else stored)
