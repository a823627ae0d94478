"""While weights stand still networks take faster ways: the same values by fewer multiplications, never stale ones."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from lia_bench.models.animator import Animator
from lia_bench.models.blocks.convolution import (
    Convolution,
    ConvolutionBlock,
    InstanceNorm,
    ResidualBlock,
    UpBlock,
    VolumeResidualBlock,
    VolumeUpBlock,
)
from lia_bench.models.blocks.standing_weights import StandingWeights, made_once
from lia_bench.models.blocks.stylegan2 import StyledConvolution, UpsamplingStyledConvolution
from lia_bench.models.blocks.volume_generator import Spade
from lia_bench.models.loading import load_model

# Of what a network of these layers differs by when the order of its sums changes.
TOLERANCE = 2e-5


def randomised(module: nn.Module) -> nn.Module:
    """With statistics that batch norms might have after training, in evaluation mode."""
    for name, values in (*module.named_buffers(), *module.named_parameters()):
        if name.endswith("running_mean"):
            values.normal_()
        elif name.endswith("running_var"):
            values.uniform_(0.5, 2)
        elif name.endswith("bias"):
            values.data.normal_()
    return module.eval()


CASES: dict[str, tuple[Callable[[], nn.Module], list[tuple[int, ...]], float]] = {
    "3x3": (lambda: Convolution(96, 96, 3, padding=1), [(1, 96, 32, 32)], 16 / 36),
    "3x3 without a bias, several small maps": (
        lambda: Convolution(64, 128, 3, padding=1, bias=False),
        [(5, 64, 12, 20)],
        16 / 36,
    ),
    "3x3, more tiles than are worked on at once": (
        lambda: Convolution(128, 64, 3, padding=1),
        [(2, 128, 42, 64)],
        16 / 36,
    ),
    "3x3 of an odd side": (lambda: Convolution(96, 96, 3, padding=1), [(1, 96, 33, 33)], 1),
    "of stride 2": (lambda: Convolution(96, 96, 3, padding=1, stride=2), [(1, 96, 32, 32)], 1),
    "few channels": (lambda: Convolution(8, 8, 3, padding=1), [(1, 8, 32, 32)], 1),
    "7x7 to three": (lambda: Convolution(16, 3, 7, padding=3), [(2, 16, 20, 24)], 1),
    "7x7 to one, narrower than the kernel": (lambda: Convolution(16, 1, 7, padding=3), [(1, 16, 6, 5)], 1),
    "7x7 to one, narrower than half the kernel": (lambda: Convolution(16, 1, 7, padding=3), [(1, 16, 6, 2)], 1),
    "block": (lambda: ConvolutionBlock(96, 128), [(1, 96, 16, 16)], 16 / 36),
    "residual": (lambda: ResidualBlock(96), [(1, 96, 16, 16)], 16 / 36),
    "up": (lambda: UpBlock(32, 16), [(2, 32, 16, 8)], 4 / 9),
    "up in volumes": (lambda: VolumeUpBlock(32, 16), [(2, 32, 5, 8, 6)], 4 / 9),
    "residual in volumes": (lambda: VolumeResidualBlock(96), [(2, 96, 3, 16, 16)], 16 / 36),
    "one layer of a volume": (lambda: VolumeResidualBlock(96), [(1, 96, 1, 16, 16)], 16 / 36),
    "styled": (lambda: StyledConvolution(96, 96, 32), [(2, 96, 16, 16), (2, 32)], 16 / 36),
    "styled up": (lambda: UpsamplingStyledConvolution(32, 16, 32), [(2, 32, 16, 16), (2, 32)], 1),
    "spade": (lambda: Spade(96, 128, 128), [(2, 96, 16, 16), (2, 128, 16, 16)], 16 / 36),
    "spade of a map of a quarter": (lambda: Spade(96, 32, 64), [(2, 96, 32, 32), (2, 32, 8, 8)], 16 / 36),
    "instance norm": (lambda: InstanceNorm(8, affine=True), [(3, 8, 16, 16)], 1),
}


@pytest.mark.parametrize("case", CASES)
def test_a_faster_way_gives_the_same_values(case: str) -> None:
    torch.manual_seed(0)
    make, shapes, most = CASES[case]
    module = randomised(make())
    inputs = [torch.randn(shape) + 1 for shape in shapes]
    if len(shapes[0]) == 4:
        inputs[0] = inputs[0].contiguous(memory_format=torch.channels_last)
    module.requires_grad_(False)
    with torch.inference_mode():
        with FlopCounterMode(display=False) as plain:
            expected = module(*inputs)
        with StandingWeights()():
            found = module(*inputs)
            # Now that all is made of the weights.
            with FlopCounterMode(display=False) as faster:
                module(*inputs)
        exact = module.double()(*(given.double() for given in inputs))
    scale = float(exact.abs().max())
    assert float((found - expected).abs().max()) < TOLERANCE * scale
    assert float((found - exact).abs().max()) < TOLERANCE * scale
    # Style and shortcuts beside the convolution are a small part.
    assert faster.get_total_flops() <= (most + 0.02 * (most < 1)) * plain.get_total_flops()


def double(weight: Tensor) -> Tensor:
    return weight * 2


def test_what_is_made_of_weights_is_kept_while_they_stand_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, other = nn.Linear(4, 4), nn.Linear(4, 4)
    standing = StandingWeights()
    with standing():
        first = made_once(layer, double, layer.weight)
        assert made_once(other, double, other.weight) is not first
    with standing():
        assert made_once(layer, double, layer.weight) is first
    assert made_once(layer, double, layer.weight) is not first
    monkeypatch.setattr("lia_bench.models.blocks.standing_weights.KEPT_BYTES", 4 * 4 * 4)
    with StandingWeights()():
        assert made_once(layer, double, layer.weight) is made_once(layer, double, layer.weight)
        assert made_once(other, double, other.weight) is not made_once(other, double, other.weight)


def clip(side: int) -> tuple[Tensor, Tensor]:
    frames = torch.nn.functional.interpolate(torch.rand(4, 3, 8, 8), size=(side, side), mode="bilinear")
    return frames[0], frames[1:]


@pytest.mark.parametrize("name", ["lia", "fomm"])
def test_an_animation_sees_weights_that_changed_since_the_last(name: str) -> None:
    torch.manual_seed(0)
    animator: Animator = load_model(name, "untrained", variant="demo-64", device="cpu")
    source, driving = clip(64)
    before = animator.animate(source, driving)
    again = animator.animate(source, driving)
    for parameter in animator.parameters():
        # Past autograd's count of changes, as averages of weights are put in place.
        parameter.data.mul_(0.9)
    after = animator.animate(source, driving)
    torch.testing.assert_close(again, before, rtol=0, atol=0)
    assert float((after - before).abs().max()) > 1e-4


def test_training_and_export_go_the_plain_way() -> None:
    torch.manual_seed(0)
    block = UpBlock(32, 16)
    features = torch.randn(1, 32, 16, 16)
    with FlopCounterMode(display=False) as counted:
        block(features).sum().backward()
    # Forward, and as much again for each of the gradients of features and weights; 9 multiply-adds, 2 FLOPs each.
    assert counted.get_total_flops() >= 2 * 2 * 9 * 32 * 16 * 32 * 32
    assert block.convolution.weight.grad is not None
