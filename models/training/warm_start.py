"""A run that begins from the weights of another."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from lia_bench.core.errors import CheckpointError
from lia_bench.core.names import counted
from lia_bench.models.checkpoint import load_training_state, own_checkpoint_folder
from lia_bench.models.fit import Differences
from lia_bench.models.loading import load_model
from lia_bench.models.published import published_checkpoint, published_checkpoints
from lia_bench.models.training.planned_run import PlannedRun
from lia_bench.models.training.recipe import TrainingRecipe
from lia_bench.models.training.runs import resolve_checkpoint


@dataclass(frozen=True)
class Donor:
    """What a run begins from.

    Attributes:
        path: of the checkpoint.
        training: states under "networks" (those that the animator does not hold) and "optimisers"; None where the
            animator alone is taken.
    """

    path: Path
    training: Mapping[str, Any] | None


def begin_from(run: PlannedRun, recipe: TrainingRecipe) -> Donor | None:
    """Fill the animator of a run that begins with the weights that its configuration names; None where it names none.

    Raises:
        CheckpointError: no such checkpoint, one of another model or of other sizes, or with weights alone where
            everything is asked for.
        MissingWeightsError: a published checkpoint that is not on this machine.
    """
    start = run.experiment.start
    if start.checkpoint is None or run.last is not None:
        return None
    model = run.specification.name
    if start.checkpoint in published_checkpoints():
        owner, _, variant = start.checkpoint.partition(":")
        path = published_checkpoint(owner, variant)
    else:
        path = resolve_checkpoint(Path(start.checkpoint))
    folder = own_checkpoint_folder(path)
    donor = load_model(model, path, variant=None if folder else run.variant, device="cpu").state_dict()
    _check_same_network(path, "animator", donor, recipe.animator)
    recipe.animator.load_state_dict(donor)
    if not start.everything:
        return Donor(path, None)
    if folder is None:
        raise CheckpointError(
            f"{path}: the authors' file has no optimisers of ours: take --from in place of --from-all"
        )
    training = load_training_state(folder)
    for name, state in training["networks"].items():
        if name in recipe.networks:
            _check_same_network(path, name, state, recipe.networks[name])
    return Donor(path, training)


def _check_same_network(path: Path, name: str, donor: Mapping[str, Tensor], network: nn.Module) -> None:
    differences = Differences.between(donor, network.state_dict())
    if differences:
        apart = [*differences.missing, *differences.unknown, *differences.reshaped]
        raise CheckpointError(
            f"{path}: its {name} is not that of this run ({counted(len(apart), 'weight')} differ, such as {apart[0]}): "
            "give this run the configuration that the checkpoint has"
        )
