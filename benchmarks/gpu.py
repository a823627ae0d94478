"""What LIA does on the GPU of this machine, in under ten minutes: `python benchmarks/gpu.py --help`.

Animation and training are measured as users run them, in sections of which each is a process with a time of its own:
what a section has measured when its time is up is kept. Rows are written as they come, so that a run that is broken off
leaves a table. Frames and weights are random, since speed does not depend on them.
"""

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from animate import hardware
from numpy.typing import NDArray
from train import PLAIN, Setting, batches, matrix_rate, operations, prepared, synchronise

if TYPE_CHECKING:
    import torch

    from lia_bench.models.animator import Animator

SECONDS = 560
"""Of all sections together."""
SHARES = {"rate": 0.05, "animate": 0.33, "step": 0.32, "curves": 0.2, "data": 0.1}
"""Of that time, at most, for each section; what one leaves is there for those behind it."""

HEADER = ("section", "form", "batch", "result", "unit", "times plain", "of the bf16 rate", "peak MiB")
WINDOWS = 6

Frames = NDArray[np.uint8]
"""(T, H, W, 3)."""


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    variant: str = "vox-256"
    size: int = 256
    frames: int = 256
    batches: tuple[int, ...] = (1, 8, 32, 64)
    animate_forms: tuple[str, ...] = ("float32", "bf16", "bf16, compiled", "bf16, compiled, CUDA graphs")
    step_forms: tuple[str, ...] = (PLAIN, "bf16, channels_last", "bf16, compiled, channels_last")
    # The same in all sections, so that what was compiled for one is there for the next.
    pairs: int = 16
    iterations: int = 20
    warm_up: int = 8
    curve_steps: int = 300
    clips: int = 16
    clip_frames: int = 48
    settings: tuple[str, ...] = ()

    def setting(self, device: str, pairs: int, iterations: int) -> Setting:
        """As the benchmark of training takes it."""
        return Setting(self.variant, self.size, pairs, device, iterations, self.warm_up, self.settings)


FULL = Scale()
SMOKE = Scale(
    variant="demo-64",
    size=64,
    frames=3,
    batches=(1, 2),
    animate_forms=("float32", "bf16"),
    step_forms=(PLAIN, "bf16, channels_last"),
    pairs=2,
    iterations=1,
    warm_up=1,
    curve_steps=3,
    clips=2,
    clip_frames=4,
    settings=("model.channel_limit=8", "data.workers=0"),
)
"""Enough to see that the program runs, and nothing about speed."""


@dataclass(frozen=True)
class Row:
    """A line of the table, as a section gives it.

    Attributes:
        batch: frames or pairs at once; 0 for none.
        plain: times the plain form.
        operations: floating-point operations a second.
        peak: of memory in MiB.
    """

    section: str
    form: str
    batch: int
    result: float
    unit: str
    plain: float | None = None
    operations: float | None = None
    peak: float | None = None


