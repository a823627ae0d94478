"""IAPM's configurations, perturbations, losses and checkpoint layout, and what a small one learns."""

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lia_bench.core.errors import CheckpointError, InputError, MissingWeightsError
from lia_bench.models.fomm.authors_checkpoint import animator_state as fomm_state
from lia_bench.models.iapm import SPECIFICATION, networks, recipe
from lia_bench.models.iapm.animator import IapmAnimator
from lia_bench.models.iapm.authors_checkpoint import animator_state, authors_content
from lia_bench.models.iapm.configuration import IapmConfiguration
from lia_bench.models.iapm.networks import perturbed_for_testing, perturbed_for_training
from lia_bench.models.iapm.recipe import IapmRecipe, changed_colours
from lia_bench.models.loading import load_model
from lia_bench.models.training.augmentation import ColourChange
from lia_bench.models.training.configuration import ColourJitter
from lia_bench.models.training.recipe import Network, PairBatch, Update
from tests.deterministic import image
from tests.models.colour_changes import by_torchvision
from tests.models.small_models import experiment_of, small_model
from tests.models.training_steps import networks_of, random_batch

PUBLISHED = ("vox-256", "taichi-256", "bair-256")


def test_every_published_configuration_is_there() -> None:
    assert set(SPECIFICATION.variant_names()) == {*PUBLISHED, "demo-64"}


@pytest.mark.parametrize(("variant", "threshold"), [("vox-256", 100), ("taichi-256", 60), ("bair-256", 60)])
def test_published_configurations_train_as_the_paper_says(
    variant: str, threshold: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "published_vgg19", nn.Identity)
    experiment = _experiment(variant)
    with torch.device("meta"):
        built = IapmRecipe(experiment)
    assert built.animator.threshold == threshold
    assert built.perceptual is not None
    assert list(built.perceptual.weights) == [10, 10, 10, 0, 0]
    assert experiment.data.batch_size == 16
    assert built.milestones() == (60, 90)
    # The authors' less an encoder that nothing reads.
    assert sum(parameter.numel() for parameter in built.animator.parameters()) == 89_087_584


def test_perceptual_loss_without_vgg19_says_what_to_do() -> None:
    with pytest.raises(MissingWeightsError, match=r"vgg19.*loss\.perceptual=0"):
        IapmRecipe(_experiment("demo-64", loss={"perceptual": 10.0}))


def test_testing_makes_the_mask_smaller_about_the_centre() -> None:
    perturbed = perturbed_for_testing(torch.ones(2, 1, 64, 64), threshold=100)
    expected = torch.zeros(2, 1, 64, 64)
    expected[:, :, 8:56, 8:56] = 1
    assert torch.equal(perturbed, expected)


@pytest.mark.parametrize(
    ("grey", "expected"),
    [
        (100.0, 0),
        (100.5, 100),  # Compared before the fraction is cut off.
        (127.9, 127),  # Cut off, not rounded.
    ],
)
def test_testing_removes_what_is_not_above_the_threshold(grey: float, expected: int) -> None:
    perturbed = perturbed_for_testing(torch.full((1, 1, 64, 64), grey) / 255, threshold=100)
    assert float(perturbed[0, 0, 32, 32] * 255) == pytest.approx(expected)


def test_testing_interpolates_in_steps_of_a_32nd_pixel() -> None:
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., 5] = 1
    row = 255 * perturbed_for_testing(mask, threshold=0)[0, 0, 8]
    # Column 5 reads 7.5 - 2.5 / 0.75 = 4.1667, so 5 and not 5.33 steps towards column 5; column 6 reads 5.5.
    assert row[4:8].tolist() == pytest.approx([0, round(255 * 5 / 32), 128, 0], abs=1e-3)


def test_training_without_zoom_and_noise_only_removes_the_faint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "TRAINING_ZOOM", (1.0, 1.0))
    monkeypatch.setattr(networks, "NOISE", 0.0)
    mask = torch.rand(2, 1, 32, 32)
    grey = (mask * 255).floor()
    expected = torch.where(grey > 60, grey, 0.0)
    torch.testing.assert_close(perturbed_for_training(mask, 60) * 255, expected, atol=1e-3, rtol=0)


def test_strips_shrink_inside_themselves_and_the_whole_across(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "TRAINING_ZOOM": (0.5, 0.5),
        "NOISE": 0.0,
        "PIVOTS": 1,
        "FIRST_PIVOT": 0.5,
        "LAST_PIVOT": 0.5,
    }.items():
        monkeypatch.setattr(networks, name, value)
    # Two strips of columns, halved each: 8-23 and 40-55; all rows halved: 16-47. Then two strips of rows, halved
    # each: 16-23 and 40-47; and all columns halved: 20-27 and 36-43.
    expected = torch.zeros(64, 64)
    for rows in (slice(16, 24), slice(40, 48)):
        for columns in (slice(20, 28), slice(36, 44)):
            expected[rows, columns] = 1
    assert torch.equal(perturbed_for_training(torch.ones(1, 1, 64, 64), 60)[0, 0], expected)


