"""From keypoints to a coarse motion, refined by a differential equation (SADE's F_K, F_C and F_E, section 3.1)."""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.models.blocks.configuration import HourglassConfiguration
from lia_bench.models.blocks.dense_motion import KEYPOINT_VARIANCE, MotionBlending
from lia_bench.models.blocks.keypoints import HeatmapNetwork, expected_position, heatmap_difference
from lia_bench.models.blocks.warping import coordinate_grid
from lia_bench.models.sade.configuration import MotionEvolutionConfiguration


class KeypointDetector(HeatmapNetwork):
    """F_K: the mean positions of the heatmaps that an hourglass draws."""

    def forward(self, image: Tensor) -> Tensor:
        """Keypoints (B, K, 2), x, y in [-1, 1], of images (B, 3, H, W) in [0, 1]."""
        return expected_position(self.draw(image))


class TrustedMotion(NamedTuple):
    """The motion that leads to a view, and where to trust it.

    Attributes:
        offsets: T~, (B, h, w, 2), from each driving pixel to its position in the view, x, y, 2 is the picture's side.
        confidence: C, (B, 1, h, w) in [0, 1], not yet weighed against other views.
    """

    offsets: Tensor
    confidence: Tensor


class CoarseMotion(nn.Module):
    """Blends the keypoints' displacements and a background that stands still (equations 2 and 3).

    [A] The network is FOMM's for dense motion without Jacobians. Its second head, there the occlusion, is the
    confidence here; the paper puts that on the same decoder.
    """

    def __init__(self, configuration: HourglassConfiguration, keypoints: int) -> None:
        super().__init__()
        shape = configuration
        self.blending = MotionBlending(keypoints + 1, shape.expansion, shape.cap, shape.blocks, align_corners=True)

    def forward(self, view: Tensor, view_keypoints: Tensor, driving_keypoints: Tensor) -> TrustedMotion:
        """Motion to shrunk views (B, 3, h, w) whose keypoints (B, K, 2) are to take the driving positions (B, K, 2)."""
        height, width = view.shape[2:]
        displacements = view_keypoints - driving_keypoints
        displacements = torch.cat((torch.zeros_like(displacements[:, :1]), displacements), dim=1)[:, :, None, None]
        heatmaps = heatmap_difference(view_keypoints, driving_keypoints, KEYPOINT_VARIANCE, height, width)
        motions = coordinate_grid(height, width, like=displacements) + displacements
        blended = self.blending(view, heatmaps, motions)
        offsets = (blended.masks[..., None] * displacements).sum(dim=1)
        return TrustedMotion(offsets, blended.occlusion)


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
    """

    def __init__(self, configuration: MotionEvolutionConfiguration) -> None:
        super().__init__()
        self.derivative = MotionDerivative(configuration.width)
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
        with torch.autocast(coarse.device.type, enabled=False):
            motion = coarse.float().permute(0, 3, 1, 2).contiguous()
            starts = motion.split(1) if self.one_by_one else (motion,)
            evolved = torch.cat([self._solve(start) for start in starts])
        return evolved.permute(0, 2, 3, 1)

    def _solve(self, start: Tensor) -> Tensor:
        from torchdiffeq import odeint, odeint_adjoint

        times = torch.tensor([0.0, 1.0], device=start.device)
        integrate = odeint_adjoint if self.adjoint else odeint
        solution: Tensor = integrate(self.derivative, start, times, **self.solver)
        return solution[-1]
