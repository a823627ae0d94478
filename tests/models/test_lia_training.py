"""LIA's training steps against those of the trainer its authors once published, and what must hold of any step."""

from typing import Any

import pytest
import torch
from torch import nn

from lia_bench.core.configuration import validate
from lia_bench.core.errors import InputError, MissingWeightsError, UnknownNameError
from lia_bench.models.blocks.adversarial import r1_penalty
from lia_bench.models.blocks.entry_table import from_table
from lia_bench.models.blocks.latent_training import R1_INTERVAL, minibatch_deviation
from lia_bench.models.blocks.reconstruction import Vgg19Features
from lia_bench.models.lia.authors_checkpoint import generator_table
from lia_bench.models.lia.configuration import LiaConfiguration
from lia_bench.models.lia.recipe import LiaRecipe, build_discriminator
from lia_bench.models.loading import load_configuration
from lia_bench.models.training.recipe import PairBatch
from tests.conftest import golden
from tests.deterministic import image
from tests.models.authors_files import deterministic_content
from tests.models.lia_authors import discriminator_table, own_names
from tests.models.training_steps import losses_of, networks_of, train_step

SMALL = {"size": 64, "style_dim": 32, "motion_dim": 4, "channel_base": 512, "channel_limit": 16}


def experiment(model: dict[str, int] = SMALL, **loss: float) -> LiaConfiguration:
    return LiaConfiguration.model_validate(
        {"model": model, "loss": loss, "data": {"dataset": "any", "batch_size": 4}, "schedule": {"iterations": 1}}
    )


def noise_batch(seed: int, count: int = 4, size: int = 64) -> PairBatch:
    pair = torch.rand(2, count, 3, size, size, generator=torch.Generator().manual_seed(seed))
    return PairBatch(pair[0], pair[1])


@pytest.mark.slow
def test_three_steps_are_those_of_the_published_trainer() -> None:
    """Losses and gradients of two, and the losses after them; later ones hold to 4 % alone, since rounding grows."""
    expected = golden("lia-training-128")
    content = deterministic_content(expected)
    recipe = LiaRecipe(experiment({"size": 128}), Vgg19Features(content["vgg19"]))
    tables = {"generator": generator_table(5), "discriminator": discriminator_table(5)}
    for name, part in (("generator", "gen"), ("discriminator", "dis")):
        recipe.networks[name].load_state_dict(from_table("LIA", tables[name], content[part]))
    tolerance = expected["tolerance"]
    for step, losses, norms in zip(
        expected["steps"][:3],
        tolerance["relative_losses_by_step"][:3],
        (*tolerance["relative_gradient_norms_by_step"][:2], None),
        strict=True,
    ):
        batch = _golden_batch(step["step"])
        # After the last step nothing but its losses is looked at.
        first, second = train_step(recipe, batch) if norms else losses_of(recipe, batch)
        assert float(first.losses["perceptual"].detach()) == pytest.approx(step["perceptual"], rel=losses)
        assert float(first.losses["l1"].detach()) == pytest.approx(step["l1"], rel=losses)
        assert float(first.losses["adversarial"].detach()) == pytest.approx(step["generator_adversarial"], rel=losses)
        assert float(second.losses["discriminator"].detach()) == pytest.approx(step["discriminator"], rel=losses)
        if norms is None:
            continue
        for name, table in tables.items():
            parameters = dict(recipe.networks[name].named_parameters())
            names = own_names(table)
            for theirs, norm in step[f"{name}_gradient_norms"].items():
                gradient = parameters[names[theirs]].grad
                assert gradient is not None
                assert float(gradient.norm()) == pytest.approx(norm, rel=norms), theirs


def _golden_batch(step: int) -> PairBatch:
    source, driving = (
        torch.stack([torch.from_numpy(image(f"{kind}/{step}/{index}", 128, 0)) for index in range(4)])
        for kind in ("source", "driving")
    )
    return PairBatch(source, driving)


def test_every_parameter_of_the_demonstration_gets_a_gradient() -> None:
    _, configuration = load_configuration("lia", "demo-64", [{"loss": {"adversarial": 1.0}}])
    assert isinstance(configuration, LiaConfiguration)
    recipe = LiaRecipe(configuration)
    generator, discriminator = train_step(recipe, noise_batch(0))
    assert generator.networks == ("generator",)
    assert discriminator.networks == ("discriminator",)
    for network in recipe.networks.values():
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert float(parameter.grad.abs().max()) > 0, name


def test_without_the_dictionary_every_parameter_gets_a_gradient() -> None:
    recipe = LiaRecipe(experiment(SMALL | {"motion_dim": None}, perceptual=0))  # type: ignore[arg-type]
    before = {name: value.clone() for name, value in recipe.animator.named_parameters()}
    train_step(recipe, noise_batch(0))
    assert recipe.readings() == {}
    for name, parameter in recipe.animator.named_parameters():
        assert parameter.grad is not None, name
        assert not torch.equal(parameter, before[name]), name


def test_the_generator_update_leaves_no_gradient_in_the_discriminator() -> None:
    recipe = LiaRecipe(experiment(perceptual=0))
    networks = networks_of(recipe)
    update = next(recipe.updates(networks, noise_batch(0)))
    torch.stack(tuple(update.losses.values())).sum().backward()
    assert all(parameter.grad is None for parameter in recipe.networks["discriminator"].parameters())


