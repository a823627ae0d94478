"""Where a run trains: devices, nodes and precision, by Lightning Fabric."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from lightning_utilities.core import imports as fabric_imports

from lia_bench.core.errors import DeviceError, InputError
from lia_bench.core.processes import leave_processes_at_exit


@contextmanager
def _without_torchmetrics() -> Iterator[None]:
    """Fabric asks whether it is 1.0 or later, which ours is, by importing it: two seconds of every start."""
    asked: Any = fabric_imports
    compare = asked.compare_version

    def known(package: str, *arguments: Any, **more: Any) -> bool:
        return package == "torchmetrics" or bool(compare(package, *arguments, **more))

    asked.compare_version = known
    try:
        yield
    finally:
        asked.compare_version = compare


with _without_torchmetrics():
    from lightning_fabric import Fabric as Fabric
    from lightning_fabric.plugins import MixedPrecision, Precision
    from lightning_fabric.strategies.ddp import DDPStrategy


@dataclass(frozen=True)
class Hardware:
    """What to train on, and how; none of it changes what is computed beyond rounding.

    Attributes:
        devices: those of one node.
        compile: networks run as code that torch.compile makes of them, in the first iterations.
        channels_last: feature maps lie in memory with their channels side by side.
        checkpoint_activations: blocks keep their inputs alone, and compute the rest again when gradients come.
        shard_optimisers: each process keeps a share of the optimisers' states.
    """

    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    devices: int = 1
    nodes: int = 1
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    compile: bool = False
    channels_last: bool = False
    checkpoint_activations: bool = False
    shard_optimisers: bool = False

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


def check_hardware(hardware: Hardware) -> str:
    """The accelerator that `hardware` means here, 'cpu' or 'cuda'.

    Raises:
        DeviceError: this machine does not have the devices asked for, or torchrun started another number.
        InputError: ways to save memory that do not go together, or with so many devices.
    """
    if hardware.compile and hardware.checkpoint_activations:
        raise InputError("--checkpoint-activations and --compile do not go together: leave one of them out")
    if hardware.shard_optimisers and hardware.processes == 1:
        raise InputError(
            "--shard-optimisers shares the optimisers' states out among the processes of a run, and this has one: "
            "give --devices or --nodes, or leave it out"
        )
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
    if accelerator == "cuda":
        # Batches of a training are all of one shape, so that trying cuDNN's algorithms once pays. TF32 stays as torch
        # has it: in convolutions, not in the matrix products that coordinates and directions go through.
        torch.backends.cudnn.benchmark = True
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
