"""The models that a command runs, each with the checkpoint that it stands on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from lia_bench.core.errors import InputError, MissingWeightsError
from lia_bench.core.prepared_dataset import PreparedDataset
from lia_bench.core.provenance import sha256_once
from lia_bench.models.animator import Animator, Precision
from lia_bench.models.card import PUBLISHED, how_to_fetch, is_fetched, published_checkpoint, published_variants
from lia_bench.models.checkpoint import WEIGHTS, own_checkpoint_folder
from lia_bench.models.export.animator import load_exported
from lia_bench.models.export.exported_model import CARD, ONNX
from lia_bench.models.loading import check_variant, load_from, pick_device
from lia_bench.models.reference import ModelReference, NamedModel
from lia_bench.models.specification import MODELS
from lia_bench.models.training.runs import newest_run, resolve_checkpoint


@dataclass(frozen=True)
class LineupModel:
    """A model ready to animate.

    Attributes:
        label: what tables, captions and files call it; unique in a line-up.
        model: its registered name.
        variant: the configuration it was built with; empty where there are none.
        checkpoint: the checkpoint folder or file; None for a model that has no weights.
        checkpoint_sha256: of the weights file; empty without one.
        animator: the model.
        device: where it renders.
        frame_side: in pixels, of the source and driving frames that it takes; None where any will do.
        output_side: of the frames that come out; None where it is that of the frames that go in.
    """

    label: str
    model: str
    variant: str
    checkpoint: Path | None
    checkpoint_sha256: str
    animator: Animator
    device: torch.device
    frame_side: int | None
    output_side: int | None


@dataclass(frozen=True)
class Lineup:
    """The models of a command, in the order they were named, all on one device."""

    models: tuple[LineupModel, ...]
    device: torch.device


def load_lineup(
    named: Sequence[NamedModel],
    runs: Path,
    device: str | None,
    announce: Callable[[str], None],
    dataset: PreparedDataset | None = None,
    runtime: str | None = None,
    precision: Precision = "32-true",
    compiled: bool = False,
) -> Lineup:
    """The models on `device`, each with its checkpoint as `find_checkpoint` finds it, which `announce` is told.

    Args:
        named: as `name_models` gives them.
        runs: folder of training runs.
        device: as torch names devices; None for the GPU where there is one.
        announce: takes lines for the user.
        dataset: what runs have to be of; None takes any.
        runtime: what runs exported models, "onnx" or "openvino"; None is the first.
        precision, compiled: as `Animator.speed_up` takes them.

    Raises:
        InputError: a model that needs training has no run on the dataset; a runtime for one that was not exported, or
            a precision or compilation for one that was.
        MissingWeightsError: nor was its published checkpoint fetched.
        CheckpointError: a checkpoint is missing, damaged or of another model.
        UnknownNameError: no such variant.
        DeviceError: there is no such device.
    """
    checkpoints = [find_checkpoint(model.reference, runs, dataset, announce) for model in named]
    target = pick_device(device)
    models = []
    for one, checkpoint in zip(named, checkpoints, strict=True):
        reference, label = one.reference, one.label
        animator: Animator
        if checkpoint is not None and (checkpoint / CARD).is_file():
            animator = load_exported(checkpoint, reference.name, reference.variant, device, runtime or ONNX)
        elif runtime is not None:
            raise InputError(
                f"--runtime {runtime} runs exported models: write one (lia-bench models export {reference} "
                f"exports/{reference.name}) and name it as {reference.name}@exports/{reference.name}"
            )
        else:
            animator = load_from(checkpoint, reference.name, reference.variant, target)
        variant = animator.zoo_entry.variant if animator.zoo_entry else ""
        animator.speed_up(precision, compiled=compiled)
        shape = animator.device, animator.frame_size, animator.output_size
        models.append(LineupModel(label, reference.name, variant, checkpoint, _hash(checkpoint), animator, *shape))
        if checkpoint is not None:
            announce(f"{label}: {checkpoint}")
    return Lineup(tuple(models), target)


def find_checkpoint(
    reference: ModelReference,
    runs: Path,
    dataset: PreparedDataset | None = None,
    announce: Callable[[str], None] = lambda line: None,
) -> Path | None:
    """The checkpoint named, else that of the newest run, else of a named variant the one that its authors published.

    Args:
        reference: the model; `published` as its checkpoint is the authors' own.
        runs: folder of training runs.
        dataset: what the run has to be of; None takes any.
        announce: is told of runs that are not finished.

    Returns:
        None for a model that is never trained.

    Raises:
        UnknownNameError: no such variant.
        InputError: a model that needs training has no run on the dataset.
        MissingWeightsError: nor was its published checkpoint fetched; the text is one command.
        CheckpointError: there is no such checkpoint.
    """
    name, variant = reference.name, reference.variant
    if reference.checkpoint == Path(PUBLISHED):
        check_variant(name, variant)
        return published_checkpoint(name, variant)
    if reference.checkpoint is not None:
        return resolve_checkpoint(reference.checkpoint)
    if MODELS[name].recipe is None:
        return None
    run = newest_run(runs, name, dataset, variant, announce)
    if run is not None:
        return run.last()
    check_variant(name, variant)
    published = published_variants(name)
    if variant in published:
        if is_fetched(name, variant):
            return published_checkpoint(name, variant)
        raise MissingWeightsError(f"no checkpoint of {reference} is on this machine: {how_to_fetch(name, variant)}")
    where = f"no run of {reference}{f' on {dataset.name}' if dataset else ''} in {runs}"
    on = f" --dataset {dataset.name}" if dataset else ""
    others = f", take a published one ({', '.join(f'{name}:{other}' for other in published)})" if published else ""
    raise InputError(
        f"{where}: train it first (lia-bench train {reference}{on}){others}, or name a checkpoint ({reference}@FILE)"
    )


def _hash(checkpoint: Path | None) -> str:
    if checkpoint is None:
        return ""
    if (checkpoint / CARD).is_file():
        # It holds the hashes of the graphs.
        return sha256_once(checkpoint / CARD)
    folder = own_checkpoint_folder(checkpoint)
    return sha256_once(folder / WEIGHTS if folder else checkpoint)
