"""A model written as two ONNX graphs, one for the source and one for each driving frame, held against the model."""

import dataclasses
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lia_bench.core.atomic import replacing
from lia_bench.core.documents import write_document
from lia_bench.core.errors import InputError, LiaBenchError
from lia_bench.core.extras import not_installed
from lia_bench.core.processes import alone_at
from lia_bench.core.provenance import provenance, sha256_of_file
from lia_bench.core.suggestions import unknown
from lia_bench.models.animator import Animator
from lia_bench.models.blocks.latent_animator import MotionDictionary
from lia_bench.models.export.exported_model import CARD, FORMAT, FRAME, SOURCE, ExportCard, Parity, open_onnx

OPSET = 20
"""The first whose GridSample takes volumes, too."""

TOLERANCE = 1e-3
"""Of a value in [0, 1], between a frame of the graphs and the model's."""

COMPARED = 3
BUSY = ("another export is writing it; wait until it is over, or name another OUTPUT", "name another OUTPUT")


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        folder: where.
        card: what it says of itself.
    """

    folder: Path
    card: ExportCard


class _Source(nn.Module):
    """All that is computed once a clip, as a flat row of tensors, each once."""

    def __init__(self, animator: Animator, transfer: str) -> None:
        super().__init__()
        self.animator, self.transfer = animator, transfer

    def forward(self, source: Tensor, first_driving: Tensor) -> tuple[Tensor, ...]:
        return tuple(_distinct(self.animator.encode_source(source, first_driving, self.transfer)))


class _Frame(nn.Module):
    """One frame, of a driving frame and the tensors that `_Source` gave."""

    def __init__(self, animator: Animator, encoded: Any) -> None:
        super().__init__()
        self.animator, self.encoded = animator, encoded
        self.numbers = {id(tensor): number for number, tensor in enumerate(_distinct(encoded))}

    def forward(self, driving: Tensor, *tensors: Tensor) -> Tensor:
        replacements = {of: tensors[number] for of, number in self.numbers.items()}
        return self.animator.render(_with_tensors(self.encoded, replacements), driving).clamp(0, 1)


class _StoredDirections(nn.Module):
    """A motion dictionary whose directions are there: no graph holds a QR decomposition."""

    def __init__(self, directions: Tensor) -> None:
        super().__init__()
        self.register_buffer("directions", directions)

    def forward(self) -> Tensor:
        directions: Tensor = self.get_buffer("directions")
        return directions


def export_onnx(
    animator: Animator, checkpoint: str, output: Path, transfer: str | None = None, *, replace: bool = False
) -> Exported:
    """Write `animator` as a folder of two graphs and a card; it is kept where its frames are the model's.

    Args:
        animator: of the zoo, on the processor; it is of no further use afterwards where it has a motion dictionary,
            whose directions are stored.
        checkpoint: hexadecimal SHA-256 of the file that its weights came from.
        output: the folder; made.
        transfer: the one mode that the graphs compute; None is relative where the model has it, else its usual one.
        replace: an earlier export may be replaced.

    Raises:
        InputError: the model takes frames of any size or has not the mode, an operation of it is none of ONNX, or
            `output` is there.
        LiaBenchError: the graphs' frames are not the model's, or cannot be written.
    """
    entry, side = animator.zoo_entry, animator.frame_size
    if entry is None or side is None:
        raise InputError("only networks of the zoo that take frames of one size are exported: name one of those")
    modes = animator.transfer_modes
    mode = transfer or ("relative" if "relative" in modes else modes[0])
    if mode not in modes:
        raise InputError(unknown("transfer mode", mode, modes))
    with alone_at(output, *BUSY):
        _check_output(output, replace)
        clip = _clip(side)
        expected = list(animator.animate_stream(clip[0], clip[1:], mode, batch_size=1))
        with replacing(output) as folder:
            folder.mkdir()
            names = _write_graphs(animator, mode, clip, folder, str(entry))
            card = ExportCard(
                format=FORMAT,
                model=entry.model,
                variant=entry.variant,
                configuration=entry.experiment,
                checkpoint=checkpoint,
                transfer=mode,
                frame_side=side,
                output_side=animator.output_size or side,
                encoded=tuple(names),
                parity=_compared(folder, clip, expected, str(entry)),
                sha256={path.name: sha256_of_file(path) for path in sorted(folder.iterdir())},
                made=provenance(),
            )
            write_document(folder / CARD, card)
    return Exported(output, card)


def _write_graphs(animator: Animator, mode: str, clip: Tensor, folder: Path, called: str) -> list[str]:
    """Both graphs; returns the names of the tensors between them."""
    dictionary = getattr(animator, "dictionary", None)
    if isinstance(dictionary, MotionDictionary):
        with torch.no_grad():
            animator.dictionary = _StoredDirections(dictionary())
    source, first, driving = clip[:1], clip[1:2], clip[2:3]
    # Not in inference mode, whose tensors cannot be traced.
    with torch.no_grad():
        encoded = animator.encode_source(source, first, mode)
        tensors = _distinct(encoded)
        names = [f"encoded_{number}" for number in range(len(tensors))]
        _write_graph(
            _Source(animator, mode), (source, first), folder / SOURCE, ["source", "first_driving"], names, called
        )
        _write_graph(
            _Frame(animator, encoded), (driving, *tensors), folder / FRAME, ["driving", *names], ["frame"], called
        )
    return names


def _write_graph(
    graph: nn.Module, inputs: tuple[Tensor, ...], path: Path, taken: list[str], given: list[str], called: str
) -> None:
    try:
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as error:
        raise InputError(not_installed("an export needs onnxscript", "export")) from error
    graph.eval()
    try:
        with _quiet():
            torch.onnx.export(
                graph,
                inputs,
                path,
                input_names=taken,
                output_names=given,
                opset_version=OPSET,
                dynamo=True,
                external_data=True,
                custom_translation_table=_translations(),
            )
    except OSError:
        raise
    # Every stage of the exporter has classes of its own, and what a model's code raises comes through as it is.
    except Exception as error:
        raise InputError(
            f"{called}: cannot be written as ONNX with this transfer ({_reason(error)}): try another --transfer, or "
            "animate it with torch"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Inside, the exporter neither prints its steps nor logs whole graphs where it fails."""
    with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def _translations() -> dict[Callable[..., Any], Callable[..., Any]]:
    """Operations that the exporter knows no graph for."""
    from onnxscript import opset20 as operations

    def hypot(first: Any, second: Any) -> Any:
        return operations.Sqrt(operations.Add(operations.Mul(first, first), operations.Mul(second, second)))

    return {torch.ops.prims.hypot.default: hypot}


