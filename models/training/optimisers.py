"""The optimisers of models whose networks have one each, clipped gradients, and an average of the weights."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.optim import Adam, Optimizer

from lia_bench.models.animator import Animator
from lia_bench.models.training.memory import own_share

IMPLEMENTATION = ("fused", "foreach", "capturable")


def adam_for_each(
    networks: Mapping[str, nn.Module], rates: Mapping[str, float], betas: tuple[float, float]
) -> dict[str, Optimizer]:
    """An Adam for each network, by the networks' names; `rates`: their learning rates, others among them."""
    return {name: Adam(network.parameters(), lr=rates[name], betas=betas) for name, network in networks.items()}


def fuse(optimiser: Optimizer) -> None:
    """Let the optimiser step all weights in one kernel, where it knows how to."""
    for group in optimiser.param_groups:
        if "fused" in group:
            group["fused"] = True


def load_optimiser(optimiser: Optimizer, state: Mapping[str, Any]) -> None:
    """Put a saved state back. How the steps are computed stays as it is here, on whatever it was computed before."""
    groups = [
        group | {key: own[key] for key in IMPLEMENTATION if key in own}
        for group, own in zip(state["param_groups"], optimiser.param_groups, strict=True)
    ]
    # A sharded optimiser takes out of what it is given the states of others.
    optimiser.load_state_dict({**state, "state": dict(state["state"]), "param_groups": groups})
    share = own_share(optimiser)
    if share is not optimiser:
        # It has kept its share twice.
        optimiser.state.clear()
    for weight, values in share.state.items():
        for key, value in values.items():
            # A fused kernel walks through weight and state together, so both have to lie alike in memory.
            if torch.is_tensor(value) and value.shape == weight.shape and value.stride() != weight.stride():
                values[key] = torch.empty_like(weight).copy_(value)


def clip_before_step(optimiser: Optimizer, limit: float, norm: float) -> None:
    """From now on every step of `optimiser` scales its gradients, all alike, so that their `norm`-norm is <= `limit`.

    Under mixed precision too the limit is that of the true gradients: the step comes after they are unscaled.
    """

    def clip(stepping: Optimizer, arguments: Any, keywords: Any) -> None:
        weights = [weight for group in stepping.param_groups for weight in group["params"]]
        torch.nn.utils.clip_grad_norm_(weights, limit, norm_type=norm)

    optimiser.register_step_pre_hook(clip)


class AveragedAnimator:
    """An exponential moving average of an animator's weights, as an animator of its own.

    Attributes:
        animator: the averaged one, never trained.
    """

    def __init__(self, trained: Animator, decay: float) -> None:
        """Starts from the weights as they are. `decay`: share, below 1, that the average keeps at each update."""
        self._trained = trained
        self._decay = decay
        self.animator = copy.deepcopy(trained).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after iteration `step`, from 1.

        Early on the average keeps less, (1 + step) / (10 + step), so that the random start is soon forgotten.
        Counts and other integers are copied.
        """
        decay = min(self._decay, (1 + step) / (10 + step))
        trained = self._trained.state_dict()
        averages, values = [], []
        for name, average in self.animator.state_dict().items():
            if average.is_floating_point():
                averages.append(average)
                values.append(trained[name])
            else:
                average.copy_(trained[name])
        torch._foreach_lerp_(averages, values, 1 - decay)
