"""Random changes that both frames of a pair, and what goes with them, undergo alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self, TypeVar

import numpy as np
from PIL import Image
from torch import Tensor
from torchvision.transforms import functional

from lia_bench.core.errors import InputError
from lia_bench.models.training.configuration import ColourJitter, DataConfiguration

Picture = TypeVar("Picture", Image.Image, Tensor)


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

    def __call__(self, drawn: Sequence[np.ndarray], random: np.random.Generator) -> np.ndarray:
        """Source, driving and any reference frames, each (size, size, 3) uint8, to one array (N, size, size, 3)."""
        frames = np.stack(drawn)
        if self._data.rotation:
            frames = _rotated(frames, random.uniform(-self._data.rotation, self._data.rotation))
        frames = self._cropped(frames, random)
        # A flip in time ends the flips (FOMM): a pair is mirrored only if it was not exchanged.
        if random.random() < self._data.time_flip:
            frames = frames[[1, 0, *range(2, len(frames))]]
        elif random.random() < self._data.horizontal_flip:
            frames = frames[:, :, ::-1]
        return jittered(frames, self._data.jitter, random, self._data.jitter_rule)

    def _cropped(self, frames: np.ndarray, random: np.random.Generator) -> np.ndarray:
        low, high = self._data.scale
        side = round(self._size * random.uniform(low, high))
        crop = self._data.crop or self._size
        if side == crop == self._size:
            return frames
        frames = _resized(frames, side)
        if side < crop:
            missing = crop - side
            before, after = missing // 2, missing - missing // 2
            frames = np.pad(frames, ((0, 0), (before, after), (before, after), (0, 0)), mode="edge")
        top, left = random.integers(frames.shape[1] - crop + 1, size=2)
        return _resized(frames[:, top : top + crop, left : left + crop], self._size)


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
        # PIL's hue is not exact even where it changes nothing, so what is not configured is left out.
        order = tuple(int(change) for change in random.permutation(4) if amounts[change])
        return cls((brightness, contrast, saturation), shift, order)

    def apply(self, picture: Picture) -> Picture:
        """A PIL image, or a tensor (..., 3, H, W) in [0, 1], changed."""
        brightness, contrast, saturation = self.factors
        changes: tuple[Callable[[Picture], Picture], ...] = (
            lambda picture: functional.adjust_brightness(picture, brightness),
            lambda picture: functional.adjust_contrast(picture, contrast),
            lambda picture: functional.adjust_saturation(picture, saturation),
            lambda picture: functional.adjust_hue(picture, self.hue),
        )
        for change in self.order:
            picture = changes[change](picture)
        return picture


def jittered(
    frames: np.ndarray,
    jitter: ColourJitter,
    random: np.random.Generator,
    rule: Literal["all", "published"] = "all",
) -> np.ndarray:
    """Frames (N, H, W, 3) uint8 with brightness, contrast, saturation and hue changed in a random order.

    One draw for all frames. Through 8-bit PIL images, as the published models were trained. `rule`: as
    `DataConfiguration.jitter_rule`.
    """
    change = ColourChange.draw(jitter, random)
    if rule == "published":
        change = replace(change, order=change.order[-1:])
    return np.stack([np.asarray(change.apply(Image.fromarray(frame))) for frame in frames])


def _rotated(frames: np.ndarray, degrees: float) -> np.ndarray:
    images = (Image.fromarray(frame).rotate(degrees, Image.Resampling.BILINEAR) for frame in frames)
    return np.stack([np.array(image) for image in images])


def _resized(frames: np.ndarray, side: int) -> np.ndarray:
    if frames.shape[1] == side:
        return frames
    # PIL anti-aliases too, and in a tenth of the time of the resize that evaluation is bound to.
    images = (Image.fromarray(frame).resize((side, side), Image.Resampling.BILINEAR) for frame in frames)
    return np.stack([np.array(image) for image in images])