@click.command()
@click.option("--device", type=click.Choice(["cuda", "cpu"]), default="cuda", show_default=True)
@click.option("--smoke", is_flag=True, help="Tiny sizes, to see that this program runs: the numbers say nothing.")
@click.option("--seconds", default=SECONDS, show_default=True, help="Of all sections together.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("gpu.md"), show_default=True)
@click.option("--section", type=click.Choice(list(SHARES)), hidden=True)
def main(device: str, smoke: bool, seconds: float, output: Path, section: str | None) -> None:
    """Write a table of what the GPU of this machine does: animation, training, losses, and waiting for data.

    \b
    Examples:
      python benchmarks/gpu.py
      python benchmarks/gpu.py --device cpu --smoke
    """
    import torch

    scale = SMOKE if smoke else FULL
    if section:
        for row in measured(section, device, scale):
            print(json.dumps(vars(row)), flush=True)
        return
    if device == "cuda" and not torch.cuda.is_available():
        raise click.ClickException("no GPU is visible on this machine; --device cpu --smoke tries the program")
    if device == "cpu" and not smoke:
        raise click.ClickException("on the CPU this program can only be tried: add --smoke")
    begun = time.monotonic()
    rows: list[Row] = []
    notes: list[str] = []
    title = f"{hardware(device)}; LIA {scale.variant} at {scale.size}x{scale.size}"
    end = begun
    for name, share in SHARES.items():
        # A trial may take the time that a busy machine takes for it.
        end += math.inf if smoke else share * seconds
        # A process a section; a trial has one for the first alone, since each of them imports torch.
        apart = not smoke or name == "rate"
        stream = in_a_process(name, device, smoke, end) if apart else measured(name, device, scale)
        try:
            for row in stream:
                rows.append(row)
                output.write_text(table(title, rows, notes), encoding="utf-8")
        except (RuntimeError, subprocess.SubprocessError) as error:
            notes.append(f"{name}: {' '.join(str(error).split())[:200]}")
        click.echo(f"{name}: done after {time.monotonic() - begun:.0f} s", err=True)
    text = table(title, rows, notes)
    output.write_text(text, encoding="utf-8")
    print(text)


def in_a_process(section: str, device: str, smoke: bool, end: float) -> Iterator[Row]:
    """The rows of a section until the clock shows `end`.

    Raises:
        RuntimeError: it failed, or its time was up.
    """
    command = [sys.executable, __file__, "--device", device, "--section", section, *(["--smoke"] if smoke else [])]
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True) as process,
    ):

        def stop() -> None:
            # With the processes that decode for it.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

        clock = threading.Timer(max(1.0, end - time.monotonic()), stop)
        if end < math.inf:
            clock.start()
        try:
            for line in process.stdout or ():
                with suppress(json.JSONDecodeError):
                    yield Row(**json.loads(line))
            code = process.wait()
        finally:
            clock.cancel()
            if process.poll() is None:
                stop()
        errors.seek(0)
        said = errors.read().strip().splitlines()
    if code:
        raise RuntimeError("its time was up" if code < 0 else (said or ["no message"])[-1])


def measured(section: str, device: str, scale: Scale) -> Iterator[Row]:
    """The rows of a section, in this process."""
    sections: dict[str, Callable[[str, Scale], Iterator[Row]]] = {
        "rate": rate,
        "animate": animation,
        "step": training_step,
        "curves": curves,
        "data": data_wait,
    }
    yield from sections[section](device, scale)


def rate(device: str, scale: Scale) -> Iterator[Row]:
    """What a product of large matrices does."""
    del scale
    yield Row("rate", "bf16 matrix product", 0, matrix_rate(device) / 1e12, "TFLOP/s")


def animation(device: str, scale: Scale) -> Iterator[Row]:
    """Frames a second through `animate_stream`, from the CPU and back to it."""
    import torch

    from lia_bench.models.loading import load_model

    # As a video is decoded.
    driving = np.random.default_rng(0).integers(0, 256, (scale.frames, scale.size, scale.size, 3), dtype=np.uint8)
    plain: dict[int, float] = {}
    for form in scale.animate_forms:
        torch.manual_seed(0)
        model = load_model("lia", "untrained", variant=scale.variant, device=device)
        graphs = "graphs" in form
        model.speed_up("bf16-mixed" if "bf16" in form else "32-true", compiled="compiled" in form and not graphs)
        if graphs:
            setattr(model, "render", torch.compile(model.render, mode="reduce-overhead"))  # noqa: B010
        # Every number of frames is compiled anew.
        for batch in (scale.batches[0], scale.batches[-1]) if "compiled" in form else scale.batches:
            speed, peak = frames_a_second(model, driving, batch)
            plain.setdefault(batch, speed)
            yield Row("animate", form, batch, speed, "frames/s", speed / plain[batch], None, peak)


