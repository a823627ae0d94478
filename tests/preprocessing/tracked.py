"""Footage and detectors of which everything is known, for the tests of tracking."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lia_bench.core.video.reader import Frame
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.detection.detector import Detection


@dataclass
class PlainFootage:
    """Frames that are given as one picture a shot: (picture, how many frames)."""

    shots: Sequence[tuple[Frame, int]]
    fps: float = 25.0
    path: Path = Path("video.mp4")

    def __post_init__(self) -> None:
        self.frames = sum(length for _, length in self.shots)
        self.height, self.width = self.shots[0][0].shape[:2]
        self.read: list[int] = []

    def square_frame(self, index: int) -> Frame:
        self.read.append(index)
        for picture, length in self.shots:
            if index < length:
                return picture
            index -= length
        raise IndexError(index)


class ScriptedDetector:
    """Sees in successive frames what it was told; keeps what it was shown."""

    def __init__(self, script: Iterable[Sequence[Detection | Box]]) -> None:
        self.script = iter(script)
        self.batches: list[int] = []
        self.shapes: set[tuple[int, ...]] = set()

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        self.batches.append(len(frames))
        self.shapes |= {frame.shape for frame in frames}
        return [[_detection(seen) for seen in next(self.script)] for _ in frames]


def _detection(seen: Detection | Box) -> Detection:
    return seen if isinstance(seen, Detection) else Detection(seen, 0.99)


def grey(width: int, height: int, level: int = 90) -> Frame:
    """A frame of one colour."""
    return np.full((height, width, 3), level, np.uint8)


def true_boxes(path: Path) -> list[dict[str, Box]]:
    """For each frame of a table of true boxes: the box of each subject."""
    frames: list[dict[str, Box]] = []
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            while len(frames) <= int(row["frame"]):
                frames.append({})
            frames[int(row["frame"])][row["subject"]] = Box(
                *(float(row[side]) for side in ("left", "top", "right", "bottom"))
            )
    return frames
