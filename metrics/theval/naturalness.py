"""THEval's naturalness: how much lips and brows move, how lively and smoothly a head turns, and how far it wanders.

The angles of the head are those of the matrix that MediaPipe's landmarker fits its average face with, and its box is
that of the points; the authors take FaceXFormer's and RetinaFace's.
"""

import math

import numpy as np
from numpy.typing import NDArray

from lia_bench.metrics.extractors.mediapipe_landmarks import FACES, POSE
from lia_bench.metrics.theval.video_metric import (
    LEFT_BROW,
    LEFT_EYE,
    LIPS,
    NO_FACE,
    RIGHT_BROW,
    RIGHT_EYE,
    SIDE,
    SMALLEST_DISTANCE,
    FaceMetric,
    Floats,
    VideoFacts,
    VideoScore,
    counted,
    found,
    scaled,
)

FEWEST_FRAMES = 2
FRAMES_OF_A_CHANGE = 3
"""From so many frames on the changes of an angle have a variance that is not 0 by itself."""


def lip_dynamics(points: Floats) -> float | None:
    """Mean over the 780 pairs of lip points of the standard deviation over frames of their distance.

    Args:
        points: (T, 478, 2) in 1/256 of width and height, the unit of the value.

    Returns:
        the value, which is not divided by the size of the face; None without a face.
    """
    lips = points[found(points)][:, LIPS]
    if not len(lips):
        return None
    deviations = [
        np.linalg.norm(lips[:, place + 1 :] - lips[:, place, None], axis=2).std(axis=0)
        for place in range(len(LIPS) - 1)
    ]
    return float(np.concatenate(deviations).mean())


class LipDynamics(FaceMetric):
    """Of all frames with a face; a video of one is still, which is 0."""

    def measure(self, points: Floats, rows: NDArray[np.float32], video: VideoFacts) -> VideoScore:
        """See `FaceMetric.measure`."""
        every = np.ones(len(points), dtype=bool)
        return counted(lip_dynamics(scaled(points, SIDE, SIDE)), found(points), every, NO_FACE)


def eyebrow_dynamics(points: Floats) -> float | None:
    """Mean change, from each frame to the next with a face, of the distances of brow and eye, both sides alike.

    Args:
        points: (T, 478, 2) in pixels.

    Returns:
        the change in distances of both eyes a frame (not a second); None with fewer than two frames with a face.
    """
    left_brow, left_eye, right_brow, right_eye = (
        points[:, part].mean(axis=1) for part in (LEFT_BROW, LEFT_EYE, RIGHT_BROW, RIGHT_EYE)
    )
    eyes = np.linalg.norm(left_eye - right_eye, axis=1)
    seen = eyes >= SMALLEST_DISTANCE
    sides = [np.linalg.norm(left_brow - left_eye, axis=1), np.linalg.norm(right_brow - right_eye, axis=1)]
    heights = np.stack(sides, axis=1)[seen] / eyes[seen, None]
    return float(np.abs(np.diff(heights, axis=0)).mean()) if len(heights) >= FEWEST_FRAMES else None


class EyebrowDynamics(FaceMetric):
    """Of all frames with a face, each against the last one that had one."""

    def measure(self, points: Floats, rows: NDArray[np.float32], video: VideoFacts) -> VideoScore:
        """See `FaceMetric.measure`."""
        every = np.ones(len(points), dtype=bool)
        value = eyebrow_dynamics(scaled(points, video.width, video.height))
        return counted(value, found(points), every, "fewer than two frames with a face")


def head_motion(angles: Floats, centres: Floats) -> float | None:
    """Root of A B + T: A the mean standard deviation of the angles, B the mean variance of their changes, T of places.

    Args:
        angles: (F, 3) pitch, yaw and roll in degrees, of the frames with a face in their order.
        centres: (F, 2) the middle of the face's box in pixels, whose variances T usually decide.

    Returns:
        the value, of mixed unit; None without a frame.
    """
    if not len(angles):
        return None
    spread = angles.std(axis=0).mean()
    changes = np.diff(angles, axis=0).var(axis=0).mean() if len(angles) >= FRAMES_OF_A_CHANGE else 0.0
    return math.sqrt(spread * changes + centres.var(axis=0).mean())


def euler_angles(rotations: Floats) -> Floats:
    """(F, 3) pitch, yaw and roll in degrees of rotations (F, 3, 3), which are Rz(roll) Ry(yaw) Rx(pitch)."""
    pitch = np.arctan2(rotations[:, 2, 1], rotations[:, 2, 2])
    yaw = np.arcsin(np.clip(-rotations[:, 2, 0], -1, 1))
    roll = np.arctan2(rotations[:, 1, 0], rotations[:, 0, 0])
    angles: Floats = np.degrees(np.stack([pitch, yaw, roll], axis=1))
    return angles


class HeadMotion(FaceMetric):
    """Of all frames with a face; those without are skipped, which the authors intend, and their script fails at."""

    def measure(self, points: Floats, rows: NDArray[np.float32], video: VideoFacts) -> VideoScore:
        """See `FaceMetric.measure`."""
        faces = found(points)
        angles = euler_angles(FACES.part(rows, POSE)[faces, :3, :3].astype(np.float64))
        pixels = scaled(points[faces], video.width, video.height)
        centres = (pixels.min(axis=1) + pixels.max(axis=1)) / 2
        return counted(head_motion(angles, centres), faces, np.ones(len(points), dtype=bool), NO_FACE)
