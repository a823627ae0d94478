"""Training steps as the trainer takes them, for tests of recipes."""

import torch
from torch import Tensor

from lia_bench.models.training.recipe import Network, PairBatch, TrainingRecipe, Update


def networks_of(recipe: TrainingRecipe) -> dict[str, Network]:
    """The recipe's networks as its `updates` takes them."""
    return {name: Network(network) for name, network in recipe.networks.items()}


def total(update: Update) -> Tensor:
    """What is back-propagated."""
    return torch.stack(tuple(update.losses.values())).sum()


def train_step(recipe: TrainingRecipe, batch: PairBatch) -> list[Update]:
    """One iteration; its updates."""
    done = []
    for update in recipe.updates(networks_of(recipe), batch):
        for name in update.networks:
            recipe.optimisers[name].zero_grad()
        total(update).backward()
        for name in update.networks:
            recipe.optimisers[name].step()
        done.append(update)
    return done


def losses_of(recipe: TrainingRecipe, batch: PairBatch) -> list[Update]:
    """The updates of an iteration, none of which is done."""
    with torch.no_grad():
        return list(recipe.updates(networks_of(recipe), batch))


def gradients_apart(recipe: TrainingRecipe, batch: PairBatch) -> list[set[str]]:
    """The losses' names of each update; checks that its gradients reach all its networks' parameters, and no other."""
    seen = []
    for update in recipe.updates(networks_of(recipe), batch):
        for network in recipe.networks.values():
            network.zero_grad()
        total(update).backward()
        for name, network in recipe.networks.items():
            for key, parameter in network.named_parameters():
                assert (parameter.grad is not None) == (name in update.networks), f"{name}.{key}"
        seen.append(set(update.losses))
    return seen


def parameters_that_stand_still(recipe: TrainingRecipe, batch: PairBatch) -> set[str]:
    """Names of the animator's parameters that no update of an iteration has a gradient for."""
    recipe.animator.zero_grad()
    for update in recipe.updates(networks_of(recipe), batch):
        total(update).backward()
    return {
        name
        for name, parameter in recipe.animator.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().max() > 0
    }


def random_batch(epoch: int = 0) -> PairBatch:
    """Two pairs of 64 pixels, always the same."""
    torch.manual_seed(0)
    return PairBatch(torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64), epoch)
