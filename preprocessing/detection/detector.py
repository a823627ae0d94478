"""What every detector offers, whatever finds faces or persons; the detectors there are; what one sees of footage."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

import lia_bench.preprocessing.detection
from lia_bench.core.errors import DeviceError
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.registry import Registry, load_attribute
from lia_bench.core.video.reader import Frame, as_frame
from lia_bench.core.weights import WEIGHTS, locate
from lia_bench.preprocessing.boxes import Box

if TYPE_CHECKING:
    import torch

Subject = Literal["face", "person"]


@dataclass(frozen=True)
class Detection:
    """One face or person in one frame.

    Attributes:
        box: pixels of the frame that was given; may reach beyond it.
        score: the network's own confidence, larger is surer.
        head_visible: of a person, whether a point of the head is seen; always true of a face.
        feet_visible: of a person, whether an ankle is seen; always true of a face.
    """

    box: Box
    score: float
    head_visible: bool = True
    feet_visible: bool = True


class Detector(Protocol):
    """A network that is loaded and ready."""

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """What is seen in each of some frames of one size, uint8 RGB (H, W, 3); the most certain first.

        The result for a frame does not depend on the frames beside it.
        """


@dataclass(frozen=True)
class DetectorSpecification:
    """A detector's entry in the registry.

    Attributes:
        name: what users type after --detector.
        subject: what it finds.
        summary: one line for `--help`.
        weights: its entry in `lia_bench.core.weights`.
        library: the package that runs it; of another version it may find something else.
        build: "module:attribute" of a function (device: str) -> Detector.
    """

    name: str
    subject: Subject
    summary: str
    weights: str
    library: str
    build: str


DETECTORS: Registry[DetectorSpecification] = Registry(
    "detector", DetectorSpecification, lia_bench.preprocessing.detection, "DETECTOR", "lia_bench.detectors"
)
"""A module here that defines DETECTOR, or an entry point `lia_bench.detectors`."""


def torch_device(name: str) -> "torch.device":
    """The device called `name`, as "cpu", "cuda" or "cuda:1".

    Raises:
        DeviceError: there is none of that name on this machine.
    """
    import torch

    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        raise DeviceError(f"--device {name}: no such device on this machine; leave it out to use the CPU") from None
    return device


def what_detects(name: str) -> dict[str, str | None]:
    """What findings of the detector called `name` depend on: its weights, by their hash, and its library's version.

    None stands for what is not on this machine.

    Raises:
        UnknownNameError: there is no such detector.
    """
    detector = DETECTORS[name]
    weights = WEIGHTS[detector.weights]
    # A file whose hash is published is used only if it has it; reading its megabytes again would tell nothing.
    digest = weights.sha256_prefix or (sha256_of_file(weights.path) if weights.path.is_file() else None)
    try:
        library = version(detector.library)
    except PackageNotFoundError:
        library = None
    return {detector.weights: digest, detector.library: library}


def check_weights(name: str) -> None:
    """Make sure that the weights of the detector called `name` are here, before a long part that comes first.

    Raises:
        UnknownNameError: there is no such detector.
        MissingWeightsError: its weights are not on this machine; the text says how to get them.
        CheckpointError: a file is there but is not the published one.
    """
    locate(DETECTORS[name].weights)


def build_detector(name: str, device: str) -> Detector:
    """The detector called `name`, loaded on `device`, as torch names devices.

    Raises:
        UnknownNameError: there is no such detector.
        MissingWeightsError: its weights are not on this machine; the text says how to get them.
        CheckpointError: a file is there but is not the published one.
        DeviceError: no such device, or one that the detector does not run on.
    """
    detector: Detector = load_attribute(DETECTORS[name].build)(device)
    return detector


class UprightFootage(Protocol):
    """What a search needs of footage; `lia_bench.preprocessing.footage.Footage` is one."""

    path: Path
    frames: int
    fps: float
    width: int
    height: int

    def square_frame(self, index: int) -> Frame:
        """Frame `index`, upright and with square pixels: uint8 RGB (height, width, 3)."""


def watch(frames: Iterable[Frame], detector: Detector, batch: int) -> Iterator[tuple[Frame, list[Detection]]]:
    """Each frame with what the detector sees in it, in order; `batch` frames are shown to it at a time."""
    source = iter(frames)
    while shown := list(islice(source, batch)):
        yield from zip(shown, detector.detect(shown), strict=True)


def scaled_frames(footage: UprightFootage, indices: Iterable[int], size: tuple[int, int]) -> Iterator[Frame]:
    """Some frames scaled to `size` (width, height), read one at a time.

    Pillow's bilinear filter averages over what becomes one pixel where it shrinks. It is many times faster than
    the filter that clips are written with, and no pixel of a clip comes from here: only detectors look at it.
    """
    from PIL import Image

    for index in indices:
        frame = footage.square_frame(index)
        if frame.shape[1::-1] == size:
            yield frame
        else:
            yield as_frame(np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BILINEAR)))


def size_at_height(footage: UprightFootage, height: int) -> tuple[int, int]:
    """Width and height of the footage's frames when they are scaled to `height`."""
    return max(1, round(footage.width * height / footage.height)), height


def scaled(box: Box, across: float, down: float) -> Box:
    """A box with its sides multiplied."""
    return Box(box.left * across, box.top * down, box.right * across, box.bottom * down)
