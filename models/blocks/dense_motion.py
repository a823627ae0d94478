"""From the motions of single parts to one dense flow and an occlusion map (FOMM section 3.1), and their refinement.

A motion is refined by a differential equation (SADE's F_E, equation 4); FOMM's and MRAA's may be, too.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.models.blocks.configuration import MotionEvolutionConfiguration
from lia_bench.models.blocks.convolution import convolve_together
from lia_bench.models.blocks.hourglass import Hourglass
from lia_bench.models.blocks.small_tensors import apply, without_autocast
from lia_bench.models.blocks.warping import coordinate_grid, warp_by_each

# Of the Gaussians that FOMM and its descendants draw keypoints as.
KEYPOINT_VARIANCE = 0.01


def affine_motions(matrix: Tensor, source: Tensor, driving: Tensor, height: int, width: int) -> Tensor:
    """For each part the source position of each driving pixel z, A (z - p_driving) + p_source (FOMM equation 4).

    Args:
        matrix: A, (B, K, 2, 2).
        source: p_source, (B, K, 2), x, y in [-1, 1]; `driving` likewise.

    Returns:
        (B, K, height, width, 2).
    """
    offset = coordinate_grid(height, width, like=driving) - driving[:, :, None, None]
    return apply(matrix[:, :, None, None], offset) + source[:, :, None, None]


def with_background(motions: Tensor, affine: Tensor | None = None) -> Tensor:
    """Motions (B, K, h, w, 2) of K parts with the background's before them: (B, K + 1, h, w, 2).

    `affine`: [A | b] from driving to source positions, (B, 2, 3) or with a last row (B, 3, 3); None stands still.
    """
    behind = coordinate_grid(*motions.shape[2:4], like=motions).expand_as(motions[:, :1])
    if affine is not None:
        behind = apply(affine[:, None, None, None, :2, :2], behind) + affine[:, None, None, None, :2, 2]
    return torch.cat((behind, motions), dim=1)


class DenseMotion(NamedTuple):
    """Where each pixel comes from.

    Attributes:
        flow: (B, h, w, 2), positions in the source, x, y in [-1, 1].
        masks: (B, parts, h, w), shares of the parts' motions, sum 1.
        occlusion: (B, 1, h, w) in [0, 1]; 0 is hidden in the source, and all is 1 where it is not estimated.
    """

    flow: Tensor
    masks: Tensor
    occlusion: Tensor


class MotionBlending(nn.Module):
    """Weighs part motions by how well the source, warped by each alone, explains the picture."""

    def __init__(
        self,
        parts: int,
        expansion: int,
        cap: int,
        blocks: int,
        align_corners: bool,
        estimate_occlusion: bool = True,
    ) -> None:
        """`parts`: number of motions, the background's among them; images have 3 channels."""
        super().__init__()
        self.align_corners = align_corners
        self.hourglass = Hourglass(parts * 4, expansion, cap, blocks)
        self.masks = nn.Conv2d(self.hourglass.outputs, parts, 7, padding=3)
        self.occlusion = nn.Conv2d(self.hourglass.outputs, 1, 7, padding=3) if estimate_occlusion else None

    def forward(self, source: Tensor, heatmaps: Tensor, motions: Tensor) -> DenseMotion:
        """Blend the part motions.

        Args:
            source: (B, 3, h, w).
            heatmaps: (B, parts, h, w), where each part is in the driving frame less where it was in the source.
            motions: (B, parts, h, w, 2), for each part the position in the source of each pixel.
        """
        features = self.hourglass(self.evidence(source, heatmaps, motions))
        heads = (self.masks,) if self.occlusion is None else (self.masks, self.occlusion)
        mask_logits, *occlusion_logits = convolve_together(features, heads)
        masks = mask_logits.float().softmax(dim=1)
        flow = (masks[..., None] * motions).sum(dim=1)
        visible = torch.sigmoid(occlusion_logits[0].float()) if occlusion_logits else torch.ones_like(masks[:, :1])
        return DenseMotion(flow, masks, visible)

    def evidence(self, source: Tensor, heatmaps: Tensor, motions: Tensor) -> Tensor:
        """Input of the hourglass, (B, parts * 4, h, w): of each part its heatmap, then the source warped by it."""
        batch, parts, height, width = heatmaps.shape
        warped = warp_by_each(source, motions, self.align_corners)
        return torch.cat((heatmaps[:, :, None], warped), dim=2).reshape(batch, parts * 4, height, width)


class MotionDerivative(nn.Module):
    """F_E: dT/dt at a time t, from the motion T and t as a constant map.

    Without batch norm, whose running statistics would count the solver's steps and not frames. The last layer starts
    at zero, and with it training starts from the coarse motion.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.last = nn.Conv2d(width, 2, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, time: Tensor, motion: Tensor) -> Tensor:
        """The derivative (B, 2, h, w) at `time`, a scalar, of motion (B, 2, h, w)."""
        clock = time.to(motion).expand(motion.shape[0], 1, *motion.shape[2:])
        features = F.relu(self.first(torch.cat((motion, clock), dim=1)))
        change: Tensor = self.last(F.relu(self.second(features)))
        return change


class MotionEvolution(nn.Module):
    """The motion at t = 1 that starts at t = 0 as the coarse one.

    What comes out for one picture does not depend on the others in the batch: fixed steps are the same for all, and
    the adaptive solver, which fits its steps to the error of everything that it is given, is given one at a time.
    The library that solves reads times and errors: it is the one that waits for a GPU while the model renders.
    """

    times: Tensor

    def __init__(self, configuration: MotionEvolutionConfiguration) -> None:
        super().__init__()
        self.derivative = MotionDerivative(configuration.width)
        self.register_buffer("times", torch.tensor([0.0, 1.0]), persistent=False)
        self.adjoint = configuration.adjoint
        self.one_by_one = configuration.solver == "dopri5"
        self.solver: dict[str, Any] = {"method": "rk4", "options": {"step_size": configuration.step}}
        if self.one_by_one:
            self.solver = {
                "method": "dopri5",
                "rtol": configuration.relative_tolerance,
                "atol": configuration.absolute_tolerance,
            }

    def forward(self, coarse: Tensor) -> Tensor:
        """Offsets (B, h, w, 2) to as many."""
        # The adjoint equation is solved outside autocast, and has to meet what the forward solution computed.
        with without_autocast(coarse.device):
            motion = coarse.float().permute(0, 3, 1, 2).contiguous()
            starts = motion.split(1) if self.one_by_one else (motion,)
            evolved = torch.cat([self._solve(start) for start in starts])
        return evolved.permute(0, 2, 3, 1)

    def _solve(self, start: Tensor) -> Tensor:
        from torchdiffeq import odeint, odeint_adjoint

        integrate = odeint_adjoint if self.adjoint else odeint
        solution: Tensor = integrate(self.derivative, start, self.times, **self.solver)
        return solution[-1]


def evolved(motion: DenseMotion, evolution: MotionEvolution | None) -> DenseMotion:
    """A blended motion with its flow taken for the coarse one; as it is where there is no evolution."""
    if evolution is None:
        return motion
    still = coordinate_grid(*motion.flow.shape[1:3], like=motion.flow)
    return motion._replace(flow=still + evolution(motion.flow - still))
