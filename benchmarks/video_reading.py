"""decord against PyAV on one clip: `python benchmarks/video_reading.py CLIP`.

Both readers take turns within one process and the best time of each counts, since the ratio is what other machines
share. The clip is read as it is, and as `preprocess` writes it, with a keyframe every 12 frames. The scan that both
need once a file is timed apart.
"""

import random
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from lia_bench.core.video import FrameReader, open_indexed, open_video, write_video
from lia_bench.core.video.decoders import DecordReader, PyAVReader
from lia_bench.core.video.readers import OpenReaders
from lia_bench.core.video.scan import scan

ROUNDS = 7
RANDOM_FRAMES = 40
PAIRS = 60
READERS = (DecordReader, PyAVReader)
Thing = TypeVar("Thing")


@click.command()
@click.argument("clip", type=click.Path(exists=True, path_type=Path))
def main(clip: Path) -> None:
    """Compare the readers on the clip and on its copy."""
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder) / "again.mp4"
        with open_video(clip) as reader:
            write_video(again, reader, reader.properties.fps)
        compare("as it is", clip, Path(folder))
        compare("as preprocess writes it", again, Path(folder))
        pairs_of(again)


def compare(title: str, path: Path, folder: Path) -> None:
    """Print times and ratios for one file."""
    found = scan(path)
    print(f"{title}: {found.frames} frames of {found.width}x{found.height}, {len(found.keyframes)} keyframes")
    # A path that was not scanned yet, since scans are kept.
    copies = [Path(shutil.copy(path, folder / f"{title}{number}.mp4")) for number in range(ROUNDS)]
    print(f"  scan: {1000 * min(seconds(scan, copy) for copy in copies) / found.frames:.2f} ms a frame")
    for name, work, frames in (("in sequence", in_sequence, found.frames), ("at random", at_random, RANDOM_FRAMES)):
        best = dict.fromkeys(READERS, float("inf"))
        for _ in range(ROUNDS):
            for kind in READERS:
                with kind(path, found) as reader:
                    best[kind] = min(best[kind], seconds(work, reader))
        decord, pyav = (1000 * best[kind] / frames for kind in READERS)
        print(f"  {name}: decord {decord:.2f} ms a frame, PyAV {pyav:.2f}, decord / PyAV = {decord / pyav:.2f}")


def pairs_of(path: Path) -> None:
    """Print what a pair of frames costs in processor time, as training draws them: opened each time, and kept open."""
    readers, best = OpenReaders(), dict.fromkeys(("opened each time", "kept open"), float("inf"))
    for _ in range(ROUNDS):
        for name, opened in (("opened each time", open_indexed), ("kept open", readers.reader)):
            draw = random.Random(0)
            begin = time.process_time()
            for _ in range(PAIRS):
                with opened(path) as reader:
                    for index in draw.sample(range(len(reader)), 2):
                        reader.frame(index)
            best[name] = min(best[name], (time.process_time() - begin) / PAIRS)
    print("  a pair: " + ", ".join(f"{name} {1000 * spent:.2f} ms" for name, spent in best.items()))


def seconds(work: Callable[[Thing], object], thing: Thing) -> float:
    """How long `work(thing)` takes."""
    begin = time.perf_counter()
    work(thing)
    return time.perf_counter() - begin


def in_sequence(reader: FrameReader) -> None:
    """Every frame, first to last."""
    for _ in reader:
        pass


def at_random(reader: FrameReader) -> None:
    """The same frames for every reader, in no order, as training draws them."""
    draw = random.Random(0)
    for _ in range(RANDOM_FRAMES):
        reader.frame(draw.randrange(len(reader)))


if __name__ == "__main__":
    main()
