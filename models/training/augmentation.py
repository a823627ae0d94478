"""Random changes that both frames of a pair, and what goes with them, undergo alike."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.errors import InputError
from lia_bench.core.video.reader import Frame, as_frame
from lia_bench.models.training.configuration import ColourJitter, DataConfiguration


class PairAugmentation:
    """Rotate, resize and crop, flip in time or in space, then change colours, by chance and as configured."""

    def __init__(self, data: DataConfiguration, size: int) -> None:
        """`size`: side of the frames in pixels.

        Raises:
            InputError: the crop is larger than the frames.
        """
        if data.crop is not None and data.crop > size:
            raise InputError(f"data.crop is {data.crop}, the frames are {size} wide: --set data.crop={size} or less")
        self._data = data
        self._size = size
        self._changes_colours = any(data.jitter.model_dump().values())

    def __call__(self, drawn: Sequence[Frame], random: np.random.Generator) -> list[Frame]:
        """Source, driving and any reference frames, each (size, size, 3), in their places and changed."""
        frames = list(drawn)
        if self._data.rotation:
            frames = _rotated(frames, random.uniform(-self._data.rotation, self._data.rotation))
        frames = self._cropped(frames, random)
        # A flip in time ends the flips (FOMM): a pair is mirrored only if it was not exchanged.
        if random.random() < self._data.time_flip:
            frames[:2] = frames[1::-1]
        elif random.random() < self._data.horizontal_flip:
            frames = [_mirrored(frame) for frame in frames]
        if not self._changes_colours:
            return frames
        return jittered(frames, self._data.jitter, random, self._data.jitter_rule)

    def _cropped(self, frames: list[Frame], random: np.random.Generator) -> list[Frame]:
        low, high = self._data.scale
        side = round(self._size * random.uniform(low, high))
        crop = self._data.crop or self._size
        if side == crop == self._size:
            return frames
        frames = [_padded(_resized(frame, side), crop) for frame in frames]
        top, left = random.integers(frames[0].shape[0] - crop + 1, size=2)
        return [_resized(frame[top : top + crop, left : left + crop], self._size) for frame in frames]


@dataclass(frozen=True)
class ColourChange:
    """One draw of a colour jitter.

    Attributes:
        factors: of brightness, contrast and saturation.
        hue: shift in turns.
        order: which change comes when: 0 brightness, 1 contrast, 2 saturation, 3 hue.
    """

    factors: tuple[float, float, float]
    hue: float
    order: tuple[int, ...]

    @classmethod
    def draw(cls, jitter: ColourJitter, random: np.random.Generator) -> Self:
        """Amounts up to those of `jitter`, in a random order."""
        amounts = (jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue)
        brightness, contrast, saturation = (random.uniform(max(0.0, 1 - amount), 1 + amount) for amount in amounts[:3])
        shift = random.uniform(-jitter.hue, jitter.hue)
        # Pillow's hue is not exact even where it changes nothing, so what is not configured is left out.
        order = tuple(int(change) for change in random.permutation(4) if amounts[change])
        return cls((brightness, contrast, saturation), shift, order)

    def apply(self, frame: Frame) -> Frame:
        """A frame changed, at 8 bits after each change, as torchvision changes images of Pillow.

        Brightness and hue are Pillow's to the last bit; of contrast and saturation one value in some thousands may be
        another by a level, since OpenCV's weights of a grey level end in other bits.
        """
        amounts = (*self.factors, self.hue)
        for kind in self.order:
            frame = _CHANGES[kind](frame, amounts[kind])
        return frame


def jittered(
    frames: Iterable[Frame],
    jitter: ColourJitter,
    random: np.random.Generator,
    rule: Literal["all", "published"] = "all",
) -> list[Frame]:
    """Frames with brightness, contrast, saturation and hue changed in a random order, one draw for all of them.

    At 8 bits after each change, as the published models were trained. `rule`: as `DataConfiguration.jitter_rule`.
    """
    change = ColourChange.draw(jitter, random)
    if rule == "published":
        change = replace(change, order=change.order[-1:])
    return [change.apply(frame) for frame in frames]


def _brighter(frame: Frame, factor: float) -> Frame:
    return _by_table(frame, _blend(0, factor))


def _contrasted(frame: Frame, factor: float) -> Frame:
    return _by_table(frame, _blend(int(_grey(frame).mean() + 0.5), factor))


def _saturated(frame: Frame, factor: float) -> Frame:
    import cv2

    grey = cv2.cvtColor(_grey(frame), cv2.COLOR_GRAY2RGB)
    # Pillow cuts off what is behind the point, OpenCV rounds; products that should be whole are so up to rounding.
    return as_frame(cv2.addWeighted(frame, factor, grey, 1 - factor, -0.5 + 1e-4))


def _turned(frame: Frame, turns: float) -> Frame:
    """The hue moved on, by Pillow's HSV of 8 bits.

    All that it divides and rounds depends on two or three levels of a pixel and is looked up; each channel is then the
    largest of the pixel, less a share of how much colour there is, by where the hue lies.
    """
    import cv2

    red, green, blue = cv2.split(frame)
    high, low = cv2.max(red, green), cv2.min(red, green)
    value, middle = cv2.max(high, blue), cv2.max(low, cv2.min(high, blue))
    chroma = cv2.subtract(value, cv2.min(low, blue))
    order = (red >= green).view(np.uint8) | (green >= blue).view(np.uint8) << 1 | (red >= blue).view(np.uint8) << 2
    places = cv2.merge([cv2.subtract(value, middle), chroma, order, np.zeros_like(order)]).view("<i4")[..., 0]
    hue = _hues().take(places)
    colour = _colours().take(cv2.merge([chroma, value]).view("<u2")[..., 0])
    channels = (cv2.multiply(cv2.LUT(hue, share), colour) for share in _shares(int(turns * 255) % 256))
    return as_frame(cv2.merge([cv2.subtract(value, less, dtype=cv2.CV_8U) for less in channels]))


_CHANGES: tuple[Callable[[Frame, float], Frame], ...] = (_brighter, _contrasted, _saturated, _turned)
"""By the number of their kind in `ColourChange.order`."""


def _by_table(frame: Frame, table: np.ndarray) -> Frame:
    import cv2

    return as_frame(cv2.LUT(frame, table))


def _blend(grey: int, factor: float) -> np.ndarray:
    """Of each level what Pillow's blend with a grey picture makes: in single precision, cut off behind the point."""
    blended = np.float32(grey) + np.float32(factor) * (np.arange(256, dtype=np.float32) - grey)
    return blended.clip(0, 255).astype(np.uint8)


