"""Frames without what is left out at their borders, and the size that most videos of a folder have then."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from torch import Tensor

from lia_bench.core.errors import InputError, UnreadableVideoError
from lia_bench.core.video import FrameReader, open_indexed
from lia_bench.leaderboards.evaluation.request import Trim


def trimmed(images: Tensor, trim: Trim) -> Tensor:
    """What is left of images (..., H, W)."""
    top, right, bottom, left = trim
    height, width = images.shape[-2:]
    return images[..., top : height - bottom, left : width - right]


def trimmed_size(reader: FrameReader, trim: Trim) -> tuple[int, int]:
    """Height and width of what is left of a video's frames.

    Raises:
        InputError: nothing.
    """
    top, right, bottom, left = trim
    height, width = reader.properties.height - top - bottom, reader.properties.width - left - right
    if min(height, width) < 1:
        raise InputError(f"--trim {','.join(map(str, trim))}: nothing is left of {reader.properties.path}")
    return height, width


def usual_size(videos: Iterable[Path], trim: Trim) -> tuple[int, int]:
    """Height and width that most of the videos have, so that one odd or broken video stops nothing.

    Raises:
        UnreadableVideoError: none of them can be read.
        InputError: nothing is left of a frame.
    """
    sizes: Counter[tuple[int, int]] = Counter()
    errors: list[UnreadableVideoError] = []
    for path in videos:
        try:
            with open_indexed(path) as reader:
                sizes[trimmed_size(reader, trim)] += 1
        except UnreadableVideoError as error:
            errors.append(error)
    if not sizes:
        raise errors[0]
    return sizes.most_common(1)[0][0]
