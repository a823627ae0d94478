"""What a model computes on the way to its frames, beside source and driving frame: IAPM's masks, as in its figure 3."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from lia_bench.core.atomic import replacing
from lia_bench.core.video import VideoWriter, to_frame
from lia_bench.core.video.panels import SideBySide
from lia_bench.core.video.reader import Frame
from lia_bench.models.animator import Animator

ROWS = 5
"""Frames of the picture, spread evenly over the video."""


class StageFolder:
    """`stages.mp4`, a row of captioned pictures for every driving frame, and `stages.png`, some of these rows.

    Each is whole or not there, and written anew replaces the old.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.video = path / "stages.mp4"
        self.picture = path / "stages.png"

    def write(
        self,
        animator: Animator,
        source: Tensor,
        driving: Iterable[Tensor],
        frames: int,
        fps: float,
        batch_size: int,
    ) -> list[str]:
        """Write both, and give the names of the stages.

        Args:
            animator: of a kind with stages.
            source: (3, H, W) in [0, 1], of the model's size.
            driving: frames, likewise; `frames` of them, at `fps` a second.
            batch_size: frames computed together.
        """
        kept = set(np.linspace(0, frames - 1, min(ROWS, frames)).round().astype(int).tolist())
        rows, names = [], list[str]()
        with VideoWriter(self.video, fps) as writer:
            for index, stages in enumerate(_stages(animator, source, driving, batch_size)):
                if not names:
                    names = list(stages)
                    layout = SideBySide(names, *source.shape[1:])
                row = layout.picture([_shown(stage, source) for stage in stages.values()])
                writer.write(row)
                if index in kept:
                    rows.append(row)
        with replacing(self.picture) as temporary:
            Image.fromarray(np.concatenate(rows)).save(temporary)
        return names


def _stages(
    animator: Animator, source: Tensor, driving: Iterable[Tensor], batch_size: int
) -> Iterator[Mapping[str, Tensor]]:
    """For each driving frame the pictures by their names, (C, h, w), those that go in first."""
    frames = iter(driving)
    while batch := list(islice(frames, batch_size)):
        moving = torch.stack(batch)
        with animator.evaluating():
            stages = animator.stages(source[None].to(animator.device), moving.to(animator.device))
        for index, frame in enumerate(moving):
            yield {"source": source, "driving": frame} | {name: stage[index] for name, stage in stages.items()}


def _shown(stage: Tensor, like: Tensor) -> Frame:
    """A picture (1 or 3, h, w) at the size of `like`, pixel by pixel; masks in grey."""
    scaled = F.interpolate(stage[None].float().cpu(), size=like.shape[1:], mode="nearest")[0]
    return to_frame(scaled.expand(3, -1, -1).clamp(0, 1))
