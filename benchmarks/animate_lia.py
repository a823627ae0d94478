"""LIA of the zoo against its plain form, plain_lia.py: `python benchmarks/animate_lia.py --help`.

Processor time of the models alone, with the same allocator on both sides; of the Python call with default arguments;
and of whole commands, from a video file to a video file. How far their frames are apart; whether `lia-bench animate`
takes more memory for a longer video; and which share of the rate of its own convolutions the model reaches. Each
measurement is a process of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from animate import KIBIBYTE, MEBIBYTE, hardware
from plain_lia import GIVEN_BACK, KEPT

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE = 256
FPS = 25
BATCH_SIZE = 4
# For lengths that take hours with the paper's widths; what passes through the command per frame stays the same.
NARROW = 512
SHORT, LONG = 64, 2000


@click.command()
@click.option("--driving", type=click.Path(path_type=Path, exists=True), required=True, help="Video of a face.")
@click.option("--frames", default=16, show_default=True, help="Of the driving video, for speed.")
@click.option("--repeats", default=3, show_default=True, help="Measurements of each, in turn.")
@click.option("--memory/--no-memory", default=True, show_default=True, help="Measure peak memory, which takes longest.")
def main(driving: Path, frames: int, repeats: int, memory: bool) -> None:
    """Print what a frame costs LIA at 256x256 and its plain form, their difference, and peak memory by length.

    \b
    Example:
      OMP_NUM_THREADS=1 python benchmarks/animate_lia.py --driving talk.mp4
    """
    print(hardware("cpu"))
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        checkpoint, narrow = save(work / "lia"), save(work / "narrow", channel_base=NARROW, channel_limit=NARROW // 16)
        clip, source = clip_of(driving, work / f"{frames}.mp4", frames), work / "source.png"
        still_of(clip, source)
        print(f"largest difference of a value in [0, 1]: {difference(checkpoint, clip, source):.1e}")
        files = [str(checkpoint), str(source), str(clip), str(work / "result.mp4")]
        ours, plain = [sys.executable, __file__], [sys.executable, str(Path(__file__).with_name("plain_lia.py"))]
        # What each row compares, and by which commands: the plain form, ours.
        rows = {
            f"model, batches of {BATCH_SIZE}, freed memory given back (both)": (
                [*plain, "alone", GIVEN_BACK],
                [*ours, "alone", GIVEN_BACK],
            ),
            f"model, batches of {BATCH_SIZE}, freed memory kept (both)": (
                [*plain, "alone", KEPT],
                [*ours, "alone", KEPT],
            ),
            "model.animate(source, driving), source included; the plain form as the system has it": (
                [*plain, "alone", GIVEN_BACK],
                [*ours, "call", GIVEN_BACK],
            ),
            "whole command, each as it is": ([*plain, "whole", GIVEN_BACK], [*ours, "whole", KEPT]),
        }
        for what, commands in rows.items():
            spent = [[run([*command, *files])["processor"] / frames for command in commands] for _ in range(repeats)]
            print(f"{what}: plain {listed(row[0] for row in spent)}, ours {listed(row[1] for row in spent)} s a frame")
            print(f"  ratios {listed(before / after for before, after in spent)}", flush=True)
        share = run([*ours, "share", KEPT, *files])
        print(
            f"convolutions alone, as they are written: {share['rate']:.0f} GFLOP/s; a frame's operations at that rate "
            f"{share['ideal']:.2f} s, a frame {share['frame']:.2f} s: {share['ideal'] / share['frame']:.0%}"
        )
        peaks = []
        for length in (SHORT, LONG) if memory else ():
            video = clip_of(driving, work / f"{length}.mp4", length)
            done = run([*ours, "whole", KEPT, str(narrow), str(source), str(video), str(work / "r.mp4")])
            peaks.append(done["peak"])
            print(
                f"peak memory with {length} frames: {peaks[-1]:.0f} MiB, ratio {peaks[-1] / peaks[0]:.2f}", flush=True
            )


def save(folder: Path, **widths: Any) -> Path:
    """A checkpoint of fresh weights, always the same."""
    import torch

    from lia_bench.models.loading import load_model

    torch.manual_seed(0)
    load_model("lia", "untrained", size=SIZE, device="cpu", **widths).save_pretrained(folder)
    return folder


def clip_of(driving: Path, path: Path, frames: int) -> Path:
    """`frames` frames of the video at 256x256, from its start again where it ends."""
    from lia_bench.core.video import open_video, resize, write_video

    def endlessly() -> "Iterator[NDArray[Any]]":
        while True:
            with open_video(driving) as video:
                yield from video

    write_video(path, (resize(frame, (SIZE, SIZE)) for _, frame in zip(range(frames), endlessly(), strict=False)), FPS)
    return path


def still_of(clip: Path, path: Path) -> None:
    """The clip's first frame as a picture."""
    from PIL import Image

    from lia_bench.core.video import open_video

    with open_video(clip) as video:
        Image.fromarray(next(iter(video))).save(path)


