"""The source frame, again and again."""

import torch
from torch import Tensor

from lia_bench.core.configuration import Section
from lia_bench.models.animator import Animator
from lia_bench.models.training.configuration import ModelConfiguration


class IdentityModel(Section):
    """No fields."""


class IdentityConfiguration(ModelConfiguration):
    """No data, loss or schedule: identity is never trained."""

    model: IdentityModel = IdentityModel()


class IdentityAnimator(Animator):
    """Copies the source; takes frames of any size."""

    device_marker: Tensor

    def __init__(self, configuration: IdentityModel) -> None:
        super().__init__()
        # Animator finds the device by the first tensor; this network has no other.
        self.register_buffer("device_marker", torch.empty(0), persistent=False)

    @property
    def frame_size(self) -> None:
        """Any size."""
        return None

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> Tensor:
        """The source itself, (1, 3, H, W)."""
        return source

    def render(self, encoded: Tensor, driving: Tensor) -> Tensor:
        """The source for every driving frame: (B, 3, H, W)."""
        return encoded.expand(driving.shape[0], -1, -1, -1)
