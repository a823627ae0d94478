"""The motion dictionary: orthonormal directions in the latent space (paper, section 3.1)."""

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.matrices import without_autocast


class MotionDictionary(nn.Module):
    """A learned matrix whose orthonormalised columns are the motion directions."""

    def __init__(self, style_dim: int, motion_dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(style_dim, motion_dim))

    def forward(self) -> Tensor:
        """Directions as columns, (style_dim, motion_dim), float32.

        Householder QR, with the signs it yields: the paper names Gram-Schmidt, which flips some columns, and
        published checkpoints were trained with these signs.
        """
        with without_autocast(self.weight.device):
            directions: Tensor = torch.linalg.qr(self.weight + 1e-8).Q
        return directions

    @torch.no_grad()
    def orthogonality_error(self) -> float:
        """Largest absolute difference between the directions' inner products and the identity."""
        directions = self()
        products = directions.t() @ directions
        return float((products - torch.eye(len(products), device=products.device)).abs().max())
