"""MRAA's configurations, its checkpoint layout, its losses, and what a small one does."""

import math
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from torch import Tensor

from lia_bench.core.errors import CheckpointError, InputError, MissingWeightsError
from lia_bench.models.blocks.equivariance import PlaneTransformation, position_equivariance
from lia_bench.models.blocks.small_tensors import multiply
from lia_bench.models.blocks.transfer import DisentanglementNetwork, random_axis_scale
from lia_bench.models.loading import load_model
from lia_bench.models.mraa import SPECIFICATION
from lia_bench.models.mraa.animator import MraaAnimator
from lia_bench.models.mraa.authors_checkpoint import animator_state, authors_content
from lia_bench.models.mraa.configuration import MraaConfiguration
from lia_bench.models.mraa.networks import Regions, axis_sign, disentangled, principal_axes, region_motions
from lia_bench.models.mraa.recipe import MraaRecipe, equivariance_affine, stretched
from lia_bench.models.training.recipe import PairBatch
from tests.deterministic import image
from tests.models.small_models import encodings_of_a_clip, experiment_of, small_model
from tests.models.training_steps import (
    gradients_apart,
    networks_of,
    parameters_that_stand_still,
    random_batch,
    train_step,
)

# Parameters of each published variant; those that differ from Vox have more regions or no background predictor.
PUBLISHED = {
    "vox-256": 68_295_177,
    "taichi256": 68_295_177,
    "ted384": 68_295_177,
    "ted-youtube384": 68_295_177 + 205_430,
    "mgif256": 68_295_177 - 6_282_438,
}


def test_every_published_configuration_is_there() -> None:
    assert set(SPECIFICATION.variant_names()) == {*PUBLISHED, "demo-64"}


@pytest.mark.parametrize("variant", sorted(PUBLISHED))
def test_published_configurations_build_the_authors_networks(variant: str) -> None:
    with torch.device("meta"):
        animator = MraaAnimator(_experiment(variant).model)
    assert sum(parameter.numel() for parameter in animator.parameters()) == PUBLISHED[variant]


@pytest.mark.parametrize(("padding", "side"), [(0, 26), (3, 32)])
def test_padding_keeps_the_border_of_the_heatmaps(padding: int, side: int) -> None:
    model = _small(region_predictor={"padding": padding})
    assert model.region_predictor.draw(torch.rand(1, 3, 64, 64)).shape == (1, 8, side, side)


def test_principal_axes_are_those_of_lapack() -> None:
    torch.manual_seed(0)
    factors = torch.randn(5000, 2, 5, dtype=torch.float64)
    covariance = factors @ factors.mT / 5
    expected, squares, _ = torch.linalg.svd(covariance)
    axes, deviations = principal_axes(covariance)
    torch.testing.assert_close(axes, expected)
    torch.testing.assert_close(deviations.square(), squares)


def test_axes_times_deviations_give_the_covariance_back() -> None:
    covariance = torch.tensor([[[0.3, -0.1], [-0.1, 0.2]], [[0.2, 0.0], [0.0, 0.5]]])
    axes, deviations = principal_axes(covariance)
    affine = axes * deviations[..., None, :]
    torch.testing.assert_close(multiply(affine, affine.mT), covariance)


def test_region_on_one_cell_stays_finite_and_can_learn() -> None:
    predictor = _small().region_predictor
    heatmaps = torch.zeros(1, 8, 26, 26)
    heatmaps[..., 5, 7] = 1
    heatmaps.requires_grad_()
    predictor.draw = Mock(return_value=heatmaps)  # type: ignore[method-assign]
    regions = predictor(torch.empty(0))
    motions = region_motions(regions, regions, None, 8, 8)
    motions.sum().backward()
    assert motions.isfinite().all()
    assert heatmaps.grad is not None
    assert heatmaps.grad.isfinite().all()


