"""Counts against ones made by hand, and against the numbers of parameters that the published implementations have."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lia_bench.core.errors import InputError, UnknownNameError
from lia_bench.models import complexity as counting
from lia_bench.models.animator import Animator
from lia_bench.models.complexity import complexity, complexity_of


class Countable(Animator):
    """A strided convolution of the source, a convolution and a linear layer of each driving frame."""

    def __init__(self) -> None:
        super().__init__()
        self.of_source = nn.Conv2d(3, 5, 2, stride=2)
        self.of_driving = nn.Conv2d(3, 4, 3, padding=1)
        self.linear = nn.Linear(4, 7, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.of_driving.weight.requires_grad_(False)

    @property
    def frame_size(self) -> None:
        return None

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> Any:
        return self.of_source(source)

    def render(self, encoded: Any, driving: Tensor) -> Tensor:
        features = self.norm(self.of_driving(driving)).mean((2, 3))
        brighter: Tensor = driving + self.linear(features).mean()
        return brighter


def test_a_network_that_can_be_counted_by_hand() -> None:
    counted = complexity(Countable(), size=8)
    assert counted.size == 8
    assert counted.once_per_clip == 4 * 4 * 5 * 3 * 2 * 2
    assert counted.per_frame == 8 * 8 * 4 * 3 * 3 * 3 + 4 * 7
    assert counted.parameters == (3 * 5 * 4 + 5) + (3 * 4 * 9 + 4) + 4 * 7 + 2 * 4


def test_counting_leaves_the_network_as_it_was() -> None:
    network = Countable()
    complexity(network, size=8)
    assert not network.of_driving.weight.requires_grad
    assert network.linear.weight.requires_grad


@pytest.mark.parametrize(
    ("model", "variant", "published"),
    [
        # The authors' file holds 13 noise weights and an RGB layer of 1,542 numbers that reach no picture.
        ("lia", "vox-256", 45_116_317 - 13 - 1_542),
        ("fomm", "vox-256", 59_790_759),
        ("mraa", "vox-256", 45_575_391 + 14_146_728 + 6_282_438 + 2_290_620),
        ("x2face", "vox-256", 64_771_840),
        # Less the encoder that the authors' generator carries and does not use.
        ("iapm", "vox-256", 76_892_959 - 369_792 + 12_564_417),
        ("fvv", "vox-256", 100_988_176 + 41_940_047 + 30_254_838),
        ("tpsmm", "vox-256", 24_737_283 + 37_941_397 + 11_227_812 + 11_188_998 + 2_583_652),
        ("tpsmm", "mgif-256", 24_737_283 + 37_941_397 + 11_227_812 + 2_583_652),
    ],
)
def test_parameters_are_those_of_the_published_implementations(model: str, variant: str, published: int) -> None:
    assert complexity_of(model, variant).parameters == published


@pytest.mark.parametrize(("variant", "published"), [("vox", "94.8"), ("moving-gif", "66.4")])
def test_parameters_of_monkeynet_which_are_published_in_millions(variant: str, published: str) -> None:
    assert f"{complexity_of('monkeynet', variant).parameters / 1e6:.1f}" == published


def test_the_size_of_the_frames_scales_the_cost_and_not_the_parameters() -> None:
    small, large = complexity_of("fomm", "vox-256", size=128), complexity_of("fomm", "vox-256")
    assert (small.size, large.size) == (128, 256)
    assert small.parameters == large.parameters
    assert large.per_frame == pytest.approx(4 * small.per_frame, rel=0.02)


def test_shapes_alone_give_the_counts_of_a_network_with_values() -> None:
    from lia_bench.models.loading import load_model

    assert complexity(load_model("lia", variant="demo-64", device="cpu")) == complexity_of("lia", "demo-64")


def test_a_model_that_needs_values_is_counted_on_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    class Asking(Countable):
        def render(self, encoded: Any, driving: Tensor) -> Tensor:
            return super().render(encoded, driving) if float(driving.mean()) > 0 else driving

    devices = []

    def load(name: str, checkpoint: str, variant: str | None, device: str) -> Animator:
        devices.append(device)
        return Asking().to(device)

    monkeypatch.setattr(counting, "load_model", load)
    assert complexity_of("identity").per_frame == complexity(Countable(), size=256).per_frame
    assert devices == ["meta", "cpu"]
    assert torch.get_default_device() == torch.device("cpu")


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'vox-256'"):
        complexity_of("fomm", "vox256")
    with pytest.raises(InputError, match="size"):
        complexity_of("fomm", "vox-256", size=100)
