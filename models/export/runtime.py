"""Exported models without torch: a source encoded once, then a frame for each driving frame, in NumPy arrays."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.errors import CheckpointError, InputError, UnknownNameError
from lia_bench.core.extras import not_installed
from lia_bench.core.provenance import usable_cores
from lia_bench.core.suggestions import unknown
from lia_bench.models.export.card import FRAME, ONNX, SOURCE, read_export_card

Arrays = dict[str, NDArray[np.float32]]
Graph = Callable[[Arrays], Arrays]
"""Inputs by their names to outputs by theirs; inputs that a graph has no use for are left alone."""


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
