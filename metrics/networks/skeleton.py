"""From confidence maps and part affinity fields to the joints of persons.

Source: Cao, Simon, Wei and Sheikh, Realtime Multi-Person 2D Pose Estimation using Part Affinity Fields, CVPR 2017,
sections 2.2 to 2.4. Orders and constants are those of `tensorboy/pytorch_Realtime_Multi-Person_Pose_Estimation`, which
the published evaluation script of AKD runs, and of its weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

JOINTS = (
    "nose",
    "neck",
    "right shoulder",
    "right elbow",
    "right wrist",
    "left shoulder",
    "left elbow",
    "left wrist",
    "right hip",
    "right knee",
    "right ankle",
    "left hip",
    "left knee",
    "left ankle",
    "right eye",
    "left eye",
    "right ear",
    "left ear",
)
"""In the order of the confidence maps; the map behind them is the background's."""


class Limb(NamedTuple):
    """Two joints that belong together, and where their part affinity field is.

    Attributes:
        start: its first joint, a place in `JOINTS`.
        end: the joint that its field points to.
        channel: of the field's x; y is the channel behind it.
    """

    start: int
    end: int
    channel: int


LIMBS = (
    Limb(1, 2, 12),
    Limb(1, 5, 20),
    Limb(2, 3, 14),
    Limb(3, 4, 16),
    Limb(5, 6, 22),
    Limb(6, 7, 24),
    Limb(1, 8, 0),
    Limb(8, 9, 2),
    Limb(9, 10, 4),
    Limb(1, 11, 6),
    Limb(11, 12, 8),
    Limb(12, 13, 10),
    Limb(1, 0, 28),
    Limb(0, 14, 30),
    Limb(14, 16, 34),
    Limb(0, 15, 32),
    Limb(15, 17, 36),
    Limb(2, 16, 18),
    Limb(5, 17, 26),
)
"""In the order in which persons are put together."""

SHOULDERS_TO_EARS = LIMBS[17:]
"""They only complete persons: without an eye or the neck between them they are no sign of one."""

PEAK_THRESHOLD = 0.1
PEAK_REACH = 2
SAMPLES = 10
SAMPLE_THRESHOLD = 0.05
AGREEING_SHARE = 0.8
FEWEST_JOINTS = 4
LOWEST_MEAN_SCORE = 0.4


@dataclass(frozen=True, eq=False)
class Peak:
    """A maximum of a confidence map; compared by identity, as two may have moved to one pixel.

    Attributes:
        x: its column in pixels.
        y: its row in pixels.
        height: the map's value there.
    """

    x: int
    y: int
    height: float


class Connection(NamedTuple):
    """Two peaks that a limb joins, and how well its field agrees."""

    start: Peak
    end: Peak
    score: float


@dataclass
class Person:
    """Peaks that limbs join.

    Attributes:
        joints: a peak each, by place in `JOINTS`.
        score: heights of its peaks and scores of the limbs that brought them in.
    """

    joints: dict[int, Peak]
    score: float


def find_peaks(confidence: NDArray[np.floating]) -> list[list[Peak]]:
    """The peaks of each joint's map, from the top row to the bottom row, and from left to right.

    A peak is a pixel above 0.1 and not below its four neighbours; it then moves to the highest of the 5x5 pixels about
    it.

    Args:
        confidence: (18, H, W), or (19, H, W) with the background behind.
    """
    return [_peaks_of(heatmap) for heatmap in confidence[: len(JOINTS)]]


def _peaks_of(heatmap: NDArray[np.floating]) -> list[Peak]:
    padded = np.pad(heatmap, 1, constant_values=-np.inf)
    above, below, left, right = padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]
    highest_neighbour = np.maximum(np.maximum(above, below), np.maximum(left, right))
    found = np.argwhere((heatmap >= highest_neighbour) & (heatmap > PEAK_THRESHOLD))
    return [_highest_about(heatmap, int(row), int(column)) for row, column in found]


def _highest_about(heatmap: NDArray[np.floating], row: int, column: int) -> Peak:
    top, left = max(row - PEAK_REACH, 0), max(column - PEAK_REACH, 0)
    window = heatmap[top : row + PEAK_REACH + 1, left : column + PEAK_REACH + 1]
    down, across = np.unravel_index(np.argmax(window), window.shape)
    return Peak(left + int(across), top + int(down), float(window[down, across]))


