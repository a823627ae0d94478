"""The optimisers of models whose networks have one each, and how a checkpoint's state comes back into them."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.optim import Adam, Optimizer

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
    optimiser.load_state_dict({**state, "param_groups": groups})
    for weight, values in optimiser.state.items():
        for key, value in values.items():
            # A fused kernel walks through weight and state together, so both have to lie alike in memory.
            if torch.is_tensor(value) and value.shape == weight.shape and value.stride() != weight.stride():
                values[key] = torch.empty_like(weight).copy_(value)