def _grey(frame: Frame) -> np.ndarray:
    import cv2

    grey: np.ndarray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    return grey


@lru_cache(maxsize=1)
def _hues() -> np.ndarray:
    """Pillow's hue, 0..255 a turn, at (order << 16) + (chroma << 8) + how far the middle channel is below the largest.

    Bits of the order: red is no less than green, green than blue, red than blue. Precision as in Pillow's C.
    """
    below, chroma = np.meshgrid(np.arange(256), np.maximum(np.arange(256), 1))
    share = below.astype(np.float32) / chroma.astype(np.float32)
    one, share_64 = np.float32(1), share.astype(np.float64)
    sixths = np.zeros((8, 256, 256), np.float32)
    sixths[7], sixths[5] = one - share, share - one
    sixths[6], sixths[2] = 2 + share_64 - 1, 3 - share_64
    sixths[1], sixths[0] = 5 - share_64, 4 + share_64 - 1
    turns = np.fmod(sixths.astype(np.float64) / 6 + 1, 1).astype(np.float32)
    return (turns.astype(np.float64) * 255).astype(np.uint8).ravel()


@lru_cache(maxsize=1)
def _colours() -> np.ndarray:
    """The value times Pillow's saturation, which has steps of 1/255, at (value << 8) + chroma."""
    chroma, value = np.meshgrid(np.arange(256, dtype=np.float32), np.arange(256, dtype=np.float32))
    steps = ((chroma / np.maximum(value, 1)).astype(np.float64) * 255).clip(0, 255).astype(np.uint8)
    return (value * (steps / 255).astype(np.float32)).ravel()


@lru_cache(maxsize=256)
def _shares(shift: int) -> NDArray[np.float32]:
    """Of each hue, turned by `shift` of 255 steps, what each channel lacks of the value, as a share of the colour.

    (3, 256) float32 in [0, 1].
    """
    sixths = (np.arange(256) + shift) % 256 * 6.0 / 255.0
    part = np.floor(sixths)
    rest = (sixths - part).astype(np.float32)
    none, whole = np.zeros_like(rest), np.ones_like(rest)
    around = np.array([none, rest, whole, whole, 1 - rest, none])
    places = (part.astype(int) % 6 + np.array([[0], [4], [2]])) % 6
    shares: NDArray[np.float32] = around[places, np.arange(256)]
    return shares


def _rotated(frames: Sequence[Frame], degrees: float) -> list[Frame]:
    from PIL import Image

    images = (Image.fromarray(frame).rotate(degrees, Image.Resampling.BILINEAR) for frame in frames)
    return [np.array(image) for image in images]


def _mirrored(frame: Frame) -> Frame:
    import cv2

    return as_frame(cv2.flip(frame, 1))


def _padded(frame: Frame, side: int) -> Frame:
    """At least `side` wide and high, its edges continued."""
    import cv2

    missing = side - frame.shape[0]
    if missing <= 0:
        return frame
    before, after = missing // 2, missing - missing // 2
    return as_frame(cv2.copyMakeBorder(frame, before, after, before, after, cv2.BORDER_REPLICATE))


def _resized(frame: Frame, side: int) -> Frame:
    if frame.shape[0] == side:
        return np.ascontiguousarray(frame)
    import torch
    from torch.nn import functional

    # Pillow's own bilinear resize on 8 bits, without the way into an image and out of it; and it anti-aliases in a
    # small part of the time of the resize that evaluation is bound to.
    picture = torch.from_numpy(frame)[None].permute(0, 3, 1, 2)
    resized = functional.interpolate(picture, (side, side), mode="bilinear", antialias=True)
    return resized[0].permute(1, 2, 0).contiguous().numpy()
