"""Random changes that both frames of a pair undergo alike."""

from collections.abc import Callable

import numpy as np
from PIL import Image
from torchvision.transforms import functional

from lia_bench.core.errors import InputError
from lia_bench.models.training.configuration import ColourJitter, DataConfiguration


class PairAugmentation:
    """Resize and crop, flip in time or in space, then change colours, by chance and as configured."""

    def __init__(self, data: DataConfiguration, size: int) -> None:
        """`size`: side of the frames in pixels.

        Raises:
            InputError: the crop is larger than the frames.
        """
        if data.crop is not None and data.crop > size:
            raise InputError(f"data.crop is {data.crop}, the frames are {size} wide: --set data.crop={size} or less")
        self._data = data
        self._size = size

    def __call__(self, pair: tuple[np.ndarray, np.ndarray], random: np.random.Generator) -> np.ndarray:
        """Source and driving frame, each (size, size, 3) uint8, to one array (2, size, size, 3) uint8."""
        frames = self._cropped(np.stack(pair), random)
        # A flip in time ends the flips (FOMM): a pair is mirrored only if it was not exchanged.
        if random.random() < self._data.time_flip:
            frames = frames[::-1]
        elif random.random() < self._data.horizontal_flip:
            frames = frames[:, :, ::-1]
        return jittered(frames, self._data.jitter, random)

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


def jittered(frames: np.ndarray, jitter: ColourJitter, random: np.random.Generator) -> np.ndarray:
    """Frames (N, H, W, 3) uint8 with brightness, contrast, saturation and hue changed, all four in a random order.

    One draw for all frames. Through 8-bit PIL images, as the published models were trained.
    """
    amounts = (jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue)
    factors = [random.uniform(max(0.0, 1 - amount), 1 + amount) for amount in amounts[:3]]
    shift = random.uniform(-jitter.hue, jitter.hue)
    # PIL's hue is not exact even where it changes nothing, so what is not configured is left out.
    order = [change for change in random.permutation(4) if amounts[change]]
    changes: list[Callable[[Image.Image], Image.Image]] = [
        lambda image: functional.adjust_brightness(image, factors[0]),
        lambda image: functional.adjust_contrast(image, factors[1]),
        lambda image: functional.adjust_saturation(image, factors[2]),
        lambda image: functional.adjust_hue(image, shift),
    ]
    results: list[np.ndarray] = []
    for frame in frames:
        image = Image.fromarray(frame)
        for change in order:
            image = changes[change](image)
        results.append(np.asarray(image))
    return np.stack(results)


def _resized(frames: np.ndarray, side: int) -> np.ndarray:
    if frames.shape[1] == side:
        return frames
    # PIL anti-aliases too, and in a tenth of the time of the resize that evaluation is bound to.
    images = (Image.fromarray(frame).resize((side, side), Image.Resampling.BILINEAR) for frame in frames)
    return np.stack([np.array(image) for image in images])
