"""What Monkey-Net is trained on, and that a small one learns."""

from typing import Any

import pytest
import torch

from lia_bench.models.blocks.adversarial import feature_matching, least_squares_discriminator, least_squares_generator
from lia_bench.models.monkeynet.configuration import MonkeyNetConfiguration
from lia_bench.models.monkeynet.recipe import MonkeyNetRecipe, detected, weighted
from lia_bench.models.training.recipe import PairBatch
from tests.deterministic import image
from tests.models.small_models import experiment_of
from tests.models.training_steps import gradients_apart, networks_of, parameters_that_stand_still, train_step

ADVERSARIAL = {"l1": 10.0, "feature_matching": [10.0, 10.0, 10.0, 1.0], "adversarial": 1.0, "deformed_l1": 10.0}


def test_least_squares_losses_by_hand() -> None:
    real, generated = torch.tensor([[1.0, 0.5]]), torch.tensor([[0.0, 0.5]])
    assert float(least_squares_generator(generated)) == pytest.approx((1 + 0.25) / 2)
    assert float(least_squares_discriminator(real, generated)) == pytest.approx((0 + 0.25 + 0 + 0.25) / 2)


def test_feature_matching_by_hand() -> None:
    generated = [torch.zeros(2, 3, 4, 4), torch.ones(2, 1, 2, 2)]
    real = [torch.full((2, 3, 4, 4), 2.0), torch.zeros(2, 1, 2, 2)]
    terms = feature_matching(generated, real)
    assert terms.tolist() == [2.0, 1.0]
    assert float(weighted(terms, torch.tensor((10, 1)))) == pytest.approx(21)


def test_an_update_has_the_terms_of_the_paper() -> None:
    recipe = MonkeyNetRecipe(_experiment(loss=ADVERSARIAL))
    generator, discriminator = train_step(recipe, _batch())
    assert set(generator.losses) == {"l1", "deformed_l1", "feature_matching", "adversarial"}
    assert generator.networks == ("generator", "keypoint_detector")
    assert set(discriminator.losses) == {"discriminator"}
    assert discriminator.networks == ("discriminator",)


def test_weights_multiply_their_terms() -> None:
    torch.manual_seed(0)
    once = MonkeyNetRecipe(_experiment(loss=ADVERSARIAL))
    twice = MonkeyNetRecipe(
        _experiment(
            loss={"l1": 20.0, "feature_matching": [20.0, 20.0, 20.0, 2.0], "adversarial": 2.0, "deformed_l1": 20.0}
        )
    )
    for name, network in twice.networks.items():
        network.load_state_dict(once.networks[name].state_dict())
    first, second = (next(recipe.updates(networks_of(recipe), _batch())).losses for recipe in (once, twice))
    for name, value in first.items():
        assert float(second[name].detach()) == pytest.approx(2 * float(value.detach()), rel=1e-5), name


def test_an_update_leaves_gradients_in_its_own_networks_alone() -> None:
    recipe = MonkeyNetRecipe(_experiment(loss=ADVERSARIAL))
    gradients_apart(recipe, _batch())


def test_keypoints_learn_from_what_the_discriminator_sees_of_both_frames() -> None:
    recipe = MonkeyNetRecipe(_experiment(loss=ADVERSARIAL, discriminator={"cap": 16}))
    networks = networks_of(recipe)
    _, driving = detected(networks["keypoint_detector"], _batch())
    driving.position.retain_grad()
    losses = recipe._adversarial(networks["discriminator"], _batch().driving, _batch().driving, driving)
    # Equal frames have equal features, so that only the score is left to learn from.
    assert float(losses["feature_matching"].detach()) == 0
    losses["adversarial"].backward()
    assert driving.position.grad is not None
    assert driving.position.grad.abs().max() > 0


def test_every_parameter_learns() -> None:
    recipe = MonkeyNetRecipe(_experiment())
    # The last convolution of dense motion starts at zero, and nothing before it learns until it has moved.
    train_step(recipe, _batch())
    still = parameters_that_stand_still(recipe, _batch())
    # The softmax over positions cancels what it adds to all of them, up to rounding.
    assert still <= {"keypoint_detector.heatmaps.bias"}


def test_batch_norm_of_the_detector_sees_both_frames_at_once() -> None:
    recipe = MonkeyNetRecipe(_experiment())
    batch = _batch()
    source, driving = detected(networks_of(recipe)["keypoint_detector"], batch)
    assert source.position.shape == driving.position.shape == (4, 8, 2)
    assert driving.covariance.shape == (4, 8, 2, 2)
    (count,) = {
        int(value)
        for name, value in recipe.networks["keypoint_detector"].state_dict().items()
        if name.endswith("num_batches_tracked")
    }
    assert count == 1


def test_without_a_discriminator_there_is_one_update() -> None:
    recipe = MonkeyNetRecipe(_experiment())
    (update,) = train_step(recipe, _batch())
    assert list(update.losses) == ["l1"]
    assert set(recipe.networks) == set(recipe.optimisers) == {"generator", "keypoint_detector"}


@pytest.mark.slow
def test_the_loss_falls() -> None:
    torch.manual_seed(0)
    recipe = MonkeyNetRecipe(_experiment(loss=ADVERSARIAL))
    for network in recipe.networks.values():
        network.train()
    source = torch.stack([torch.from_numpy(image(f"source{index}", 64, 0)) for index in range(2)])
    batch = PairBatch(source, source.roll((3, -4), dims=(2, 3)))
    values = [float(train_step(recipe, batch)[0].losses["l1"].detach()) for _ in range(60)]
    # Measured 0.64 and 0.70 with two seeds.
    assert sum(values[-5:]) < 0.75 * sum(values[:5])


def _experiment(**layers: dict[str, Any]) -> MonkeyNetConfiguration:
    return experiment_of("monkeynet", MonkeyNetConfiguration, "demo-64", **layers)


def _batch() -> PairBatch:
    pair = torch.rand(2, 4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    return PairBatch(pair[0], pair[1])
