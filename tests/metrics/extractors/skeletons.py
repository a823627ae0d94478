"""Confidence maps and part affinity fields drawn from known joints, as a perfect network would give them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lia_bench.metrics.networks.skeleton import JOINTS, LIMBS

Point = tuple[float, float]

STANDING: dict[int, Point] = {
    0: (60, 20),
    1: (60, 40),
    2: (44, 42),
    3: (36, 62),
    4: (32, 80),
    5: (76, 42),
    6: (84, 62),
    7: (88, 80),
    8: (50, 84),
    9: (48, 108),
    10: (47, 132),
    11: (70, 84),
    12: (72, 108),
    13: (74, 132),
    14: (54, 14),
    15: (66, 14),
    16: (46, 18),
    17: (74, 18),
}
"""One person in 120 x 150 pixels, seen from the front: the right side of the body is on the left."""

SIGMA = 4.0
LIMB_RADIUS = 3.0


def moved(joints: Mapping[int, Point], right: float, down: float) -> dict[int, Point]:
    """The same person elsewhere."""
    return {joint: (x + right, y + down) for joint, (x, y) in joints.items()}


def table(joints: Mapping[int, Point]) -> NDArray[np.float64]:
    """(18, 2) x, y, NaN for a joint that is not there."""
    return np.array([joints.get(joint, (np.nan, np.nan)) for joint in range(len(JOINTS))])


def draw(*persons: Mapping[int, Point], height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Confidence maps (19, height, width) and fields (38, height, width), the sum over persons of what each gives."""
    rows, columns = np.mgrid[:height, :width]
    confidence = np.zeros((len(JOINTS) + 1, height, width))
    fields = np.zeros((2 * len(LIMBS), height, width))
    for joints in persons:
        for joint, (x, y) in joints.items():
            blob = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * SIGMA**2))
            confidence[joint] = np.maximum(confidence[joint], blob)
        for limb in LIMBS:
            if limb.start in joints and limb.end in joints:
                start, end = np.array(joints[limb.start]), np.array(joints[limb.end])
                length = np.linalg.norm(end - start)
                direction = (end - start) / length
                along = (columns - start[0]) * direction[0] + (rows - start[1]) * direction[1]
                aside = np.abs((columns - start[0]) * direction[1] - (rows - start[1]) * direction[0])
                on_limb = (along >= -LIMB_RADIUS) & (along <= length + LIMB_RADIUS) & (aside <= LIMB_RADIUS)
                fields[limb.channel : limb.channel + 2] += direction[:, None, None] * on_limb
    confidence[-1] = 1 - confidence[:-1].max(axis=0)
    return confidence, fields
