"""An exported model in an animator's place, so that it is cropped, filmed and measured as the others are."""

from pathlib import Path

import torch
from torch import Tensor

from lia_bench.core.errors import CheckpointError, DeviceError, InputError
from lia_bench.models.animator import Animator, Precision
from lia_bench.models.checkpoint import ZooEntry
from lia_bench.models.export.exported_model import Arrays, ExportedModel


class ExportedAnimator(Animator):
    """Graphs on the processor, frame by frame, for the one transfer mode that they were exported for."""

    def __init__(self, exported: ExportedModel) -> None:
        super().__init__()
        card = exported.card
        self.exported = exported
        self.transfer_modes = (card.transfer,)  # type: ignore[misc]  # of this one, where a class's are of all
        self.reconstruction_transfer = card.transfer  # type: ignore[misc]
        self.zoo_entry = ZooEntry(card.model, card.variant, card.configuration)

    @property
    def frame_size(self) -> int:
        """The side that the graphs take."""
        return self.exported.card.frame_side

    @property
    def output_size(self) -> int:
        """The side that they put out."""
        return self.exported.card.output_side

    @property
    def device(self) -> torch.device:
        """The processor."""
        return torch.device("cpu")

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> Arrays:
        """What the source's graph puts out."""
        return self.exported.encode(source.numpy(), first_driving.numpy())

    def render(self, encoded: Arrays, driving: Tensor) -> Tensor:
        """Frames (B, 3, output_side, output_side) in [0, 1]; one at a time, as the graphs take them."""
        return torch.cat([torch.from_numpy(self.exported.render(encoded, frame[None].numpy())) for frame in driving])

    def speed_up(self, precision: Precision = "32-true", *, compiled: bool = False) -> None:
        """Nothing: graphs are what they are.

        Raises:
            InputError: anything but that is asked for.
        """
        if compiled or precision != "32-true":
            raise InputError(
                f"{self.exported.card}: exported, and run without torch: --precision and --compile are of models of "
                "the zoo; leave them out, or take its checkpoint"
            )


def load_exported(folder: Path, name: str, variant: str | None, device: str | None, runtime: str) -> ExportedAnimator:
    """The exported model in `folder`, as one of the zoo.

    Args:
        folder: as `lia-bench models export` wrote it.
        name, variant: what it is expected to be; None for any variant.
        device: as torch names devices; only the processor runs graphs.
        runtime: "onnx" or "openvino".

    Raises:
        CheckpointError: it is damaged, or of another model or variant.
        DeviceError: it is asked for on a GPU.
        InputError: there is no such runtime, or it is not installed.
    """
    if device is not None and torch.device(device).type != "cpu":
        raise DeviceError(f"{folder}: an exported model runs on the processor here: take --device cpu")
    exported = ExportedModel(folder, runtime)
    card = exported.card
    if card.model != name:
        raise CheckpointError(f"{folder}: exported of {card}, not of {name}: load it as {card.model}@{folder}")
    if variant is not None and variant != card.variant:
        raise CheckpointError(f"{folder}: exported of {card}, not of {name}:{variant}: leave the variant out")
    return ExportedAnimator(exported)
