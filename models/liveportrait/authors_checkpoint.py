"""The layout of the files that LivePortrait's authors published: four base networks and the retargeting networks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lia_bench.core.errors import CheckpointError
from lia_bench.core.provenance import sha256_once
from lia_bench.models.authors_layout import (
    StateRenaming,
    block_names,
    hourglass_names,
    residual_names,
    spade_decoder_names,
)
from lia_bench.models.liveportrait.retargeting import Retargeting

RGB = 3

# The names of the files, without suffix.
BASE = ("appearance_feature_extractor", "motion_extractor", "warping_module", "spade_generator")
RETARGETING = "stitching_retargeting_module"

_APPEARANCE = StateRenaming(
    (
        *block_names("first", "stem"),
        *block_names("down_blocks.*", "down.*"),
        ("second.*", "unfold.*"),
        *residual_names("resblocks_3d.3dr*", "volume_blocks.*"),
    )
)
_WARPING = StateRenaming(
    (
        *hourglass_names("dense_motion_network.hourglass", "dense_motion.hourglass"),
        *block_names("dense_motion_network.hourglass.decoder", "dense_motion.last"),
        ("dense_motion_network.compress.*", "dense_motion.compress.convolution.*"),
        ("dense_motion_network.norm.*", "dense_motion.compress.normalisation.*"),
        ("dense_motion_network.mask.*", "dense_motion.masks.*"),
        ("dense_motion_network.occlusion.*", "dense_motion.occlusion.*"),
        *block_names("third", "fold"),
        ("fourth.*", "mix.*"),
    )
)
_DECODER = StateRenaming(
    (
        *spade_decoder_names("", "decoder."),
        # Before the pixel shuffle it stands in a sequence; a decoder without one has the bare convolution.
        ("conv_img.0.*", "decoder.output.*"),
        ("conv_img.*", "decoder.output.*"),
    )
)
_MOTION = StateRenaming(
    (
        ("detector.downsample_layers.*.*.*", "down.*.*.*"),
        ("detector.stages.*.*.dwconv.*", "stages.*.*.depthwise.*"),
        ("detector.stages.*.*.norm.*", "stages.*.*.normalisation.*"),
        ("detector.stages.*.*.pwconv1.*", "stages.*.*.widen.*"),
        ("detector.stages.*.*.grn.gamma", "stages.*.*.response.scale"),
        ("detector.stages.*.*.grn.beta", "stages.*.*.response.shift"),
        ("detector.stages.*.*.pwconv2.*", "stages.*.*.narrow.*"),
        ("detector.norm.*", "normalisation.*"),
        ("detector.fc_kp.*", "canonical.*"),
        ("detector.fc_scale.*", "scale.*"),
        ("detector.fc_pitch.*", "pitch.*"),
        ("detector.fc_yaw.*", "yaw.*"),
        ("detector.fc_roll.*", "roll.*"),
        ("detector.fc_t.*", "translation.*"),
        ("detector.fc_exp.*", "expression.*"),
    )
)
_RETARGETING = StateRenaming(
    (
        ("retarget_shoulder.mlp.*.*", "stitching.*.*"),
        ("retarget_mouth.mlp.*.*", "lips.*.*"),
        ("retarget_eye.mlp.*.*", "eyes.*.*"),
    )
)
_PARTS: Mapping[str, tuple[str, StateRenaming]] = {
    "appearance_feature_extractor": ("generator", _APPEARANCE),
    "motion_extractor": ("motion_extractor", _MOTION),
    "warping_module": ("generator", _WARPING),
    "spade_generator": ("generator", _DECODER),
    RETARGETING: ("retargeting", _RETARGETING),
}
# SHA-256 of files of the model that its authors trained for animals, of the same names, shapes and layout.
ANIMALS = {
    "motion_extractor": "63c0d450099ef6ebece788ab711cb012509712e23fd1200b79fb65ef980adbb9",
    "spade_generator": "7fafa1e31c7c72c9384310d679e32af3fbf214e241fb657df8c3b18ad826f336",
}
# Where published copies of the folder keep the files.
_FOLDERS = ("", "base_models", "retargeting_models")
_SUFFIXES = (".pth", ".safetensors")


def files_in(folder: Path) -> dict[str, Path]:
    """The published files in a folder, by name without suffix: beside each other, or as their authors store them.

    Raises:
        CheckpointError: some of the base networks are there and others are not, or they are those for animals.
    """
    roots = (folder, folder / "liveportrait")
    places = [
        root / inner / f"{name}{suffix}"
        for name in _PARTS
        for root in roots
        for inner in _FOLDERS
        for suffix in _SUFFIXES
    ]
    found: dict[str, Path] = {}
    for place in places:
        if place.is_file():
            found.setdefault(place.stem, place)
    if found:
        _check_complete(found)
        _refuse_animals(found)
    return found


def animator_state(content: Mapping[str, Any]) -> dict[str, Tensor] | None:
    """The state dict of a LivePortraitAnimator from the content of the authors' files.

    Args:
        content: by the files' names: the base networks' state dicts, and perhaps the retargeting file, a state dict
            for each of its networks or all in one flat one. Without it, zeros: nothing is stitched.

    Returns:
        None where a network or a name is not LivePortrait's. Shapes are not looked at.

    Raises:
        CheckpointError: a base network is missing.
    """
    if not any(name in content for name in BASE):
        return None
    _check_complete(content)
    state: dict[str, Tensor] = {}
    for name, (prefix, names) in _PARTS.items():
        part = content.get(name, {})
        renamed = names.to_ours(_flat(part)) if isinstance(part, Mapping) else None
        if renamed is None:
            return None
        state.update({f"{prefix}.{key}": value for key, value in renamed.items()})
    if RETARGETING not in content:
        points = state["motion_extractor.canonical.bias"].shape[0] // 3
        untrained = Retargeting(points).state_dict()
        state.update({f"retargeting.{key}": torch.zeros_like(value) for key, value in untrained.items()})
    return state


def authors_content(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]] | None:
    """A LivePortraitAnimator's state dict by the authors' files, the retargeting networks flat; else None."""
    content: dict[str, dict[str, Tensor]] = {}
    output = state.get("generator.decoder.output.bias")
    shuffles = output is not None and output.shape[0] > RGB
    for name, value in state.items():
        theirs = _theirs(name, value, shuffles=shuffles)
        if theirs is None:
            return None
        file, key = theirs
        content.setdefault(file, {})[key] = value
    return content if content.keys() == _PARTS.keys() else None


def write_files(content: Mapping[str, Mapping[str, Tensor]], output: Path) -> None:
    """Write the files into a folder that is made, laid out and named as they were published."""
    for name, part in content.items():
        folder = output / ("retargeting_models" if name == RETARGETING else "base_models")
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(_by_networks(part) if name == RETARGETING else dict(part), folder / f"{name}.pth")


def _theirs(name: str, value: Tensor, *, shuffles: bool) -> tuple[str, str] | None:
    """File and name that the authors give to an entry of ours."""
    for file, (prefix, names) in _PARTS.items():
        own = name.removeprefix(f"{prefix}.")
        renamed = names.to_theirs({own: value}) if own != name else None
        if renamed:
            (key,) = renamed
            return file, key if shuffles else key.replace("conv_img.0.", "conv_img.")
    return None


def _check_complete(found: Mapping[str, Any]) -> None:
    missing = [name for name in BASE if name not in found]
    if missing:
        raise CheckpointError(
            f"{', '.join(missing)} missing: a checkpoint of LivePortrait is a folder with the files of "
            f"{', '.join(BASE)}; fetch the others from where these came from"
        )


def _refuse_animals(found: Mapping[str, Path]) -> None:
    for name, digest in ANIMALS.items():
        if sha256_once(found[name]) == digest:
            raise CheckpointError(
                f"{found[name]} is of LivePortrait's model for animals, which renders no people and is not in the zoo: "
                "take the files in the folder liveportrait/ of the same place"
            )


def _flat(part: Mapping[str, Any]) -> dict[str, Tensor]:
    """State dicts of networks in one, each name behind its network's; as they are published and as copies have them."""
    flat: dict[str, Tensor] = {}
    for name, value in part.items():
        inner = value.items() if isinstance(value, Mapping) else (("", value),)
        for key, tensor in inner:
            whole = f"{name}.{key}" if key else name
            flat[whole.replace("_module.", ".").replace("module.", "")] = tensor
    return flat


def _by_networks(part: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    networks: dict[str, dict[str, Tensor]] = {}
    for name, value in part.items():
        network, _, inner = name.partition(".")
        networks.setdefault(network, {})[f"module.{inner}"] = value
    return networks
