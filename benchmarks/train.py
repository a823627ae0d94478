"""How fast LIA trains, and in which form: `python benchmarks/train.py --help`.

Each form is measured in a process of its own, by the trainer's own step on random frames that lie on the device: data
has its own benchmark. VGG19 has random weights where the published ones are not on the machine; speed does not depend
on them.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from animate import hardware

if TYPE_CHECKING:
    import torch

    from lia_bench.models.lia.configuration import LiaConfiguration
    from lia_bench.models.training.hardware import Hardware
    from lia_bench.models.training.recipe import PairBatch
    from lia_bench.models.training.step import Step

PLAIN = "eager float32"
FORMS = {
    PLAIN: {},
    "bf16": {"precision": "bf16-mixed"},
    "bf16, channels_last": {"precision": "bf16-mixed", "channels_last": True},
    "bf16, compiled": {"precision": "bf16-mixed", "compile": True},
    "bf16, compiled, channels_last": {"precision": "bf16-mixed", "compile": True, "channels_last": True},
}
"""What `Hardware` takes besides the device."""

MATRIX_SIDE = {"cuda": 8192, "cpu": 512}
WINDOWS = 20


@dataclass(frozen=True)
class Setting:
    """What is trained, and for how long."""

    variant: str
    size: int
    batch: int
    device: str
    iterations: int
    warm_up: int
    settings: tuple[str, ...]

    def experiment(self) -> "LiaConfiguration":
        """The variant's configuration at this size and batch."""
        from lia_bench.core.configuration import parse_settings
        from lia_bench.models.lia.configuration import LiaConfiguration
        from lia_bench.models.loading import load_experiment

        sizes = {"model": {"size": self.size}, "data": {"batch_size": self.batch}}
        _, experiment = load_experiment("lia", self.variant, (sizes, parse_settings(self.settings)))
        assert isinstance(experiment, LiaConfiguration)
        return experiment

    def hardware(self, form: str) -> "Hardware":
        """The device in this form."""
        from lia_bench.models.training.hardware import Hardware

        return Hardware(self.device, **FORMS[form])  # type: ignore[arg-type]


@click.command()
@click.option("--variant", default="vox-256", show_default=True, help="Of LIA.")
@click.option("--size", default=256, show_default=True, help="Side of the frames in pixels.")
@click.option("--batch", default=32, show_default=True, help="Pairs in an iteration.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cuda", show_default=True)
@click.option("--iterations", default=30, show_default=True, help="Iterations that are timed.")
@click.option("--warm-up", default=10, show_default=True, help="Iterations before those.")
@click.option("--form", "forms", multiple=True, type=click.Choice(list(FORMS)), help="[default: all; repeatable]")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="As of `lia-bench train`.")
@click.option("--profile", is_flag=True, help="Print where the time of the last form goes, by kernel.")
@click.option("--curves", type=int, metavar="N", help="Also train the first and the last form over the same N steps.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of clips for --curves. [default: noise]")
@click.option("--measure", type=click.Choice(["speed", "profile", "curve"]), hidden=True)
def main(
    forms: tuple[str, ...],
    profile: bool,
    curves: int | None,
    data: Path | None,
    measure: str | None,
    variant: str,
    size: int,
    batch: int,
    device: str,
    iterations: int,
    warm_up: int,
    settings: tuple[str, ...],
) -> None:
    """Print images per second of LIA's training step in each form, as Markdown, as multiples of eager float32.

    \b
    Examples:
      python benchmarks/train.py --profile
      python benchmarks/train.py --curves 500 --data clips --form "eager float32" --form "bf16, compiled"
    """
    setting = Setting(variant, size, batch, device, iterations, warm_up, settings)
    chosen = list(forms or FORMS)
    if measure:
        (form,) = chosen
        print(json.dumps({"speed": speed, "profile": kernels, "curve": curve}[measure](setting, form, data)))
        return
    rate = matrix_rate(device)
    print(f"{hardware(device)}; LIA {variant} at {size}x{size}, batch {batch}, {iterations} iterations")
    print(f"bf16 matrix products: {rate / 1e12:.3g} TFLOP/s measured\n")
    print("| form | images/s | ratio | ms a step | TFLOP/s | of the matrix rate | peak MiB |")
    print(f"| --- |{' ---: |' * 6}", flush=True)
    plain = None
    for form in chosen:
        seconds, memory, operations = in_a_process("speed", setting, form)
        plain = seconds if form == PLAIN else plain
        cells = [form, f"{batch / seconds:.1f}", f"{plain / seconds:.2f}" if plain else "", f"{1000 * seconds:.1f}"]
        cells += [f"{operations / seconds / 1e12:.3g}", f"{operations / seconds / rate:.1%}", f"{memory:.0f}"]
        print(f"| {' | '.join(cells)} |", flush=True)
    if profile:
        print("\n" + in_a_process("profile", setting, chosen[-1]))
    if curves:
        longer = Setting(variant, size, batch, device, curves, 0, settings)
        print(
            "\n" + "\n".join(compared([in_a_process("curve", longer, form, data) for form in (chosen[0], chosen[-1])]))
        )


