"""The mask of a frame: where the subject is and how it stands, and little of who it is (IAPM section 3)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.models.blocks.antialiasing import AntiAliasDownsample
from lia_bench.models.iapm.configuration import IapmModel
from lia_bench.models.iapm.encoder_decoder import EncoderDecoder

# The last convolution does not pad; the mask does.
BORDER = 3


class MaskGenerator(nn.Module):
    """The network m: one soft mask a frame."""

    def __init__(self, model: IapmModel) -> None:
        super().__init__()
        self.temperature = model.mask_generator.temperature
        self.downsample = AntiAliasDownsample(3, model.mask_scale)
        self.network = EncoderDecoder(3, model.mask_generator)
        self.mask = nn.Conv2d(self.network.outputs, 1, 2 * BORDER + 1)

    def forward(self, image: Tensor) -> Tensor:
        """Masks (B, 1, h, w) in [0, 1], 0 on a border of 3 pixels, of images (B, 3, H, W) in [0, 1]."""
        logits = self.mask(self.network(self.downsample(image))).float()
        return F.pad(torch.sigmoid(logits / self.temperature), (BORDER,) * 4)
