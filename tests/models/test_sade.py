"""SADE's parts, what several views do, and that what it computes does not depend on the company of a frame."""

from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch
from torch import Tensor, nn

from lia_bench.core.errors import InputError, MissingWeightsError
from lia_bench.models.blocks.configuration import MotionEvolutionConfiguration
from lia_bench.models.blocks.dense_motion import MotionEvolution
from lia_bench.models.blocks.equivariance import PlaneTransformation, position_equivariance
from lia_bench.models.checkpoint import save_checkpoint
from lia_bench.models.loading import load_model
from lia_bench.models.sade import SPECIFICATION
from lia_bench.models.sade.animator import SadeAnimator
from lia_bench.models.sade.configuration import SadeConfiguration
from lia_bench.models.sade.networks import fused, normalised
from lia_bench.models.sade.recipe import SadeRecipe
from lia_bench.models.training.recipe import PairBatch
from tests.deterministic import image
from tests.models.small_models import encodings_of_a_clip, experiment_of, small_model
from tests.models.training_steps import parameters_that_stand_still, train_step

Module = TypeVar("Module", bound=nn.Module)
SETS = ("vox", "dfdc", "nemo", "aist", "taichi", "fashion", "bair", "mgif")


@pytest.mark.parametrize("name", SETS)
def test_every_set_of_the_paper_has_a_variant_of_the_same_networks(name: str) -> None:
    experiment = _experiment(f"{name}-256")
    assert (experiment.data.dataset, experiment.frame_size, experiment.references) == (name, 256, 3)
    with torch.device("meta"):
        animator = SadeAnimator(experiment.model)
    assert sum(parameter.numel() for parameter in animator.parameters()) == 64_663_691
    assert set(SPECIFICATION.variant_names()) == {*(f"{each}-256" for each in SETS), "demo-64"}


@pytest.mark.parametrize("solver", ["rk4", "dopri5"])
def test_training_starts_from_the_coarse_motion(solver: Any) -> None:
    coarse = torch.randn(2, 6, 5, 2)
    evolved = MotionEvolution(MotionEvolutionConfiguration(width=4, solver=solver))(coarse)
    # The adaptive solver reads the end off an interpolation.
    torch.testing.assert_close(evolved, coarse, atol=0 if solver == "rk4" else 1e-5, rtol=0)


@pytest.mark.parametrize("solver", ["rk4", "dopri5"])
@pytest.mark.parametrize("adjoint", [True, False])
def test_motion_is_followed_from_time_0_to_1(solver: Any, adjoint: bool) -> None:
    evolution = MotionEvolution(MotionEvolutionConfiguration(solver=solver, adjoint=adjoint))
    evolution.derivative = _Growth()  # type: ignore[assignment]
    coarse = torch.randn(2, 6, 5, 2)
    # dT/dt = 2 t T has the solution T(0) exp(t^2).
    torch.testing.assert_close(evolution(coarse), coarse * torch.e, atol=0, rtol=2e-3)


@pytest.mark.parametrize(("settings", "tolerance"), [({"step": 0.05}, 0.02), ({"solver": "dopri5"}, 0.05)])
def test_adjoint_gradients_agree_with_those_through_small_steps(settings: dict[str, Any], tolerance: float) -> None:
    torch.manual_seed(0)
    coarse, weight = torch.rand(1, 8, 8, 2) - 0.5, torch.randn(1, 8, 8, 2)

    def gradients(**chosen: Any) -> list[Tensor | None]:
        torch.manual_seed(0)
        evolution = _moving(MotionEvolution(MotionEvolutionConfiguration(width=6, **chosen)))
        start = coarse.clone().requires_grad_()
        (evolution(start) * weight).sum().backward()
        return [start.grad, *(parameter.grad for parameter in evolution.parameters())]

    exact = gradients(step=0.02, adjoint=False)
    for one, other in zip(gradients(**settings), exact, strict=True):
        assert one is not None
        assert other is not None
        assert other.abs().max() > 1e-3
        assert (one - other).abs().max() < tolerance * other.abs().max()


@pytest.mark.parametrize("solver", ["rk4", "dopri5"])
def test_a_motion_that_needs_small_steps_does_not_change_those_beside_it(solver: Any) -> None:
    torch.manual_seed(0)
    evolution = _moving(MotionEvolution(MotionEvolutionConfiguration(width=6, solver=solver)))
    calm = 0.01 * torch.randn(1, 8, 8, 2)
    wild = 50 * torch.randn(1, 8, 8, 2)
    with torch.inference_mode():
        torch.testing.assert_close(evolution(torch.cat((calm, wild)))[:1], evolution(calm), atol=1e-6, rtol=0)


