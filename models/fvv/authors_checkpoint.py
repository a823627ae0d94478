"""The layout of the checkpoint files that the authors of the re-implementation published."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from lia_bench.models.authors_layout import (
    RenamedNetwork,
    RenamedNetworks,
    StateRenaming,
    hourglass_names,
    residual_names,
    spade_decoder_names,
)
from lia_bench.models.fvv.networks import STAGES


def _normalised(theirs: str, number: str, ours: str) -> tuple[tuple[str, str], ...]:
    return (
        (f"{theirs}conv{number}.*", f"{ours}.convolution.*"),
        (f"{theirs}norm{number}.*", f"{ours}.normalisation.*"),
    )


def _bottleneck(theirs: str, ours: str) -> tuple[tuple[str, str], ...]:
    return (
        *_normalised(f"{theirs}.", "1", f"{ours}.reduce"),
        *_normalised(f"{theirs}.", "2", f"{ours}.spatial"),
        *_normalised(f"{theirs}.", "3", f"{ours}.expand"),
        (f"{theirs}.skip.*", f"{ours}.shortcut.convolution.*"),
        (f"{theirs}.norm4.*", f"{ours}.shortcut.normalisation.*"),
    )


def _stages() -> Iterator[tuple[str, str]]:
    # Their blocks are counted through: 1, then 2 (halving) and 3, 4 (halving) and 5, 6 (halving) and 7.
    for index in range(len(STAGES)):
        yield from _normalised("", str(index + 2), f"stages.{index}.widen")
        if index:
            yield from _bottleneck(f"block{2 * index}", f"stages.{index}.halve")
        repeated = f"block{2 * index + 1}"
        yield from _bottleneck(f"{repeated}.b{2 * index + 1}_*", f"stages.{index}.blocks.*")


_GENERATOR = StateRenaming(
    (
        *hourglass_names("dense_motion_network.hourglass", "dense_motion.hourglass"),
        *_normalised("dense_motion_network.hourglass.decoder.", "", "dense_motion.last"),
        ("dense_motion_network.compress.*", "dense_motion.compress.convolution.*"),
        ("dense_motion_network.norm.*", "dense_motion.compress.normalisation.*"),
        ("dense_motion_network.mask.*", "dense_motion.masks.*"),
        ("dense_motion_network.occlusion.*", "dense_motion.occlusion.*"),
        *_normalised("first.", "", "stem"),
        *_normalised("down_blocks.*.", "", "down.*"),
        ("second.*", "unfold.*"),
        *residual_names("resblocks_3d.3dr*", "volume_blocks.*"),
        *_normalised("third.", "", "fold"),
        ("fourth.*", "mix.*"),
        *spade_decoder_names("decoder.", "decoder."),
        ("decoder.conv_img.*", "decoder.output.*"),
        *residual_names("resblocks_2d.2dr*", "decoder.residual.*"),
        *_normalised("up_blocks.*.", "", "decoder.up.*"),
        ("final.*", "decoder.final.*"),
    )
)
_KEYPOINT_DETECTOR = StateRenaming(
    (
        *_normalised("predictor.down_blocks.down*.", "", "down.*"),
        ("predictor.conv.*", "unfold.*"),
        *_normalised("predictor.up_blocks.up*.", "", "up.*"),
        ("kp.*", "heatmaps.*"),
        ("down.weight", "downsample.weight"),
    )
)
_POSE_ESTIMATOR = StateRenaming(
    (
        *_normalised("", "1", "stem"),
        *_stages(),
        # What their code calls yaw comes out of the layer that it calls fc_roll, and the other way round.
        ("fc_roll.*", "yaw.*"),
        ("fc_pitch.*", "pitch.*"),
        ("fc_yaw.*", "roll.*"),
        ("fc_t.*", "translation.*"),
        ("fc_exp.*", "expression.*"),
    )
)
_NETWORKS = RenamedNetworks(
    RenamedNetwork("generator", "generator", _GENERATOR),
    RenamedNetwork("kp_detector", "keypoint_detector", _KEYPOINT_DETECTOR),
    RenamedNetwork("he_estimator", "pose_estimator", _POSE_ESTIMATOR),
)


def animator_state(content: Mapping[str, Any]) -> dict[str, Tensor] | None:
    """The state dict of a FvvAnimator from the content of the authors' file.

    Args:
        content: state dicts under "generator", "kp_detector", "he_estimator" and perhaps "discriminator"; optimisers
            and "epoch" are left out.

    Returns:
        None where a network or a name is not face-vid2vid's. Shapes are not looked at.
    """
    return _NETWORKS.to_ours(content)


def authors_content(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]] | None:
    """A FvvAnimator's state dict in the authors' layout, without discriminator and optimisers; else None."""
    return _NETWORKS.to_theirs(state)
