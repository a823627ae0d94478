"""LIA of the zoo against its plain form, plain_lia.py: `python benchmarks/animate_lia.py --help`.

Speed of the models alone and of whole commands, from a video file to a video file; how far their frames are apart; and
whether `lia-bench animate` takes more memory for a longer video. Each measurement is a process of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from animate import KIBIBYTE, MEBIBYTE, hardware

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
@click.option("--frames", default=24, show_default=True, help="Of the driving video, for speed.")
@click.option("--repeats", default=3, show_default=True, help="Measurements of each, in turn.")
def main(driving: Path, frames: int, repeats: int) -> None:
    """Print frames a second of LIA at 256x256 and of its plain form, their difference, and peak memory by length.

    \b
    Example:
      OMP_NUM_THREADS=2 python benchmarks/animate_lia.py --driving talk.mp4
    """
    print(hardware("cpu"))
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        checkpoint, narrow = save(work / "lia"), save(work / "narrow", channel_base=NARROW, channel_limit=NARROW // 16)
        clip, source = clip_of(driving, work / f"{frames}.mp4", frames), work / "source.png"
        still_of(clip, source)
        print(f"largest difference of a value in [0, 1]: {difference(checkpoint, clip, source):.1e}")
        plain_command = [sys.executable, str(Path(__file__).with_name("plain_lia.py"))]
        for what, plain, ours in [
            ("model alone", [*plain_command, "alone"], [sys.executable, __file__, "alone"]),
            ("whole command", [*plain_command, "whole"], [sys.executable, __file__, "whole"]),
        ]:
            arguments = [str(checkpoint), str(source), str(clip), str(work / "result.mp4")]
            speeds = [[speed([*command, *arguments], frames) for command in (plain, ours)] for _ in range(repeats)]
            ratios = [ours / plain for plain, ours in speeds]
            print(f"{what}: plain {listed(row[0] for row in speeds)}, ours {listed(row[1] for row in speeds)} frames/s")
            print(f"{what}: ratios {listed(ratios)}", flush=True)
        peaks = []
        for length in (SHORT, LONG):
            video = clip_of(driving, work / f"{length}.mp4", length)
            done = run([sys.executable, __file__, "whole", str(narrow), str(source), str(video), str(work / "r.mp4")])
            peaks.append(done["peak"])
            print(f"peak memory with {length} frames: {peaks[-1]:.0f} MiB", flush=True)
        print(f"ratio {peaks[1] / peaks[0]:.2f}")


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


def speed(command: Sequence[str], frames: int) -> float:
    """Frames a second by the seconds that the process itself names, else by its whole time."""
    done = run(command)
    return frames / done.get("seconds", done["whole"])


def run(command: Sequence[str]) -> dict[str, float]:
    """What the process says of itself, its whole time in seconds, and its peak memory in MiB."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    output, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise click.ClickException(f"{' '.join(command)}: {errors}")
    said: dict[str, float] = next((json.loads(line) for line in output.splitlines() if line.startswith("{")), {})
    return {"whole": time.perf_counter() - begin, "peak": usage.ru_maxrss * KIBIBYTE / MEBIBYTE, **said}


def listed(numbers: Iterator[float] | list[float]) -> str:
    """Two digits each."""
    return ", ".join(f"{number:.2f}" for number in numbers)


def alone(checkpoint: Path, source: Path, clip: Path) -> float:
    """Seconds of our model for the clip, in batches, as the command runs it."""
    from plain_lia import read

    from lia_bench.core.memory import keep_freed_memory
    from lia_bench.models.loading import load_model

    keep_freed_memory()
    model = load_model("lia", checkpoint=checkpoint, device="cpu")
    still, driving = read(source, clip)
    for _ in model.animate_stream(still, driving[:BATCH_SIZE], "relative", BATCH_SIZE):
        pass
    begin = time.perf_counter()
    for _ in model.animate_stream(still, driving, "relative", BATCH_SIZE):
        pass
    return time.perf_counter() - begin


def whole(checkpoint: str, source: str, clip: str, result: str) -> None:
    """Our command on files that are cropped already."""
    from lia_bench.cli.main import main as lia_bench

    sys.argv = ["lia-bench", "animate", f"lia@{checkpoint}", "--source", source, "--driving", clip, "--no-crop"]
    sys.argv += ["--batch-size", str(BATCH_SIZE), "--output", result, "--device", "cpu"]
    lia_bench()


if __name__ == "__main__":
    if sys.argv[1:2] == ["alone"]:
        print(json.dumps({"seconds": alone(*map(Path, sys.argv[2:5]))}))
    elif sys.argv[1:2] == ["whole"]:
        whole(*sys.argv[2:])
    else:
        main()