def test_equal_regions_do_not_move_anything_whatever_the_sign_of_their_axes() -> None:
    regions = _regions(angle=0.3)
    turned = Regions(regions.shift, regions.covariance, -regions.affine)
    still = region_motions(regions, regions, None, 5, 5)
    torch.testing.assert_close(still, region_motions(turned, regions, None, 5, 5))
    torch.testing.assert_close(still[:, 1], still[:, 0])


def test_region_moves_from_its_driving_to_its_source_place() -> None:
    source, driving = _regions(shift=(0.5, 0.0), wide=0.2), _regions(shift=(0.0, 0.0), wide=0.1)
    moved = region_motions(source, driving, None, 3, 3)[0, 1]
    # Twice as wide in the source: what is one unit right of the driving centre is two right of the source's.
    assert moved[1, 1].tolist() == pytest.approx([0.5, 0.0])
    assert moved[1, 2].tolist() == pytest.approx([2.5, 0.0])


def test_background_follows_its_matrix() -> None:
    regions = _regions()
    background = torch.tensor([[[1.0, 0.0, 0.25], [0.0, 2.0, -0.5]]])
    behind = region_motions(regions, regions, background, 3, 3)[0, 0]
    assert behind[2, 0].tolist() == pytest.approx([-0.75, 1.5])


def test_background_stands_still_before_training() -> None:
    model = _small(background=_BACKGROUND)
    assert model.background_predictor is not None
    background = model.background_predictor(torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64))
    torch.testing.assert_close(background, torch.eye(2, 3).expand(2, 2, 3))


def test_axis_sign_is_that_of_the_first_entry() -> None:
    matrices = torch.tensor([[[-2.0, 1.0], [1.0, 1.0]], [[0.5, -1.0], [-1.0, -1.0]]])
    assert axis_sign(matrices).flatten().tolist() == [-1, 1]


def test_equivariance_is_zero_for_regions_that_follow() -> None:
    # T(p) = R p + b with R a quarter turn, so that the transformed frame's regions are R^-1 (shift - b), R^-1 affine.
    turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    transformation = PlaneTransformation(torch.tensor([[[0.0, -1.0, 0.1], [1.0, 0.0, 0.2]]]), torch.zeros(1, 25))
    driving = _regions(shift=(0.3, -0.1), angle=0.4)
    shift = (driving.shift - torch.tensor([0.1, 0.2])) @ turn
    # The opposite axes are as good.
    followed = Regions(shift, driving.covariance, -turn.mT @ driving.affine)
    assert float(position_equivariance(driving.shift, followed.shift, transformation)) == pytest.approx(0, abs=1e-6)
    assert float(equivariance_affine(driving, followed, transformation)) == pytest.approx(0, abs=1e-6)


def test_equivariance_of_regions_that_do_not_follow() -> None:
    # T(p) = 2 p + (0.5, 0): unmoved regions at the origin are 0.5 off in x, and their axes twice too long.
    transformation = PlaneTransformation(torch.tensor([[[2.0, 0.0, 0.5], [0.0, 2.0, 0.0]]]), torch.zeros(1, 25))
    regions = _regions()
    assert float(position_equivariance(regions.shift, regions.shift, transformation)) == pytest.approx(0.25)
    # |1 - 2| on the diagonal, two of four entries.
    assert float(equivariance_affine(regions, regions, transformation)) == pytest.approx(0.5)


def test_stretching_is_that_of_the_plane() -> None:
    regions = _regions(shift=(0.4, 0.2), angle=0.7)
    wide = stretched(regions, torch.tensor([[[0.5, 2.0]]]))
    assert wide.shift[0, 0].tolist() == pytest.approx([0.2, 0.4])
    torch.testing.assert_close(wide.affine, torch.diag(torch.tensor([0.5, 2.0])) @ regions.affine)
    torch.testing.assert_close(multiply(wide.affine, wide.affine.mT), wide.covariance)


def test_axis_scales_are_one_for_each_axis_of_each_row_and_within_their_range() -> None:
    torch.manual_seed(0)
    scale = random_axis_scale(torch.empty(1000, 10, 2), 0.25)
    assert scale.shape == (1000, 1, 2)
    assert 0.75 <= scale.min() < 0.76
    assert 1.24 < scale.max() <= 1.25
    assert torch.all(random_axis_scale(torch.empty(2, 10, 2), 0.0) == 1)


