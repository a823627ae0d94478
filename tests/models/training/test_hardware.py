"""Precision and gradient exchange."""

import subprocess
import sys

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from lia_bench.core.errors import DeviceError
from lia_bench.models.training.hardware import Hardware, check_hardware, launch
from lia_bench.models.training.step import set_up


class Looks(nn.Module):
    """Keeps what it was called with."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.seen: list[torch.dtype] = []

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        moved: torch.Tensor = self.layer(points)
        self.seen += [points.dtype, moved.dtype]
        return moved


def brain_float() -> Fabric:
    return launch(Hardware("cpu", precision="bf16-mixed"))


def test_bfloat16_leaves_coordinates_exact_and_gives_floats_back() -> None:
    module = Looks()
    network, _ = set_up(brain_float(), module, torch.optim.SGD(module.parameters()))
    moved = network(torch.tensor([[0.1234567, 0.7654321]]))
    assert module.seen == [torch.float32, torch.bfloat16]
    assert moved.dtype == torch.float32


def test_a_loss_may_take_gradients_of_an_output_in_bfloat16() -> None:
    module = Looks()
    fabric = brain_float()
    network, _ = set_up(fabric, module, torch.optim.SGD(module.parameters()))
    points = torch.rand(3, 2, requires_grad=True)
    (slope,) = torch.autograd.grad(network(points).square().sum(), points, create_graph=True)
    fabric.backward(slope.square().sum())
    assert module.layer.weight.grad is not None
    assert module.layer.weight.grad.abs().sum() > 0


def test_a_frozen_network_passes_gradients_on_and_keeps_none() -> None:
    module = Looks()
    fabric = launch(Hardware("cpu"))
    network, _ = set_up(fabric, module, torch.optim.SGD(module.parameters()))
    points = torch.rand(3, 2, requires_grad=True)
    with network.frozen():
        fabric.backward(network(points).sum())
    assert points.grad is not None
    assert module.layer.weight.grad is None
    fabric.backward(network(points).sum())
    assert module.layer.weight.grad is not None


def test_torchrun_and_devices_must_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    # Else every process would believe to be the only one, and all would write to one run folder.
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "any")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(DeviceError, match=r"torchrun started 2 processes, but --devices 1 --nodes 1"):
        check_hardware(Hardware("cpu"))
    assert check_hardware(Hardware("cpu", devices=1, nodes=2)) == "cpu"


def test_starting_to_train_loads_no_library_of_metrics() -> None:
    program = (
        "import sys, lia_bench.models.training.trainer as t; print(t.Fabric.__name__, 'torchmetrics' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "Fabric False\n"
