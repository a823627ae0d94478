"""The layout of the checkpoint files that MRAA's authors published."""

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

_GENERATOR = StateRenaming(
    (
        *hourglass_names("pixelwise_flow_predictor.hourglass", "pixelwise_flow.hourglass"),
        ("pixelwise_flow_predictor.mask.*", "pixelwise_flow.masks.*"),
        ("pixelwise_flow_predictor.occlusion.*", "pixelwise_flow.occlusion.*"),
        ("pixelwise_flow_predictor.down.weight", "downsample.weight"),
        *encoder_decoder_names(),
    )
)
_REGION_PREDICTOR = StateRenaming(
    (
        *hourglass_names("predictor", "hourglass"),
        ("regions.*", "heatmaps.*"),
        ("down.weight", "downsample.weight"),
    )
)
_BACKGROUND_PREDICTOR = StateRenaming((*block_names("encoder.down_blocks.*", "down.*"), ("fc.*", "entries.*")))
_NETWORKS = RenamedNetworks(
    RenamedNetwork("generator", "generator", _GENERATOR),
    RenamedNetwork("region_predictor", "region_predictor", _REGION_PREDICTOR),
    RenamedNetwork("bg_predictor", "background_predictor", _BACKGROUND_PREDICTOR, optional=True),
    # Disentanglement is trained after all others.
    RenamedNetwork("avd_network", "disentanglement", StateRenaming(disentanglement_names()), optional=True),
)


def animator_state(content: Mapping[str, Any]) -> dict[str, Tensor] | None:
    """The state dict of an MraaAnimator from the content of the authors' file.

    Args:
        content: state dicts under "generator" and "region_predictor", and under "bg_predictor" and "avd_network"
            where the model has them; optimisers and epochs are passed over.

    Returns:
        None where a network or a name is not MRAA's. Shapes are not looked at.
    """
    return _NETWORKS.to_ours(content)


def authors_content(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]] | None:
    """An MraaAnimator's state dict in the authors' layout, without optimisers; None where it is another model's."""
    content = _NETWORKS.to_theirs(state)
    if content is None:
        return None
    # A background that stands still has an empty state, which their code asks for.
    return {**content, "bg_predictor": content.get("bg_predictor", {})}
