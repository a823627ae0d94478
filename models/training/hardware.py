"""Where a run trains: devices, nodes and precision, by Lightning Fabric."""

import os
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision, Precision
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor, nn

from lia_bench.core.errors import DeviceError
from lia_bench.core.processes import leave_processes_at_exit
from lia_bench.models.training.optimisers import fuse
from lia_bench.models.training.recipe import Network


@dataclass(frozen=True)
class Hardware:
    """What to train on, and how; none of it changes what is computed beyond rounding.

    Attributes:
        devices: those of one node.
        compile: networks run as code that torch.compile makes of them, in the first iterations.
        channels_last: feature maps lie in memory with their channels side by side.
    """

    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    devices: int = 1
    nodes: int = 1
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    compile: bool = False
    channels_last: bool = False

    @property
    def processes(self) -> int:
        """Processes of the run, one a device."""
        return self.devices * self.nodes


class BrainFloatPrecision(MixedPrecision):
    """Autocast to bfloat16 that leaves inputs and the backward pass alone.

    Fabric's own casts every floating-point input, and coordinates lose all but 8 bits by that; and it forbids
    gradients that a loss takes of a network's output (R1, the equivariance of Jacobians), for the sake of a
    loss scaler that bfloat16 does not need.
    """

    backward = Precision.backward

    def __init__(self, device: str) -> None:
        super().__init__("bf16-mixed", device)

    def convert_input(self, data: Any) -> Any:
        """Inputs as they are: autocast picks the operations that run in bfloat16."""
        return data


class SharedNetwork(Network):
    """A network that Fabric set up; held still, it neither trains nor takes part in gradient exchange."""

    def __init__(self, module: nn.Module, fabric: Fabric) -> None:
        super().__init__(module)
        self._fabric = fabric

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Inside, gradients flow through the network but not to its weights."""
        # A forward pass would else make DDP wait for gradients of weights that get none.
        with self.apart(), super().frozen():
            yield

    def apart(self) -> AbstractContextManager[Any]:
        """Inside, gradients are not exchanged with the other processes."""
        return self._fabric.no_backward_sync(self.module)  # type: ignore[arg-type]


def check_hardware(hardware: Hardware) -> str:
    """The accelerator that `hardware` means here, 'cpu' or 'cuda'.

    Raises:
        DeviceError: this machine does not have the devices asked for, or torchrun started another number.
    """
    if torch.distributed.is_available() and torch.distributed.is_torchelastic_launched():
        started = int(os.environ["WORLD_SIZE"])
        if started != hardware.processes:
            raise DeviceError(
                f"torchrun started {started} processes, but --devices {hardware.devices} --nodes {hardware.nodes} "
                f"make {hardware.processes}: let them agree"
            )
    gpus = torch.cuda.device_count()
    cores = os.cpu_count() or 1
    asked = hardware.accelerator
    accelerator = ("cuda" if gpus else "cpu") if asked == "auto" else asked
    if accelerator == "cuda" and hardware.devices > gpus:
        way_out = f"--devices {gpus}" if gpus else "--accelerator cpu"
        raise DeviceError(f"--devices {hardware.devices}: {gpus} GPUs are visible on this machine; take {way_out}")
    if asked == "auto" and accelerator == "cpu" and hardware.devices > 1:
        raise DeviceError(
            f"--devices {hardware.devices}: no GPU is visible on this machine; leave --devices out, "
            "or add --accelerator cpu for so many processes on the CPU"
        )
    if accelerator == "cpu" and hardware.devices > cores:
        raise DeviceError(f"--devices {hardware.devices}: this machine has {cores} CPU cores; take {cores} or fewer")
    return accelerator


def launch(hardware: Hardware) -> Fabric:
    """Fabric on `hardware`, with the other processes of the run started and joined.

    Raises:
        DeviceError: the devices are not there, or torchrun or SLURM started another number of processes.
    """
    accelerator = check_hardware(hardware)
    several = hardware.processes > 1
    try:
        fabric = Fabric(
            accelerator=accelerator,
            devices=hardware.devices,
            num_nodes=hardware.nodes,
            # Buffers stay each process's own: DDP's broadcast changes them between two passes of one step.
            strategy=DDPStrategy(broadcast_buffers=False) if several else "auto",
            plugins=[BrainFloatPrecision(accelerator)] if hardware.precision == "bf16-mixed" else [],
        )
        fabric.launch()
        if several:
            leave_processes_at_exit()
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DeviceError(f"cannot start {hardware.processes} processes on {accelerator}: {reason}") from error
    return fabric


def set_up(
    fabric: Fabric,
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    *,
    compiled: bool = False,
    channels_last: bool = False,
) -> tuple[SharedNetwork, Any]:
    """`module` and its optimiser in Fabric's hands: on the device, and in step with the other processes.

    On several GPUs batch norms share their statistics, as FOMM's do. `module` itself is never wrapped: its state
    dict has the same keys whatever it runs on.
    """
    if fabric.device.type == "cuda":
        fuse(optimiser)
    if fabric.world_size > 1 and fabric.device.type == "cuda":
        module = nn.SyncBatchNorm.convert_sync_batchnorm(module)
    if channels_last:
        module.to(memory_format=torch.channels_last)
    with warnings.catch_warnings():
        # Its successor leaves the buffers alone later on, but not in torch 2.10, the oldest that runs this.
        warnings.filterwarnings("ignore", message=".*broadcast_buffers.*")
        # Fabric takes what is compiled apart, wraps the module, and compiles DDP with it, which lets the exchange
        # of gradients overlap their computation.
        trained: Any = torch.compile(module) if compiled else module
        wrapped, shared_optimiser = fabric.setup(trained, optimiser)
    return SharedNetwork(wrapped, fabric), shared_optimiser


def mean_over_processes(fabric: Fabric, values: Tensor) -> Tensor:
    """`values` averaged over all processes of the run."""
    reduced = fabric.all_reduce(values, reduce_op="mean")
    assert isinstance(reduced, Tensor)
    return reduced


def gathered(fabric: Fabric, value: Any) -> list[Any]:
    """`value` of every process, in the order of their ranks."""
    if fabric.world_size == 1:
        return [value]
    values: list[Any] = [None] * fabric.world_size
    torch.distributed.all_gather_object(values, value)
    return values