def in_a_process(what: str, setting: Setting, form: str, data: Path | None = None) -> Any:
    """What `main` with --measure prints."""
    command = [sys.executable, __file__, "--measure", what, "--form", form, *(["--data", str(data)] if data else [])]
    for name in ("variant", "size", "batch", "device", "iterations", "warm_up"):
        command += [f"--{name.replace('_', '-')}", str(getattr(setting, name))]
    command += [word for value in setting.settings for word in ("--set", value)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise click.ClickException(f"{form}: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def speed(setting: Setting, form: str, _: Path | None) -> tuple[float, float, int]:
    """Seconds an iteration, peak memory in MiB, and floating-point operations of an iteration."""
    from lia_bench.models.training.journal import peak_memory

    step, batch = prepared(setting, form)
    for _number in range(setting.warm_up):
        step(batch)
    synchronise(batch.source.device)
    begin = time.perf_counter()
    for _number in range(setting.iterations):
        step(batch)
    synchronise(batch.source.device)
    seconds = (time.perf_counter() - begin) / setting.iterations
    memory = peak_memory(batch.source.device)
    return seconds, memory, operations(step, batch)


def kernels(setting: Setting, form: str, _: Path | None) -> str:
    """A table of the operations that take the most time."""
    from torch.profiler import ProfilerActivity, profile

    step, batch = prepared(setting, form)
    for _number in range(setting.warm_up):
        step(batch)
    synchronise(batch.source.device)
    on_gpu = batch.source.device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities) as profiler:
        for _number in range(3):
            step(batch)
        synchronise(batch.source.device)
    order = "self_device_time_total" if on_gpu else "self_cpu_time_total"
    table: str = profiler.key_averages().table(sort_by=order, row_limit=25, max_name_column_width=70)
    return table


def curve(setting: Setting, form: str, data: Path | None) -> list[float]:
    """The generator's loss at each iteration."""
    step, fixed = prepared(setting, form)
    losses = []
    for batch in batches(setting, data) if data else (fixed for _number in range(setting.iterations)):
        result = step(batch)
        losses.append(sum(float(value) for name, value in result.losses.items() if name not in ("discriminator", "r1")))
    return losses


def prepared(setting: Setting, form: str) -> tuple["Step", "PairBatch"]:
    """The trainer's step on fresh weights, and a batch of noise on the device; alike in all forms."""
    import torch

    from lia_bench.models.lia.recipe import LiaRecipe
    from lia_bench.models.training.hardware import launch
    from lia_bench.models.training.recipe import PairBatch
    from lia_bench.models.training.step import Step

    hardware = setting.hardware(form)
    fabric = launch(hardware)
    experiment = setting.experiment()
    features = vgg19() if experiment.loss.perceptual else None
    torch.manual_seed(0)
    recipe = LiaRecipe(experiment, features)
    parts = experiment.data.accumulate
    step = Step(fabric, recipe, parts, compiled=hardware.compile, channels_last=hardware.channels_last)
    pair = torch.rand(2, setting.batch, 3, setting.size, setting.size, generator=torch.Generator().manual_seed(1))
    source, driving = fabric.to_device(pair)
    return step, PairBatch(source, driving)


def batches(setting: Setting, data: Path) -> Iterator["PairBatch"]:
    """The pairs that the trainer would draw."""
    import torch

    from lia_bench.core.prepared_dataset import open_dataset
    from lia_bench.models.training.batches import Share, pair_batches, usual_workers
    from lia_bench.models.training.loop import as_images
    from lia_bench.models.training.pairs import FramePairs
    from lia_bench.models.training.recipe import PairBatch

    experiment = setting.experiment()
    clips = open_dataset(data).partition("train")
    repeats = -(-setting.batch // len(clips))
    section = experiment.data.model_copy(update={"repeats": max(repeats, experiment.data.repeats)})
    pairs = FramePairs(clips, experiment.model_copy(update={"data": section}))
    share = Share(setting.batch)
    on_gpu = setting.device == "cuda"
    asked = experiment.data.workers
    workers = usual_workers(setting.device, 1) if asked is None else asked
    for frames in pair_batches(pairs, share, start=0, stop=setting.iterations, workers=workers, pinned=on_gpu):
        moved = as_images(frames.to(torch.device(setting.device)))
        yield PairBatch(moved[:, 0], moved[:, 1])


def vgg19() -> Any:
    """Published features where their weights are on this machine, else random ones."""
    import torch
    from torchvision.models import vgg19 as network

    from lia_bench.core.errors import MissingWeightsError
    from lia_bench.models.blocks.reconstruction import Vgg19Features, published_vgg19

    try:
        return published_vgg19()
    except MissingWeightsError:
        torch.manual_seed(0)
        return Vgg19Features(network(weights=None).state_dict())


def operations(step: "Step", batch: "PairBatch") -> int:
    """Floating-point operations of an iteration: convolutions and matrix products, forward and backward."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    # Compiled code hides its operations; they are those of the plain form.
    with torch.compiler.set_stance("force_eager"), counter:
        step(batch)
    total: int = counter.get_total_flops()
    return total


def matrix_rate(device: str) -> float:
    """Operations a second of a large product of bf16 matrices."""
    import torch

    side = MATRIX_SIDE[device]
    one = torch.rand(side, side, device=device, dtype=torch.bfloat16)
    seconds = []
    for _ in range(10):
        synchronise(one.device)
        begin = time.perf_counter()
        one @ one
        synchronise(one.device)
        seconds.append(time.perf_counter() - begin)
    return 2 * side**3 / min(seconds)


def compared(curves: list[list[float]]) -> Iterator[str]:
    """Means over windows of both curves, beside how much the first one scatters within a window."""
    import numpy as np

    windows = [np.array_split(np.array(losses), min(WINDOWS, len(losses))) for losses in curves]
    yield "| iterations | first form | last form | difference | deviation within the first |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    end = 0
    for first, last in zip(*windows, strict=True):
        begin, end = end, end + len(first)
        cells = [
            f"{first.mean():.4f}",
            f"{last.mean():.4f}",
            f"{last.mean() - first.mean():+.4f}",
            f"{first.std():.4f}",
        ]
        yield f"| {begin + 1} to {end} | {' | '.join(cells)} |"


def synchronise(device: "torch.device") -> None:
    """Wait for what a device still has to do."""
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