def frames_a_second(model: "Animator", driving: Frames, batch: int) -> tuple[float, float]:
    """The better of two clips after a batch that is not timed, and the peak of memory in MiB."""
    from lia_bench.models.training.journal import peak_memory

    device = model.device
    reset_peak(device)
    seconds = []
    for _ in model.animate_stream(driving[0], driving[:batch], batch_size=batch):
        pass
    whole = driving[: max(batch, len(driving) // batch * batch)]
    for _ in range(2):
        begin = time.perf_counter()
        for _frame in model.animate_stream(driving[0], whole, batch_size=batch):
            pass
        seconds.append(time.perf_counter() - begin)
    return len(whole) / min(seconds), peak_memory(device)


def reset_peak(device: "torch.device") -> None:
    """Let the peak of a GPU's memory begin anew."""
    import torch

    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def training_step(device: str, scale: Scale) -> Iterator[Row]:
    """Images a second of the trainer's own step on frames that lie on the device."""
    from lia_bench.models.training.journal import peak_memory

    plain = None
    for form in scale.step_forms:
        step, batch = prepared(scale.setting(device, scale.pairs, scale.iterations), form)
        reset_peak(batch.source.device)
        for _ in range(scale.warm_up):
            step(batch)
        synchronise(batch.source.device)
        begin = time.perf_counter()
        for _ in range(scale.iterations):
            step(batch)
        synchronise(batch.source.device)
        seconds = (time.perf_counter() - begin) / scale.iterations
        peak = peak_memory(batch.source.device)
        speed = scale.pairs / seconds
        plain = plain or speed
        done = operations(step, batch) / seconds
        yield Row("training step", form, scale.pairs, speed, "images/s", speed / plain, done, peak)


def curves(device: str, scale: Scale) -> Iterator[Row]:
    """Losses of the plain and of the last form over the same steps, a row a window; the two take turns."""
    setting = scale.setting(device, scale.pairs, scale.curve_steps)
    forms = (scale.step_forms[0], scale.step_forms[-1])
    ready = [prepared(setting, form) for form in forms]
    for steps in np.array_split(np.arange(scale.curve_steps), min(WINDOWS, scale.curve_steps)):
        for form, (step, batch) in zip(forms, ready, strict=True):
            losses = []
            for _ in steps:
                terms = step(batch).losses
                losses.append(sum(value for name, value in terms.items() if name not in ("discriminator", "r1")))
            values = [float(loss) for loss in losses]
            where = f"loss, steps {steps[0] + 1} to {steps[-1] + 1}"
            yield Row(where, form, scale.pairs, float(np.mean(values)), f"± {np.std(values):.3g}")


def data_wait(device: str, scale: Scale) -> Iterator[Row]:
    """The share of the time that the last form waits for pairs out of files, with the variant's workers."""
    from lia_bench.models.training.step import Step

    setting = scale.setting(device, scale.pairs, scale.warm_up + scale.iterations)
    form = scale.step_forms[-1]
    step: Step
    step, still = prepared(setting, form)
    with tempfile.TemporaryDirectory() as folder:
        drawn = clips_in(Path(folder), scale)
        waited, begin = 0.0, time.perf_counter()
        stream = batches(setting, drawn)
        for number in range(setting.iterations):
            if number == scale.warm_up:
                synchronise(still.source.device)
                waited, begin = 0.0, time.perf_counter()
            asked = time.perf_counter()
            batch = next(stream)
            waited += time.perf_counter() - asked
            step(batch)
        synchronise(still.source.device)
        seconds = time.perf_counter() - begin
    yield Row("training with data", form, scale.pairs, scale.iterations * scale.pairs / seconds, "images/s")
    yield Row("data wait", form, scale.pairs, 100 * waited / seconds, "% of the time")


def clips_in(folder: Path, scale: Scale) -> Path:
    """A folder of clips of moving gradients."""
    from lia_bench.core.video import write_video

    rows, columns = np.mgrid[: scale.size, : scale.size]
    for number in range(scale.clips):
        (folder / "train").mkdir(exist_ok=True)
        moved = (
            np.stack([rows + 3 * time_ + 16 * number, columns + 2 * time_, rows + columns], axis=-1).astype(np.uint8)
            for time_ in range(scale.clip_frames)
        )
        write_video(folder / "train" / f"{number:03d}.mp4", moved, 25)
    return folder


def table(title: str, rows: list[Row], notes: list[str]) -> str:
    """Markdown; notes on what is missing come behind it."""
    measured_rate = next((row.result * 1e12 for row in rows if row.section == "rate"), None)
    lines = [title, "", f"| {' | '.join(HEADER)} |", f"| --- | --- |{' ---: |' * (len(HEADER) - 2)}"]
    for row in rows:
        share = f"{row.operations / measured_rate:.1%}" if row.operations and measured_rate else ""
        times = "" if row.plain is None else f"{row.plain:.2f}"
        peak = "" if row.peak is None else f"{row.peak:.0f}"
        cells = (row.section, row.form, str(row.batch or ""), f"{row.result:.4g}", row.unit, times, share, peak)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, *(["", *notes] if notes else [])]) + "\n"


if __name__ == "__main__":
    main()