def test_disentanglement_network_reads_pose_before_identity() -> None:
    network = DisentanglementNetwork(12, identity=3, pose=5).eval()
    first = network.decoder.get_submodule("0")
    assert isinstance(first, torch.nn.Linear)
    assert first.in_features == 8
    torch.nn.init.zeros_(first.weight[:, 5:])
    pose = torch.rand(2, 12)
    torch.testing.assert_close(network(torch.rand(2, 12), pose), network(torch.rand(2, 12), pose))


def test_disentangled_regions_do_not_depend_on_the_sign_of_the_source_axes() -> None:
    seen: list[Tensor] = []

    def network(identity: Tensor, pose: Tensor) -> Tensor:
        seen.append(identity)
        return pose

    source, driving = _regions(angle=0.3), _regions(shift=(0.1, 0.2), angle=0.5)
    moved = disentangled(network, source, driving)
    disentangled(network, Regions(source.shift, source.covariance, -source.affine), driving)
    torch.testing.assert_close(seen[0], seen[1])
    torch.testing.assert_close(moved.shift, driving.shift)
    torch.testing.assert_close(moved.affine, driving.affine)
    torch.testing.assert_close(moved.covariance, multiply(driving.affine, driving.affine.mT))


def test_every_parameter_learns() -> None:
    recipe = MraaRecipe(_experiment("demo-64", model={"background": _BACKGROUND}))
    still = parameters_that_stand_still(recipe, random_batch())
    # The zero weights of a background that stands still let no gradient through to what is before them; the softmax
    # over positions cancels what the bias adds to all of them, up to rounding.
    assert {name for name in still if not name.startswith("background_predictor.down.")} <= {
        "region_predictor.heatmaps.bias"
    }


def test_updates_leave_gradients_in_their_own_networks_alone() -> None:
    recipe = MraaRecipe(_experiment("demo-64", model={"background": _BACKGROUND}))
    assert gradients_apart(recipe, random_batch()) == [
        {"l1", "equivariance_shift", "equivariance_affine"},
        {"disentanglement_shift", "disentanglement_affine"},
    ]


def test_networks_that_are_not_configured_are_not_trained() -> None:
    recipe = MraaRecipe(_experiment("demo-64", model={"disentanglement": None}))
    assert recipe.networks.keys() == {"generator", "region_predictor"}
    (update,) = recipe.updates(networks_of(recipe), random_batch())
    assert update.networks == ("generator", "region_predictor")


def test_a_term_of_weight_zero_is_left_out() -> None:
    weights = {"equivariance_shift": 0.0, "equivariance_affine": 0.0, "disentanglement_affine": 0.0}
    recipe = MraaRecipe(_experiment("demo-64", loss=weights))
    first, second = recipe.updates(networks_of(recipe), random_batch())
    assert first.losses.keys() == {"l1"}
    assert second.losses.keys() == {"disentanglement_shift"}


def test_learning_rates_are_the_published_ones() -> None:
    recipe = MraaRecipe(_experiment("vox-256", loss={"perceptual": 0.0, "l1": 1.0}, model=_NARROW))
    rates = {name: optimiser.param_groups[0]["lr"] for name, optimiser in recipe.optimisers.items()}
    assert rates == {
        "generator": 2e-4,
        "region_predictor": 2e-4,
        "background_predictor": 2e-4,
        "disentanglement": 1e-3,
    }
    assert all(optimiser.param_groups[0]["betas"] == (0.5, 0.999) for optimiser in recipe.optimisers.values())
    assert recipe.milestones() == (60, 90)


