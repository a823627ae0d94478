"""What an extractor is: frames in, one array of numbers a frame (or window of frames) out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeVar
from typing import Protocol as Interface

import numpy as np
from numpy.typing import NDArray

import lia_bench.metrics.extractors
from lia_bench.core.registry import Registry
from lia_bench.metrics.specification import Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor


WindowRule = Literal["all", "middle"]


@dataclass(frozen=True)
class ExtractorSetting:
    """What an extractor may depend on beside the frames.

    Attributes:
        device: where its network runs; MediaPipe's and ONNX networks run on the CPU wherever the rest does.
        protocol: which of two rules it follows where the published script has a quirk (docs/metrics.md).
    """

    device: "torch.device"
    protocol: Protocol


class Extractor(Interface):
    """A network that is loaded, without gradients. What it says of a frame does not depend on the frames beside it."""

    def __call__(self, frames: "Tensor") -> NDArray[np.float32]:
        """Features of each frame or window.

        Args:
            frames: uint8 RGB, (B, 3, H, W); (B, window, 3, H, W) for an extractor of windows.

        Returns:
            (B, *shape) float32, NaN where nothing was found.
        """
        ...


@dataclass(frozen=True)
class Part:
    """Some of the numbers that an extractor gives of a frame, which mean one thing.

    Attributes:
        begin: how many numbers come before.
        shape: of the part.
    """

    begin: int
    shape: tuple[int, ...]


POINTS = "points"
"""The part of an extractor that are keypoints (N, 2), x and y in pixels, NaN where one was not found."""

Rows = TypeVar("Rows", "NDArray[np.float32]", "Tensor")

ALL_WINDOWS: dict[Protocol, WindowRule] = dict.fromkeys(Protocol, "all")


@dataclass(frozen=True)
class ExtractorSpecification:
    """An extractor's entry in the registry.

    Attributes:
        name: what tables and the feature cache call it.
        summary: one line: network, what it was trained on, what it gives.
        weights: names in `lia_bench.core.weights.WEIGHTS` of the files it loads; empty for one without weights.
        shape: of the features of one frame or window.
        build: 'package.module:name' of what makes it, given an `ExtractorSetting`: its class, or a function.
        window: frames that it looks at together; 1 for one that looks at single frames.
        windows: which windows of a clip it looks at in each protocol: all of them, one after the other, or the one in
            the middle.
        library: the installed package that computes it, whose version may change its numbers; empty for our own.
        by_hand: what to say where that package is not installed, of one that this project never brings with it.
        parts: name to place, of one that says several things of a frame at once; its shape is then one number long.
        version: of its arithmetic; raised when the same weights would give other numbers, so that no cache is wrong.
    """

    name: str
    summary: str
    weights: tuple[str, ...]
    shape: tuple[int, ...]
    build: str
    window: int = 1
    windows: Mapping[Protocol, WindowRule] = field(default_factory=ALL_WINDOWS.copy)
    library: str = ""
    by_hand: str = ""
    parts: Mapping[str, Part] = field(default_factory=dict)
    version: int = 1

    @property
    def shows_points(self) -> bool:
        """Whether it finds keypoints."""
        return POINTS in self.parts or (len(self.shape) == 2 and self.shape[1] == 2)

    def part(self, rows: Rows, name: str) -> Rows:
        """A part of its features (B, *shape): (B, *part's shape); of an extractor without parts, all of them."""
        if name not in self.parts:
            return rows
        own = self.parts[name]
        return rows[:, own.begin : own.begin + math.prod(own.shape)].reshape(-1, *own.shape)


def subject_index(found: Sequence[NDArray[np.floating]], protocol: Protocol) -> int:
    """The subject among those found in a frame.

    The published script takes the first that its detector lists, whoever that is; the strict rule takes the largest,
    which is the one that an animation is made of.

    Args:
        found: at least one array (N, 2) of points x, y, or of a box's two corners, in the detector's order.
        protocol: whose rule.

    Returns:
        Its place in `found`: of the first, or of the one whose points span the largest upright rectangle.
    """
    if protocol is Protocol.LITERATURE:
        return 0
    return int(np.argmax([np.prod(np.ptp(points, axis=0)) for points in found]))


EXTRACTORS: Registry[ExtractorSpecification] = Registry(
    "extractor", ExtractorSpecification, lia_bench.metrics.extractors, "EXTRACTOR", "lia_bench.extractors"
)
"""A module here that defines EXTRACTOR, or an entry point `lia_bench.extractors`."""
