"""Animated pictures: GIF, APNG and WebP, each frame shown for as long as browsers show it."""

from collections.abc import Sequence
from itertools import accumulate
from math import gcd
from pathlib import Path
from typing import TYPE_CHECKING

from lia_bench.core.errors import InputError, UnreadableVideoError
from lia_bench.core.video.image import damage_named, first_bytes, open_picture
from lia_bench.core.video.reader import Frame, FrameReader, VideoProperties, as_frame

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

GIF = (b"GIF87a", b"GIF89a")
PNG = b"\x89PNG\r\n\x1a\n"
WEBP_ANIMATED = 0x02
"""The bit of the chunk VP8X that says so (RFC 9649, section 2.7.1)."""

NO_DELAY = 10
"""Milliseconds; what says that it stays no longer is shown for `USUAL_DELAY`, as all browsers have come to do."""

USUAL_DELAY = 100

FINEST_TICK = 20
"""Milliseconds of the grid that uneven frames are put on: 50 frames a second at most."""


def is_animated(path: Path) -> bool:
    """Whether a file is a GIF, or a PNG or WebP of several frames; by its first bytes."""
    start = first_bytes(path, 1 << 16)
    if start.startswith(PNG):
        return _says_animated(start[len(PNG) :])
    if start[:4] == b"RIFF" and start[8:16] == b"WEBPVP8X":
        return len(start) > 20 and bool(start[20] & WEBP_ANIMATED)
    return start.startswith(GIF)


def _says_animated(chunks: bytes) -> bool:
    """Whether a PNG has an animation control chunk, which stands before its picture (PNG, third edition, 5.6)."""
    position = 0
    while position + 8 <= len(chunks):
        name = chunks[position + 4 : position + 8]
        if name in (b"acTL", b"IDAT"):
            return name == b"acTL"
        position += 12 + int.from_bytes(chunks[position : position + 4])
    return False


class AnimatedReader(FrameReader):
    """An animated GIF, PNG or WebP; transparent parts of a GIF show what the frame before left there.

    Attributes:
        delays: milliseconds that each frame is shown.
    """

    def __init__(self, path: Path) -> None:
        from PIL import Image

        self._path = path
        self._image = self._open()
        kind = str(self._image.format).lower()
        self.delays: list[float] = []
        try:
            with damage_named(path):
                # An APNG may have a still picture for viewers that know no animation.
                self._skipped = int(bool(self._image.info.get("default_image")))
                for index in range(self._skipped, int(getattr(self._image, "n_frames", 1))):
                    self._image.seek(index)
                    # Decoding every frame now is what finds a file that breaks half-way.
                    self._image.load()
                    self.delays.append(shown_delay(float(self._image.info.get("duration") or 0)))
            whole = bool(self.delays) and (kind != "gif" or _gif_ends(path.read_bytes()))
        # A damaged frame may claim any size, whatever the picture's own is.
        except (InputError, Image.DecompressionBombError):
            whole = False
        if not whole:
            self._image.close()
            sound = f" after frame {len(self.delays) - 1}" if self.delays else ""
            raise UnreadableVideoError(f"{path}: the {kind} is damaged or cut short{sound}; fetch it again")
        fps = 1000 * len(self.delays) / sum(self.delays)
        self.properties = VideoProperties(path, len(self.delays), self._image.width, self._image.height, fps)

    def frame(self, index: int) -> Frame:
        self.check(index)
        if index + self._skipped < self._image.tell():
            # Pillow's own way back fails in animated png files the second time.
            self._image.close()
            self._image = self._open()
        try:
            with damage_named(self.properties.path):
                self._image.seek(index + self._skipped)
                return as_frame(self._image.convert("RGB"))
        except InputError as error:
            raise UnreadableVideoError(f"{error}; has it changed?") from error

    def close(self) -> None:
        self._image.close()

    def _open(self) -> "ImageFile":
        try:
            return open_picture(self._path)
        except InputError as error:
            raise UnreadableVideoError(str(error)) from error

    def even_order(self) -> tuple[Sequence[int], float]:
        """The frame to show at each tick of an even rate, and that rate in frames a second.

        Formats count time in whole hundredths or thousandths of a second: frames that are as even as those allow are
        taken as even. Other frames are put on a grid of their delays' common measure, of `FINEST_TICK` at the finest.
        """
        rounding = 10 if self._image.format == "GIF" else 1
        mean = sum(self.delays) / len(self.delays)
        ends = list(accumulate(self.delays))
        if all(abs(end - mean * (index + 1)) <= rounding for index, end in enumerate(ends)):
            return range(len(self)), self.properties.fps
        tick = max(gcd(*(round(delay) for delay in self.delays)), FINEST_TICK)
        order: list[int] = []
        for index, end in enumerate(ends):
            order += [index] * (round(end / tick) - len(order))
        return order, 1000 / tick


def shown_delay(milliseconds: float) -> float:
    """How long a frame is shown that says it stays so long."""
    return milliseconds if milliseconds > NO_DELAY else USUAL_DELAY


def _gif_ends(content: bytes) -> bool:
    """Whether a GIF's blocks lead to its trailer (GIF89a specification, sections 17 to 27): decoders do not ask."""
    try:
        position = 13 + _table(content[10])
        while content[position] != 0x3B:
            if content[position] == 0x2C:
                position += 11 + _table(content[position + 9])
            elif content[position] == 0x21:
                position += 2
            else:
                # Decoders pass over what is between blocks.
                position += 1
                continue
            while content[position]:
                position += 1 + content[position]
            position += 1
    except IndexError:
        return False
    return True


def _table(flags: int) -> int:
    """Bytes of the colour table that a screen or picture descriptor announces."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
