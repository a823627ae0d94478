"""Colour changes by torchvision itself: of Pillow's images at 8 bits, of tensors without rounding."""

from typing import TypeVar

from PIL import Image
from torch import Tensor
from torchvision.transforms import functional

from lia_bench.models.training.augmentation import ColourChange

Picture = TypeVar("Picture", Image.Image, Tensor)


def by_torchvision(change: ColourChange, picture: Picture) -> Picture:
    """One change upon the other, of an image or of a tensor (..., 3, H, W) in [0, 1]."""
    changes = (
        (functional.adjust_brightness, change.factors[0]),
        (functional.adjust_contrast, change.factors[1]),
        (functional.adjust_saturation, change.factors[2]),
        (functional.adjust_hue, change.hue),
    )
    for kind in change.order:
        changed, amount = changes[kind]
        picture = changed(picture, amount)
    return picture
