"""How fast the models of the zoo animate: `python benchmarks/animate.py --help`.

Each measurement is a process of its own, so that its peak memory is its own. A clip of random frames goes through
`animate_stream` as a user's would: the source is encoded once, driving frames are rendered in batches and come back to
the CPU. Weights are fresh, since speed does not depend on them. How LIA compares with its plain form is measured by
animate_lia.py.
"""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

BASELINE = "fomm"
BATCH_SIZES = (1, 8)
# Linux counts the resident size in these.
KIBIBYTE = 2**10
MEBIBYTE = 2**20


@click.command()
@click.option("--models", help="Names of models, separated by commas. [default: all that are trained]")
@click.option("--device", help="cpu, cuda, cuda:1, ... [default: the first GPU, else the CPU]")
@click.option("--size", default=256, show_default=True, help="Side of the frames in pixels.")
@click.option("--frames", default=32, show_default=True, help="Driving frames of the clip.")
@click.option("--repeats", default=3, show_default=True, help="Clips that are timed, after one that is not.")
def main(models: str | None, device: str | None, size: int, frames: int, repeats: int) -> None:
    """Print frames per second, size, cost and peak memory of each model, in its default variant, as Markdown.

    FOMM is always measured: the speed of the others is also given as a multiple of its.

    \b
    Example:
      OMP_NUM_THREADS=2 python benchmarks/animate.py --models lia,mraa --device cpu
    """
    from lia_bench.models.loading import pick_device
    from lia_bench.models.specification import MODELS

    trained = [name for name, specification in MODELS.items() if specification.recipe]
    chosen = dict.fromkeys([BASELINE, *(models.split(",") if models else trained)])
    for name in chosen:
        MODELS[name]
    where = str(pick_device(device))
    print(hardware(where))
    print(f"{size}x{size}, clips of {frames} frames, median of {repeats}; memory of {memory_of(where)}\n")
    header = ["model", "parameters", "multiply-adds once a clip", "a frame"]
    header += [f"{what}, batch {batch}" for batch in BATCH_SIZES for what in ("frames/s", f"times {BASELINE}", "MiB")]
    print(f"| {' | '.join(header)} |\n| --- |{' ---: |' * (len(header) - 1)}", flush=True)
    baseline: dict[int, float] = {}
    failures = []
    for name in chosen:
        try:
            print(f"| {' | '.join(row(name, [where, str(size), str(frames), str(repeats)], baseline))} |", flush=True)
        except subprocess.CalledProcessError as error:
            failures.append(f"{name}: {(error.stderr.strip().splitlines() or ['no message'])[-1]}")
    if failures:
        raise click.ClickException("; ".join(failures))


def row(name: str, setting: list[str], baseline: dict[int, float]) -> Iterator[str]:
    """The cells of one model; `baseline` holds FOMM's frames per second by batch size and is filled by FOMM's row."""
    from lia_bench.models.complexity import complexity_of
    from lia_bench.models.model_page import multiply_adds

    complexity = complexity_of(name, size=int(setting[1]))
    yield name
    yield f"{complexity.parameters / 1e6:.1f} M"
    yield multiply_adds(complexity.once_per_clip)
    yield multiply_adds(complexity.per_frame)
    for batch in BATCH_SIZES:
        command = [sys.executable, __file__, "--measure", name, str(batch), *setting]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        speed, memory = json.loads(done.stdout.splitlines()[-1])
        if name == BASELINE:
            baseline[batch] = speed
        yield f"{speed:.2f}"
        yield f"{speed / baseline[batch]:.2f}" if batch in baseline else ""
        yield f"{memory:.0f}"


def measure(name: str, batch: int, device: str, size: int, frames: int, repeats: int) -> tuple[float, float]:
    """Frames per second, and peak memory in MiB, of a model in this process."""
    import torch

    from lia_bench.models.card import UNTRAINED
    from lia_bench.models.loading import load_model
    from lia_bench.models.specification import MODELS

    overrides: dict[str, Any] = {"size": size} if MODELS[name].variants is not None else {}
    model = load_model(name, UNTRAINED, device=device, **overrides)
    generator = torch.Generator().manual_seed(0)
    source = torch.rand(3, size, size, generator=generator)
    driving = torch.rand(frames, 3, size, size, generator=generator)
    transfer = model.transfer_modes[0]
    # The first frames pay for choosing kernels and for memory that later ones reuse.
    for _ in model.animate_stream(source, driving[:batch], transfer, batch):
        pass
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        for _ in model.animate_stream(source, driving, transfer, batch):
            pass
        seconds.append(time.perf_counter() - begin)
    if torch.device(device).type == "cuda":
        peak = torch.cuda.max_memory_allocated(device)
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBIBYTE
    return frames / statistics.median(seconds), peak / MEBIBYTE


def memory_of(device: str) -> str:
    """What the memory column counts."""
    return "tensors on the GPU at the peak" if device.startswith("cuda") else "the whole process at its peak"


def hardware(device: str) -> str:
    """The processor or GPU, and the version of torch, in one line."""
    import torch

    if device.startswith("cuda"):
        return f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}"
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = named[0] if named else platform.processor() or platform.machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{processor}, {cores} cores, {torch.get_num_threads()} threads, torch {torch.__version__}"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        model_name, *rest = sys.argv[2:]
        batch_size, target, *numbers = rest
        print(json.dumps(measure(model_name, int(batch_size), target, *map(int, numbers))))
    else:
        main()
