"""The layout of the checkpoint files that FOMM's authors published."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from lia_bench.models.authors_layout import (
    RenamedNetwork,
    RenamedNetworks,
    StateRenaming,
    encoder_decoder_names,
    hourglass_names,
)

_GENERATOR = StateRenaming(
    (
        *hourglass_names("dense_motion_network.hourglass", "dense_motion.hourglass"),
        ("dense_motion_network.mask.*", "dense_motion.masks.*"),
        ("dense_motion_network.occlusion.*", "dense_motion.occlusion.*"),
        ("dense_motion_network.down.weight", "downsample.weight"),
        *encoder_decoder_names(),
    )
)
_KEYPOINT_DETECTOR = StateRenaming(
    (
        *hourglass_names("predictor", "hourglass"),
        ("kp.*", "heatmaps.*"),
        ("jacobian.*", "jacobians.*"),
        ("down.weight", "downsample.weight"),
    )
)
_DISCRIMINATOR = StateRenaming(
    (
        ("discs.1.down_blocks.*.conv.weight_orig", "blocks.*.convolution.parametrizations.weight.original"),
        ("discs.1.down_blocks.*.conv.weight_u", "blocks.*.convolution.parametrizations.weight.0._u"),
        ("discs.1.down_blocks.*.conv.weight_v", "blocks.*.convolution.parametrizations.weight.0._v"),
        ("discs.1.down_blocks.*.conv.*", "blocks.*.convolution.*"),
        ("discs.1.down_blocks.*.norm.*", "blocks.*.normalisation.*"),
        ("discs.1.conv.weight_orig", "score.parametrizations.weight.original"),
        ("discs.1.conv.weight_u", "score.parametrizations.weight.0._u"),
        ("discs.1.conv.weight_v", "score.parametrizations.weight.0._v"),
        ("discs.1.conv.*", "score.*"),
    )
)
_NETWORKS = RenamedNetworks(
    RenamedNetwork("generator", "generator", _GENERATOR),
    RenamedNetwork("kp_detector", "keypoint_detector", _KEYPOINT_DETECTOR),
)


def animator_state(content: Mapping[str, Any]) -> dict[str, Tensor] | None:
    """The state dict of a FommAnimator from the content of the authors' file.

    Args:
        content: state dicts under "generator", "kp_detector" and perhaps "discriminator", optimisers, "epoch".

    Returns:
        None where a network or a name is not FOMM's. Shapes are not looked at.
    """
    return _NETWORKS.to_ours(content)


def discriminator_state(content: Mapping[str, Any]) -> dict[str, Tensor] | None:
    """The state dict of the PatchDiscriminator from the content of the authors' file; None where it has none."""
    part = content.get("discriminator")
    return _DISCRIMINATOR.to_ours(part) if isinstance(part, Mapping) else None


def authors_content(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]] | None:
    """A FommAnimator's state dict in the authors' layout, without discriminator and optimisers; else None."""
    return _NETWORKS.to_theirs(state)