def test_confidence_is_shared_out_at_every_pixel() -> None:
    confidence = torch.tensor([[1.0, 0.0, 0.25], [1.0, 0.0, 0.75]]).view(1, 2, 1, 1, 3)
    shares = normalised(confidence)
    torch.testing.assert_close(
        shares[0, :, 0, 0], torch.tensor([[0.5, 0.5, 0.25], [0.5, 0.5, 0.75]]), atol=1e-5, rtol=0
    )
    features = torch.tensor([0.0, 8.0]).view(1, 2, 1, 1, 1).expand(1, 2, 4, 1, 3)
    torch.testing.assert_close(fused(features, shares)[0, 0, 0], torch.tensor([4.0, 4.0, 6.0]), atol=1e-4, rtol=0)


def test_coarse_motion_leads_from_the_driving_keypoint_to_that_of_the_view() -> None:
    model = _small()
    masks = model.generator.coarse_motion.blending.masks
    nn.init.zeros_(masks.weight)
    # The third part, the second keypoint, has all pixels.
    masks.bias = nn.Parameter(torch.tensor([0.0, 0.0, 100.0, *[0.0] * 6]))
    view, driving = torch.rand(1, 8, 2), torch.rand(1, 8, 2)
    with torch.inference_mode():
        motion = model.generator.coarse_motion(torch.rand(1, 3, 32, 32), view, driving)
    expected = (view - driving)[:, 1, None, None].expand(1, 32, 32, 2)
    torch.testing.assert_close(motion.offsets, expected, atol=1e-6, rtol=0)


def test_views_share_out_the_picture_and_start_with_no_appearance_flow() -> None:
    model = _small()
    with torch.inference_mode():
        generated = model.generator(torch.rand(2, 3, 3, 64, 64), torch.rand(2, 3, 8, 2), torch.rand(2, 8, 2))
    assert generated.frames.shape == (2, 3, 64, 64)
    assert generated.shares.shape == (2, 3, 1, 32, 32)
    torch.testing.assert_close(generated.shares.sum(dim=1), torch.ones(2, 1, 32, 32))
    assert not generated.appearance.any()
    assert torch.equal(generated.coarse, generated.motion)


def test_without_motion_evolution_the_coarse_motion_is_followed() -> None:
    # Untrained, the evolution changes nothing, so the frames are those of the whole model.
    model, plain = _small(), _small(motion_evolution=None)
    missing, _ = plain.load_state_dict(model.state_dict(), strict=False)
    assert missing == []
    source, driving = torch.rand(3, 64, 64), torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(plain.animate(source, driving), model.animate(source, driving), atol=1e-6, rtol=0)


@pytest.mark.parametrize("transfer", SPECIFICATION.transfer_modes)
def test_any_number_of_references_in_any_order(transfer: str) -> None:
    model = _trained()
    source, driving, references = torch.rand(3, 64, 64), torch.rand(2, 3, 64, 64), torch.rand(3, 3, 64, 64)
    alone = model.animate(source, driving, transfer)
    assert torch.equal(alone, model.animate(source, driving, transfer, references=[]))
    one = model.animate(source, driving, transfer, references=[references[0]])
    three = model.animate(source, driving, transfer, references=references)
    assert (alone - one).abs().max() > 1e-3
    assert (one - three).abs().max() > 1e-3
    shuffled = model.animate(source, driving, transfer, references=references[[2, 0, 1]])
    torch.testing.assert_close(three, shuffled, atol=1e-5, rtol=0)
    repeated = model.animate(source, driving, transfer, references=[source, source])
    torch.testing.assert_close(alone, repeated, atol=1e-5, rtol=0)


@pytest.mark.parametrize("solver", ["rk4", "dopri5"])
@pytest.mark.parametrize("transfer", SPECIFICATION.transfer_modes)
def test_batches_do_not_change_frames(transfer: str, solver: str) -> None:
    model = _trained(motion_evolution={"solver": solver})
    source, driving, references = torch.rand(3, 64, 64), torch.rand(4, 3, 64, 64), torch.rand(1, 3, 64, 64)
    one, three = (model.animate(source, driving, transfer, batch_size=size, references=references) for size in (1, 3))
    torch.testing.assert_close(one, three, atol=1e-5, rtol=0)


def test_relative_transfer_starts_at_the_source() -> None:
    model = _trained()
    source, driving, references = torch.rand(3, 64, 64), torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    still = model.animate(source, source[None], references=references)
    for transfer in ("relative", "relative_adapted"):
        moved = model.animate(source, driving, transfer, references=references)
        torch.testing.assert_close(moved[:1], still, atol=1e-5, rtol=0)
        assert (moved[1] - moved[0]).abs().max() > 1e-4


