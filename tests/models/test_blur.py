"""Filters as grouped convolutions give what the plain form gives: every channel by itself, zeros put in by hand."""

import torch
import torch.nn.functional as F
from torch import Tensor

from lia_bench.models.blocks.stylegan2 import Blur, UpsampleMap, blur_kernel


def plainly_filtered(image: Tensor, kernel: Tensor, before: int, after: int) -> Tensor:
    count, channels = image.shape[:2]
    padded = F.pad(image.flatten(0, 1)[:, None], (before, after, before, after))
    filtered: Tensor = F.conv2d(padded, kernel[None, None]).unflatten(0, (count, channels))
    return filtered.squeeze(2)


def test_a_blur() -> None:
    image = torch.randn(2, 5, 16, 16)
    expected = plainly_filtered(image, blur_kernel(), 2, 2)
    torch.testing.assert_close(Blur(padding=2)(image), expected)
    torch.testing.assert_close(Blur(padding=2, stride=2)(image), expected[:, :, ::2, ::2])


def test_an_enlarged_map() -> None:
    image = torch.randn(2, 3, 8, 8)
    spread = torch.zeros(2, 3, 16, 16)
    spread[:, :, ::2, ::2] = image
    torch.testing.assert_close(UpsampleMap()(image), plainly_filtered(spread, blur_kernel(4.0), 2, 1))
