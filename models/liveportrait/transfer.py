"""From the driving frames' motion to the points that the source is to take (LivePortrait section 3.4).

The source is a picture, or a video whose own motion stays: the driver's is smoothed over the clip and put on it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import torch
from torch import Tensor

from lia_bench.core.errors import InputError
from lia_bench.models.blocks.head_pose import HeadAngles
from lia_bench.models.blocks.small_tensors import on_device_of
from lia_bench.models.liveportrait.configuration import MotionConfiguration, Region
from lia_bench.models.liveportrait.motion_extractor import PortraitMotion, frame_points
from lia_bench.models.liveportrait.retargeting import LIPS_APART, Openings, Retargeting

EVERY_AXIS = (0, 1, 2)
# What the authors' absolute transfer takes of the driving expression: point to axes (x, y, z are 0, 1, 2). The others
# hold the shape of the source's head.
ABSOLUTE_EXPRESSION = {
    **dict.fromkeys((1, 2, 6, *range(11, 21)), EVERY_AXIS),
    3: (1,),
    4: (1,),
    5: (2,),
    8: (2,),
    9: (1, 2),
}
LIP_POINTS = (6, 12, 14, 17, 19, 20)
EYE_POINTS = (11, 13, 15, 16, 18)

MODES = ("relative", "absolute")
# Variances of the smoother, as in the authors' code.
OF_MOTION = 1e-5
OF_OBSERVATION = 3e-7
OF_START = 1.0
# Eyes that are less open than the first, in the first frame, are kept as open as the second says.
NEARLY_SHUT = 0.18
AWAKE = 0.39


@dataclass(frozen=True)
class Transfer:
    """What a clip starts from; batch size 1 in the fields, or that of the driving frames where each has its own source.

    Attributes:
        mode: of LivePortraitAnimator.transfer_modes.
        source: motion of the source.
        first: of the first driving frame; relative transfer alone looks at it.
        options: what is moved, and by which networks.
        openings: the source's; None where the options do not ask for them.
        edited: motion of the source as it was changed by hand, of one or of as many as there are driving frames.
        shift: by how much each point was moved by hand, (1 or B, K, 3).
    """

    mode: str
    source: PortraitMotion
    first: PortraitMotion
    options: MotionConfiguration
    openings: Openings | None = None
    edited: PortraitMotion | None = None
    shift: Tensor | None = None

    def __call__(self, driving: PortraitMotion, retargeting: Retargeting, openings: Openings | None) -> Tensor:
        """Points (B, K, 3) for the source; `openings`: of the driving frames, where the options ask for them."""
        if self.mode == "absolute_paper":
            return driving._replace(canonical=self.source.canonical).points()
        return self.finished(self._moved(driving), retargeting, openings)

    def finished(
        self, points: Tensor, retargeting: Retargeting, openings: Openings | None, eyes: Tensor | None = None
    ) -> Tensor:
        """Moved points (B, K, 3), retargeted, stitched and multiplied as the options say.

        Args:
            openings: of the driving frames, where the options ask for them.
            eyes: the opening (B,) that the source's eyes are to keep; None leaves them.
        """
        source = self.source.points().expand(len(points), -1, -1)
        if self.openings and openings:
            own = self.openings.expanded(len(source))
            points = self._retargeted(source, points, retargeting, own, openings)
        if self.shift is not None:
            points = points + self.shift
        if self._stitches():
            points = retargeting.stitched(source, points)
        if self.openings and self._closes_lips(self.openings):
            own = self.openings.expanded(len(source))
            points = points + retargeting.lip_offsets(source, own.lips, torch.zeros_like(own.lips))
        if self.openings and eyes is not None:
            points = points + retargeting.eye_offsets(source, self.openings.expanded(len(source)).eyes, eyes)
        return source + self.options.multiplier * (points - source)

    def _moved(self, driving: PortraitMotion) -> Tensor:
        """The source's points under the driving motion of the region."""
        source, region = self.edited or self.source, self.options.region
        rotation, translation, scale = source.rotation, source.translation, source.scale
        if region in ("all", "pose"):
            if self.mode == "absolute":
                rotation, translation = driving.rotation, driving.translation
            elif self.mode == "relative":
                rotation = driving.rotation @ self.first.rotation.transpose(1, 2) @ source.rotation
                translation = source.translation + driving.translation - self.first.translation
        if region == "all" and self.mode == "relative":
            scale = source.scale * driving.scale / self.first.scale
        return frame_points(source.canonical, rotation, self._expression(driving), translation, scale)

    def _expression(self, driving: PortraitMotion) -> Tensor:
        own, region = self.source.expression, self.options.region
        if region == "pose":
            return own
        if self.mode == "absolute":
            taken = ABSOLUTE_EXPRESSION if region in ("all", "expression") else whole_points(region)
            return torch.where(chosen_coordinates(own, taken), driving.expression, own)
        changed = own + driving.expression - self._rest(driving)
        return torch.where(chosen_coordinates(own, whole_points(region)), changed, own)

    def _rest(self, driving: PortraitMotion) -> Tensor:
        """The expression (1, K, 3) that changes are measured from."""
        if self.mode == "relative":
            return self.first.expression
        if self.options.region == "eyes":
            return torch.zeros_like(driving.expression[:1])
        return on_device_of(neutral_expression(), driving.expression)

    def _retargeted(
        self, source: Tensor, points: Tensor, retargeting: Retargeting, own: Openings, wanted: Openings
    ) -> Tensor:
        if self.options.retargets and self.mode != "absolute":
            # The networks' offsets take the place of the driving motion.
            points = (self.edited or self.source).points().expand_as(source)
        if self.options.eye_retargeting:
            # The driver's left eye says how far both are to open.
            points = points + retargeting.eye_offsets(source, own.eyes, wanted.eyes[:, 0])
        if self.options.lip_retargeting:
            points = points + retargeting.lip_offsets(source, own.lips, wanted.lips)
        return points

    def _stitches(self) -> bool:
        return self.mode != "absolute" if self.options.stitching is None else self.options.stitching

    def _closes_lips(self, openings: Openings) -> bool:
        options = self.options
        wanted = options.normalize_lips and self.mode != "absolute" and not options.retargets
        return wanted and float(openings.lips) >= LIPS_APART


def neutral_expression() -> Tensor:
    """Offsets (1, K, 3) of a face at rest, which the authors' code subtracts where the driver is a single picture."""
    return torch.tensor(_neutral_offsets())[None]


@cache
def _neutral_offsets() -> list[list[float]]:
    text = (files("lia_bench.models.liveportrait") / "neutral_expression.json").read_text()
    offsets: list[list[float]] = json.loads(text)["offsets"]
    return offsets


def whole_points(region: Region) -> dict[int, tuple[int, ...]] | None:
    """The points that a region moves, by every axis; None for all."""
    if region == "lips":
        return dict.fromkeys(LIP_POINTS, EVERY_AXIS)
    if region == "eyes":
        return dict.fromkeys(EYE_POINTS, EVERY_AXIS)
    return None


def chosen_coordinates(like: Tensor, taken: dict[int, tuple[int, ...]] | None) -> Tensor:
    """Whether each coordinate (1, K, 3) is among those taken."""
    if taken is None:
        return torch.ones_like(like[:1], dtype=torch.bool)
    chosen = torch.zeros(like[:1].shape, dtype=torch.bool)
    for point, axes in taken.items():
        chosen[:, point, list(axes)] = True
    return on_device_of(chosen, like)


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
