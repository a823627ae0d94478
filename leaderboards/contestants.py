"""The models of an evaluation: which checkpoint each stands on, and that all can be compared."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lia_bench.core.errors import InputError
from lia_bench.core.hashing import sha256_of_file
from lia_bench.core.prepared_dataset import PreparedDataset
from lia_bench.leaderboards.results.report import PlannedModel
from lia_bench.models.animator import Animator
from lia_bench.models.checkpoint import WEIGHTS, own_checkpoint_folder, read_description
from lia_bench.models.loading import load_model
from lia_bench.models.reference import ModelReference, short_names
from lia_bench.models.registry import MODELS
from lia_bench.models.training.run_folder import RunFolder, newest_run, resolve_checkpoint
from lia_bench.models.training.sweep import FILE_SUFFIX, runs_of_sweep

FLOOR = "identity"


@dataclass(frozen=True)
class Contestant:
    """A model ready to animate.

    Attributes:
        label: what tables and videos call it; unique in an evaluation.
        model: its registered name.
        variant: the configuration it was built with; empty where there are none.
        checkpoint: the checkpoint folder or file; empty for a model that has no weights.
        checkpoint_sha256: of the weights file; empty without one.
        animator: the model.
    """

    label: str
    model: str
    variant: str
    checkpoint: str
    checkpoint_sha256: str
    animator: Animator

    def description(self, tasks: Mapping[str, str]) -> PlannedModel:
        """Everything but the network, for the report; `tasks` is task to the transfer mode that is wanted."""
        return PlannedModel(
            label=self.label,
            model=self.model,
            variant=self.variant,
            checkpoint=self.checkpoint,
            checkpoint_sha256=self.checkpoint_sha256,
            transfers={task: self.transfer(wanted) for task, wanted in tasks.items()},
        )

    def transfer(self, wanted: str) -> str:
        """The transfer mode that this model takes where `wanted` is asked for: its usual one if it lacks that."""
        modes = self.animator.transfer_modes
        return wanted if wanted in modes else modes[0]


def with_runs_of_sweeps(texts: Sequence[str], announce: Callable[[str], None]) -> list[str]:
    """References, those to a sweep's file replaced by its runs; runs without a checkpoint are told of and left out.

    Raises:
        InputError: the file is damaged, of another model, or none of its runs has a checkpoint.
    """
    expanded = []
    for text in texts:
        reference = ModelReference.parse(text)
        path = reference.checkpoint
        if path is None or not path.name.endswith(FILE_SUFFIX):
            expanded.append(text)
            continue
        model, folders = runs_of_sweep(path)
        if model != reference.name:
            raise InputError(f"{text}: a sweep of {model}: write {model}@{path}")
        trained = [folder for folder in folders if RunFolder(folder).last()]
        for folder in folders:
            if folder not in trained:
                announce(f"{folder}: left out, it has no checkpoint yet")
        if not trained:
            raise InputError(f"{path}: none of its {len(folders)} runs has a checkpoint: train them first")
        expanded += [f"{model}@{folder}" for folder in trained]
    return expanded


def read_references(texts: Sequence[str]) -> list[ModelReference]:
    """The models that `texts` name, and the floor that every table shows.

    Raises:
        UnknownNameError: a model that there is not.
        InputError: the same reference twice.
    """
    references = [ModelReference.parse(text) for text in texts]
    for reference, count in Counter(references).items():
        if count > 1:
            raise InputError(f"'{reference}' is named twice: name each model once")
        MODELS[reference.name]
    if not any(reference.name == FLOOR for reference in references):
        references.append(ModelReference(FLOOR))
    return references


def find_checkpoint(reference: ModelReference, dataset: PreparedDataset, runs: Path) -> Path | None:
    """The checkpoint named, else that of the newest run on the dataset; None for a model that is never trained.

    Raises:
        InputError: a model that needs training has no run.
        CheckpointError: there is no such checkpoint.
    """
    if reference.checkpoint is not None:
        return resolve_checkpoint(reference.checkpoint)
    if MODELS[reference.name].recipe is None:
        return None
    run = newest_run(runs, reference.name, dataset)
    if run is None:
        raise InputError(
            f"no run of {reference.name} on {dataset.name} in {runs}: train it first "
            f"(lia-bench train {reference} --dataset {dataset.name}), "
            f"or name a checkpoint ({reference}@FILE)"
        )
    return resolve_checkpoint(run.path)


def load_contestants(
    references: Sequence[ModelReference], checkpoints: Sequence[Path | None], device: str | None
) -> list[Contestant]:
    """The models on `device`, each with its checkpoint.

    Raises:
        CheckpointError: a checkpoint is damaged or of another model.
    """
    return [
        Contestant(
            label=label,
            model=reference.name,
            variant=_variant(reference, checkpoint),
            checkpoint=str(checkpoint or ""),
            checkpoint_sha256=_hash(checkpoint),
            animator=load_model(reference.name, checkpoint, reference.variant, device),
        )
        for reference, checkpoint, label in zip(references, checkpoints, short_names(references), strict=True)
    ]


def common_size(contestants: Sequence[Contestant]) -> int | None:
    """The side of the frames that all models take; None where any side will do.

    Raises:
        InputError: two models take different sizes, and numbers at different sizes cannot be compared.
    """
    sizes = {contestant.label: contestant.animator.frame_size for contestant in contestants}
    given = {size for size in sizes.values() if size is not None}
    if len(given) > 1:
        listed = ", ".join(f"{label} {size}" for label, size in sizes.items() if size is not None)
        raise InputError(f"one table is scored at one frame size ({listed}): evaluate these models apart")
    return given.pop() if given else None


def _variant(reference: ModelReference, checkpoint: Path | None) -> str:
    folder = own_checkpoint_folder(checkpoint) if checkpoint else None
    if folder is not None:
        return str(read_description(folder)["variant"])
    return reference.variant or MODELS[reference.name].default_variant


def _hash(checkpoint: Path | None) -> str:
    if checkpoint is None:
        return ""
    folder = own_checkpoint_folder(checkpoint)
    return sha256_of_file(folder / WEIGHTS if folder else checkpoint)
