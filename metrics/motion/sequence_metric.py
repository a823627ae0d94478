"""Metrics of frames and of those just before them."""

from abc import ABC
from typing import ClassVar

import torch
from torch import Tensor

from lia_bench.metrics.frame_metric import FrameMetric


class SequenceMetric(FrameMetric, ABC):
    """A mean over the frames that have enough others before them; a clip that is too short has no value.

    `score` is given the frames of a batch behind the last `LOOKS_BACK` ones before it, and scores those of the batch.
    """

    LOOKS_BACK: ClassVar[int]

    def __init__(self) -> None:
        super().__init__()
        self._before: tuple[Tensor, Tensor] | None = None

    def update(self, generated: Tensor, reference: Tensor) -> None:
        """Score the next frames."""
        if self._before is not None:
            pairs = zip(self._before, (generated, reference), strict=True)
            generated, reference = (torch.cat([before, new.to(before.dtype)]) for before, new in pairs)
        if len(generated) > self.LOOKS_BACK:
            super().update(generated, reference)
        self._before = generated[-self.LOOKS_BACK :].clone(), reference[-self.LOOKS_BACK :].clone()
