"""How the sample heads move: pose, gaze, blinks, brows and mouth, frame by frame, and where that moves the marks.

All people share one repertoire; a clip draws its own path through it.
"""

from dataclasses import dataclass, fields

import numpy as np
from scipy.interpolate import CubicSpline

from lia_bench.core.sample_marks import MARKS
from lia_bench.preprocessing.recipes.sample.identities import Identity, random_generator

FRAMES_PER_SECOND = 25
FRAMES_BETWEEN_POSES = 11
FRAMES_BETWEEN_SYLLABLES = 5


@dataclass(frozen=True)
class Motion:
    """One value a frame, each (frames,).

    Attributes:
        yaw, pitch, roll: radians; positive turns the face to the picture's right, downwards, and clockwise.
        across, down: where the head is, as a fraction of its reach, in [-1, 1].
        size: factor on the head's size in the picture.
        gaze_across, gaze_down: in [-1, 1].
        lids: 1 open, 0 closed.
        brows: -1 frowning, 1 raised.
        jaw: 0 closed, 1 wide open.
        smile: -1 corners down, 1 corners up and out.
    """

    yaw: np.ndarray
    pitch: np.ndarray
    roll: np.ndarray
    across: np.ndarray
    down: np.ndarray
    size: np.ndarray
    gaze_across: np.ndarray
    gaze_down: np.ndarray
    lids: np.ndarray
    brows: np.ndarray
    jaw: np.ndarray
    smile: np.ndarray


def draw_motion(seed: int, index: int, frames: int) -> Motion:
    """The motion of clip number `index`: `frames` frames at 25 per second."""
    rng = random_generator(seed, index, "motion")

    def path(reach: float, spacing: int = FRAMES_BETWEEN_POSES) -> np.ndarray:
        return reach * _smooth_path(rng, frames, spacing)

    across = path(1.0)
    return Motion(
        yaw=path(0.32),
        pitch=path(0.16),
        roll=0.6 * path(0.18) + 0.06 * across,
        across=across,
        down=path(1.0),
        size=1.0 + path(0.06),
        gaze_across=path(1.0, 9),
        gaze_down=path(0.8, 9),
        lids=_blinks(rng, frames),
        brows=path(1.0, 9),
        jaw=_speech(rng, frames),
        smile=path(1.0, 12),
    )


def _smooth_path(rng: np.random.Generator, frames: int, spacing: int) -> np.ndarray:
    """A smooth curve in [-1, 1] that swings to another side about every `spacing` frames."""
    count = frames // spacing + 4
    size = rng.uniform(0.35, 1.0, count)
    swing = np.where(np.arange(count) % 2 == rng.integers(2), 1.0, -1.0)
    # One time in four it stays on its side: pure alternation would be a metronome.
    swing = np.where(rng.random(count) < 0.25, -swing, swing)
    curve = CubicSpline((np.arange(count) - 1 - rng.random()) * spacing, size * swing)(np.arange(frames))
    return np.clip(curve, -1.0, 1.0)


def _blinks(rng: np.random.Generator, frames: int) -> np.ndarray:
    time = np.arange(frames)
    lids = np.ones(frames)
    moment = rng.uniform(5, 16)
    while moment < frames:
        lids = np.minimum(lids, np.clip(np.abs(time - moment) / 2.5, 0.0, 1.0) ** 1.5)
        moment += rng.uniform(16, 34)
    return lids


def _speech(rng: np.random.Generator, frames: int) -> np.ndarray:
    count = frames // FRAMES_BETWEEN_SYLLABLES + 4
    opening = np.where(np.arange(count) % 2 == 0, rng.uniform(0.0, 0.15, count), rng.uniform(0.3, 1.0, count))
    times = (np.arange(count) - 1 - rng.random()) * FRAMES_BETWEEN_SYLLABLES
    return np.clip(CubicSpline(times, opening)(np.arange(frames)), 0.0, 1.0)


MOUTH_HEIGHT = 0.58
AVERAGE_MOUTH_WIDTH = 0.22


@dataclass(frozen=True)
class Expression:
    """One frame of a Motion's face: gaze, lids, brows, jaw and smile as there."""

    gaze_across: float
    gaze_down: float
    lids: float
    brows: float
    jaw: float
    smile: float

    @classmethod
    def of(cls, motion: Motion, moment: int) -> "Expression":
        """The face at frame `moment`."""
        return cls(**{field.name: float(getattr(motion, field.name)[moment]) for field in fields(cls)})

    @property
    def opening(self) -> float:
        """Half the height of the open mouth."""
        return 0.004 + 0.062 * self.jaw

    def mouth_width(self, identity: Identity) -> float:
        """Half the width of the mouth."""
        return identity.mouth_width * (1 + 0.13 * self.smile - 0.10 * self.jaw)

    @property
    def corner_lift(self) -> float:
        """How far the corners of the mouth are above its middle."""
        return 0.045 * self.smile


def mark_anchors(identity: Identity, expression: Expression) -> np.ndarray:
    """(N, 2) x, y of every mark on the frontal plane, in the order of MARKS."""
    spread = expression.mouth_width(identity) - AVERAGE_MOUTH_WIDTH
    corner_drop = 0.5 * expression.opening - expression.corner_lift
    moves = {
        "left brow": (0.0, -0.065 * expression.brows),
        "right brow": (0.0, -0.065 * expression.brows),
        "left cheek": (0.0, -0.02 * expression.smile),
        "right cheek": (0.0, -0.02 * expression.smile),
        "left mouth corner": (-spread, corner_drop),
        "right mouth corner": (spread, corner_drop),
    }
    return np.array([np.add(mark.place[:2], moves.get(mark.name, (0.0, 0.0))) for mark in MARKS])
