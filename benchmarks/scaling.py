"""How time and memory grow with the work: `python benchmarks/scaling.py --help`.

Clips are hard links of one tiny video, rows and values are made up. Each measurement is a process of its own: its
seconds are the processor's without its start, which do not depend on what else is running, and its peak memory is its
own.
"""

import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[1]))

SIDE, FRAMES = 32, 4
COUNTS = "10,100,1000,10000"
# Linux counts the resident size in KiB.
KIBIBYTES = 2**10
STRAIGHT = 1.15
"""Largest power of the number of things that is still called linear: a line through measurements has some noise."""


@dataclass(frozen=True)
class Measurement:
    """One number of things: seconds of the processor without the start of the process, and its peak in MiB."""

    count: int
    seconds: float
    peak: float


@click.command()
@click.option("--counts", default=COUNTS, show_default=True, help="Numbers of clips and rows.")
@click.option("--work", "chosen", multiple=True, help="[default: all; repeatable]")
@click.option("--measure", type=int, hidden=True)
def main(counts: str, chosen: tuple[str, ...], measure: int | None) -> None:
    """Print seconds and peak memory of evaluate, leaderboard and the HTML report as clips and rows grow, as Markdown.

    \b
    Example:
      python benchmarks/scaling.py --counts 10,100,1000 --work evaluate
    """
    for name in chosen:
        if name not in WORK:
            raise click.ClickException(f"--work {name}: take one of {', '.join(WORK)}")
    if measure is not None:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(WORK[chosen[0]](Path(folder), measure)))
        return
    numbers = [int(count) for count in counts.split(",")]
    print("| work | things | seconds | ms a thing | peak MiB |\n| --- | ---: | ---: | ---: | ---: |", flush=True)
    said = []
    for name in chosen or tuple(WORK):
        found = []
        for count in numbers:
            found.append(one := in_a_process(name, count))
            cells = (name, f"{count}", f"{one.seconds:.2f}", f"{1000 * one.seconds / count:.2f}", f"{one.peak:.0f}")
            print(f"| {' | '.join(cells)} |", flush=True)
        said += [f"{name}: {growth(found)}"] if len(found) > 1 else []
    print("\n" + "\n".join(said))


def in_a_process(name: str, count: int) -> Measurement:
    """What a process of its own measures."""
    command = [sys.executable, __file__, "--work", name, "--measure", str(count)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise click.ClickException(f"{name}, {count}: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return Measurement(count, seconds, peak)


def growth(found: Sequence[Measurement]) -> str:
    """The power of the number by which the last step took longer, and what a further thing takes in memory."""
    before, last = found[-2:]
    # What every run takes, however little there is to do, is that of the smallest.
    fixed = min(found[0].seconds, before.seconds / 2) if len(found) > 2 else 0.0
    power = math.log((last.seconds - fixed) / (before.seconds - fixed)) / math.log(last.count / before.count)
    more = 1024 * (last.peak - before.peak) / (last.count - before.count)
    kind = "linear" if power <= STRAIGHT else "more than linear"
    return f"time grows by the power {power:.2f} of the number ({kind}), memory by {more:.2f} KiB a thing"


def evaluate(folder: Path, clips: int) -> tuple[float, float]:
    """`lia_bench.evaluate` of the identity by L1, without videos."""
    import lia_bench

    drawn = folder / "clips" / "test"
    drawn.mkdir(parents=True)
    _video(drawn / "000000.mp4")
    for number in range(1, clips):
        os.link(drawn / "000000.mp4", drawn / f"{number:06d}.mp4")
    return timed(
        lambda: lia_bench.evaluate(
            "identity",
            folder / "clips",
            tasks=("reconstruction",),
            metrics="l1",
            device="cpu",
            videos=False,
            results=folder / "results",
            say=lambda _: None,
        )
    )


def leaderboard_of_rows(folder: Path, rows: int) -> tuple[float, float]:
    """The board of so many models on one clip."""
    return board(_results(folder, rows, 1))


def leaderboard_of_clips(folder: Path, clips: int) -> tuple[float, float]:
    """The board of two models on so many clips."""
    return board(_results(folder, 2, clips))


def page_of_rows(folder: Path, rows: int) -> tuple[float, float]:
    """The HTML report of so many models on one clip."""
    return page(_results(folder, rows, 1))


def page_of_clips(folder: Path, clips: int) -> tuple[float, float]:
    """The HTML report of two models on so many clips."""
    return page(_results(folder, 2, clips))


def board(results: Path) -> tuple[float, float]:
    """Reading and comparing the tables of a folder of results."""
    from lia_bench.leaderboards.board.board import measured_board

    return timed(lambda: measured_board([results]))


def page(results: Path) -> tuple[float, float]:
    """Writing the page over a folder of results."""
    from lia_bench.leaderboards.html.report import write_report

    return timed(lambda: write_report([results], results.parent / "report"))


WORK: dict[str, Callable[[Path, int], tuple[float, float]]] = {
    "evaluate": evaluate,
    "leaderboard, rows": leaderboard_of_rows,
    "leaderboard, clips": leaderboard_of_clips,
    "html, rows": page_of_rows,
    "html, clips": page_of_clips,
}


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the processor that it takes, and the peak of the process in MiB."""
    begin = time.process_time()
    work()
    seconds = time.process_time() - begin
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIBIBYTES


def _results(folder: Path, models: int, clips: int) -> Path:
    """Made in a process of its own, whose memory does not count."""
    program = (
        "import sys; from pathlib import Path; from tests.leaderboards.toy_results import ToyResults, write_results;"
        "folder, models, clips = sys.argv[1:]; names = [f'model {number}' for number in range(int(models))];"
        "toy = ToyResults(clips=int(clips), models=names, tasks=('reconstruction',), metrics=('l1',), videos=False);"
        "write_results(Path(folder), toy)"
    )
    words = [sys.executable, "-c", program, str(folder / "results"), str(models), str(clips)]
    subprocess.run(words, check=True, cwd=Path(__file__).parents[1])
    return folder / "results"


def _video(path: Path) -> None:
    import numpy as np

    from lia_bench.core.video import write_video

    rows, columns = np.mgrid[:SIDE, :SIDE]
    frames = (np.stack([8 * rows, 8 * columns, rows + columns + 9 * number], -1) for number in range(FRAMES))
    write_video(path, (frame.astype(np.uint8) for frame in frames), 25)


if __name__ == "__main__":
    main()
