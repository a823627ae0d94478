"""How far apart keyframes should lie: `python benchmarks/keyframes.py CLIP...`.

Every clip is written with several intervals, then read as training reads it: opened, and two of its frames decoded in
random order. The fastest interval is no use if it doubles the disk, so both stand in the table.
"""

import random
import tempfile
import time
from itertools import islice
from pathlib import Path

import click

from lia_bench.core.video import open_indexed, open_video, resize, write_video, writer
from lia_bench.core.video.reader import Frame

INTERVALS = (1, 4, 8, 12, 25, 50, 250)
FRAMES = 200
DRAWS = 60


@click.command()
@click.argument("clips", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def main(clips: tuple[Path, ...]) -> None:
    """Print a line for every interval: bytes against the longest one, and milliseconds for a pair of frames."""
    pictures = [frames_of(clip) for clip in clips]
    sizes: dict[int, int] = {}
    times: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for interval in INTERVALS:
            writer.KEYFRAME_INTERVAL = interval
            paths = [Path(folder) / f"{interval}-{number}.mp4" for number in range(len(clips))]
            for path, frames in zip(paths, pictures, strict=True):
                write_video(path, frames, 25)
            sizes[interval] = sum(path.stat().st_size for path in paths)
        for _ in range(3):
            for interval in INTERVALS:
                paths = [Path(folder) / f"{interval}-{number}.mp4" for number in range(len(clips))]
                times[interval] = min(times.get(interval, float("inf")), pair_time(paths))
    for interval in INTERVALS:
        print(
            f"a keyframe every {interval:3d} frames: {sizes[interval] / sizes[INTERVALS[-1]]:.2f} of the bytes, "
            f"{1000 * times[interval]:.1f} ms a pair"
        )


def frames_of(clip: Path) -> list[Frame]:
    """Some frames of a clip at 256x256."""
    with open_video(clip) as reader:
        return [resize(frame, (256, 256)) for frame in islice(reader, FRAMES)]


def pair_time(paths: list[Path]) -> float:
    """Seconds to open a clip and read two frames of it at random."""
    draw = random.Random(0)
    begin = time.perf_counter()
    for _ in range(DRAWS):
        with open_indexed(draw.choice(paths)) as reader:
            for index in draw.sample(range(len(reader)), 2):
                reader.frame(index)
    return (time.perf_counter() - begin) / DRAWS


if __name__ == "__main__":
    main()