def test_noise_is_poisson_of_either_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    monkeypatch.setattr(networks, "TRAINING_ZOOM", (1.0, 1.0))
    noise = 255 * perturbed_for_training(torch.full((4, 1, 64, 64), 128.5 / 255), 0) - 128
    assert float(noise.mean()) == pytest.approx(0, abs=1)
    assert float(noise.abs().mean()) == pytest.approx(20, abs=0.5)
    assert float(noise.abs().var()) == pytest.approx(20, rel=0.1)


@pytest.mark.parametrize(
    "jitter",
    [
        ColourJitter(brightness=0.1, contrast=0.1, saturation=0.1, hue=0.1),
        ColourJitter(brightness=0.9, saturation=0.9, hue=0.5),
        ColourJitter(contrast=0.5),
        ColourJitter(),
    ],
)
def test_a_batch_changes_colours_as_its_rows_alone(jitter: ColourJitter) -> None:
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    pictures = torch.rand(6, 2, 3, 8, 8)
    # Without colour, black, and two channels alike.
    pictures[0, 0], pictures[1, 1], pictures[2, 0, 0] = 0.5, 0.0, pictures[2, 0, 1].clone()
    changes = [ColourChange.draw(jitter, random) for _ in pictures]
    alone = torch.stack([by_torchvision(change, rows) for change, rows in zip(changes, pictures, strict=True)])
    torch.testing.assert_close(changed_colours(pictures, changes), alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [16, 32, 64])
def test_training_bends_every_mask_its_own_way(size: int) -> None:
    torch.manual_seed(0)
    mask = torch.ones(3, 1, size, size, requires_grad=True)
    perturbed = perturbed_for_training(mask, 60)
    assert perturbed.shape == mask.shape
    assert not perturbed.requires_grad
    assert 0 <= float(perturbed.min()) <= float(perturbed.max()) <= 1
    assert not torch.equal(perturbed[0] > 0.5, perturbed[1] > 0.5)
    torch.manual_seed(0)
    assert torch.equal(perturbed_for_training(mask, 60), perturbed)


def test_masks_have_a_border_of_zeros() -> None:
    mask = _small().mask_generator(torch.rand(2, 3, 64, 64))
    assert mask.shape == (2, 1, 32, 32)
    assert mask[:, :, 3:-3, 3:-3].min() > 0
    assert not mask[:, :, :, :3].any()


def test_losses_are_weighted_means_of_absolute_differences() -> None:
    built = IapmRecipe(_experiment("demo-64", loss={"l1": 3.0, "refinement": 7.0}))
    batch = random_batch(epoch=1)
    outputs: dict[str, Any] = {}
    networks = {name: Network(_remembering(network, name, outputs)) for name, network in built.networks.items()}
    (update,) = built.updates(networks, batch)
    generated = outputs["generator"]
    assert update.networks == ("generator", "mask_generator")
    for phase in ("coarse", "fine"):
        mean = (getattr(generated.frames, phase) - batch.driving).abs().mean()
        torch.testing.assert_close(update.losses[f"l1_{phase}"], 3 * mean)
    torch.testing.assert_close(
        update.losses["refinement"], 7 * (generated.refined - outputs["mask_generator"]).abs().mean()
    )


def test_refinement_waits_for_the_second_epoch() -> None:
    built = IapmRecipe(_experiment("demo-64"))
    assert _update(built, random_batch(epoch=0)).losses.keys() == {"l1_coarse", "l1_fine"}
    assert _update(built, random_batch(epoch=1)).losses.keys() == {"l1_coarse", "l1_fine", "refinement"}


def test_every_network_learns_from_its_own_output_alone() -> None:
    learning = {
        "l1_coarse": {"mask_generator.network", "mask_generator.mask", "generator.low_resolution"},
        "l1_fine": {"generator.high_resolution"},
        "refinement": {"generator.refinement"},
    }
    for loss, parts in learning.items():
        built = IapmRecipe(_experiment("demo-64"))
        _update(built, random_batch(epoch=1)).losses[loss].backward()
        touched = {
            name
            for name, parameter in built.animator.named_parameters()
            if parameter.grad is not None and parameter.grad.abs().max() > 0
        }
        all_of_them = {name for name, _ in built.animator.named_parameters() if name.startswith(tuple(parts))}
        # Batch norm takes away what a bias before it adds, up to rounding.
        assert {name for name in all_of_them if not name.endswith("convolution.bias")} <= touched <= all_of_them


def test_colours_change_alike_for_source_and_target_and_apart_for_driving() -> None:
    jitter = {"brightness": 0.3, "contrast": 0.3, "saturation": 0.3, "hue": 0.1}
    built = IapmRecipe(_experiment("demo-64", jitter=jitter))
    frames = torch.rand(4, 3, 64, 64)
    source, target, driving = built.varied(PairBatch(frames, frames))
    assert torch.equal(source, target)
    for row in range(4):
        assert (source[row] - frames[row]).abs().mean() > 1e-3
        assert (source[row] - driving[row]).abs().mean() > 1e-3
        assert (source[row] - source[row - 1]).abs().mean() > 1e-3


