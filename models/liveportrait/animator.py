"""LivePortrait as a model of the zoo."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from lia_bench.core.errors import InputError
from lia_bench.core.video.conversion import images_of
from lia_bench.models.animator import SizedAnimator
from lia_bench.models.blocks.motion_marks import record_keypoints
from lia_bench.models.blocks.volume_generator import EncodedSource, SpadeDecoder, VolumeGenerator
from lia_bench.models.controls import Control
from lia_bench.models.liveportrait.configuration import LivePortraitModel
from lia_bench.models.liveportrait.motion_extractor import MotionExtractor, PortraitMotion
from lia_bench.models.liveportrait.retargeting import Openings, Retargeting, openings_of
from lia_bench.models.liveportrait.transfer import Transfer, VideoTransfer, check_mode, in_one, kept_opening

if TYPE_CHECKING:
    from lia_bench.core.video.conversion import VideoLike

POSE_CONTROLS = (
    Control("yaw", "head turned, positive to the left of the picture, in radians (0.3 is 17 degrees)", -0.5, 0.5),
    Control("pitch", "head nodded, positive downwards, in radians", -0.5, 0.5),
    Control("roll", "head tilted, positive clockwise, in radians", -0.5, 0.5),
)
OPENING_CONTROLS = (
    Control("eyes", "lids further apart, as a share of the eye's width", -0.4, 0.4),
    Control("lips", "lips further apart, as a share of the mouth's width", -0.4, 0.4),
)


@dataclass(frozen=True)
class EncodedClip:
    """A source (1, 3, H, W), its volume and points (1, K, 3), how motion is transferred to it, and how it is edited."""

    frame: Tensor
    source: EncodedSource
    points: Tensor
    transfer: Transfer
    amounts: Tensor | float = 0.0


class Generator(VolumeGenerator):
    """Appearance volume, warping and decoder in one (LivePortrait 3.1); the decoder alone differs from face-vid2vid's.

    It decodes by SPADE blocks, and by a pixel shuffle where the frames that come out are larger.
    """

    def __init__(self, configuration: LivePortraitModel) -> None:
        shape = configuration.generator
        super().__init__(shape, configuration.dense_motion, configuration.points, configuration.depth)
        self.decoder = SpadeDecoder(self.widths[-1], self.widths[0], shape.down_blocks, shape.upscale, shape.hidden)


class LivePortraitAnimator(SizedAnimator):
    """Motion extractor, generator, and the networks that stitch and retarget.

    Transfer modes: "relative" moves the source as the driver moved since its first frame; "absolute" takes the driver's
    pose and most of its expression, at the source's scale; "absolute_paper" takes all of the driver but the shape of
    its face (equation 2), which is what reconstruction means; "from_neutral" takes the change of a single driving
    picture since a stored face at rest.
    """

    editable: ClassVar[bool] = True
    takes_source_video: ClassVar[bool] = True
    transfer_modes: ClassVar[tuple[str, ...]] = ("relative", "absolute", "absolute_paper", "from_neutral")
    reconstruction_transfer: ClassVar[str] = "absolute_paper"

    def __init__(self, configuration: LivePortraitModel) -> None:
        super().__init__(configuration.size)
        self.motion = configuration.motion
        self.upscale = configuration.generator.upscale
        self.motion_extractor = MotionExtractor(configuration.motion_extractor, configuration.points)
        self.generator = Generator(configuration)
        self.retargeting = Retargeting(configuration.points)

    @property
    def output_size(self) -> int:
        """Side in pixels of the frames that come out."""
        return self.size * self.upscale

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> EncodedClip:
        """Source volume and points, and what the transfer starts from.

        Raises:
            InputError: retargeting is asked for and the checkpoint has no networks for it, or no face is found.
        """
        openings = self._openings(source) if self.motion.looks_at_openings else None
        own, first = self.motion_extractor(source), self.motion_extractor(first_driving)
        moving = Transfer(transfer, own, first, self.motion, openings)
        return EncodedClip(source, self.generator.encode(source), own.points(), moving)

    def _openings(self, source: Tensor) -> Openings:
        if not self.retargeting.trained():
            raise InputError(
                "retargeting is asked for, and this checkpoint has no networks for it: put "
                "stitching_retargeting_module.pth beside the base models, or leave the options out"
            )
        return openings_of(source, self.motion.openings)

    def animate_video(
        self, source: "VideoLike", driving: "VideoLike", transfer: str = "relative", batch_size: int = 8
    ) -> Iterator[Tensor]:
        """See `Animator.animate_video`: the motions of both are read first and smoothed over the clip, then rendered.

        Transfer "relative" adds the driver's motion since its first frame to the source's own, "absolute" takes the
        driver's. Lips are not normalised.
        """
        check_mode(transfer)
        sources, drivings = (video if not isinstance(video, Iterator) else list(video) for video in (source, driving))
        own_motion = self._motion_of(sources, "source", batch_size)
        moving = VideoTransfer.of(transfer, own_motion, self._motion_of(drivings, "driving", batch_size), self.motion)
        frames = zip(images_of(sources, "source video"), images_of(drivings, "driving video"), strict=False)
        kept, done = None, 0
        while batch := list(islice(frames, batch_size)):
            own, wanted = (torch.stack(images).to(self.device) for images in zip(*batch, strict=True))
            with self.evaluating():
                options = self.motion
                openings = self._openings(own) if options.retargets or options.keep_eyes else None
                if options.keep_eyes and openings and kept is None:
                    kept = kept_opening(Openings(openings.eyes[:1], openings.lips[:1]))
                theirs = openings_of(wanted, options.openings) if options.retargets else None
                rows = slice(done, done + len(batch))
                points, moved = moving.points(rows, self.retargeting, openings, theirs, kept)
                rendered = self.generator.render(self.generator.encode(own), points, moved).frames
                shown = rendered.clamp(0, 1).float().cpu()
            done += len(batch)
            yield from shown

    def _motion_of(self, video: "VideoLike", what: str, batch_size: int) -> PortraitMotion:
        frames, motions = images_of(video, f"{what} video"), []
        while batch := list(islice(frames, batch_size)):
            for frame in batch:
                self.check_frame(f"{what} frame", frame)
            with self.evaluating():
                motions.append(self.motion_extractor(torch.stack(batch).to(self.device)))
        if not motions:
            raise InputError(f"the {what} video has no frame")
        return in_one(motions)

    def render(self, encoded: EncodedClip, driving: Tensor) -> Tensor:
        """Frames (B, 3, H * upscale, W * upscale) in [0, 1] for driving frames (B, 3, H, W)."""
        count = driving.shape[0]
        source = EncodedSource(*(value.expand(count, -1, -1, -1, -1) for value in encoded.source))
        points = encoded.points.expand(count, -1, -1)
        return self.generator.render(source, points, self.moved_points(encoded, driving)).frames

    def controls(self) -> list[Control]:
        """The head's angles; eyes and lips where the checkpoint has the networks that open and close them."""
        return [*POSE_CONTROLS, *(OPENING_CONTROLS if self.retargeting.trained() else ())]

    def edited(self, encoded: EncodedClip, amounts: Tensor) -> EncodedClip:
        """The source turned by amounts (N, controls), and its points shifted as far as eyes and lips are to open.

        Raises:
            InputError: eyes or lips are to be moved, and no face is found.
            MissingWeightsError: likewise, and MediaPipe's landmarker is not here.
        """
        amounts = encoded.amounts + amounts
        yaw, pitch, roll, *openings = amounts.unbind(dim=1)
        transfer = replace(encoded.transfer, edited=encoded.transfer.source.turned(yaw, pitch, roll), shift=None)
        if any(bool(amount.any()) for amount in openings):
            own = transfer.openings or openings_of(encoded.frame, self.motion.openings)
            transfer = replace(transfer, shift=self.retargeting.opened(encoded.points, own, *openings))
        return replace(encoded, transfer=transfer, amounts=amounts)

    def moved_points(self, encoded: EncodedClip, driving: Tensor) -> Tensor:
        """The points (B, K, 3) that the source is to take, from the driving frames (B, 3, H, W)."""
        openings = openings_of(driving, self.motion.openings) if self.motion.retargets else None
        motion = self.motion_extractor(driving)
        moved = encoded.transfer(motion, self.retargeting, openings)
        record_keypoints(encoded.points, motion.points(), moved)
        return moved