def test_views_are_encoded_once() -> None:
    model = _small()
    assert encodings_of_a_clip(model, model.generator, references=torch.rand(2, 3, 64, 64)) == 1


def test_checkpoint_round_trip(tmp_path: Path) -> None:
    model = _trained()
    save_checkpoint(
        tmp_path / "own",
        model="sade",
        variant="demo-64",
        experiment=_experiment("demo-64"),
        animator=model,
        step=1,
        training={},
    )
    loaded = load_model("sade", checkpoint=tmp_path / "own", device="cpu")
    source, driving = torch.rand(3, 64, 64), torch.rand(1, 3, 64, 64)
    assert torch.equal(loaded.animate(source, driving), model.animate(source, driving))


def test_keypoints_that_follow_the_plane_have_no_equivariance_loss() -> None:
    shift = PlaneTransformation(torch.tensor([[[1.0, 0.0, 0.25], [0.0, 1.0, -0.5]]]), torch.zeros(1, 4))
    keypoints = torch.rand(1, 5, 2)
    following = keypoints - torch.tensor([0.25, -0.5])
    assert float(position_equivariance(keypoints, following, shift)) < 1e-6
    assert float(position_equivariance(keypoints, keypoints, shift)) == pytest.approx(0.375, abs=1e-6)


@pytest.mark.parametrize("references", [0, 3])
@pytest.mark.parametrize("ablation", [{}, {"motion_evolution": None}, {"self_appearance": None}])
def test_every_parameter_learns(ablation: dict[str, Any], references: int) -> None:
    recipe = SadeRecipe(_experiment("demo-64", model=ablation))
    _moving(recipe.animator)
    torch.manual_seed(0)
    views = torch.rand(2, references, 3, 64, 64) if references else None
    batch = PairBatch(torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64), references=views)
    still = parameters_that_stand_still(recipe, batch)
    # The softmax over positions cancels what a bias adds to all of them; one view alone has the whole share.
    without = {"generator.coarse_motion.blending.occlusion.bias", "generator.coarse_motion.blending.occlusion.weight"}
    assert still <= {"keypoint_detector.heatmaps.bias"} | (set() if references else without)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"size": 96}, "size 96 must be a multiple of 128"),
        ({"self_appearance": {"blocks": 7}}, "must be a multiple of 512"),
        ({"coarse_motion": {"scale": 0.3}}, r"scale 0\.3 is not"),
        ({"motion_evolution": {"step": 0}}, "step"),
    ],
)
def test_settings_that_cannot_work_are_refused(overrides: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_model("sade", variant="vox-256", device="cpu", **overrides)


def test_perceptual_loss_without_vgg19_says_what_to_do() -> None:
    with pytest.raises(MissingWeightsError, match=r"vgg19.*loss\.perceptual=0"):
        SadeRecipe(_experiment("demo-64", loss={"perceptual": 10.0}))


@pytest.mark.slow
def test_loss_falls_in_a_short_training() -> None:
    torch.manual_seed(0)
    recipe = SadeRecipe(_experiment("demo-64", model={"motion_evolution": {"step": 1.0}}))
    recipe.animator.train()
    # Views of one picture, so that there is motion to find.
    picture = torch.from_numpy(image("picture", 96, 0))
    views = torch.stack([picture[:, 4 * index :, 32 - 4 * index :][:, :64, :64] for index in range(8)])
    history = []
    for _ in range(40):
        source, driving, first, second = torch.randperm(8).view(4, 2)
        references = torch.stack((views[first], views[second]), dim=1)
        (update,) = train_step(recipe, PairBatch(views[source], views[driving], references=references))
        history.append(float(update.losses["l1"].detach()))
    assert sum(history[-10:]) < 0.7 * sum(history[:10])


class _Growth(nn.Module):
    """dT/dt = 2 t T."""

    def forward(self, time: Tensor, motion: Tensor) -> Tensor:
        return 2 * time * motion


def _moving(module: Module) -> Module:
    """`module` with weights in the layers that start at zero."""
    for parameter in module.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.05)
    return module


def _trained(**overrides: Any) -> SadeAnimator:
    model = _small(**overrides)
    return _moving(model)


def _small(**overrides: Any) -> SadeAnimator:
    return small_model("sade", SadeAnimator, **overrides)


def _experiment(variant: str, **layers: dict[str, Any]) -> SadeConfiguration:
    return experiment_of("sade", SadeConfiguration, variant, **layers)
