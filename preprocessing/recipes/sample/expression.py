"""One moment of a sample head's face, and where it moves the marks."""

from dataclasses import dataclass, fields

import numpy as np

from lia_bench.core.sample_marks import MARKS
from lia_bench.preprocessing.recipes.sample.identities import Identity
from lia_bench.preprocessing.recipes.sample.motion import Motion

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