def _reason(error: BaseException) -> str:
    """The innermost cause, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else f"{text[:200]} ..."


def _compared(folder: Path, clip: Tensor, expected: list[Tensor], called: str) -> Parity:
    """The graphs' frames beside the model's.

    Raises:
        LiaBenchError: they are further apart than they may be.
    """
    source_graph, frame_graph = (open_onnx(folder / name) for name in (SOURCE, FRAME))
    images = clip.numpy()
    encoded = source_graph({"source": images[:1], "first_driving": images[1:2]})
    differences = [
        float(
            np.abs(frame_graph({"driving": images[number : number + 1], **encoded})["frame"][0] - frame.numpy()).max()
        )
        for number, frame in enumerate(expected, start=1)
    ]
    largest = max(differences)
    # Written so that NaN is refused.
    if not largest < TOLERANCE:
        raise LiaBenchError(
            f"{called}: the graphs' frames differ from the model's by up to {largest:.2g} of 1, where {TOLERANCE:g} is "
            "allowed: nothing was kept; animate it with torch"
        )
    return Parity(frames=len(differences), largest_difference=largest, tolerance=TOLERANCE)


def _clip(side: int) -> Tensor:
    """A soft picture and frames in which it wanders, (1 + COMPARED, 3, side, side) in [0, 1]; always the same."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 3, 8, 8, generator=generator)
    wide = nn.functional.interpolate(coarse, size=(side + side // 2,) * 2, mode="bicubic").clamp(0, 1)
    steps = [side // 2 * number // COMPARED for number in range(COMPARED + 1)]
    return torch.cat([wide[:, :, step : step + side, step // 2 : step // 2 + side] for step in steps]).contiguous()


def _check_output(output: Path, replace: bool) -> None:
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    if not (output / CARD).is_file():
        raise InputError(f"{output}: there already, and no exported model: name another folder")
    if not replace:
        raise InputError(f"{output}: there already; give --force to replace it")


def _distinct(encoded: Any) -> list[Tensor]:
    """The tensors in what an animator encodes, in their order, each where it stands first: no graph gives one twice."""
    return list({id(tensor): tensor for tensor in _tensors(encoded)}.values())


def _tensors(value: Any) -> Iterator[Tensor]:
    """The tensors in what an animator encodes: in records, tuples, lists and mappings, in their order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _tensors(inner)
    elif dataclasses.is_dataclass(value):
        for one in dataclasses.fields(value):
            yield from _tensors(getattr(value, one.name))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _tensors(inner)


def _with_tensors(value: Any, replacements: Mapping[int, Tensor]) -> Any:
    """`value` with the tensor of the same identity in the place of each that `_tensors` gives."""
    if isinstance(value, Tensor):
        return replacements[id(value)]
    if isinstance(value, Mapping):
        return {key: _with_tensors(inner, replacements) for key, inner in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        inner = {one.name: _with_tensors(getattr(value, one.name), replacements) for one in dataclasses.fields(value)}
        return dataclasses.replace(value, **inner)
    if isinstance(value, list | tuple):
        replaced = [_with_tensors(inner, replacements) for inner in value]
        return type(value)(*replaced) if hasattr(value, "_fields") else type(value)(replaced)
    return value
