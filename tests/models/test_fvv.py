"""face-vid2vid's configurations, checkpoint layout and losses, and what a small one does."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lia_bench.core import weights
from lia_bench.core.errors import CheckpointError, InputError, MissingWeightsError
from lia_bench.models.blocks.adversarial import hinge_discriminator, hinge_generator
from lia_bench.models.blocks.equivariance import PlaneTransformation
from lia_bench.models.blocks.head_pose import HeadAngles, expected_degrees
from lia_bench.models.blocks.portrait_training import (
    Hopenet,
    equivariance,
    expression_size,
    head_pose_difference,
    keypoint_prior,
    own_names,
    published_hopenet,
)
from lia_bench.models.blocks.volume_generator import SpadeBlock, SpadeDecoder, part_motions
from lia_bench.models.fvv import SPECIFICATION
from lia_bench.models.fvv.animator import FvvAnimator, seen_from
from lia_bench.models.fvv.authors_checkpoint import animator_state, authors_content
from lia_bench.models.fvv.configuration import Angle, FvvConfiguration, ViewConfiguration
from lia_bench.models.fvv.networks import HeadMotion, frame_keypoints, rotation_matrix
from lia_bench.models.fvv.recipe import FvvRecipe, build_discriminator
from lia_bench.models.loading import load_experiment, load_model
from lia_bench.models.training.recipe import PairBatch
from tests.deterministic import image
from tests.models.training_steps import gradients_apart, parameters_that_stand_still, total, train_step

PUBLISHED = {"vox-256", "vox-256-beta"}
AXES: tuple[Angle, Angle, Angle] = ("pitch", "yaw", "roll")


def test_every_published_configuration_is_there() -> None:
    assert set(SPECIFICATION.variant_names()) == {*PUBLISHED, "demo-64"}
    assert SPECIFICATION.transfer_modes == FvvAnimator.transfer_modes


@pytest.mark.parametrize("variant", sorted(PUBLISHED))
def test_published_configurations_build_the_published_networks(variant: str) -> None:
    experiment = _experiment(variant)
    with torch.device("meta"):
        animator = FvvAnimator(experiment.model)
        discriminator = build_discriminator(experiment)
        _, score = discriminator(torch.empty(1, 3, 256, 256))
        frames = animator.generator.decoder(torch.empty(1, 256, 64, 64))
    assert sum(parameter.numel() for parameter in animator.keypoint_detector.parameters()) == 41_940_047
    assert sum(parameter.numel() for parameter in animator.pose_estimator.parameters()) == 30_254_838
    assert score.shape == (1, 1, 26, 26)
    assert frames.shape == (1, 3, 256, 256)


@pytest.mark.parametrize("decoder", ["residual", "spade"])
def test_every_parameter_learns(decoder: str) -> None:
    recipe = FvvRecipe(_experiment("demo-64", model={"generator": {"decoder": decoder}}))
    still = parameters_that_stand_still(recipe, _batch(64))
    # The softmax over positions cancels what it adds to all of them, up to rounding.
    assert still <= {"keypoint_detector.heatmaps.bias"}


def test_adversarial_training_updates_the_discriminator_apart() -> None:
    recipe = FvvRecipe(_experiment("demo-64", loss={"adversarial": 1.0}))
    generator, discriminator = gradients_apart(recipe, _batch(64))
    assert {"adversarial", "feature_matching"} <= generator
    assert discriminator == {"discriminator"}


@pytest.mark.slow
def test_the_loss_falls() -> None:
    torch.manual_seed(0)
    faster = {"generator": 0.005, "keypoint_detector": 0.003, "pose_estimator": 0.005}
    recipe = FvvRecipe(_experiment("demo-64", optimiser=faster))
    source = torch.stack([_smooth(f"source/{index}") for index in range(2)])
    batch = PairBatch(source, source.roll((4, 6), dims=(2, 3)))
    totals, differences = [], []
    for _ in range(40):
        (update,) = train_step(recipe, batch)
        totals.append(float(total(update).detach()))
        differences.append(float(update.losses["l1"].detach()))
    # Measured 0.58 to 0.60, and 0.71 to 0.77, with three seeds.
    assert np.mean(totals[-5:]) < 0.75 * np.mean(totals[:5])
    assert np.mean(differences[-5:]) < 0.85 * np.mean(differences[:5])


def test_losses_without_their_networks_say_what_to_do() -> None:
    with pytest.raises(MissingWeightsError, match=r"vgg19.*loss\.perceptual=0"):
        FvvRecipe(_experiment("demo-64", loss={"perceptual": 10.0}))
    with pytest.raises(MissingWeightsError, match=r"hopenet.*loss\.head_pose=0"):
        FvvRecipe(_experiment("demo-64", loss={"head_pose": 20.0}))


def test_keypoints_repel_each_other_and_keep_their_depth() -> None:
    # Distance squared 0.04: both orders of the pair count 0.06, each point with itself 0.1; the mean depth is right.
    near = torch.tensor([[[0.0, 0.0, 0.33], [0.2, 0.0, 0.33]]])
    assert float(keypoint_prior(near)) == pytest.approx(2 * 0.06 + 2 * 0.1)
    # Far apart, and 0.5 in front of their depth.
    far = torch.tensor([[[0.0, 0.0, 0.83], [1.0, 0.0, 0.83]]])
    assert float(keypoint_prior(far)) == pytest.approx(2 * 0.1 + 0.5)
    assert float(keypoint_prior(torch.cat((near, far)))) == pytest.approx((0.32 + 0.7) / 2)


def test_head_pose_difference_is_summed_over_the_angles() -> None:
    motion = _motion(yaw=10.0, pitch=-5.0, roll=3.0)
    truth = HeadAngles(torch.tensor([8.0]), torch.tensor([-5.0]), torch.tensor([4.0]))
    assert float(head_pose_difference(HeadAngles(motion.yaw, motion.pitch, motion.roll), truth)) == pytest.approx(
        2 + 0 + 1
    )


def test_expression_size_is_a_norm_of_all_offsets() -> None:
    expression = torch.tensor([[[0.1, -0.2, 0.3]], [[0.0, 0.0, 0.2]]])
    motion = _motion()._replace(expression=expression)
    assert float(expression_size(motion.expression)) == pytest.approx((0.6 + 0.2) / 2)


def test_equivariance_looks_at_x_and_y() -> None:
    shift = torch.tensor([[[1.0, 0.0, 0.25], [0.0, 1.0, 0.0]]])
    transformation = PlaneTransformation(shift, torch.zeros(1, 25))
    transformed = torch.tensor([[[0.1, 0.2, 0.3]]])
    assert float(equivariance(torch.tensor([[[0.35, 0.2, 9.0]]]), transformed, transformation)) == pytest.approx(0)
    assert float(equivariance(torch.tensor([[[0.25, 0.2, 9.0]]]), transformed, transformation)) == pytest.approx(0.05)


def test_hinge_losses() -> None:
    real, generated = torch.tensor([[[[2.0, 0.5]]]]), torch.tensor([[[[-3.0, 0.5]]]])
    assert float(hinge_discriminator(real, generated)) == pytest.approx(0.25 + 0.75)
    assert float(hinge_generator(generated)) == pytest.approx(1.25)


def test_degrees_are_three_a_bin_from_minus_ninety_nine() -> None:
    logits = torch.full((2, 66), -1e4)
    logits[0, 33] = 0.0
    logits[1, [0, 2]] = 0.0
    assert expected_degrees(logits).tolist() == [0.0, -96.0]


def test_each_angle_turns_about_its_axis() -> None:
    angle, zero = torch.tensor([30.0]), torch.zeros(1)
    cosine, sine = math.cos(30 / 180 * 3.14), math.sin(30 / 180 * 3.14)
    about_x, about_y, about_z = (
        rotation_matrix(*(angle if axis == turned else zero for axis in range(3)))[0] for turned in range(3)
    )
    torch.testing.assert_close(about_x, torch.tensor([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]]))
    torch.testing.assert_close(about_y, torch.tensor([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]]))
    torch.testing.assert_close(about_z, torch.tensor([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]))


def test_the_order_of_the_axes_can_be_chosen() -> None:
    canonical = torch.tensor([[[0.1, 0.2, 0.3]]])
    motion = _motion(yaw=20.0, pitch=-10.0, roll=15.0)
    new = frame_keypoints(canonical, motion, ("pitch", "yaw", "roll"))
    old = frame_keypoints(canonical, motion, ("roll", "pitch", "yaw"))
    swapped = frame_keypoints(canonical, _motion(yaw=-10.0, pitch=15.0, roll=20.0), ("pitch", "yaw", "roll"))
    torch.testing.assert_close(old, swapped)
    assert not torch.allclose(old, new)


def test_translation_and_expression_are_added() -> None:
    canonical = torch.tensor([[[0.1, 0.2, 0.3]]])
    motion = _motion()._replace(
        translation=torch.tensor([[1.0, 2.0, 3.0]]), expression=torch.tensor([[[0.0, 0.5, 0.0]]])
    )
    torch.testing.assert_close(frame_keypoints(canonical, motion, AXES), torch.tensor([[[1.1, 2.7, 3.3]]]))


def test_parts_carry_voxels_from_the_driving_to_the_source_keypoint() -> None:
    source, driving = torch.tensor([[[0.0, 0.5, -0.5]]]), torch.tensor([[[1.0, -1.0, 1.0]]])
    motions = part_motions(source, driving, 3, 5, 9)
    assert motions.shape == (1, 2, 3, 5, 9, 3)
    # The background stands still; the voxel at the driving keypoint comes from the source's.
    assert motions[0, 0, 2, 0, 8].tolist() == [1.0, -1.0, 1.0]
    assert motions[0, 1, 2, 0, 8].tolist() == [0.0, 0.5, -0.5]


def test_a_view_replaces_the_angles_it_gives() -> None:
    motion = seen_from(_motion(yaw=1.0, pitch=2.0, roll=3.0), ViewConfiguration(yaw=20.0, roll=0.0))
    assert [float(angle) for angle in motion[:3]] == [20.0, 2.0, 0.0]


def test_relative_transfer_starts_at_the_source() -> None:
    model = _small()
    source, driving = torch.rand(3, 64, 64), torch.rand(2, 3, 64, 64)
    still = model.animate(source, source[None])
    for transfer in ("relative", "relative_no_adapt"):
        moved = model.animate(source, driving, transfer)
        torch.testing.assert_close(moved[:1], still, atol=1e-5, rtol=0)


def test_free_view_needs_an_angle() -> None:
    source = torch.rand(3, 64, 64)
    with pytest.raises(InputError, match="view="):
        _small().animate(source, source[None], "free_view")
    assert _small(view={"yaw": 30}).animate(source, source[None], "free_view").shape == (1, 3, 64, 64)


def test_frames_do_not_depend_on_the_batch_size() -> None:
    model = _small(generator={"decoder": "spade"})
    source, driving = torch.rand(3, 64, 64), torch.rand(3, 3, 64, 64)
    one, three = (model.animate(source, driving, batch_size=size) for size in (1, 3))
    torch.testing.assert_close(one, three, atol=1e-5, rtol=0)


def test_spectral_norm_takes_the_stored_vectors() -> None:
    block = SpadeDecoder(8, 4, doublings=2).eval().middle[0]
    assert isinstance(block, SpadeBlock)
    convolution: Any = block.convolution1
    stored = {name.rpartition(".")[2]: value for name, value in convolution.state_dict().items()}
    with torch.no_grad():
        convolution.parametrizations.weight[0]._u.mul_(3)
        weight = stored["original"] / (stored["_u"] @ stored["original"].flatten(1) @ stored["_v"])
    torch.testing.assert_close(convolution.weight, weight)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"size": 100}, "size 100 must be a multiple of 128"),
        ({"keypoint_detector": {"scale": 0.3}}, "scale 0.3 is not"),
        ({"axes": ["yaw", "yaw", "roll"]}, "each of yaw, pitch and roll once"),
        ({"view": {"yaw": 120}}, "less than or equal to 90"),
    ],
)
def test_settings_that_cannot_work_are_refused(overrides: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_model("fvv", variant="vox-256", device="cpu", **overrides)


def test_discriminator_that_is_too_deep_for_the_frames_is_refused() -> None:
    with pytest.raises(InputError, match="take fewer blocks"):
        _experiment("demo-64", loss={"adversarial": 1.0}, discriminator={"blocks": 6})


@pytest.mark.parametrize("decoder", ["residual", "spade"])
def test_published_layout_there_and_back(decoder: str) -> None:
    model = _small(generator={"decoder": decoder})
    content = authors_content(model.state_dict())
    assert content is not None
    assert "predictor.down_blocks.down0.conv.weight" in content["kp_detector"]
    assert "block3.b3_2.norm3.weight" in content["he_estimator"]
    name = "decoder.G_middle_5.conv_1.weight_u" if decoder == "spade" else "resblocks_2d.2dr0.conv1.weight"
    assert name in content["generator"]
    state = animator_state(content)
    assert state is not None
    own = model.state_dict()
    assert state.keys() == own.keys()
    assert all(value.equal(own[name]) for name, value in state.items())


def test_yaw_and_roll_change_places_in_the_published_layout() -> None:
    content = authors_content(_small().state_dict())
    assert content is not None
    content["he_estimator"]["fc_roll.bias"] = torch.arange(66.0)
    state = animator_state(content)
    assert state is not None
    assert state["pose_estimator.yaw.bias"].equal(torch.arange(66.0))


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"generator": {}, "kp_detector": {}, "he_estimator": {}},
        {"g_ema": {"enc.fc.0.weight": torch.zeros(1)}},
        {"generator": {"first.conv.weight": torch.zeros(1)}, "kp_detector": {"kp.weight": torch.zeros(1)}},
    ],
)
def test_other_layouts_are_not_taken_for_fvv(content: dict[str, Any]) -> None:
    assert animator_state(content) is None


def test_file_of_another_variant_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "small.pth.tar"
    torch.save(authors_content(_small().state_dict()), file)
    with pytest.raises(CheckpointError, match="decoder=spade was given where it has residual") as caught:
        load_model("fvv", checkpoint=file, variant="demo-64", device="cpu", generator={"decoder": "spade"})
    assert "\n" not in str(caught.value)
    loaded = load_model("fvv", checkpoint=file, variant="demo-64", device="cpu")
    assert isinstance(loaded, FvvAnimator)


def test_hopenet_reads_its_published_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "hopenet_robust_alpha1.pkl"
    monkeypatch.setattr(weights, "locate", lambda name: file)
    theirs = {
        name.removeprefix("backbone.") if name.startswith("backbone.") else f"fc_{name}": value
        for name, value in Hopenet().state_dict().items()
        # Older files do not count batches.
        if not name.endswith("num_batches_tracked")
    }
    theirs["fc_finetune.weight"] = torch.zeros(3, 2051)
    # With level logits an angle is the middle of its bins.
    for angle in HeadAngles._fields:
        theirs[f"fc_{angle}.weight"] = torch.zeros(66, 2048)
        theirs[f"fc_{angle}.bias"] = torch.zeros(66)
    theirs["fc_yaw.bias"][40] = 1e4
    torch.save(theirs, file)
    network = published_hopenet().train()
    assert not network.backbone.bn1.training
    yaw, pitch, roll = network(torch.rand(1, 3, 64, 64))
    assert [float(yaw), float(pitch), float(roll)] == pytest.approx([21.0, -1.5, -1.5], abs=1e-3)
    torch.save({"fc_yaw.weight": torch.zeros(66, 2048)}, file)
    with pytest.raises(CheckpointError, match="not the weights of Hopenet"):
        published_hopenet()


def test_the_layer_that_hopenet_does_not_use_is_left_out() -> None:
    assert own_names({"fc_finetune.bias": torch.zeros(3), "fc_yaw.bias": torch.zeros(66)}).keys() == {"yaw.bias"}


def _motion(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> HeadMotion:
    degrees = [torch.tensor([value]) for value in (yaw, pitch, roll)]
    return HeadMotion._make([*degrees, torch.zeros(1, 3), torch.zeros(1, 1, 3)])


def _experiment(variant: str, **layers: dict[str, Any]) -> FvvConfiguration:
    _, experiment = load_experiment("fvv", variant, [layers])
    assert isinstance(experiment, FvvConfiguration)
    return experiment


def _small(**overrides: Any) -> FvvAnimator:
    torch.manual_seed(0)
    model = load_model("fvv", variant="demo-64", device="cpu", **overrides)
    assert isinstance(model, FvvAnimator)
    return model


def _smooth(name: str) -> Tensor:
    return torch.from_numpy(image(name, 64, 0))


def _batch(size: int) -> PairBatch:
    torch.manual_seed(0)
    return PairBatch(torch.rand(2, 3, size, size), torch.rand(2, 3, size, size))