@pytest.mark.slow
def test_loss_falls_in_a_short_training() -> None:
    torch.manual_seed(0)
    recipe = MraaRecipe(_experiment("demo-64", model={"background": _BACKGROUND}))
    recipe.animator.train()
    # Views of one picture, so that there is motion to find.
    picture = torch.from_numpy(image("picture", 96, 0))
    views = torch.stack([picture[:, 4 * index :, 32 - 4 * index :][:, :64, :64] for index in range(8)])
    history = []
    for _ in range(60):
        order = torch.randperm(8)
        first, second = train_step(recipe, PairBatch(views, views[order]))
        history.append({name: float(value.detach()) for name, value in {**first.losses, **second.losses}.items()})
    for name in ("l1", "disentanglement_shift", "disentanglement_affine"):
        before, after = (sum(row[name] for row in rows) for rows in (history[:10], history[-10:]))
        assert after < 0.8 * before, name


def test_perceptual_loss_without_vgg19_says_what_to_do() -> None:
    with pytest.raises(MissingWeightsError, match=r"vgg19.*loss\.perceptual=0"):
        MraaRecipe(_experiment("demo-64", loss={"perceptual": 10.0}))


def test_relative_transfer_starts_at_the_place_of_the_source() -> None:
    model = _small().eval()
    with torch.inference_mode():
        clip = model.encode_source(torch.rand(1, 3, 64, 64), first := torch.rand(1, 3, 64, 64), "relative")
        regions = model.region_predictor(first)
        moved = clip.transfer(regions)
    torch.testing.assert_close(moved.shift, clip.regions.shift)
    torch.testing.assert_close(moved.affine, clip.regions.affine, atol=1e-4, rtol=1e-3)
    assert torch.equal(moved.covariance, regions.covariance)


def test_source_is_encoded_once() -> None:
    model = _small()
    assert encodings_of_a_clip(model, model.generator, transfer="avd") == 1


def test_reconstruction_moves_the_background_as_its_network_says() -> None:
    model = _small(background=_BACKGROUND).eval()
    assert model.background_predictor is not None
    # Fresh, it lets the background stand still.
    torch.nn.init.normal_(model.background_predictor.entries.weight, std=0.1)
    source, driving = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    with model.evaluating():
        background = model.background_predictor(source, driving)
        expected = model.generator(source, *map(model.region_predictor, (source, driving)), background).frames
    frames = model.animate(source[0], driving, "reconstruction")
    torch.testing.assert_close(frames, expected.clamp(0, 1), atol=1e-5, rtol=0)
    assert not torch.allclose(frames, model.animate(source[0], driving, "absolute"), atol=1e-4)


