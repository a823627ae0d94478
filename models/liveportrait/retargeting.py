"""Stitching and retargeting: small networks that shift the driving points (LivePortrait sections 3.2 and 3.3).

And how far eyes and lips are open, which they are told, from landmarks of the face.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from lia_bench.core.errors import InputError
from lia_bench.models.liveportrait.face_landmarks import LEFT_EYE, LIPS, RIGHT_EYE, authors_landmarks, face_landmarks

STITCHING_WIDTHS = (128, 128, 64)
LIP_WIDTHS = (128, 128, 64)
EYE_WIDTHS = (256, 256, 128, 128, 64)
# Lips that are apart by less than this share of their width are taken for closed.
LIPS_APART = 0.03


@dataclass(frozen=True)
class Openings:
    """How far eyes and lips are open: the gap between the lids or lips over the eye's or mouth's width.

    Attributes:
        eyes: (B, 2), the left and the right one as seen in the picture.
        lips: (B,).
    """

    eyes: Tensor
    lips: Tensor

    def expanded(self, count: int) -> "Openings":
        """Of one frame for `count` frames."""
        return Openings(self.eyes.expand(count, -1), self.lips.expand(count))


class Retargeting(nn.Module):
    """Three networks on flattened points: stitching, lips and eyes."""

    def __init__(self, points: int) -> None:
        super().__init__()
        coordinates = 3 * points
        self.stitching = _perceptron(2 * coordinates, STITCHING_WIDTHS, coordinates + 2)
        self.lips = _perceptron(coordinates + 2, LIP_WIDTHS, coordinates)
        self.eyes = _perceptron(coordinates + 3, EYE_WIDTHS, coordinates)

    def trained(self) -> bool:
        """Whether there is anything in them: the base networks are published and trained without."""
        lasts = (network[-1] for network in (self.stitching, self.lips, self.eyes))
        return any(bool(parameter.any()) for last in lasts for parameter in last.parameters())

    def stitched(self, source: Tensor, driving: Tensor) -> Tensor:
        """Driving points (B, K, 3) shifted so that the shoulders stay where the source's points (B, K, 3) say."""
        return shifted(driving, self.stitching(joined(source, driving)))

    def lip_offsets(self, source: Tensor, opening: Tensor, wanted: Tensor) -> Tensor:
        """Offsets (B, K, 3) that open the source's lips as `wanted`; openings (B,) as `Openings.lips`."""
        return offsets_of(self.lips(joined(source, opening, wanted)))

    def eye_offsets(self, source: Tensor, openings: Tensor, wanted: Tensor) -> Tensor:
        """Offsets (B, K, 3) that open both eyes as `wanted` (B,); `openings`: the source's left and right, (B, 2)."""
        return offsets_of(self.eyes(joined(source, openings, wanted)))

    def opened(self, source: Tensor, own: Openings, eyes: Tensor, lips: Tensor) -> Tensor:
        """Offsets (N, K, 3) that open a source's eyes and lips further by amounts (N,) than they are open.

        What the networks give for the wanted opening, less what they give for the one there is, so that amounts of 0
        shift nothing. `source`: points (1, K, 3).
        """
        count = len(eyes)
        points, own = source.expand(count, -1, -1), own.expanded(count)
        eyes_now, lips_now = own.eyes.mean(dim=1), own.lips
        eyes_wanted, lips_wanted = (eyes_now + eyes).clamp(min=0), (lips_now + lips).clamp(min=0)
        by_eyes = self.eye_offsets(points, own.eyes, eyes_wanted) - self.eye_offsets(points, own.eyes, eyes_now)
        by_lips = self.lip_offsets(points, lips_now, lips_wanted) - self.lip_offsets(points, lips_now, lips_now)
        return by_eyes + by_lips


def joined(*given: Tensor) -> Tensor:
    """What a network of `Retargeting` sees: points, then openings, (B, ...) each, in one row, (B, N)."""
    return torch.cat([value.flatten(1) if value.ndim > 1 else value[:, None] for value in given], dim=1)


def offsets_of(numbers: Tensor) -> Tensor:
    """What a retargeting network puts out, as offsets (B, K, 3)."""
    offsets: Tensor = numbers.unflatten(1, (-1, 3))
    return offsets


def shifted(points: Tensor, numbers: Tensor) -> Tensor:
    """Points (B, K, 3) moved by what the stitching network puts out: an offset each, and x and y for all together."""
    together = nn.functional.pad(numbers[:, -2:], (0, 1))
    return points + offsets_of(numbers[:, :-2]) + together[:, None]


def _perceptron(inputs: int, widths: Sequence[int], outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for pair in pairwise((inputs, *widths, outputs)):
        layers += [nn.Linear(*pair), nn.ReLU()]
    # Where nothing is trained, nothing is shifted.
    for parameter in layers[-2].parameters():
        nn.init.zeros_(parameter)
    return nn.Sequential(*layers[:-1])


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
