"""A moving average of the trained weights, which renders more evenly than the last iterate (Yazici et al. 2019)."""

import copy

import torch

from lia_bench.models.animator import Animator


class AveragedAnimator:
    """An exponential moving average of an animator's weights, as an animator of its own.

    Attributes:
        animator: the averaged one, never trained.
    """

    def __init__(self, trained: Animator, decay: float) -> None:
        """Starts from the weights as they are. `decay`: share, below 1, that the average keeps at each update."""
        self._trained = trained
        self._decay = decay
        self.animator = copy.deepcopy(trained).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after iteration `step`, from 1.

        Early on the average keeps less, (1 + step) / (10 + step), so that the random start is soon forgotten.
        Counts and other integers are copied.
        """
        decay = min(self._decay, (1 + step) / (10 + step))
        trained = self._trained.state_dict()
        averages, values = [], []
        for name, average in self.animator.state_dict().items():
            if average.is_floating_point():
                averages.append(average)
                values.append(trained[name])
            else:
                average.copy_(trained[name])
        torch._foreach_lerp_(averages, values, 1 - decay)
