"""The optimisers of models whose networks have one each."""

from collections.abc import Mapping

from torch import nn
from torch.optim import Adam, Optimizer


def adam_for_each(
    networks: Mapping[str, nn.Module], rates: Mapping[str, float], betas: tuple[float, float]
) -> dict[str, Optimizer]:
    """An Adam for each network, by the networks' names; `rates`: their learning rates, others among them."""
    return {name: Adam(network.parameters(), lr=rates[name], betas=betas) for name, network in networks.items()}
