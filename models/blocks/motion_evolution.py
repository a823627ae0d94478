"""A motion refined by a differential equation (SADE's F_E, equation 4); FOMM's and MRAA's may be, too."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.models.blocks.configuration import MotionEvolutionConfiguration
from lia_bench.models.blocks.dense_motion import DenseMotion
from lia_bench.models.blocks.warping import coordinate_grid


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
        with torch.autocast(coarse.device.type, enabled=False):
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