def test_without_jitter_frames_stay() -> None:
    batch = random_batch(epoch=0)
    source, target, driving = IapmRecipe(_experiment("demo-64")).varied(batch)
    assert torch.equal(source, batch.source)
    assert torch.equal(target, batch.driving)
    assert torch.equal(driving, batch.driving)


def test_source_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = _small()
    encode = Mock(side_effect=model.encode_source)
    monkeypatch.setattr(model, "encode_source", encode)
    frames = model.animate(torch.rand(3, 64, 64), torch.rand(5, 3, 64, 64), batch_size=2)
    assert frames.shape == (5, 3, 64, 64)
    assert encode.call_count == 1


def test_there_is_no_relative_transfer() -> None:
    with pytest.raises(InputError, match="absolute"):
        _small().animate(torch.rand(3, 64, 64), torch.rand(1, 3, 64, 64), "relative")


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"size": 100}, "size 100 must be a multiple of 128"),
        ({"mask_scale": 0.3}, r"mask_scale 0\.3 is not"),
        ({"size": 32, "mask_generator": {"blocks": 2}, "refinement": {"blocks": 2}}, "too small"),
    ],
)
def test_sizes_that_cannot_work_are_refused(overrides: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_model("iapm", variant="vox-256", device="cpu", **overrides)


def test_a_training_without_a_loss_for_frames_is_refused() -> None:
    with pytest.raises(InputError, match="weight above 0"):
        _experiment("demo-64", loss={"l1": 0.0})


def test_a_refinement_that_is_not_there_cannot_learn() -> None:
    with pytest.raises(InputError, match=r"set loss\.refinement=0 with model\.refinement=null"):
        IapmRecipe(_experiment("demo-64", model={"refinement": None}))


def test_authors_layout_there_and_back() -> None:
    model = _small()
    content = authors_content(model.state_dict())
    assert content is not None
    assert "predictor.encoder.down_blocks.0.conv.weight" in content["mask_generator"]
    assert "mask_fix_net.decoder.up_blocks.0.norm.weight" in content["generator"]
    assert content["generator"]["down_blocks.0.conv.weight"].shape == (32, 16, 3, 3)
    state = animator_state(content)
    assert state is not None
    assert state.keys() == model.state_dict().keys()
    assert fomm_state(content) is None


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"generator": {}, "mask_generator": {}},
        {"generator": {"down_blocks.0.conv.weight": torch.zeros(1)}, "mask_generator": {"ref.bias": torch.zeros(1)}},
        {"generator": {"final.bias": torch.zeros(3)}, "kp_detector": {}},
        {"generator": {"dense_motion_network.mask.bias": torch.zeros(3)}, "mask_generator": {}},
        {"g_ema": {"enc.fc.0.weight": torch.zeros(1)}},
    ],
)
def test_other_layouts_are_not_taken_for_iapm(content: dict[str, Any]) -> None:
    assert animator_state(content) is None


def test_file_of_other_widths_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "small.pth.tar"
    torch.save(authors_content(_small().state_dict()), file)
    with pytest.raises(CheckpointError, match=r"in this variant|this variant has|missing") as caught:
        load_model("iapm", checkpoint=file, variant="vox-256", device="cpu")
    assert "\n" not in str(caught.value)
    loaded = load_model("iapm", checkpoint=file, variant="demo-64", device="cpu")
    assert isinstance(loaded, IapmAnimator)


@pytest.mark.slow
def test_sixty_steps_lower_every_loss() -> None:
    torch.manual_seed(0)
    built = IapmRecipe(_experiment("demo-64"))
    frames = torch.stack([torch.from_numpy(image(f"training/{index}", 64, 0)) for index in range(4)])
    driving = torch.stack([frame.roll(8 * index, dims=2) for index, frame in enumerate(frames, start=1)])
    history: list[dict[str, float]] = []
    for step in range(60):
        (update,) = built.updates(
            networks_of(built),
            PairBatch(frames, driving, epoch=step // 5),
        )
        for optimiser in built.optimisers.values():
            optimiser.zero_grad()
        torch.stack(tuple(update.losses.values())).sum().backward()
        for optimiser in built.optimisers.values():
            optimiser.step()
        history.append({name: float(value.detach()) for name, value in update.losses.items()})
    for name in ("l1_coarse", "l1_fine"):
        assert _mean(history[-5:], name) < 0.8 * _mean(history[:5], name), name
    assert _mean(history[-5:], "refinement") < 0.8 * _mean(history[5:10], "refinement")


def _mean(history: list[dict[str, float]], name: str) -> float:
    return sum(losses[name] for losses in history) / len(history)


def _experiment(variant: str, **layers: dict[str, Any]) -> IapmConfiguration:
    return experiment_of("iapm", IapmConfiguration, variant, **layers)


def _small(**overrides: Any) -> IapmAnimator:
    return small_model("iapm", IapmAnimator, **overrides)


def _update(built: IapmRecipe, batch: PairBatch) -> Update:
    (update,) = built.updates(networks_of(built), batch)
    return update


def _remembering(network: nn.Module, name: str, outputs: dict[str, Any]) -> nn.Module:
    def remember(module: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
        outputs[name] = output

    network.register_forward_hook(remember)
    return network