def limb_score(start: Peak, end: Peak, field: NDArray[np.floating]) -> float | None:
    """How well a limb's field agrees with a line from one peak to another.

    The mean over ten points of the field's component along the line (section 2.3), less a penalty for lines longer than
    half the picture's height.

    Args:
        start: where the line begins.
        end: where it ends.
        field: (2, H, W), x and y.

    Returns:
        More than 0; None where no limb joins the two: at two or more of the points the field is not above 0.05, or
        the score is not above 0.
    """
    line = np.array([end.x - start.x, end.y - start.y], dtype=float)
    length = np.linalg.norm(line)
    if length == 0:
        return None
    rows = np.rint(np.linspace(start.y, end.y, SAMPLES)).astype(int)
    columns = np.rint(np.linspace(start.x, end.x, SAMPLES)).astype(int)
    along = line @ field[:, rows, columns] / length
    score = float(along.mean() + min(0.5 * field.shape[1] / length - 1, 0))
    agrees = np.count_nonzero(along > SAMPLE_THRESHOLD) > AGREEING_SHARE * SAMPLES
    return score if agrees and score > 0 else None


def connect(starts: Sequence[Peak], ends: Sequence[Peak], field: NDArray[np.floating]) -> list[Connection]:
    """Limbs of one kind: pairs of peaks from the best downwards, no peak twice (section 2.4).

    Args:
        starts: peaks of the limb's first joint.
        ends: peaks of its second joint.
        field: (2, H, W), the limb's.
    """
    scored = ((start, end, limb_score(start, end, field)) for start in starts for end in ends)
    candidates = [Connection(start, end, score) for start, end, score in scored if score is not None]
    taken: set[Peak] = set()
    connections = []
    for candidate in sorted(candidates, key=lambda connection: connection.score, reverse=True):
        if taken.isdisjoint((candidate.start, candidate.end)):
            taken |= {candidate.start, candidate.end}
            connections.append(candidate)
    return connections


def group_into_persons(peaks: Sequence[Sequence[Peak]], fields: NDArray[np.floating]) -> list[Person]:
    """Persons with at least four joints and a mean score per joint of at least 0.4, in the order found.

    Args:
        peaks: of each of the 18 joints.
        fields: (38, H, W), part affinity fields.
    """
    persons: list[Person] = []
    for limb in LIMBS:
        field = fields[limb.channel : limb.channel + 2]
        for connection in connect(peaks[limb.start], peaks[limb.end], field):
            _assign(limb, connection, persons)
    return [
        person
        for person in persons
        if len(person.joints) >= FEWEST_JOINTS and person.score / len(person.joints) >= LOWEST_MEAN_SCORE
    ]


def _assign(limb: Limb, connection: Connection, persons: list[Person]) -> None:
    ends = {limb.start: connection.start, limb.end: connection.end}
    holders = [person for person in persons if any(person.joints.get(joint) is peak for joint, peak in ends.items())]
    match holders:
        case []:
            if limb not in SHOULDERS_TO_EARS:
                persons.append(Person(ends, connection.score + sum(peak.height for peak in ends.values())))
        case [person]:
            lacking = {joint: peak for joint, peak in ends.items() if joint not in person.joints}
            if lacking:
                person.joints |= lacking
                person.score += connection.score + sum(peak.height for peak in lacking.values())
        case [first, second]:
            if first.joints.keys().isdisjoint(second.joints):
                first.joints |= second.joints
                first.score += connection.score + second.score
                persons.remove(second)


def last_of_each_joint(peaks: Sequence[Sequence[Peak]]) -> NDArray[np.float32]:
    """The published script's table: every peak in the order found, a later one in place of an earlier one.

    The script leaves the grouping aside, so that of several peaks of a joint the lowest in the picture is left, whoever
    it belongs to.

    Args:
        peaks: of each of the 18 joints.

    Returns:
        (18, 2) x, y in pixels, NaN for a joint without a peak.
    """
    return _table({joint: found[-1] for joint, found in enumerate(peaks) if found})


def most_complete(persons: Sequence[Person]) -> NDArray[np.float32]:
    """Joints of the person with the most joints, and of several such of the one with the highest score.

    Returns:
        (18, 2) x, y in pixels, NaN for a joint that this person lacks; all NaN where there is nobody.
    """
    if not persons:
        return _table({})
    return _table(max(persons, key=lambda person: (len(person.joints), person.score)).joints)


def _table(joints: dict[int, Peak]) -> NDArray[np.float32]:
    table = np.full((len(JOINTS), 2), np.nan, dtype=np.float32)
    for joint, peak in joints.items():
        table[joint] = peak.x, peak.y
    return table
