"""How far eyes and lips are open, from landmarks of the face: MediaPipe's, or those of the authors' own network."""

from typing import Literal

import torch
from torch import Tensor

from lia_bench.core.errors import InputError
from lia_bench.models.liveportrait.authors_landmarks import authors_landmarks
from lia_bench.models.liveportrait.face_landmarks import LEFT_EYE, LIPS, RIGHT_EYE, face_landmarks
from lia_bench.models.liveportrait.retargeting import Openings

# Of the authors' 203 points: upper and lower lid or lip, then the corners.
AUTHORS_LEFT_EYE = (6, 18, 0, 12)
AUTHORS_RIGHT_EYE = (30, 42, 24, 36)
AUTHORS_LIPS = (90, 102, 48, 66)


def openings_of(frames: Tensor, by: Literal["mediapipe", "authors"] = "mediapipe") -> Openings:
    """Openings of faces in frames (B, 3, S, S) in [0, 1].

    The authors read them off 203 landmarks of a network of their own; ratios of the same lids and corners of
    MediaPipe's mesh differ from theirs by what the landmarks differ.

    Raises:
        InputError: a frame without a face.
        MissingWeightsError: the landmarker's weights, or the authors' network, are not here.
        CheckpointError: they are damaged or of another network.
    """
    landmarks = face_landmarks().of(frames)
    if landmarks.isnan().any():
        raise InputError(
            "no face is found in a frame, so that nobody knows how far its eyes and lips are open: "
            "crop to the face, or leave retargeting out"
        )
    if by == "authors":
        points = authors_landmarks().of(frames, landmarks)
        return _openings(points, AUTHORS_LEFT_EYE, AUTHORS_RIGHT_EYE, AUTHORS_LIPS)
    return mesh_openings(landmarks)


def mesh_openings(landmarks: Tensor) -> Openings:
    """Of MediaPipe's landmarks (B, 478, 2) of square frames; NaN where these are."""
    return _openings(landmarks, LEFT_EYE, RIGHT_EYE, LIPS)


Places = tuple[int, int, int, int]


def _openings(points: Tensor, left: Places, right: Places, lips: Places) -> Openings:
    eyes = torch.stack([_opening(points, places) for places in (left, right)], dim=1)
    return Openings(eyes, _opening(points, lips))


def _opening(points: Tensor, places: Places) -> Tensor:
    """|upper - lower| / |corner - corner| of points (B, N, 2): (B,)."""
    upper, lower, corner, other = points[:, list(places)].unbind(dim=1)
    opening: Tensor = (upper - lower).norm(dim=1) / ((corner - other).norm(dim=1) + 1e-6)
    return opening
