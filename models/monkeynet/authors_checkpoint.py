"""The layout of the checkpoint files that Monkey-Net's authors published."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from lia_bench.models.authors_layout import (
    RenamedNetwork,
    RenamedNetworks,
    StateRenaming,
    block_names,
    hourglass_names,
    residual_names,
)

_GENERATOR = StateRenaming(
    (
        *hourglass_names("dense_motion_module.hourglass", "dense_motion.hourglass"),
        ("dense_motion_module.hourglass.decoder.conv.*", "dense_motion.output.*"),
        *block_names("dense_motion_module.group_blocks.*", "dense_motion.groups.*"),
        *block_names("appearance_encoder.down_blocks.*", "down.*"),
        *block_names("video_decoder.up_blocks.*", "up.*"),
        *residual_names("refinement_module.r*", "residual.*"),
        ("refinement_module.conv-last.*", "output.*"),
    )
)
_KEYPOINT_DETECTOR = StateRenaming(
    (*hourglass_names("predictor", "hourglass"), ("predictor.decoder.conv.*", "heatmaps.*"))
)
_NETWORKS = RenamedNetworks(
    RenamedNetwork("generator", "generator", _GENERATOR),
    RenamedNetwork("kp_detector", "keypoint_detector", _KEYPOINT_DETECTOR),
)
# Where the time axis of a kernel is: they convolve videos, by kernels that are one frame long.
_TIME = 2


def animator_state(content: Mapping[str, Any]) -> dict[str, Tensor] | None:
    """The state dict of a MonkeyNetAnimator from the content of the authors' file.

    Args:
        content: state dicts under "generator", "kp_detector" and perhaps "discriminator", optimisers, "epoch", "it".

    Returns:
        None where a network or a name is not Monkey-Net's. Shapes are not looked at.
    """
    state = _NETWORKS.to_ours(content)
    return None if state is None else {name: _for_frames(value) for name, value in state.items()}


def authors_content(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]] | None:
    """A MonkeyNetAnimator's state dict in the authors' layout, without discriminator and optimisers; else None."""
    return _NETWORKS.to_theirs({name: _for_videos(value) for name, value in state.items()})


def _for_frames(value: Tensor) -> Tensor:
    return value.squeeze(_TIME) if value.ndim == 5 else value


def _for_videos(value: Tensor) -> Tensor:
    return value.unsqueeze(_TIME) if value.ndim == 4 else value
