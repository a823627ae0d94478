"""The layout of the checkpoint files that FOMM's authors published."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from lia_bench.models.blocks.state_renaming import StateRenaming


def _hourglass(theirs: str, ours: str) -> tuple[tuple[str, str], ...]:
    return (
        (f"{theirs}.encoder.down_blocks.*.conv.*", f"{ours}.down.*.convolution.*"),
        (f"{theirs}.encoder.down_blocks.*.norm.*", f"{ours}.down.*.normalisation.*"),
        (f"{theirs}.decoder.up_blocks.*.conv.*", f"{ours}.up.*.convolution.*"),
        (f"{theirs}.decoder.up_blocks.*.norm.*", f"{ours}.up.*.normalisation.*"),
    )


_GENERATOR = StateRenaming(
    (
        *_hourglass("dense_motion_network.hourglass", "dense_motion.hourglass"),
        ("dense_motion_network.mask.*", "dense_motion.masks.*"),
        ("dense_motion_network.occlusion.*", "dense_motion.occlusion.*"),
        ("dense_motion_network.down.weight", "downsample.weight"),
        ("first.conv.*", "stem.convolution.*"),
        ("first.norm.*", "stem.normalisation.*"),
        ("down_blocks.*.conv.*", "down.*.convolution.*"),
        ("down_blocks.*.norm.*", "down.*.normalisation.*"),
        ("bottleneck.r*.norm1.*", "residual.*.normalisation1.*"),
        ("bottleneck.r*.conv1.*", "residual.*.convolution1.*"),
        ("bottleneck.r*.norm2.*", "residual.*.normalisation2.*"),
        ("bottleneck.r*.conv2.*", "residual.*.convolution2.*"),
        ("up_blocks.*.conv.*", "up.*.convolution.*"),
        ("up_blocks.*.norm.*", "up.*.normalisation.*"),
        ("final.*", "output.*"),
    )
)
_KEYPOINT_DETECTOR = StateRenaming(
    (
        *_hourglass("predictor", "hourglass"),
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
# Their name of a network, ours, and the names inside.
_PARTS = (("generator", "generator", _GENERATOR), ("kp_detector", "keypoint_detector", _KEYPOINT_DETECTOR))


def animator_state(content: Mapping[str, Any]) -> dict[str, Tensor] | None:
    """The state dict of a FommAnimator from the content of the authors' file.

    Args:
        content: state dicts under "generator", "kp_detector" and perhaps "discriminator", optimisers, "epoch".

    Returns:
        None where a network or a name is not FOMM's. Shapes are not looked at.
    """
    state: dict[str, Tensor] = {}
    for theirs, ours, names in _PARTS:
        part = content.get(theirs)
        renamed = names.to_ours(part) if isinstance(part, Mapping) else None
        if not renamed:
            return None
        state.update({f"{ours}.{name}": value for name, value in renamed.items()})
    return state


def discriminator_state(content: Mapping[str, Any]) -> dict[str, Tensor] | None:
    """The state dict of the PatchDiscriminator from the content of the authors' file; None where it has none."""
    part = content.get("discriminator")
    return _DISCRIMINATOR.to_ours(part) if isinstance(part, Mapping) else None


def authors_content(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]] | None:
    """A FommAnimator's state dict in the authors' layout, without discriminator and optimisers; else None."""
    content = {}
    for theirs, ours, names in _PARTS:
        prefix = f"{ours}."
        part = names.to_theirs({name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)})
        if part is None:
            return None
        content[theirs] = part
    return content
