"""LIA-X's variants, its checkpoint file, what a small one does, and how it is trained."""

from pathlib import Path

import pytest
import torch

from lia_bench.core.errors import CheckpointError, InputError
from lia_bench.models.conversion import convert_to_authors, convert_to_own
from lia_bench.models.liax import SPECIFICATION
from lia_bench.models.liax.animator import LiaxAnimator, warp
from lia_bench.models.liax.configuration import LiaxConfiguration, LiaxModel
from lia_bench.models.liax.recipe import LiaxRecipe
from lia_bench.models.loading import load_model
from lia_bench.models.reference import ModelReference
from tests.models.layout_files import small_content
from tests.models.small_models import experiment_of, noise_frames, small_model
from tests.models.training_steps import gradients_apart, random_batch

SMALL = LiaxModel(size=64, style_dim=32, motion_dim=4, channel_base=512, channel_limit=16, scale=1, blocks=1)


def test_variants() -> None:
    assert SPECIFICATION.variant_names() == ["512", "demo-64", "small-256", "small-512"]
    assert SPECIFICATION.transfer_modes == LiaxAnimator.transfer_modes


def test_a_latent_space_too_small_for_the_directions_is_refused() -> None:
    with pytest.raises(InputError, match="a latent space of 32 dimensions has no 40 orthogonal directions"):
        load_model("liax", variant="small-512", size=64, style_dim=32)


@pytest.mark.parametrize("transfer", LiaxAnimator.transfer_modes)
def test_frames_do_not_depend_on_the_batch_size(transfer: str) -> None:
    model = small_model("liax", LiaxAnimator)
    source, *driving = noise_frames(4)
    one, three = (model.animate(source, iter(driving), transfer, batch_size=size) for size in (1, 3))
    assert float((one - three).abs().max()) < 1e-5


def test_the_first_frame_of_relative_transfer_is_the_source_in_its_own_pose() -> None:
    model = small_model("liax", LiaxAnimator)
    source, *driving = noise_frames(3)
    first = model.animate(source, iter(driving), "relative")[0]
    assert torch.allclose(first, model.move(source, {}), atol=1e-5)


def test_without_a_flow_nothing_is_moved() -> None:
    features = torch.rand(1, 2, 8, 8)
    warped, mask = warp(features, torch.zeros(3, 3, 8, 8))
    assert torch.allclose(warped, (features * 0.5).expand(3, -1, -1, -1), atol=1e-6)
    assert torch.allclose(mask, torch.full_like(mask, 0.5))


def test_the_published_file_is_bare_and_comes_back_so(tmp_path: Path) -> None:
    state = small_content("liax")["gen"]
    torch.save(state, tmp_path / "lia-x.pt")
    convert_to_own(ModelReference("liax", "demo-64", tmp_path / "lia-x.pt"), tmp_path / "ours")
    convert_to_authors(ModelReference("liax", None, tmp_path / "ours"), tmp_path / "back.pt")
    back = torch.load(tmp_path / "back.pt", weights_only=True)
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], value) for name, value in state.items())


def test_a_checkpoint_of_lia_is_named(tmp_path: Path) -> None:
    torch.save(small_content("lia"), tmp_path / "vox.pt")
    with pytest.raises(CheckpointError, match="not a checkpoint of liax, but a checkpoint of lia:demo-64"):
        load_model("liax", checkpoint=tmp_path / "vox.pt", variant="demo-64")


def test_every_term_reaches_its_network() -> None:
    experiment = experiment_of("liax", LiaxConfiguration, "demo-64", loss={"adversarial": 1.0})
    experiment = experiment.model_copy(update={"model": SMALL})
    torch.manual_seed(0)
    assert gradients_apart(LiaxRecipe(experiment), random_batch()) == [
        {"l1", "adversarial", "sparsity"},
        {"discriminator"},
    ]


def test_sparsity_is_the_mean_of_the_magnitudes_l1_norm() -> None:
    experiment = experiment_of("liax", LiaxConfiguration, "demo-64", loss={"sparsity": 2.0})
    torch.manual_seed(0)
    recipe = LiaxRecipe(experiment)
    batch = random_batch()
    _, losses = recipe.generated(recipe.animator, batch.source * 2 - 1, batch.driving * 2 - 1)  # type: ignore[arg-type]
    latent, _ = recipe.animator.encoder(batch.driving * 2 - 1)
    expected = 2 * recipe.animator.magnitude_head(latent).abs().sum() / len(batch.driving)
    assert float(losses["sparsity"].detach()) == pytest.approx(float(expected.detach()), rel=1e-5)


def test_weights_of_whole_numbers_are_one_line(tmp_path: Path) -> None:
    state = {name: value.to(torch.int8) for name, value in small_content("liax")["gen"].items()}
    torch.save(state, tmp_path / "lia-x.pt")
    with pytest.raises(CheckpointError, match=r"lia-x\.pt"):
        load_model("liax", checkpoint=tmp_path / "lia-x.pt", variant="demo-64")
