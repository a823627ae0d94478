"""What commands cost before their work begins: `python benchmarks/start.py --help`.

Processor time and peak memory of whole processes, so that what another process does in the meantime does not count.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click
from animate import KIBIBYTE, MEBIBYTE, hardware


@click.command()
@click.option("--repeats", default=3, show_default=True, help="Starts of each, in turn; the least counts.")
def main(repeats: int) -> None:
    """Print processor time and peak memory of commands that do little, as Markdown.

    \b
    Example:
      OMP_NUM_THREADS=1 python benchmarks/start.py
    """
    with tempfile.TemporaryDirectory() as folder:
        # In another process, since a process counts what its parent held when it began.
        subprocess.run([sys.executable, __file__, "--prepare", folder], check=True)
        commands = commands_on(Path(folder))
        costs = {what: [cost(command) for _ in range(repeats)] for what, command in commands.items()}
    print(f"{hardware('cpu')}\n\n| | s of processor time | MiB |\n| --- | ---: | ---: |")
    for what, measured in costs.items():
        seconds, memory = min(measured)
        print(f"| {what} | {seconds:.2f} | {memory:.0f} |")


def prepare(folder: Path) -> None:
    """Put the files that the commands need into the folder."""
    import numpy as np
    import torch
    from PIL import Image

    from lia_bench.models.loading import load_model

    random = np.random.default_rng(0)
    (folder / "video").mkdir()
    for path in (folder / "still.png", folder / "video" / "0.png"):
        Image.fromarray(random.integers(0, 256, (256, 256, 3), np.uint8)).save(path)
    torch.manual_seed(0)
    load_model("lia", "untrained", device="cpu").save_pretrained(folder / "lia")


def commands_on(folder: Path) -> dict[str, list[str]]:
    """Arguments by what the table calls the command."""
    animate = ["animate", f"lia@{folder / 'lia'}", "--no-crop", "--source", f"{folder / 'still.png'}"]
    animate += ["--driving", f"{folder / 'video'}", "--output", f"{folder / 'result.mp4'}", "--device", "cpu"]
    return {
        "`lia-bench --help`": ["--help"],
        "`evaluate --help`": ["evaluate", "--help"],
        "`leaderboard --published`": ["leaderboard", "--published"],
        "`metrics list`": ["metrics", "list"],
        "`animate`, LIA at 256, one frame": animate,
    }


def cost(arguments: list[str]) -> tuple[float, float]:
    """Seconds of processor time, and peak memory in MiB, of a command."""
    process = subprocess.Popen(
        [sys.executable, "-m", "lia_bench", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    errors = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise click.ClickException(f"{' '.join(arguments)}: {errors}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * KIBIBYTE / MEBIBYTE


if __name__ == "__main__":
    if sys.argv[1:2] == ["--prepare"]:
        prepare(Path(sys.argv[2]))
    else:
        main()
