"""How large a model is and what a frame costs it, counted rather than timed."""

from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from lia_bench.models.animator import Animator
from lia_bench.models.card import UNTRAINED
from lia_bench.models.loading import load_model
from lia_bench.models.specification import MODELS

# The side at which a model is counted that takes frames of any side.
ANY_SIZE = 256


@dataclass(frozen=True)
class Complexity:
    """What animation needs of a model.

    Attributes:
        size: side of the frames in pixels.
        parameters: learned numbers of the animator; discriminators and other aids of training are no part of it.
        once_per_clip: multiply-adds spent on the source, in the first of the model's transfer modes.
        per_frame: multiply-adds spent on one driving frame.
    """

    size: int
    parameters: int
    once_per_clip: int
    per_frame: int


def complexity_of(name: str, variant: str | None = None, size: int | None = None) -> Complexity:
    """The complexity of a model with fresh weights.

    Counted on the meta device, which computes shapes alone. A model whose course depends on values, as that of a
    solver that chooses its own steps, is counted on the CPU, for a grey source and driving frame.

    Args:
        name: as `lia-bench models list` shows it.
        variant: by default the model's default.
        size: side of the frames in pixels; by default the variant's, and 256 where any side will do.

    Raises:
        UnknownNameError: no such model or variant.
        InputError: the model does not take frames of `size`.
    """
    overrides: dict[str, Any] = {"size": size} if size is not None and MODELS[name].variants is not None else {}
    try:
        with torch.device("meta"):
            animator = load_model(name, UNTRAINED, variant, "meta", **overrides)
        return complexity(animator, size)
    except Exception:
        # What a network raises for want of values is up to it; what is truly wrong is raised on the CPU too.
        return complexity(load_model(name, UNTRAINED, variant, "cpu", **overrides), size)


def complexity(animator: Animator, size: int | None = None) -> Complexity:
    """The complexity of this network, wherever it lies.

    Counted are convolutions, transposed convolutions and products of matrices, as `torch.utils.flop_counter` does; a
    multiply-add is two of its FLOPs. Not counted are grid sampling, resizing, pooling, norms, activations, products
    of a matrix with a vector, and what runs outside torch.

    Args:
        animator: its parameters' `requires_grad` is off while it is counted.
        size: side of the frames in pixels for an animator that takes any; by default 256.
    """
    side = animator.frame_size or size or ANY_SIZE
    device = next((tensor.device for tensor in (*animator.parameters(), *animator.buffers())), None)
    frame = torch.full((1, 3, side, side), 0.5, device=device)
    learned = [parameter for parameter in animator.parameters() if parameter.requires_grad]
    # The counter hooks into gradients that inference mode does not have.
    animator.requires_grad_(False)
    try:
        with torch.inference_mode():
            with FlopCounterMode(display=False) as source:
                encoded = animator.encode_source(frame, frame, animator.transfer_modes[0])
            with FlopCounterMode(display=False) as driving:
                animator.render(encoded, frame)
    finally:
        for parameter in learned:
            parameter.requires_grad_(True)
    return Complexity(
        side,
        sum(parameter.numel() for parameter in animator.parameters()),
        source.get_total_flops() // 2,
        driving.get_total_flops() // 2,
    )
