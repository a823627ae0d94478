"""What the toy needs around it: its entry point, and clips of coloured stripes that move."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

REPOSITORY = Path(__file__).parents[4]
FRAMES = 8
SIZE = 16


def write_plug_in(folder: Path) -> None:
    """The metadata of an installed package that registers the toy; `folder` goes on the search path."""
    information = folder / "toy_plug_in-0.1.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-plug-in\nVersion: 0.1\n")
    (information / "entry_points.txt").write_text("[lia_bench.models]\ntoy = tests.models.training.toy:SPECIFICATION\n")


def environment(plug_in: Path) -> dict[str, str]:
    """For a process that shall know the toy."""
    return os.environ | {
        "PYTHONPATH": os.pathsep.join([str(plug_in), str(REPOSITORY)]),
        "OMP_NUM_THREADS": "1",
    }


def write_stripes(folder: Path, train: int = 6, test: int = 3) -> Path:
    """A folder of strips (frames side by side), each a clip of stripes in two colours that move steadily."""
    random = np.random.default_rng(1)
    for partition, count in (("train", train), ("test", test)):
        (folder / partition).mkdir(parents=True)
        for number in range(count):
            write_strip(folder / partition / f"person{number // 2}#clip{number}.png", random)
    return folder


def write_strip(path: Path, random: np.random.Generator) -> None:
    """One clip."""
    colours = random.integers(0, 256, (2, 3))
    width = random.integers(3, 6)
    columns = np.arange(SIZE)
    frames = [
        np.broadcast_to(colours[(columns + shift) // width % 2], (SIZE, SIZE, 3)).astype(np.uint8)
        for shift in range(FRAMES)
    ]
    Image.fromarray(np.hstack(frames)).save(path)
