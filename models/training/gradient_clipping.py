"""Gradients cut down before an optimiser's step, where a model was trained so."""

from typing import Any

import torch
from torch.optim import Optimizer


def clip_before_step(optimiser: Optimizer, limit: float, norm: float) -> None:
    """From now on every step of `optimiser` scales its gradients, all alike, so that their `norm`-norm is <= `limit`.

    Under mixed precision too the limit is that of the true gradients: the step comes after they are unscaled.
    """

    def clip(stepping: Optimizer, arguments: Any, keywords: Any) -> None:
        weights = [weight for group in stepping.param_groups for weight in group["params"]]
        torch.nn.utils.clip_grad_norm_(weights, limit, norm_type=norm)

    optimiser.register_step_pre_hook(clip)