def test_avd_without_its_network_names_the_other_modes() -> None:
    model = _small(disentanglement=None)
    with pytest.raises(InputError, match="take 'absolute' or 'relative'"):
        model.animate(torch.rand(3, 64, 64), torch.rand(1, 3, 64, 64), "avd")


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"size": 100}, "size 100 must be a multiple of 128"),
        ({"region_predictor": {"scale": 0.3}}, "scale 0.3 is not"),
        ({"background": {"blocks": 9}}, "multiple of 512"),
        ({"region_predictor": {"padding": 1}}, "padding"),
        (
            {
                "size": 4,
                "region_predictor": {"scale": 1, "blocks": 1},
                "pixelwise_flow": {"scale": 1, "blocks": 1},
                "background": None,
            },
            "too small",
        ),
    ],
)
def test_networks_that_cannot_work_are_refused(overrides: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_model("mraa", variant="vox-256", device="cpu", **overrides)


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ({"data": {"batch_size": 1}}, r"data\.batch_size=2 or more"),
        (
            {"loss": {"disentanglement_shift": 0, "disentanglement_affine": 0}},
            r"model\.disentanglement=null",
        ),
        ({"loss": {"l1": 0}}, "no frame is learned"),
    ],
)
def test_trainings_that_cannot_work_are_refused(layers: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        _experiment("demo-64", **layers)


def test_authors_layout_there_and_back() -> None:
    model = _small(background=_BACKGROUND)
    content = authors_content(model.state_dict())
    assert content is not None
    assert "predictor.encoder.down_blocks.0.conv.weight" in content["region_predictor"]
    assert "pixelwise_flow_predictor.mask.weight" in content["generator"]
    assert "fc.weight" in content["bg_predictor"]
    assert "id_encoder.9.bias" in content["avd_network"]
    state = animator_state(content)
    assert state is not None
    assert state.keys() == model.state_dict().keys()


def test_file_from_before_the_training_of_avd_loads_as_a_model_without_it(tmp_path: Path) -> None:
    content = authors_content(_small().state_dict())
    assert content is not None
    del content["avd_network"]
    file = tmp_path / "reconstruction.pth"
    torch.save(content, file)
    with pytest.raises(CheckpointError, match=r"avd_network.*it fits with disentanglement=None"):
        load_model("mraa", checkpoint=file, variant="demo-64", device="cpu")
    model = load_model("mraa", checkpoint=file, variant="demo-64", device="cpu", disentanglement=None)
    assert isinstance(model, MraaAnimator)
    assert model.disentanglement is None


def test_state_of_another_model_has_no_content_in_the_authors_layout() -> None:
    state = _small().state_dict()
    assert authors_content({}) is None
    assert authors_content({**state, "discriminator.score.weight": torch.zeros(1)}) is None
    assert authors_content({name: value for name, value in state.items() if name.startswith("generator.")}) is None


@pytest.mark.parametrize("content", [{"bg_predictor": {}}, {}])
def test_background_that_stands_still_has_an_empty_state_or_none(content: dict[str, Any]) -> None:
    model = _small()
    theirs = authors_content(model.state_dict())
    assert theirs is not None
    # Their code asks for the background's state, and for that of disentanglement only where the file has it.
    assert theirs.pop("bg_predictor") == {}
    without = authors_content(_small(disentanglement=None).state_dict())
    assert without is not None
    assert "avd_network" not in without
    state = animator_state({**theirs, **content})
    assert state is not None
    assert state.keys() == model.state_dict().keys()


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"generator": {}, "region_predictor": {}},
        {"generator": {"dense_motion_network.mask.bias": torch.zeros(1)}, "kp_detector": {}},
        {"generator": {"final.bias": torch.zeros(3)}, "region_predictor": {"jacobian.bias": torch.zeros(4)}},
        {
            "generator": {"final.bias": torch.zeros(3)},
            "region_predictor": {"regions.bias": torch.zeros(10)},
            "bg_predictor": {"bg_encoder.conv1.weight": torch.zeros(1)},
        },
    ],
)
def test_other_layouts_are_not_taken_for_mraa(content: dict[str, Any]) -> None:
    assert animator_state(content) is None


def test_file_of_other_widths_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "small.pth"
    torch.save(authors_content(_small().state_dict()), file)
    with pytest.raises(CheckpointError, match=r"in this variant|this variant has|missing") as caught:
        load_model("mraa", checkpoint=file, variant="vox-256", device="cpu", **_NARROW)
    assert "\n" not in str(caught.value)


# Vox's shape with networks that are quickly built.
_NARROW: dict[str, Any] = {
    "region_predictor": {"expansion": 1, "cap": 4},
    "pixelwise_flow": {"expansion": 1, "cap": 4},
    "generator": {"expansion": 4, "cap": 8},
    "background": {"expansion": 1, "cap": 4},
}
_BACKGROUND = {"expansion": 8, "cap": 64, "blocks": 5}


def _experiment(variant: str, **layers: dict[str, Any]) -> MraaConfiguration:
    return experiment_of("mraa", MraaConfiguration, variant, **layers)


def _small(**overrides: Any) -> MraaAnimator:
    return small_model("mraa", MraaAnimator, **overrides)


def _regions(shift: tuple[float, float] = (0.0, 0.0), angle: float = 0.0, wide: float = 0.1) -> Regions:
    """One region of one frame, half as high as wide."""
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    affine = (turn @ torch.diag(torch.tensor([wide, wide / 2])))[None, None]
    return Regions(torch.tensor([[shift]]), multiply(affine, affine.mT), affine)