def test_a_term_of_weight_zero_is_left_out_with_its_network() -> None:
    recipe = LiaRecipe(experiment(perceptual=0, adversarial=0))
    (update,) = train_step(recipe, noise_batch(0))
    assert list(update.losses) == ["l1"]
    assert list(recipe.networks) == list(recipe.optimisers) == ["generator"]
    assert not recipe.frozen


class SomeFeatures(nn.Module):
    """Five maps of an image, in VGG19's place."""

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        return [image * factor for factor in range(1, 6)]


@pytest.mark.parametrize("left_out", ["l1", "perceptual", "adversarial"])
def test_each_term_can_be_left_out_alone(left_out: str) -> None:
    features: Any = SomeFeatures()
    recipe = LiaRecipe(experiment(SMALL, **{left_out: 0.0}), features)
    first, *rest = train_step(recipe, noise_batch(0))
    assert set(first.losses) == {"l1", "perceptual", "adversarial"} - {left_out}
    assert len(rest) == (0 if left_out == "adversarial" else 1)
    assert all(parameter.grad is not None for parameter in recipe.animator.parameters())


def test_weights_multiply_their_terms() -> None:
    torch.manual_seed(0)
    once = LiaRecipe(experiment(perceptual=0, l1=1, adversarial=1))
    twice = LiaRecipe(experiment(perceptual=0, l1=2, adversarial=3))
    for name, network in twice.networks.items():
        network.load_state_dict(once.networks[name].state_dict())
    first, second = (train_step(recipe, noise_batch(0))[0].losses for recipe in (once, twice))
    assert float(second["l1"].detach()) == pytest.approx(2 * float(first["l1"].detach()))
    assert float(second["adversarial"].detach()) == pytest.approx(3 * float(first["adversarial"].detach()))


def test_training_without_vgg19_says_how_to_get_it_or_to_do_without() -> None:
    with pytest.raises(MissingWeightsError, match=r"vgg19.*loss\.perceptual=0"):
        LiaRecipe(experiment())


def test_the_penalty_comes_after_every_sixteenth_update_of_the_discriminator() -> None:
    torch.manual_seed(0)
    recipe = LiaRecipe(experiment(perceptual=0, r1=10))
    counts = [len(train_step(recipe, noise_batch(step, count=2))) for step in range(2 * R1_INTERVAL + 1)]
    assert [step for step, count in enumerate(counts) if count == 3] == [R1_INTERVAL - 1, 2 * R1_INTERVAL - 1]
    assert set(counts) == {2, 3}


def test_the_penalty_of_a_linear_score_is_the_squared_norm_of_its_weights() -> None:
    weights = torch.randn(3, 8, 8)
    images = torch.randn(5, 3, 8, 8, requires_grad=True)
    scores = (images * weights).sum((1, 2, 3))[:, None]
    assert float(r1_penalty(images, scores)) == pytest.approx(float(weights.square().sum()), rel=1e-5)


def test_the_penalty_reaches_the_weights_of_the_discriminator() -> None:
    discriminator = build_discriminator(experiment().model)
    images = noise_batch(0).driving.requires_grad_()
    r1_penalty(images, discriminator(images)).backward()
    stem: nn.Parameter = discriminator.stem.weight
    assert stem.grad is not None
    assert float(stem.grad.abs().max()) > 0


def test_the_deviation_of_a_batch_is_taken_in_groups_of_four() -> None:
    # Group members lie a quarter of the batch apart: 0, 2, 4, 6 and 1, 3, 5, 7.
    feature = torch.zeros(8, 2, 4, 4)
    feature[0::2] = torch.tensor([0.0, 0.0, 2.0, 2.0])[:, None, None, None]
    deviation = minibatch_deviation(feature)
    assert deviation.shape == (8, 1, 4, 4)
    assert deviation[0::2].flatten().tolist() == pytest.approx([1.0] * 64, rel=1e-4)
    assert deviation[1::2].flatten().tolist() == pytest.approx([1e-4] * 64, rel=1e-3)


def test_the_orthogonality_of_the_dictionary_is_read() -> None:
    assert 0 < LiaRecipe(experiment(perceptual=0)).readings()["orthogonality_error"] < 1e-5


def test_learning_rates_and_betas_carry_the_published_correction() -> None:
    expected = golden("lia-training-128")["config"]
    recipe = LiaRecipe(experiment(perceptual=0))
    for name in ("generator", "discriminator"):
        (group,) = recipe.optimisers[name].param_groups
        assert group["lr"] == pytest.approx(expected[f"{name}_lr"])
        assert group["betas"] == pytest.approx(expected[f"{name}_betas"])


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ({"loss": {"perceptul": 5}}, UnknownNameError, r"loss\.perceptul.*loss\.perceptual"),
        ({"model": {"motion_dims": 5}}, UnknownNameError, r"motion_dims.*model\.motion_dim"),
        ({"model": {"size": 100}}, InputError, "power of two"),
        ({"loss": {"l1": 0, "perceptual": 0, "adversarial": 0}}, InputError, "weight above 0"),
        ({"loss": {"r1": 10, "adversarial": 0}}, InputError, "r1"),
    ],
)
def test_a_wrong_configuration_is_one_line(values: dict[str, Any], kind: type[Exception], message: str) -> None:
    shared = {"data": {"dataset": "any", "batch_size": 4}, "schedule": {"iterations": 1}}
    with pytest.raises(kind, match=message):
        validate(LiaConfiguration, {**shared, **values}, "test")
