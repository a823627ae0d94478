"""The layout of the checkpoint files that TPSMM's authors published."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from lia_bench.models.authors_layout import (
    RenamedNetwork,
    RenamedNetworks,
    StateRenaming,
    block_names,
    disentanglement_names,
    encoder_decoder_names,
    hourglass_names,
)


def _residual_network(theirs: str) -> StateRenaming:
    # torchvision's names: the stem and the last layer, blocks, and the shortcuts of some.
    depths = ("*.*", "*.*.*.*", "*.*.*.*.*")
    return StateRenaming(tuple((f"{theirs}.{depth}", f"encoder.{depth}") for depth in depths))


_DENSE_MOTION = StateRenaming(
    (
        *hourglass_names("hourglass", "hourglass"),
        ("maps.*", "contributions.*"),
        ("occlusion.*.*", "occlusions.*.*"),
        *block_names("up.*", "up.*"),
        ("down.weight", "downsample.weight"),
    )
)
_NETWORKS = RenamedNetworks(
    RenamedNetwork("inpainting_network", "inpainting_network", StateRenaming(encoder_decoder_names("resblock.*"))),
    RenamedNetwork("dense_motion_network", "dense_motion", _DENSE_MOTION),
    RenamedNetwork("kp_detector", "keypoint_detector", _residual_network("fg_encoder")),
    RenamedNetwork("bg_predictor", "background_predictor", _residual_network("bg_encoder"), optional=True),
    RenamedNetwork("avd_network", "disentanglement", StateRenaming(disentanglement_names()), optional=True),
)


def animator_state(content: Mapping[str, Any]) -> dict[str, Tensor] | None:
    """The state dict of a TpsmmAnimator from the content of the authors' file.

    Args:
        content: state dicts under "inpainting_network", "dense_motion_network", "kp_detector" and perhaps
            "bg_predictor" and "avd_network"; optimisers, "epoch".

    Returns:
        None where a network or a name is not TPSMM's. Shapes are not looked at.
    """
    return _NETWORKS.to_ours(content)


def authors_content(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]] | None:
    """A TpsmmAnimator's state dict in the authors' layout, without optimisers; None for another's state dict."""
    return _NETWORKS.to_theirs(state)
