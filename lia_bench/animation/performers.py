"""The models that animate: which checkpoint each stands on, and what a strip calls it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lia_bench.animation.request import AnimationRequest
from lia_bench.core.errors import InputError
from lia_bench.core.hashing import sha256_of_file
from lia_bench.core.registry import load_attribute
from lia_bench.models.animator import Animator
from lia_bench.models.checkpoint import WEIGHTS, own_checkpoint_folder
from lia_bench.models.loading import load_model
from lia_bench.models.reference import ModelReference, short_names
from lia_bench.models.registry import MODELS
from lia_bench.models.training.run_folder import resolve_checkpoint

USUAL_TRANSFER = "relative"
"""Of every model that knows it, where none is asked for."""


@dataclass(frozen=True)
class NamedModel:
    """A model that is to animate.

    Attributes:
        reference: what it is.
        label: what captions and files call it; unique among those of a command.
        transfer: how it transfers motion.
    """

    reference: ModelReference
    label: str
    transfer: str


@dataclass(frozen=True)
class Performer:
    """A model ready to animate.

    Attributes:
        label: as of the named model.
        animator: the model.
        transfer: likewise.
        weights_sha256: of its weights file; empty for a model without weights.
    """

    label: str
    animator: Animator
    transfer: str
    weights_sha256: str


def named_models(request: AnimationRequest) -> list[NamedModel]:
    """The models that `request` names, each `name[:variant][@checkpoint]`; nothing is loaded.

    Raises:
        UnknownNameError: no such model.
        InputError: a model is named twice, has not the transfer mode, or takes no references; no model begins from a
            frame (`--start best`).
    """
    references = [ModelReference.parse(text) for text in request.models]
    for reference, count in Counter(references).items():
        if count > 1:
            raise InputError(f"'{reference}' is named twice: name each model once")
        if request.references and not load_attribute(MODELS[reference.name].animator).takes_references:
            raise InputError(f"{reference.name} takes no references, the source alone: leave out --reference")
    models = [
        NamedModel(reference, label, _transfer(reference, request.transfer))
        for reference, label in zip(references, short_names(references), strict=True)
    ]
    if request.start == "best" and all(model.transfer == "absolute" for model in models):
        raise InputError("--start best counts for relative transfer alone: absolute transfer begins from no frame")
    return models


def load_performers(
    models: Sequence[NamedModel], request: AnimationRequest, announce: Callable[[str], None]
) -> list[Performer]:
    """Load `models`.

    One that is trained and named without a checkpoint stands on its run `last`; `announce` is told so, and of models
    that transfer otherwise than others.

    Raises:
        CheckpointError: a checkpoint is missing, damaged or of another model.
        UnknownNameError: no such variant.
        DeviceError: there is no such device.
    """
    for model in models:
        if request.transfer is None and model.transfer != USUAL_TRANSFER:
            announce(f"{model.label}: {model.transfer} transfer, for want of {USUAL_TRANSFER}")
    return [_load(model, request, announce) for model in models]


def _transfer(reference: ModelReference, wanted: str | None) -> str:
    modes = MODELS[reference.name].transfer_modes
    if wanted is None:
        return USUAL_TRANSFER if USUAL_TRANSFER in modes else modes[0]
    if wanted not in modes:
        raise InputError(f"{reference.name} has no transfer mode '{wanted}': {', '.join(modes)}")
    return wanted


def _load(model: NamedModel, request: AnimationRequest, announce: Callable[[str], None]) -> Performer:
    reference = model.reference
    checkpoint = reference.checkpoint
    if checkpoint is None and MODELS[reference.name].recipe is not None:
        checkpoint = request.runs / reference.name / "last"
        announce(f"no checkpoint of {reference} was named: taking the newest run, {checkpoint}")
    animator = load_model(reference.name, checkpoint=checkpoint, variant=reference.variant, device=request.device)
    return Performer(model.label, animator, model.transfer, _hash(checkpoint))


def _hash(checkpoint: Path | None) -> str:
    if checkpoint is None:
        return ""
    path = resolve_checkpoint(checkpoint)
    folder = own_checkpoint_folder(path)
    return sha256_of_file(folder / WEIGHTS if folder else path)
