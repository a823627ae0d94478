"""A video as the source: the driver's motion, smoothed over the clip, on the motion that the source has itself."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lia_bench.core.errors import InputError
from lia_bench.models.blocks.head_pose import HeadAngles
from lia_bench.models.liveportrait.configuration import MotionConfiguration
from lia_bench.models.liveportrait.motion_extractor import PortraitMotion, frame_points
from lia_bench.models.liveportrait.retargeting import Openings, Retargeting
from lia_bench.models.liveportrait.transfer import ABSOLUTE_EXPRESSION, Transfer, chosen_coordinates, whole_points

MODES = ("relative", "absolute")
# Variances of the smoother, as in the authors' code.
OF_MOTION = 1e-5
OF_OBSERVATION = 3e-7
OF_START = 1.0
# Eyes that are less open than the first, in the first frame, are kept as open as the second says.
NEARLY_SHUT = 0.18
AWAKE = 0.39


@dataclass(frozen=True)
class VideoTransfer:
    """How every frame of a source video is moved; T frames in the fields.

    Attributes:
        mode: one of MODES.
        source: the source's own motion.
        rotation: (T, 3, 3), smoothed.
        expression: (T, K, 3), smoothed, of which a part is taken.
        translation: (T, 3).
        options: what is moved, and by which networks.
    """

    mode: str
    source: PortraitMotion
    rotation: Tensor
    expression: Tensor
    translation: Tensor
    options: MotionConfiguration

    @classmethod
    def of(
        cls, mode: str, source: PortraitMotion, driving: PortraitMotion, options: MotionConfiguration
    ) -> "VideoTransfer":
        """Of as many frames as the shorter of both has."""
        count = min(len(source.scale), len(driving.scale))
        source, driving = source.rows(slice(count)), driving.rows(slice(count))
        rotation, expression, translation = driving.rotation, driving.expression, driving.translation
        if mode == "relative":
            rotation = rotation @ rotation[:1].transpose(1, 2) @ source.rotation
            expression = source.expression + expression - expression[:1]
            translation = source.translation
        return cls(mode, source, smoothed(rotation), smoothed(expression), translation, options)

    def points(
        self,
        rows: slice,
        retargeting: Retargeting,
        own: Openings | None,
        wanted: Openings | None,
        eyes: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Points (B, K, 3) of some of the source's frames, and those that they are to take.

        Args:
            rows: of the frames.
            own, wanted: openings of these frames and of the driving ones, where the options ask for them.
            eyes: the opening (1,) that the source's eyes keep; None leaves them.
        """
        source, region = self.source.rows(rows), self.options.region
        rotation, translation, expression = source.rotation, source.translation, source.expression
        if region in ("all", "pose"):
            rotation, translation = self.rotation[rows], self.translation[rows]
        if region != "pose":
            taken = ABSOLUTE_EXPRESSION if region in ("all", "expression") else whole_points(region)
            expression = torch.where(chosen_coordinates(expression, taken), self.expression[rows], expression)
        moved = frame_points(source.canonical, rotation, expression, translation, source.scale)
        # Lips are closed in still sources alone.
        options = self.options.model_copy(update={"normalize_lips": False})
        transfer = Transfer(self.mode, source, source, options, own)
        kept = None if eyes is None else eyes.expand(len(moved))
        return source.points(), transfer.finished(moved, retargeting, wanted, kept)


def check_mode(mode: str) -> None:
    """Raise InputError for a transfer mode that a source video is not moved by."""
    if mode not in MODES:
        raise InputError(f"a source video is moved by {' or '.join(MODES)} transfer, not by {mode}")


def kept_opening(first: Openings) -> Tensor:
    """The opening (1,) that the eyes of a source video keep, from its first frame's."""
    mean = first.eyes.mean(dim=1)
    return torch.where(mean < NEARLY_SHUT, torch.full_like(mean, AWAKE), mean)


def smoothed(values: Tensor) -> Tensor:
    """A sequence (T, ...) seen through noise, each number a random walk (Kalman filter; Rauch, Tung and Striebel 1965).

    The walk begins at the first value. All numbers share their variances, so that one gain does for all.
    """
    means, spreads = [values[0]], [OF_START * OF_OBSERVATION / (OF_START + OF_OBSERVATION)]
    for value in values[1:]:
        predicted = spreads[-1] + OF_MOTION
        gain = predicted / (predicted + OF_OBSERVATION)
        means.append(means[-1] + gain * (value - means[-1]))
        spreads.append((1 - gain) * predicted)
    for index in range(len(means) - 2, -1, -1):
        back = spreads[index] / (spreads[index] + OF_MOTION)
        means[index] = means[index] + back * (means[index + 1] - means[index])
    return torch.stack(means)


def in_one(parts: Sequence[PortraitMotion]) -> PortraitMotion:
    """The motion of frames that were looked at in several batches."""
    canonical, rotation, expression, translation, scale = (
        torch.cat(of) for of in zip(*(part[:5] for part in parts), strict=True)
    )
    angles = HeadAngles(*(torch.cat(of) for of in zip(*(part.angles for part in parts), strict=True)))
    return PortraitMotion(canonical, rotation, expression, translation, scale, angles)
