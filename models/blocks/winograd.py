"""3x3 convolutions by fewer multiplications: F(2x2, 3x3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural
Networks" (CVPR 2016), on a processor.

Four values of a channel that lie together take 16 multiplications for each channel that comes in, where they take 36
directly; the rest are sums. Rounding is of the direct way's order: of one layer of random values less, of all of an
untrained LIA, which magnifies it, three times as much, 4e-6 of a value in [0, 1] on average.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.models.blocks.standing_weights import made_once, weights_stand

MINIMAL_CHANNELS = 64
MINIMAL_CHANNELS_BOTH_SIDES = 192
"""Of fewer, the sums cost what the multiplications save."""

TILES = 256
"""Groups of four values that are worked on at once, so that what is between stays in the processor's cache."""

MINIMAL_TILES = 64
"""Fewer wait longer for the weights, which are more than those of the direct way, than they gain."""

# G of the paper's section 4.1.
_OF_WEIGHTS = ((1.0, 0.0, 0.0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0.0, 0.0, 1.0))


def convolve(owner: nn.Module, features: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """A 3x3 convolution that keeps the size, (B, C, H, W) to (B, out, H, W), the faster way; or 3x3x3 of volumes.

    Args:
        owner: whose weight (out, C, 3, 3) and bias (out,) they are; of volumes (out, C, 3, 3, 3).
    """
    if weights_stand(features) and _gains(features, weight.shape[0]):
        return _convolved(features, made_once(owner, transformed, weight), bias)
    plain = F.conv2d if features.ndim == 4 else F.conv3d
    return plain(features, weight, bias, padding=1)


def _gains(features: Tensor, outputs: int) -> bool:
    channels, height, width = features.shape[1], *features.shape[-2:]
    return (
        min(channels, outputs) >= MINIMAL_CHANNELS
        and channels + outputs >= MINIMAL_CHANNELS_BOTH_SIDES
        and height % 2 == 0
        and width % 2 == 0
        and features.numel() >= 4 * MINIMAL_TILES * channels
    )


def transformed(weight: Tensor) -> Tensor:
    """G w G^T of weights (out, in, 3, 3): (16, in, out). Of (out, in, 3, 3, 3) for each depth: (3, 16, in, out)."""
    if weight.ndim == 5:
        return torch.stack([transformed(part) for part in weight.unbind(2)])
    one_way = weight.new_tensor(_OF_WEIGHTS)
    both_ways = torch.kron(one_way, one_way)
    outputs, inputs = weight.shape[:2]
    return (both_ways @ weight.permute(2, 3, 1, 0).reshape(9, inputs * outputs)).reshape(16, inputs, outputs)


def _convolved(features: Tensor, weights: Tensor, bias: Tensor | None) -> Tensor:
    """By `transformed` weights; channels are last in memory. The layers of a volume are pictures that lie together."""
    depth = features.shape[2] if features.ndim == 5 else 1
    maps = features.movedim(1, -1).reshape(-1, *features.shape[-2:], features.shape[1])
    batch, height, width, channels = maps.shape
    down, across = height // 2, width // 2
    padded = maps.new_empty(batch, height + 2, width + 2, channels)
    padded[:, :: height + 1] = 0
    padded[:, :, :: width + 1] = 0
    padded[:, 1:-1, 1:-1] = maps
    result = maps.new_empty(batch, down, 2, across, 2, weights.shape[-1])
    pictures = max(1, TILES // (down * across)) if features.ndim == 4 else depth
    rows = max(1, TILES // (across * depth))
    for picture in range(0, batch, pictures):
        for row in range(0, down, rows):
            part = result[picture : picture + pictures, row : row + rows]
            _multiply(padded[picture : picture + pictures, 2 * row : 2 * (row + rows) + 2], weights, part)
            if bias is not None:
                part += bias
    return result.view(*features.movedim(1, -1).shape[:-1], -1).movedim(-1, 1)


def _multiply(padded: Tensor, weights: Tensor, result: Tensor) -> None:
    """Rows of pictures (b, 2 r + 2, 2 c + 2, C) into `result` (b, r, 2, c, 2, out): A^T ((B^T d B) . w) A."""
    pictures, rows, _, across, _, outputs = result.shape
    channels = padded.shape[3]
    columns = padded.new_empty(4, pictures, rows, 2 * across + 2, channels)
    _combine([padded[:, shift : shift + 2 * rows - 1 : 2] for shift in range(4)], list(columns))
    both = padded.new_empty(4, 4, pictures, rows, across, channels)
    _combine([columns[:, :, :, shift : shift + 2 * across - 1 : 2] for shift in range(4)], list(both.unbind(1)))
    products = _products(both.view(16, -1, channels), weights, rows * across)
    products = products.view(4, 4, pictures, rows, across, outputs)
    upper, lower = products[1] + products[2], products[1] - products[2]
    upper += products[0]
    lower -= products[3]
    for number, line in enumerate((upper, lower)):
        into = result[:, :, number]
        torch.add(line[1], line[2], out=into[:, :, :, 0]).add_(line[0])
        torch.sub(line[1], line[2], out=into[:, :, :, 1]).sub_(line[3])


def _products(tiles: Tensor, weights: Tensor, layer: int) -> Tensor:
    """(16, tiles, C) times the weights; of a volume each layer, of `layer` tiles, with those before and behind it."""
    if weights.ndim == 3:
        return torch.bmm(tiles, weights)
    before, here, behind = weights
    products = torch.bmm(tiles, here)
    products[:, layer:].baddbmm_(tiles[:, :-layer], before)
    products[:, :-layer].baddbmm_(tiles[:, layer:], behind)
    return products


def _combine(four: list[Tensor], into: list[Tensor]) -> None:
    """B^T along one axis: of values d0 to d3 the sums d0 - d2, d1 + d2, d2 - d1 and d1 - d3."""
    torch.sub(four[0], four[2], out=into[0])
    torch.add(four[1], four[2], out=into[1])
    torch.sub(four[2], four[1], out=into[2])
    torch.sub(four[1], four[3], out=into[3])
