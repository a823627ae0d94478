"""LIA taken apart: directions, magnitudes, moving by hand, the reference image, effect sizes."""

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from lia_bench.core.errors import InputError
from lia_bench.models.blocks.direction_probe import DirectionProbe
from lia_bench.models.interpretation import Sweep
from lia_bench.models.lia.animator import LiaAnimator
from tests.models.small_models import noise_frames, small_lia


@pytest.fixture
def animator() -> LiaAnimator:
    return small_lia()


@pytest.fixture
def frames() -> Tensor:
    return noise_frames(5)


def test_directions_are_orthonormal_columns(animator: LiaAnimator) -> None:
    directions = animator.directions()
    assert directions.shape == (32, 4)
    assert torch.allclose(directions.t() @ directions, torch.eye(4), atol=1e-6)
    assert not directions.requires_grad


def test_magnitudes_are_streamed_in_batches(animator: LiaAnimator, frames: Tensor) -> None:
    passes: list[int] = []
    animator.encoder.register_forward_hook(lambda *call: passes.append(call[1][0].shape[0]))
    read = 0

    def stream() -> Iterator[Tensor]:
        nonlocal read
        for frame in frames:
            read += 1
            assert read <= sum(passes) + 2
            yield frame

    streamed = animator.magnitudes(stream(), batch_size=2)
    assert passes == [2, 2, 1]
    assert streamed.shape == (5, 4)
    assert torch.allclose(streamed, animator.magnitudes(frames), atol=1e-5)


def test_magnitudes_are_what_moves_the_source(animator: LiaAnimator, frames: Tensor) -> None:
    """Absolute transfer adds the driving frame's magnitudes; moving by their difference must come to the same."""
    own, driving = animator.magnitudes(frames[:2])
    amounts = {direction: float(driving[direction - 1] - own[direction - 1]) for direction in range(1, 5)}
    assert torch.allclose(animator.move(frames[0], amounts), animator.animate(frames[0], frames[1:2])[0], atol=1e-4)


def test_a_source_moved_by_nothing_keeps_its_pose(animator: LiaAnimator, frames: Tensor) -> None:
    own_pose = animator.animate(frames[0], frames[:1])[0]
    assert torch.allclose(animator.move(frames[0], {}), own_pose, atol=1e-5)
    assert torch.allclose(animator.move(frames[0], {2: 0.0}), own_pose, atol=1e-5)
    assert not torch.allclose(animator.move(frames[0], {2: 2.5}), own_pose, atol=1e-3)


def test_the_reference_image_has_all_magnitudes_taken_away(animator: LiaAnimator, frames: Tensor) -> None:
    (own,) = animator.magnitudes(frames[:1])
    away = {direction: -float(own[direction - 1]) for direction in range(1, 5)}
    assert torch.allclose(animator.move(frames[0], away), animator.reference_image(frames[0]), atol=1e-4)


def test_a_sweep_is_the_same_moves_one_after_the_other(animator: LiaAnimator, frames: Tensor) -> None:
    pictures = list(DirectionProbe(animator, frames[0]).sweep(3, [-1.0, 0.5, 2.0], batch_size=2))
    for amount, picture in zip((-1.0, 0.5, 2.0), pictures, strict=True):
        assert torch.allclose(picture, animator.move(frames[0], {3: amount}), atol=1e-5)


def test_the_published_sweep() -> None:
    assert Sweep().amounts() == pytest.approx([-3 + 0.375 * step for step in range(16)])
    assert Sweep().amounts()[-1] == pytest.approx(2.625)


class Shift(nn.Module):
    """A flow head: sideways by a known amount a unit along one direction, the mask half open."""

    def __init__(self, direction: Tensor, amount: float) -> None:
        super().__init__()
        self.direction, self.amount = direction, amount

    def forward(self, feature: Tensor, latent: Tensor) -> Tensor:
        logits = torch.zeros(len(feature), 3, *feature.shape[2:])
        logits[:, 0] = self.amount * (latent @ self.direction)[:, None, None]
        return logits


def test_effects_are_pixels_a_unit(animator: LiaAnimator, frames: Tensor) -> None:
    direction = animator.directions()[:, 2]
    # Only at the coarsest level; it goes up from there, less at the border, where up-sampling pads with zeros.
    for level in animator.decoder.levels:
        level.flow = Shift(direction, 0.0)
    animator.decoder.levels[0].flow = Shift(direction, 1e-4)
    ranked = animator.direction_effects(frames[0])
    assert ranked[0].direction == 3
    by_resolution = ranked[0].flow_by_resolution
    assert list(by_resolution) == [8, 16, 32, 64]
    assert by_resolution[8] == pytest.approx(1e-4 * 64 / 2, rel=1e-3)
    assert 0.8 * by_resolution[8] < by_resolution[64] < by_resolution[8]
    assert ranked[0].flow == pytest.approx(sum(by_resolution.values()) / 4)
    for other in ranked[1:]:
        assert other.flow < 1e-3 * ranked[0].flow


def test_a_direction_that_the_decoder_does_not_see_has_no_effect(animator: LiaAnimator, frames: Tensor) -> None:
    blind = animator.directions()[:, 1]
    for name, parameter in animator.decoder.named_parameters():
        if name.endswith("modulation.weight"):
            parameter.data -= torch.outer(parameter.data @ blind, blind)
    ranked = animator.direction_effects(frames[0])
    assert ranked[-1].direction == 2
    assert ranked[-1].flow < 1e-4 < ranked[-2].flow
    assert ranked[-1].picture < 1e-5 < ranked[-2].picture


def test_looking_leaves_the_model_as_it_was(animator: LiaAnimator, frames: Tensor) -> None:
    before = animator.animate(frames[0], frames[:2])
    animator.train()
    animator.direction_effects(frames[0])
    assert animator.training
    assert not any(module._forward_pre_hooks for module in animator.modules())
    assert torch.equal(animator.animate(frames[0], frames[:2]), before)


@pytest.mark.parametrize("direction", [0, -1, 5])
def test_a_direction_that_is_not_there(animator: LiaAnimator, frames: Tensor, direction: int) -> None:
    with pytest.raises(InputError, match=f"no direction {direction}: .* 1 to 4"):
        animator.move(frames[0], {direction: 1.0})


def test_bad_frames_are_explained(animator: LiaAnimator, frames: Tensor) -> None:
    with pytest.raises(InputError, match=r"32x32.*64x64"):
        animator.move(torch.rand(3, 32, 32), {1: 1.0})
    with pytest.raises(InputError, match=r"32x32.*64x64"):
        animator.magnitudes([frames[0], torch.rand(3, 32, 32)])
    with pytest.raises(InputError, match="no frame"):
        animator.magnitudes([])
    with pytest.raises(InputError, match="batch_size"):
        animator.magnitudes(frames, batch_size=0)


@pytest.mark.parametrize(("lowest", "highest", "steps"), [(3, -3, 16), (0, 0, 16), (-3, math.nan, 16), (-3, 3, 1)])
def test_a_sweep_that_sweeps_nothing(lowest: float, highest: float, steps: int) -> None:
    with pytest.raises(InputError, match="sweep"):
        Sweep(lowest, highest, steps)
