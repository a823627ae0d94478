"""What every detector offers, whatever finds the faces or persons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from lia_bench.core.errors import DeviceError
from lia_bench.core.video.reader import Frame
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
