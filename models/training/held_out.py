"""Fixed pairs that no update sees: the validation L1 that picks the best checkpoint, and sample pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lia_bench.core.prepared_dataset import Clip, PreparedDataset
from lia_bench.core.video import FrameReader, open_indexed, resize, to_frame, to_tensor
from lia_bench.models.animator import Animator

PAIRS = 16
PICTURE_ROWS = 4
VIDEO_FRAMES = 25


@dataclass(frozen=True)
class HeldOutClip:
    """A clip's first frame, (3, H, W) in [0, 1], and some of its later frames, (N, 3, H, W)."""

    source: Tensor
    driving: Tensor


class HeldOut:
    """Up to 16 pairs (first frame, later frame), spread evenly over the clips and over time, and a clip's beginning."""

    def __init__(self, clips: Sequence[HeldOutClip], moving: HeldOutClip) -> None:
        """`moving`: a clip with consecutive frames, for the sample videos."""
        self._clips = clips
        self._moving = moving

    @classmethod
    def read(cls, dataset: PreparedDataset, size: int) -> "HeldOut":
        """Pairs of the clips of `held_out_partition`, resized to `size`.

        Raises:
            UnreadableVideoError: a clip cannot be read, or is not the one that was prepared.
        """
        clips = sorted(dataset.partition(held_out_partition(dataset)), key=lambda clip: clip.name)
        chosen = [clips[index] for index in _spread(len(clips), min(PAIRS, len(clips)))]
        for clip in chosen:
            clip.checked_sha256()
        pairs = [_read(clip, PAIRS // len(chosen), size) for clip in chosen]
        return cls(pairs, _beginning(chosen[0], size))

    def l1(self, animator: Animator) -> float:
        """Mean absolute difference on the [0, 1] scale between rendered and true frames, moved as in reconstruction."""
        return self._mean([_render(animator, clip) - clip.driving for clip in self._clips])

    def copying_l1(self) -> float:
        """The same for a model that puts out the source: what training has to beat."""
        return self._mean([clip.source - clip.driving for clip in self._clips])

    def picture(self, animator: Animator) -> np.ndarray:
        """Rows of source, driving and result, one a clip, at most four: uint8 (rows * H, 3 * W, 3)."""
        rows = []
        for clip in self._clips[:PICTURE_ROWS]:
            last = HeldOutClip(clip.source, clip.driving[-1:])
            result = _render(animator, last)
            rows.append(np.hstack([to_frame(image) for image in (clip.source, last.driving[0], result[0])]))
        return np.vstack(rows)

    def video(self, animator: Animator) -> list[np.ndarray]:
        """Source, driving and result side by side, up to 25 consecutive frames of a clip: uint8 (H, 3 * W, 3)."""
        moving = self._moving
        return [
            np.hstack([to_frame(image) for image in (moving.source, driving, result)])
            for driving, result in zip(moving.driving, _render(animator, moving), strict=True)
        ]

    def _mean(self, differences: Sequence[Tensor]) -> float:
        return float(torch.cat(tuple(differences)).abs().mean())


def held_out_partition(dataset: PreparedDataset) -> str:
    """The test clips; the train clips where the dataset has no others."""
    return "test" if any(clip.partition == "test" for clip in dataset.clips) else "train"


def _render(animator: Animator, clip: HeldOutClip) -> Tensor:
    """Frames of the clip's size, also of a model that renders larger ones."""
    frames = animator.animate(clip.source, clip.driving, transfer=animator.reconstruction_transfer)
    if frames.shape == clip.driving.shape:
        return frames
    return F.interpolate(frames, size=clip.driving.shape[2:], mode="bilinear", antialias=True).clamp(0, 1)


def _read(clip: Clip, count: int, size: int) -> HeldOutClip:
    with open_indexed(clip.path) as reader:
        later = [index + 1 for index in _spread(len(reader) - 1, count)] or [0]
        return _frames(reader, later, size)


def _beginning(clip: Clip, size: int) -> HeldOutClip:
    with open_indexed(clip.path) as reader:
        return _frames(reader, range(min(len(reader), VIDEO_FRAMES)), size)


def _frames(reader: FrameReader, later: Sequence[int], size: int) -> HeldOutClip:
    frames = [to_tensor(resize(reader.frame(index), (size, size))) for index in (0, *later)]
    return HeldOutClip(frames[0], torch.stack(frames[1:]))


def _spread(length: int, count: int) -> list[int]:
    """At most `count` different indices below `length`, spread evenly, the last among them."""
    return sorted({(number + 1) * length // count - 1 for number in range(count) if (number + 1) * length // count})
