"""FOMM's configurations, its checkpoint layout, and what a small one does."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from lia_bench.core.errors import CheckpointError, InputError, MissingWeightsError, UnknownNameError
from lia_bench.models.blocks.warping import coordinate_grid
from lia_bench.models.fomm import SPECIFICATION
from lia_bench.models.fomm.animator import FommAnimator
from lia_bench.models.fomm.authors_checkpoint import animator_state, authors_content, discriminator_state
from lia_bench.models.fomm.configuration import FommConfiguration
from lia_bench.models.fomm.networks import Keypoints, part_motions
from lia_bench.models.fomm.recipe import FommRecipe, build_discriminator
from lia_bench.models.loading import load_model
from tests.models.small_models import encodings_of_a_clip, experiment_of, noise_frames, small_model
from tests.models.training_steps import gradients_apart, parameters_that_stand_still, random_batch, train_step

PUBLISHED = {
    "vox-256",
    "vox-adv-256",
    "taichi-256",
    "taichi-adv-256",
    "nemo-256",
    "bair-256",
    "fashion-256",
    "mgif-256",
}


def test_every_published_configuration_is_there() -> None:
    assert set(SPECIFICATION.variant_names()) == {*PUBLISHED, "demo-64"}


@pytest.mark.parametrize("variant", sorted(PUBLISHED))
def test_published_configurations_build_the_authors_networks(variant: str) -> None:
    experiment = _experiment(variant)
    with torch.device("meta"):
        animator = FommAnimator(experiment.model)
        discriminator = build_discriminator(experiment)
    count = sum(parameter.numel() for parameter in animator.parameters())
    # One Jacobian map instead of ten saves 36 maps of 35 * 49 weights and a bias.
    assert count == 59_790_759 - (36 * (35 * 49 + 1) if variant == "mgif-256" else 0)
    frames = torch.empty(1, 13 if "adv" in variant else 3, 256, 256, device="meta")
    _, score = discriminator(frames)
    assert score.shape == (1, 1, 26, 26)


def test_every_parameter_learns() -> None:
    recipe = FommRecipe(_experiment("demo-64"))
    still = parameters_that_stand_still(recipe, random_batch())
    # The softmax over positions cancels what it adds to all of them, up to rounding.
    assert still <= {"keypoint_detector.heatmaps.bias"}


def test_adversarial_training_updates_the_discriminator_apart() -> None:
    recipe = FommRecipe(
        _experiment("demo-64", loss={"adversarial": 1.0}, discriminator={"blocks": 3, "keypoint_heatmaps": True})
    )
    generator_update, discriminator_update = gradients_apart(recipe, random_batch())
    assert {"adversarial", "feature_matching"} <= generator_update
    assert discriminator_update == {"discriminator"}


def test_frozen_keypoint_detector_of_taichi_adv_keeps_its_weights() -> None:
    recipe = FommRecipe(_experiment("demo-64", optimiser={"keypoint_detector": 0.0}))
    detector = recipe.networks["keypoint_detector"]
    before = [parameter.detach().clone() for parameter in detector.parameters()]
    train_step(recipe, random_batch())
    after = list(detector.parameters())
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert _experiment("taichi-adv-256").optimiser.keypoint_detector == 0


def test_perceptual_loss_without_vgg19_says_what_to_do() -> None:
    with pytest.raises(MissingWeightsError, match="vgg19"):
        FommRecipe(_experiment("demo-64", loss={"perceptual": 10.0}))


def test_relative_transfer_starts_at_the_source() -> None:
    model = _small()
    source, driving = torch.rand(3, 64, 64), torch.rand(2, 3, 64, 64)
    still = model.animate(source, source[None])
    for transfer in ("relative", "relative_adapted"):
        moved = model.animate(source, driving, transfer)
        torch.testing.assert_close(moved[:1], still, atol=1e-5, rtol=0)
    assert (moved[1] - moved[0]).abs().max() > 1e-4


def test_source_is_encoded_once() -> None:
    model = _small()
    assert encodings_of_a_clip(model, model.generator) == 1


def test_single_jacobian_map_still_gives_every_keypoint_its_matrix() -> None:
    model = _small(keypoint_detector={"single_jacobian_map": True})
    assert model.keypoint_detector.jacobians is not None
    nn.init.normal_(model.keypoint_detector.jacobians.weight)
    keypoints = model.keypoint_detector(torch.rand(2, 3, 64, 64))
    assert model.keypoint_detector.jacobians.out_channels == 4
    assert keypoints.jacobian.shape == (*keypoints.position.shape, 2)
    assert not torch.allclose(keypoints.jacobian[:, 0], keypoints.jacobian[:, 1])


def test_jacobians_start_at_the_identity() -> None:
    keypoints = _small().keypoint_detector(torch.rand(1, 3, 64, 64))
    torch.testing.assert_close(keypoints.jacobian, torch.eye(2).expand_as(keypoints.jacobian))


def test_without_jacobians_frames_are_those_of_identity_jacobians() -> None:
    model = _small()
    nn.init.normal_(model.generator.dense_motion.masks.weight, std=0.1)
    assert model.keypoint_detector.jacobians is not None
    # As training begins: every matrix is the identity.
    assert not model.keypoint_detector.jacobians.weight.any()
    plain = _small(estimate_jacobian=False)
    missing, unexpected = plain.load_state_dict(model.state_dict(), strict=False)
    assert (missing, unexpected) == ([], ["keypoint_detector.jacobians.weight", "keypoint_detector.jacobians.bias"])
    source, driving = noise_frames(4)[0], noise_frames(4)[1:]
    for transfer in SPECIFICATION.transfer_modes:
        # The whole model's matrices are means under heatmaps, whose sum is 1 but for rounding.
        expected = model.animate(source, driving, transfer)
        torch.testing.assert_close(plain.animate(source, driving, transfer), expected, atol=1e-5, rtol=0)


def test_without_jacobians_motion_is_translation() -> None:
    with torch.inference_mode():
        source, driving = _small(estimate_jacobian=False).keypoint_detector(noise_frames(2)).position.split(1)
        matrix = torch.eye(2).expand(1, 8, 2, 2)
        motions = part_motions(Keypoints(source, matrix), Keypoints(driving, matrix), 4, 5)
    pixels = coordinate_grid(4, 5, like=source)
    translated = pixels - driving[:, :, None, None] + source[:, :, None, None]
    assert torch.equal(motions[:, 1:], translated)


def test_without_an_occlusion_map_nothing_is_masked() -> None:
    model = _small()
    head = model.generator.dense_motion.occlusion
    assert head is not None
    nn.init.zeros_(head.weight)
    head.bias = nn.Parameter(torch.tensor([100.0]))
    plain = _small(estimate_occlusion_map=False)
    missing, unexpected = plain.load_state_dict(model.state_dict(), strict=False)
    assert (missing, unexpected) == (
        [],
        ["generator.dense_motion.occlusion.weight", "generator.dense_motion.occlusion.bias"],
    )
    source, driving = noise_frames(4)[0], noise_frames(4)[1:]
    assert torch.equal(plain.animate(source, driving), model.animate(source, driving))


@pytest.mark.parametrize(
    "ablation",
    [
        {"model": {"estimate_jacobian": False, "estimate_occlusion_map": False}, "loss": {"equivariance_jacobian": 0}},
        {"model": {"estimate_jacobian": False}, "loss": {"equivariance_jacobian": 0, "scales": [1, 0.5]}},
        {"loss": {"equivariance_jacobian": 0}},
    ],
    ids=["baseline", "pyramid and occlusion", "Jacobians without their equivariance"],
)
def test_every_parameter_of_an_ablation_learns(ablation: dict[str, Any]) -> None:
    still = parameters_that_stand_still(FommRecipe(_experiment("demo-64", **ablation)), random_batch())
    assert still <= {"keypoint_detector.heatmaps.bias"}


def test_equivariance_of_jacobians_that_are_not_there_is_refused() -> None:
    with pytest.raises(InputError, match=r"set loss\.equivariance_jacobian=0 with model\.estimate_jacobian=false"):
        FommRecipe(_experiment("demo-64", model={"estimate_jacobian": False}))


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"size": 100}, "size 100 must be a multiple of 128"),
        ({"keypoint_detector": {"scale": 0.3}}, "scale 0.3 is not"),
        (
            {"size": 4, "keypoint_detector": {"scale": 1, "blocks": 1}, "dense_motion": {"scale": 1, "blocks": 1}},
            "too small",
        ),
    ],
)
def test_sizes_that_cannot_work_are_refused(overrides: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_model("fomm", variant="vox-256", device="cpu", **overrides)


def test_discriminator_that_is_too_deep_for_the_frames_is_refused() -> None:
    with pytest.raises(InputError, match="take fewer blocks"):
        _experiment("demo-64", loss={"adversarial": 1.0}, discriminator={"blocks": 6})


def test_frames_are_learned_by_comparison_or_from_a_discriminator() -> None:
    neither: dict[str, Any] = {"perceptual": 0.0, "l1": 0.0}
    with pytest.raises(InputError, match="no frame is learned"):
        _experiment("demo-64", loss=neither)
    _experiment("demo-64", loss=neither | {"adversarial": 1.0}, discriminator={"blocks": 3})


def test_mistyped_field_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean 'model\.align_corners'"):
        load_model("fomm", variant="demo-64", device="cpu", align_corner=True)


def test_frames_of_another_size_are_refused() -> None:
    with pytest.raises(InputError, match="this model takes 64x64"):
        _small().animate(torch.rand(3, 96, 96), torch.rand(1, 3, 96, 96))


def test_authors_layout_there_and_back() -> None:
    model = _small()
    content = authors_content(model.state_dict())
    assert content is not None
    assert "predictor.encoder.down_blocks.0.conv.weight" in content["kp_detector"]
    assert "dense_motion_network.mask.weight" in content["generator"]
    state = animator_state(content)
    assert state is not None
    assert state.keys() == model.state_dict().keys()


def test_spectral_norm_has_the_authors_names_too() -> None:
    discriminator = build_discriminator(_experiment("mgif-256"))
    theirs = {
        "discs.1.down_blocks.0.conv.weight_orig": torch.zeros(64, 3, 4, 4),
        "discs.1.down_blocks.0.conv.weight_u": torch.zeros(64),
        "discs.1.down_blocks.0.conv.weight_v": torch.zeros(48),
        "discs.1.conv.weight_orig": torch.zeros(1, 512, 1, 1),
    }
    state = discriminator_state({"discriminator": theirs})
    assert state is not None
    own = discriminator.state_dict()
    assert {name: value.shape for name, value in state.items()} == {name: own[name].shape for name in state}


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"generator": {}, "kp_detector": {}},
        {"g_ema": {"enc.fc.0.weight": torch.zeros(1)}},
        {"generator": {"appearance_encoder.down_blocks.0.conv.weight": torch.zeros(1)}, "kp_detector": {}},
    ],
)
def test_other_layouts_are_not_taken_for_fomm(content: dict[str, Any]) -> None:
    assert animator_state(content) is None


def test_file_of_other_widths_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "small.pth.tar"
    torch.save(authors_content(_small().state_dict()), file)
    with pytest.raises(CheckpointError, match=r"in this variant|this variant has|missing") as caught:
        load_model("fomm", checkpoint=file, variant="vox-256", device="cpu")
    assert "\n" not in str(caught.value)
    loaded = load_model("fomm", checkpoint=file, variant="demo-64", device="cpu")
    assert isinstance(loaded, FommAnimator)


def _experiment(variant: str, **layers: dict[str, Any]) -> FommConfiguration:
    return experiment_of("fomm", FommConfiguration, variant, **layers)


def _small(**overrides: Any) -> FommAnimator:
    return small_model("fomm", FommAnimator, **overrides)