def difference(checkpoint: Path, clip: Path, source: Path) -> float:
    """Largest absolute difference between our frames, in batches, and the plain ones."""
    import torch
    from plain_lia import PlainLia, read

    from lia_bench.models.lia.animator import LiaAnimator
    from lia_bench.models.loading import load_model

    model = load_model("lia", checkpoint=checkpoint, device="cpu")
    assert isinstance(model, LiaAnimator)
    still, driving = read(source, clip)
    ours = model.animate(still, driving, "relative", BATCH_SIZE)
    plain = torch.stack(list(PlainLia(model).animate(still, driving)))
    return float((ours - plain).abs().max())


def run(command: Sequence[str]) -> dict[str, float]:
    """What the process says of itself, else its whole processor time in seconds; and its peak memory in MiB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    output, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise click.ClickException(f"{' '.join(command)}: {errors}")
    said: dict[str, float] = next((json.loads(line) for line in output.splitlines() if line.startswith("{")), {})
    whole = usage.ru_utime + usage.ru_stime
    return {"processor": whole, "peak": usage.ru_maxrss * KIBIBYTE / MEBIBYTE, **said}


def listed(numbers: Iterable[float]) -> str:
    """Two digits each."""
    return ", ".join(f"{number:.2f}" for number in numbers)


def alone(allocator: str, checkpoint: Path, source: Path, clip: Path) -> dict[str, float]:
    """Processor time of our model for the clip, in batches; its first frames, which pay for the start, before."""
    from plain_lia import read, set_allocator

    from lia_bench.models import animator
    from lia_bench.models.loading import load_model

    set_allocator(allocator)
    if allocator == GIVEN_BACK:
        # By itself the model keeps it for as long as a clip is rendered.
        setattr(animator, "freed_memory_kept", nullcontext)  # noqa: B010
    model = load_model("lia", checkpoint=checkpoint, device="cpu")
    still, driving = read(source, clip)
    for _ in model.animate_stream(still, driving[:BATCH_SIZE], "relative", BATCH_SIZE):
        pass
    begin = time.process_time()
    for _ in model.animate_stream(still, driving, "relative", BATCH_SIZE):
        pass
    return {"processor": time.process_time() - begin}


def call(checkpoint: Path, source: Path, clip: Path) -> dict[str, float]:
    """Processor time of the call with its default arguments, but for the transfer, in a plain process of Python."""
    from plain_lia import read

    from lia_bench.models.loading import load_model

    model = load_model("lia", checkpoint=checkpoint, device="cpu")
    still, driving = read(source, clip)
    model.animate(still, driving[:1], "relative")
    begin = time.process_time()
    model.animate(still, driving, "relative")
    return {"processor": time.process_time() - begin}


def share(checkpoint: Path, source: Path, clip: Path) -> dict[str, float]:
    """The rate of a frame's largest convolution alone, in GFLOP/s, and seconds of a frame: at that rate, and measured.

    A frame's operations are counted as the network is written, whatever ways it takes.
    """
    import torch
    from plain_lia import read, set_allocator

    from lia_bench.models.blocks.standing_weights import StandingWeights
    from lia_bench.models.complexity import complexity
    from lia_bench.models.loading import load_model

    set_allocator(KEPT)
    model = load_model("lia", checkpoint=checkpoint, device="cpu")
    still, driving = read(source, clip)
    features, weight = (
        torch.rand(shape).contiguous(memory_format=torch.channels_last)
        for shape in ((1, 256, 64, 64), (256, 256, 3, 3))
    )
    operations = 2 * 9 * 256 * 256 * 64 * 64
    with model.evaluating(StandingWeights()):
        encoded = model.encode_source(still[None], driving[:1], "relative")
        seconds = {
            "convolution": [spent(lambda: torch.conv2d(features, weight, padding=1)) for _ in range(10)],
            "frame": [spent(lambda: model.render(encoded, driving[1:2])) for _ in range(10)],
        }
    rate = operations / min(seconds["convolution"])
    ideal = 2 * complexity(model).per_frame / rate
    return {"rate": rate / 1e9, "ideal": ideal, "frame": min(seconds["frame"])}


def spent(work: Callable[[], object]) -> float:
    """Seconds of processor time."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def whole(checkpoint: str, source: str, clip: str, result: str) -> None:
    """Our command on files that are cropped already."""
    from lia_bench.cli.main import main as lia_bench

    sys.argv = ["lia-bench", "animate", f"lia@{checkpoint}", "--source", source, "--driving", clip, "--no-crop"]
    sys.argv += ["--batch-size", str(BATCH_SIZE), "--output", result, "--device", "cpu"]
    lia_bench()


if __name__ == "__main__":
    if sys.argv[1:2] == ["alone"]:
        print(json.dumps(alone(sys.argv[2], *map(Path, sys.argv[3:6]))))
    elif sys.argv[1:2] == ["call"]:
        print(json.dumps(call(*map(Path, sys.argv[3:6]))))
    elif sys.argv[1:2] == ["share"]:
        print(json.dumps(share(*map(Path, sys.argv[3:6]))))
    elif sys.argv[1:2] == ["whole"]:
        whole(*sys.argv[3:])
    else:
        main()
