"""Monkey-Net's configurations, its checkpoint layout, and what a small one does."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from lia_bench.core.errors import CheckpointError, InputError
from lia_bench.models.blocks.keypoints import covariance_heatmaps, expected_covariance, expected_position
from lia_bench.models.loading import load_model
from lia_bench.models.monkeynet import SPECIFICATION
from lia_bench.models.monkeynet.animator import SMALLEST_ADAPTED_VARIANCE, MonkeyNetAnimator, adapted
from lia_bench.models.monkeynet.authors_checkpoint import animator_state, authors_content
from lia_bench.models.monkeynet.configuration import MonkeyNetConfiguration
from lia_bench.models.monkeynet.networks import Keypoints, displacements, enlarged, heatmap_difference, heatmaps
from lia_bench.models.monkeynet.recipe import build_discriminator
from tests.conftest import golden
from tests.models.small_models import encodings_of_a_clip, experiment_of, small_model

PUBLISHED = {"vox", "vox-full", "taichi", "nemo", "bair", "moving-gif", "actions", "shapes"}
# Millions of parameters and entries of the state dict, as counted on the authors' code.
COUNTED = {"vox": (94.8, 314), "vox-full": (94.8, 314), "moving-gif": (66.4, 300)}


def test_every_published_configuration_is_there() -> None:
    assert set(SPECIFICATION.variant_names()) == PUBLISHED | {"demo-64"}


@pytest.mark.parametrize("variant", sorted(COUNTED))
def test_networks_are_as_large_as_the_authors(variant: str) -> None:
    with torch.device("meta"):
        animator = MonkeyNetAnimator(_experiment(variant).model)
    millions, entries = COUNTED[variant]
    assert sum(parameter.numel() for parameter in animator.parameters()) / 1e6 == pytest.approx(millions, abs=0.05)
    assert len(animator.state_dict()) == entries


@pytest.mark.parametrize("variant", sorted(PUBLISHED))
def test_published_configurations_build(variant: str) -> None:
    experiment = _experiment(variant)
    size, keypoints = experiment.model.size, experiment.model.keypoints
    with torch.device("meta"):
        animator = MonkeyNetAnimator(experiment.model)
        discriminator = build_discriminator(experiment)
        frames = torch.empty(2, 3, size, size)
        one, other = (animator.keypoint_detector(frames) for _ in range(2))
        assert animator.generator(frames, one, other).frames.shape == frames.shape
        maps, score = discriminator(torch.empty(2, 3 + keypoints, size, size))
    assert [features.shape[1] for features in maps] == [64, 128, 256, 256]
    assert score.shape[2:] == {64: (1, 1), 128: (5, 5), 256: (13, 13)}[size]


def test_variants_hold_what_the_authors_configured() -> None:
    theirs = golden("monkeynet-vox")["config"]["model_params"]
    vox = _experiment("vox").model
    assert vox.keypoints == theirs["common_params"]["num_kp"]
    assert vox.keypoint_detector.smallest_variance == theirs["kp_detector_params"]["clip_variance"]
    assert vox.heatmap_divisor == theirs["generator_params"]["kp_embedding_params"]["norm_const"]
    assert _experiment("bair").model.heatmap_divisor == "sum"
    assert _experiment("shapes").model.heatmap_divisor == 10
    assert _experiment("actions").data.rotation == 10
    assert _experiment("moving-gif").model.dense_motion.displacement_maps


def test_weights_of_vox_fit_vox_full() -> None:
    with torch.device("meta"):
        one, other = (MonkeyNetAnimator(_experiment(variant).model) for variant in ("vox", "vox-full"))
    shapes = [{name: value.shape for name, value in model.state_dict().items()} for model in (one, other)]
    assert shapes[0] == shapes[1]


def test_a_drawn_keypoint_is_found_again() -> None:
    position = torch.tensor([[[0.2, -0.1]]])
    covariance = torch.tensor([[[[0.02, 0.008], [0.008, 0.01]]]])
    drawn = covariance_heatmaps(position, covariance, 101, 101)
    share = drawn / drawn.sum()
    torch.testing.assert_close(expected_position(share), position, atol=1e-4, rtol=0)
    torch.testing.assert_close(expected_covariance(share, position), covariance, atol=1e-5, rtol=1e-3)


def test_heatmaps_are_divided_as_configured() -> None:
    keypoints = Keypoints(torch.zeros(1, 2, 2), 0.1 * torch.eye(2).expand(1, 2, 2, 2))
    assert float(heatmaps(keypoints, 100, 5, 5)[0, 0, 2, 2]) == pytest.approx(0.01)
    # On a grid of step 0.5 the neighbour is at exp(-0.5 * 0.25 / 0.1) of the peak.
    assert float(heatmaps(keypoints, 1, 5, 5)[0, 0, 2, 3]) == pytest.approx(math.exp(-1.25))
    torch.testing.assert_close(heatmaps(keypoints, "sum", 5, 5).sum(dim=(2, 3)), torch.ones(1, 2))


def test_heatmaps_are_driving_less_source_and_displacements_source_less_driving() -> None:
    extent = 0.01 * torch.eye(2).expand(1, 1, 2, 2)
    source, driving = (Keypoints(torch.tensor([[[x, 0.0]]]), extent) for x in (-0.5, 0.5))
    difference = heatmap_difference(source, driving, 1, 5, 5)[0, 0]
    assert float(difference[2, 3]) == pytest.approx(1)
    assert float(difference[2, 1]) == pytest.approx(-1)
    assert displacements(source, driving).tolist() == [[[0.0, 0.0], [-1.0, 0.0]]]


def test_covariances_are_enlarged_in_shape() -> None:
    thin = torch.tensor([[4e-3, 0.0], [0.0, 1e-4]])
    torch.testing.assert_close(enlarged(thin, 1e-3), 10 * thin)
    wide = torch.tensor([[4e-3, 1e-3], [1e-3, 2e-3]])
    torch.testing.assert_close(enlarged(wide, 1e-3), wide)


def test_round_covariances_have_a_gradient() -> None:
    round_one = (1e-4 * torch.eye(2)).requires_grad_()
    enlarged(round_one, 1e-3).sum().backward()
    assert round_one.grad is not None
    assert round_one.grad.isfinite().all()


def test_adapted_covariances_change_as_the_driving_ones_did() -> None:
    first, source = torch.diag(torch.tensor([1.0, 4.0])), torch.diag(torch.tensor([2.0, 3.0]))
    driving = torch.diag(torch.tensor([3.0, 2.0]))
    torch.testing.assert_close(adapted(driving, first, source), torch.diag(torch.tensor([6.0, 1.5])))
    # A symmetric part with a negative eigenvalue is no covariance.
    impossible = adapted(torch.tensor([[0.0, 1.0], [1.0, 0.0]]), torch.eye(2), torch.eye(2))
    variances = torch.linalg.eigvalsh(impossible)
    torch.testing.assert_close(variances, torch.tensor([SMALLEST_ADAPTED_VARIANCE, 1.0]), atol=1e-7, rtol=0)


def test_relative_transfer_starts_at_the_source_positions() -> None:
    model = _small()
    source, driving = torch.rand(3, 64, 64), torch.rand(2, 3, 64, 64)
    still = model.animate(source, source[None])
    adapting = model.animate(source, driving, "relative_adapted")
    torch.testing.assert_close(adapting[:1], still, atol=1e-4, rtol=0)
    relative = model.animate(source, driving, "relative")
    assert (relative[1] - relative[0]).abs().max() > 1e-5


def test_source_is_encoded_once() -> None:
    model = _small()
    assert encodings_of_a_clip(model, model.generator) == 1


def test_an_untrained_network_hardly_moves_anything() -> None:
    model = _small()
    keypoints = model.keypoint_detector(torch.rand(2, 3, 64, 64))
    one, other = (Keypoints(*(value[index : index + 1] for value in keypoints)) for index in range(2))
    motion = model.generator.dense_motion(torch.rand(1, 3, 64, 64), one, other)
    still = math.exp(2) / (math.exp(2) + 8)
    torch.testing.assert_close(motion.masks[:, 0], torch.full((1, 32, 32), still))
    assert motion.correction.abs().max() == 0


def test_displacement_maps_stand_between_heatmap_and_image() -> None:
    model = _small(dense_motion={"displacement_maps": True}).generator.dense_motion
    extent = 0.1 * torch.eye(2).expand(1, 8, 2, 2)
    source, driving = Keypoints(torch.full((1, 8, 2), 0.25), extent), Keypoints(torch.zeros(1, 8, 2), extent)
    moved = displacements(source, driving)
    evidence = model.evidence(torch.rand(1, 3, 32, 32), source, driving, moved).reshape(9, 6, 32, 32)
    assert evidence[0, :3].abs().max() == 0
    torch.testing.assert_close(evidence[1:, 1:3], torch.full((8, 2, 32, 32), 0.25))


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"size": 64}, "size 64 must be a multiple of 128"),
        ({"keypoint_detector": {"scale": 0.3}}, "scale 0.3 is not"),
        ({"generator": {"heatmap_scale": 0.3}}, "heatmap_scale 0.3 is not"),
        ({"heatmap_divisor": "mean"}, "heatmap_divisor"),
    ],
)
def test_models_that_cannot_work_are_refused(overrides: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_model("monkeynet", variant="vox", device="cpu", **overrides)


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ({"loss": {"adversarial": 1.0}, "discriminator": {"blocks": 5}}, "take fewer blocks"),
        ({"loss": {"adversarial": 1.0, "feature_matching": [1.0]}}, "1 weights for a discriminator of 4 blocks"),
        ({"loss": {"feature_matching": [1.0]}}, "adversarial must be above 0"),
        ({"loss": {"adversarial": 1.0, "feature_matching": [1.0, 1.0, 1.0, -1.0]}}, "a weight below 0"),
        ({"loss": {"l1": 0.0}}, "needs a weight above 0"),
    ],
)
def test_losses_that_cannot_work_are_refused(layers: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        _experiment("demo-64", **layers)


def test_authors_layout_there_and_back() -> None:
    model = _small()
    content = authors_content(model.state_dict())
    assert content is not None
    assert content["kp_detector"]["predictor.decoder.conv.weight"].shape == (8, 11, 1, 3, 3)
    assert content["generator"]["dense_motion_module.group_blocks.0.conv.weight"].shape == (36, 4, 1, 1, 1)
    state = animator_state(content)
    assert state is not None
    assert {name: value.shape for name, value in state.items()} == {
        name: value.shape for name, value in model.state_dict().items()
    }


def test_states_of_other_models_have_no_authors_layout() -> None:
    assert authors_content({"generator.stem.convolution.weight": torch.zeros(1)}) is None


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"generator": {}, "kp_detector": {}},
        {"g_ema": {"enc.fc.0.weight": torch.zeros(1)}},
        {"generator": {"first.conv.weight": torch.zeros(1)}, "kp_detector": {"kp.weight": torch.zeros(1)}},
    ],
)
def test_other_layouts_are_not_taken_for_monkey_net(content: dict[str, Any]) -> None:
    assert animator_state(content) is None


def test_file_of_other_widths_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "00000000-checkpoint.pth.tar"
    torch.save(authors_content(_small().state_dict()), file)
    with pytest.raises(CheckpointError, match=r"variant") as caught:
        load_model("monkeynet", checkpoint=file, variant="shapes", device="cpu")
    assert "\n" not in str(caught.value)
    with pytest.raises(CheckpointError, match="a checkpoint of monkeynet"):
        load_model("fomm", checkpoint=file, device="cpu")
    loaded = load_model("monkeynet", checkpoint=file, variant="demo-64", device="cpu")
    assert isinstance(loaded, MonkeyNetAnimator)


def _experiment(variant: str, **layers: dict[str, Any]) -> MonkeyNetConfiguration:
    return experiment_of("monkeynet", MonkeyNetConfiguration, variant, **layers)


def _small(**overrides: Any) -> MonkeyNetAnimator:
    return small_model("monkeynet", MonkeyNetAnimator, **overrides)
