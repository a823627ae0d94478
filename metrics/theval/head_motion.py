"""Head motion: how lively and how smoothly a head turns, and how far it wanders.

The angles are those of the matrix that MediaPipe's landmarker fits its average face with, and the box is that of its
points; the authors take FaceXFormer's and RetinaFace's.
"""

import math

import numpy as np
from numpy.typing import NDArray

from lia_bench.metrics.extractors.mediapipe_face import EXTRACTOR, POSE
from lia_bench.metrics.theval.faces import Floats, found, scaled
from lia_bench.metrics.theval.video_metric import NO_FACE, FaceMetric, VideoFacts, VideoScore, counted

FRAMES_OF_A_CHANGE = 3
"""From so many frames on the changes of an angle have a variance that is not 0 by itself."""


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
        angles = euler_angles(EXTRACTOR.part(rows, POSE)[faces, :3, :3].astype(np.float64))
        pixels = scaled(points[faces], video.width, video.height)
        centres = (pixels.min(axis=1) + pixels.max(axis=1)) / 2
        return counted(head_motion(angles, centres), faces, np.ones(len(points), dtype=bool), NO_FACE)
