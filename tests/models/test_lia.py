"""What users of LIA rely on, whatever its weights."""

import pytest
import torch
from torch import Tensor

from lia_bench.core.errors import InputError
from lia_bench.models.lia.animator import LiaAnimator
from lia_bench.models.lia.configuration import LiaConfiguration, LiaModel
from lia_bench.models.loading import load_configuration, load_model
from lia_bench.models.specification import MODELS
from tests.models.small_models import noise_frames, small_lia


@pytest.fixture
def animator() -> LiaAnimator:
    return small_lia()


@pytest.fixture
def frames() -> Tensor:
    return noise_frames(5)


def test_relative_transfer_of_the_first_driving_frame_keeps_the_pose_of_the_source(
    animator: LiaAnimator, frames: Tensor
) -> None:
    source, driving = frames[0], frames[1:]
    own_pose = animator.animate(source, source[None], "absolute")[0]
    assert torch.allclose(animator.animate(source, driving, "relative")[0], own_pose, atol=1e-5)
    assert not torch.allclose(animator.animate(source, driving, "absolute")[0], own_pose, atol=1e-3)


def test_training_and_animating_give_the_same_picture(animator: LiaAnimator, frames: Tensor) -> None:
    source, driving = frames[:2], frames[2:4]
    with torch.no_grad():
        pictures = (animator(source * 2 - 1, driving * 2 - 1) + 1) / 2
    for index in range(2):
        animated = animator.animate(source[index], driving[index][None], "absolute")[0]
        assert torch.allclose(pictures[index].clamp(0, 1), animated, atol=1e-5)


def test_directions_are_orthonormal(animator: LiaAnimator) -> None:
    directions = animator.motion_dictionary()()
    assert torch.allclose(directions.t() @ directions, torch.eye(4), atol=1e-6)


def test_the_source_is_encoded_once(animator: LiaAnimator, frames: Tensor) -> None:
    passes: list[int] = []
    animator.encoder.register_forward_hook(lambda *call: passes.append(call[1][0].shape[0]))
    animator.animate(frames[0], frames, "absolute", batch_size=2)
    assert passes == [1, 2, 2, 1]


def test_frames_of_another_size_are_refused(animator: LiaAnimator) -> None:
    with pytest.raises(InputError, match=r"32x32.*64x64"):
        animator.animate(torch.rand(3, 32, 32), torch.rand(2, 3, 32, 32))


@pytest.mark.parametrize("size", [64, 128, 512])
def test_any_power_of_two_will_do(size: int) -> None:
    small = LiaModel(size=size, style_dim=16, motion_dim=4, channel_base=512, channel_limit=8)
    frames = torch.rand(2, 3, size, size)
    assert LiaAnimator(small).animate(frames[0], frames).shape == (2, 3, size, size)


def test_widths_are_those_of_the_paper() -> None:
    widths = {resolution: LiaModel().channels(resolution) for resolution in (4, 8, 16, 32, 64, 128, 256, 512, 1024)}
    assert widths == {4: 512, 8: 512, 16: 512, 32: 512, 64: 256, 128: 128, 256: 64, 512: 32, 1024: 16}


def test_overrides_reach_the_network() -> None:
    model = load_model("lia", variant="demo-64", device="cpu", motion_dim=7)
    assert isinstance(model, LiaAnimator)
    assert model.motion_dictionary()().shape[1] == 7


@pytest.mark.parametrize("variant", MODELS["lia"].variant_names())
def test_variants_are_valid(variant: str) -> None:
    _, configuration = load_configuration("lia", variant)
    assert isinstance(configuration, LiaConfiguration)
    assert variant.endswith(f"-{configuration.model.size}")


@pytest.mark.parametrize("variant", ["vox-256", "taichi-256", "ted-256"])
def test_published_variants_train_as_published(variant: str) -> None:
    _, configuration = load_configuration("lia", variant)
    assert isinstance(configuration, LiaConfiguration)
    assert configuration.model == LiaModel(size=256, style_dim=512, motion_dim=20)
    assert configuration.data.batch_size == 64
    assert configuration.data.pairs == "distinct"
    assert configuration.schedule.iterations == 800_000
    assert (configuration.loss.l1, configuration.loss.perceptual, configuration.loss.adversarial) == (1, 10, 1)
    assert configuration.loss.r1 == 0


def test_bfloat16_changes_the_picture_little(animator: LiaAnimator, frames: Tensor) -> None:
    exact = animator.animate(frames[0], frames)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = animator.animate(frames[0], frames)
    assert float((exact - rounded).abs().mean()) < 0.01
