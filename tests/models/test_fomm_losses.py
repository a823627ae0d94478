"""FOMM's training step against losses and gradients measured on its authors' code."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lia_bench.core import torch_weights, weights
from lia_bench.models.blocks.equivariance import PlaneTransformation
from lia_bench.models.fomm.authors_checkpoint import animator_state, authors_content, discriminator_state
from lia_bench.models.fomm.configuration import FommConfiguration
from lia_bench.models.fomm.recipe import FommRecipe
from lia_bench.models.loading import load_experiment
from lia_bench.models.training.recipe import Network, PairBatch
from tests.conftest import golden
from tests.deterministic import difference, generator, image
from tests.models.authors_files import deterministic_content

pytestmark = pytest.mark.slow

COLUMNS = {"adversarial": "gen_gan", "discriminator": "disc_gan"}


@dataclass(frozen=True)
class Step:
    """What one training step computed: losses, gradient norms by the authors' names, and the networks after it."""

    losses: dict[str, float]
    gradients: dict[str, float]
    state: dict[str, dict[str, Tensor]]


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    return golden("fomm-losses-256")


@pytest.fixture(scope="module")
def content(expected: dict[str, Any]) -> dict[str, dict[str, Tensor]]:
    return deterministic_content(expected)


@pytest.fixture(scope="module", params=["eval", "train"])
def mode(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="module")
def step(mode: str, content: dict[str, dict[str, Tensor]], expected: dict[str, Any]) -> Step:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "locate", lambda name: name)
        patch.setattr(torch_weights, "load_torch_weights", lambda name: content[name])
        _, experiment = load_experiment("fomm", expected["load"]["variant"])
        assert isinstance(experiment, FommConfiguration)
        recipe = FommRecipe(experiment)
        pairs = expected["losses"][mode]["pairs"]
        patch.setattr(PlaneTransformation, "random", lambda *_: _transformation(expected, len(pairs)))
        recipe.animator.load_state_dict(animator_state(content) or {})
        recipe.networks["discriminator"].load_state_dict(discriminator_state(content) or {})
        for network in recipe.networks.values():
            network.train(mode == "train")
        return _take(recipe, PairBatch(_images(pairs, "source"), _images(pairs, "driving")))


def test_losses(step: Step, mode: str, expected: dict[str, Any]) -> None:
    weighted = expected["losses"][mode]["weighted"]
    assert step.losses.keys() == {name for name in weighted if "gan" not in name} | COLUMNS.keys()
    for name, value in step.losses.items():
        # In training some driving Jacobians of these random weights are nearly singular, and their inverse amplifies
        # rounding: one thread in place of two moves the Jacobian term by 0.1 %, those of the picture by 0.03 %.
        tolerance = {"equivariance_jacobian": 5e-3}.get(name, 2e-3) if mode == "train" else 1e-4
        assert value == pytest.approx(weighted[COLUMNS.get(name, name)], rel=tolerance), name


def test_gradients(step: Step, mode: str, expected: dict[str, Any]) -> None:
    for name, norm in expected["losses"][mode]["gradient_norm"].items():
        tolerance = 3e-3
        if mode == "train":
            # Some driving Jacobians of these random weights are nearly singular: noise of 1e-7 in the images
            # changes the gradients behind them by up to 17 %, and those of the picture's own layers by 7 %.
            tolerance = 0.25 if name.startswith("kp_detector") or "dense_motion_network" in name else 0.1
        assert step.gradients[name] == pytest.approx(norm, rel=tolerance), name


def test_running_statistics(step: Step, mode: str, expected: dict[str, Any]) -> None:
    if mode == "eval":
        pytest.skip("batch norm keeps its statistics in evaluation mode")
    for key, summary in expected["intermediate"]["train"]["running_statistics_after"].items():
        network, _, name = key.partition("/")
        assert difference(step.state[network][name].numpy(), summary) < 1e-5, key


def _take(recipe: FommRecipe, batch: PairBatch) -> Step:
    networks = {name: Network(network) for name, network in recipe.networks.items()}
    losses: dict[str, float] = {}
    gradients: dict[str, float] = {}
    for update in recipe.updates(networks, batch):
        for network in recipe.networks.values():
            network.zero_grad()
        torch.stack(list(update.losses.values())).sum().backward()
        losses |= {name: float(value.detach()) for name, value in update.losses.items()}
        gradients |= _gradients(recipe, update.networks)
    state = authors_content(recipe.animator.state_dict())
    assert state is not None
    return Step(losses, gradients, state)


def _gradients(recipe: FommRecipe, networks: tuple[str, ...]) -> dict[str, float]:
    """Norms by the authors' names; the renaming does not care that these are no parameters."""
    if networks == ("discriminator",):
        # The authors' names of the few layers that the golden lists.
        layers = recipe.networks["discriminator"]
        named = {
            "discs.1.down_blocks.0.conv.weight": "blocks.0.convolution.weight",
            "discs.1.down_blocks.3.norm.weight": "blocks.3.normalisation.weight",
            "discs.1.conv.weight": "score.weight",
            "discs.1.conv.bias": "score.bias",
        }
        return {f"discriminator/{theirs}": _norm(layers.get_parameter(ours)) for theirs, ours in named.items()}
    parameters = dict(recipe.animator.named_parameters())
    content = authors_content(parameters)
    assert content is not None
    return {f"{part}/{name}": _norm(value) for part, state in content.items() for name, value in state.items()}


def _norm(parameter: Tensor) -> float:
    assert parameter.grad is not None
    return float(parameter.grad.norm())


def _images(pairs: list[dict[str, str]], role: str) -> Tensor:
    return torch.stack([torch.from_numpy(image(pair[role], 256, 0)) for pair in pairs])


def _transformation(expected: dict[str, Any], batch: int) -> PlaneTransformation:
    stated = expected["transform"]
    noise = generator("transform/theta", 0).standard_normal((batch, 2, 3))
    affine = np.eye(2, 3) + stated["sigma_affine"] * noise
    spline = stated["sigma_tps"] * generator("transform/control_params", 0).standard_normal((batch, 25))
    return PlaneTransformation(torch.from_numpy(affine).float(), torch.from_numpy(spline).float())
