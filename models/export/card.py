"""The card of an exported model: of what it was made, how near it comes to that, and what its files are."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from lia_bench.core.documents import Version, read_document
from lia_bench.core.errors import CheckpointError
from lia_bench.core.provenance import sha256_once

CARD = "export.json"
SOURCE = "source.onnx"
FRAME = "frame.onnx"
FORMAT = 1

ONNX = "onnx"
"""ONNX Runtime, which runs exported models where no other is asked for."""


class Parity(BaseModel):
    """How exported frames compare with torch's, both in [0, 1], before the files were kept.

    Attributes:
        frames: how many were compared.
        largest_difference: of a value.
        tolerance: what it had to stay under.
    """

    model_config = ConfigDict(frozen=True)

    frames: int
    largest_difference: float
    tolerance: float


class ExportCard(BaseModel):
    """What an exported model's export.json holds; keys that another version added are left alone.

    Attributes:
        format: version of this schema.
        model: its name in the registry; `variant` is empty where it has none.
        configuration: that of the model, in full.
        checkpoint: hexadecimal SHA-256 of the weights that it was made of.
        transfer: the one mode that the graphs compute.
        frame_side: in pixels, of the source and driving frames; `output_side` of those that come out.
        encoded: names of the tensors that the source's graph puts out and the frame's takes, in their order.
        parity: how near the graphs come to the model.
        sha256: of each other file of the folder, by its name, in hexadecimal.
        made: when, how and with which versions.
    """

    model_config = ConfigDict(frozen=True)

    format: int
    model: str
    variant: str
    configuration: dict[str, Any]
    checkpoint: str
    transfer: str
    frame_side: int
    output_side: int
    encoded: tuple[str, ...]
    parity: Parity
    sha256: dict[str, str]
    made: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.model}:{self.variant}" if self.variant else self.model


def read_export_card(folder: Path) -> ExportCard:
    """The card of an exported model, whose files are those that were written with it.

    Raises:
        CheckpointError: the card is damaged or of a later format, or a file is missing or another than was written.
    """
    card = read_document(
        folder / CARD,
        ExportCard,
        "the card of an exported model",
        "export the model again",
        version=Version("format", FORMAT),
        error=CheckpointError,
    )
    for name, expected in card.sha256.items():
        # What a card names lies beside it.
        path = folder / Path(name).name
        if not path.is_file() or sha256_once(path) != expected:
            raise CheckpointError(f"{path}: missing, or not what was exported: export the model again")
    return card
