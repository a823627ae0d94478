"""Animators that are configured for one size of frame."""

import torch

from lia_bench.models.animator import Animator


class SizedAnimator(Animator):
    """An animator whose networks are convolutional, so that only its configuration sets the size of the frames."""

    def __init__(self, size: int) -> None:
        """`size`: side in pixels."""
        super().__init__()
        self.size = size

    @property
    def frame_size(self) -> int:
        """The configured size: other sizes would run, but the networks have learned at this one.

        For another, give it as `size`; the weights fit every size.
        """
        return self.size

    def lay_out_channels_last(self) -> None:
        """To be called when all networks are there: convolutions on a processor are a tenth to a fifth faster so."""
        self.to(memory_format=torch.channels_last)
