"""Exported models without torch: a source encoded once, then a frame for each driving frame, in NumPy arrays.

Their card says of what a model was made, how near it comes to that, and what its files are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from lia_bench.core.documents import Version, read_document
from lia_bench.core.errors import CheckpointError, InputError, UnknownNameError
from lia_bench.core.extras import not_installed
from lia_bench.core.provenance import sha256_once, usable_cores
from lia_bench.core.suggestions import unknown

CARD = "export.json"
SOURCE = "source.onnx"
FRAME = "frame.onnx"
FORMAT = 1

ONNX = "onnx"
"""ONNX Runtime, which runs exported models where no other is asked for."""

Arrays = dict[str, NDArray[np.float32]]
Graph = Callable[[Arrays], Arrays]
"""Inputs by their names to outputs by theirs; inputs that a graph has no use for are left alone."""


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


class ExportedModel:
    """An exported model ready to animate, on the processor; see `lia_bench.open_exported`.

    Attributes:
        card: what it was made of and how it transfers motion.
    """

    def __init__(self, folder: Path, runtime: str = ONNX) -> None:
        """Open the graphs of `folder`.

        Args:
            folder: as `lia-bench models export` wrote it.
            runtime: "onnx" for ONNX Runtime, or "openvino".

        Raises:
            UnknownNameError: no such runtime.
            InputError: the runtime is not installed.
            CheckpointError: the folder is damaged, or the runtime cannot read its graphs.
        """
        if runtime not in RUNTIMES:
            raise UnknownNameError(unknown("runtime", runtime, RUNTIMES))
        self.card = read_export_card(folder)
        try:
            self._source, self._frame = (RUNTIMES[runtime](folder / name) for name in (SOURCE, FRAME))
        # The runtimes raise classes of their own, which only they know.
        except (RuntimeError, ValueError) as error:
            raise CheckpointError(
                f"{folder}: {runtime} cannot run it ({' '.join(str(error).split())}): take another --runtime"
            ) from error

    def encode(self, source: NDArray[np.float32], first_driving: NDArray[np.float32]) -> Arrays:
        """What the frames of a clip share; both images (1, 3, side, side) in [0, 1]."""
        return self._source({"source": source, "first_driving": first_driving})

    def render(self, encoded: Arrays, driving: NDArray[np.float32]) -> NDArray[np.float32]:
        """The frame (1, 3, output_side, output_side) in [0, 1] for a driving frame (1, 3, side, side)."""
        return self._frame({"driving": driving, **encoded})["frame"]

    def animate(self, source: NDArray[np.uint8], driving: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
        """Frames uint8 RGB (output_side, output_side, 3), one for each driving frame.

        Args:
            source: uint8 RGB (side, side, 3).
            driving: likewise, one after the other.

        Raises:
            InputError: an array of another type or shape.
        """
        picture = self._network_image("source", source)
        encoded: Arrays | None = None
        for frame in driving:
            image = self._network_image("driving frame", frame)
            if encoded is None:
                encoded = self.encode(picture, image)
            rendered = self.render(encoded, image)[0].transpose(1, 2, 0)
            yield np.rint(rendered * 255).astype(np.uint8)

    def _network_image(self, what: str, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        side = self.card.frame_side
        if frame.dtype != np.uint8 or frame.shape != (side, side, 3):
            raise InputError(
                f"the {what} is {frame.dtype} of shape {frame.shape}: this model takes uint8 of shape "
                f"({side}, {side}, 3), as lia_bench.read_picture(path, size={side}) gives it"
            )
        return np.ascontiguousarray(frame.transpose(2, 0, 1)[None], np.float32) / np.float32(255)


def open_onnx(path: Path) -> Graph:
    """A graph in ONNX Runtime; RuntimeError where that cannot read it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    # Its warnings are about the graph's making, of which the user knows nothing.
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    # Its classes have Exception as their only base.
    except Exception as error:
        raise RuntimeError(str(error)) from error
    taken = {one.name for one in session.get_inputs()}
    given = [one.name for one in session.get_outputs()]

    def run(inputs: Arrays) -> Arrays:
        values = session.run(given, {name: value for name, value in inputs.items() if name in taken})
        return dict(zip(given, values, strict=True))

    return run


def _openvino(path: Path) -> Graph:
    try:
        import openvino
    except ModuleNotFoundError as error:
        raise InputError(not_installed("--runtime openvino needs openvino", "openvino")) from error
    # Half precision is what it would take by itself where the processor has it.
    compiled: Any = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    taken = {one.any_name for one in compiled.inputs}
    given = [one.any_name for one in compiled.outputs]

    def run(inputs: Arrays) -> Arrays:
        values = compiled({name: value for name, value in inputs.items() if name in taken})
        return {name: np.array(values[name]) for name in given}

    return run


RUNTIMES: Mapping[str, Callable[[Path], Graph]] = {ONNX: open_onnx, "openvino": _openvino}
"""What opens a graph, by the name in `--runtime`."""
