"""LivePortrait against what its authors' code puts out for the same weights and frames."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from torch import Tensor

from lia_bench.models.blocks.volume_generator import EncodedSource, part_motions
from lia_bench.models.liveportrait.animator import EncodedClip, LivePortraitAnimator
from lia_bench.models.liveportrait.configuration import MotionConfiguration
from lia_bench.models.liveportrait.motion_extractor import PortraitMotion
from lia_bench.models.liveportrait.retargeting import Openings
from lia_bench.models.liveportrait.transfer import Transfer
from lia_bench.models.loading import load_model
from tests.conftest import golden
from tests.deterministic import difference
from tests.models.authors_files import deterministic_content, largest_difference

GOLDEN = "liveportrait-512"
# Of frames the golden states 1e-3; of points and angles 2e-5, since frames hardly feel some conventions.
TOLERANCE = 1e-4
POINT_TOLERANCE = 2e-5
REGIONS = {"exp": "expression", "lip": "lips"}


@pytest.fixture(scope="module")
def content(expected: dict[str, Any]) -> dict[str, dict[str, Tensor]]:
    """The networks of the authors' files."""
    return deterministic_content(expected)


@pytest.fixture(scope="module")
def animator(
    content: dict[str, dict[str, Tensor]], expected: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> LivePortraitAnimator:
    folder = tmp_path_factory.mktemp("authors")
    for name, part in content.items():
        file = folder / expected["files"][name]
        file.parent.mkdir(exist_ok=True)
        torch.save(_nested(part) if name == "stitching_retargeting_module" else part, file)
    loaded = load_model("liveportrait", checkpoint=folder, device="cpu", **expected["load"])
    assert isinstance(loaded, LivePortraitAnimator)
    return loaded


def _nested(part: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    networks: dict[str, dict[str, Tensor]] = {}
    for key, value in part.items():
        network, _, name = key.partition("/")
        networks.setdefault(network, {})[name] = value
    return networks


def test_parameters_are_those_of_the_authors_networks(animator: LivePortraitAnimator) -> None:
    assert sum(parameter.numel() for parameter in animator.parameters()) == 130_077_432


@pytest.fixture(scope="module")
def encoded(animator: LivePortraitAnimator, source: Tensor, driving: Tensor) -> dict[str, EncodedClip]:
    """The source, encoded once, as two transfers begin."""
    with torch.inference_mode():
        volume = animator.generator.encode(source[None])
        with patch.object(animator.generator, "encode", return_value=volume):
            return {
                transfer: animator.encode_source(source[None], driving[:1], transfer)
                for transfer in ("absolute", "relative")
            }


# A frame takes a processor core twelve seconds, so that one stands for all: points of all frames are tested here and
# below, and so is what the decoder is given for another.
@pytest.mark.slow
def test_last_frame_of_relative_transfer(
    animator: LivePortraitAnimator, encoded: dict[str, EncodedClip], driving: Tensor, expected: dict[str, Any]
) -> None:
    with animator.evaluating():
        frames = animator.render(encoded["relative"], driving[2:])
    assert largest_difference(frames, expected["outputs"]["relative"][2:]) < TOLERANCE


@pytest.mark.parametrize("transfer", ["absolute", "relative"])
def test_points_of_every_frame(
    animator: LivePortraitAnimator,
    encoded: dict[str, EncodedClip],
    driving: Tensor,
    expected: dict[str, Any],
    transfer: str,
) -> None:
    with torch.inference_mode():
        moved = animator.moved_points(encoded[transfer], driving)
    assert np.abs(moved.flatten(1).numpy() - np.array(expected["points"][transfer])).max() < POINT_TOLERANCE


@pytest.mark.slow
def test_what_the_decoder_is_given(
    animator: LivePortraitAnimator, encoded: dict[str, EncodedClip], driving: Tensor, expected: dict[str, Any]
) -> None:
    given: list[Tensor] = []

    def decode(features: Tensor) -> Tensor:
        given.append(features)
        return torch.zeros(len(features), 3, 1, 1)

    with animator.evaluating(), patch.object(animator.generator.decoder, "forward", decode):
        animator.render(encoded["absolute"], driving[1:2])
    assert difference(given[0][0].numpy(), expected["intermediate"]["decoder_input_absolute1"]) < TOLERANCE


@pytest.fixture(scope="module")
def motions(animator: LivePortraitAnimator, source: Tensor, driving: Tensor) -> tuple[PortraitMotion, PortraitMotion]:
    """Of the source and of the driving frames."""
    with torch.inference_mode():
        return animator.motion_extractor(source[None]), animator.motion_extractor(driving)


@pytest.mark.parametrize("name", golden(GOLDEN)["points"])
def test_points_of_every_kind_of_transfer(
    animator: LivePortraitAnimator,
    motions: tuple[PortraitMotion, PortraitMotion],
    expected: dict[str, Any],
    name: str,
) -> None:
    source, driving = motions
    options = _options(expected["flags_of_modes"].get(name, {}))
    first = driving.rows(slice(0, 1))
    if name == "image_driven_relative":
        driving = driving.rows(slice(1, 2))
    ratios = expected["retargeting"]
    own = Openings(torch.tensor([ratios["eyes_source"]]), torch.tensor([ratios["lip_source"]]))
    theirs = Openings(torch.tensor(ratios["eyes_driving"]), torch.tensor(ratios["lip_driving"]))
    transfer = Transfer(_mode(name, expected), source, first, options, own if options.looks_at_openings else None)
    with torch.inference_mode():
        points = transfer(driving, animator.retargeting, theirs if options.retargets else None)
    assert np.abs(points.flatten(1).numpy() - np.array(expected["points"][name])).max() < POINT_TOLERANCE


def _mode(name: str, expected: dict[str, Any]) -> str:
    if name == "absolute_paper":
        return name
    if name == "image_driven_relative":
        return "from_neutral"
    return "relative" if expected["flags_of_modes"][name].get("flag_relative_motion", True) else "absolute"


def _options(flags: dict[str, Any]) -> MotionConfiguration:
    region = flags.get("animation_region", "all")
    return MotionConfiguration(
        stitching=flags.get("flag_stitching", True),
        region=REGIONS.get(region, region),
        multiplier=flags.get("driving_multiplier", 1.0),
        normalize_lips=flags.get("flag_normalize_lip", False),
        eye_retargeting=flags.get("flag_eye_retargeting", False),
        lip_retargeting=flags.get("flag_lip_retargeting", False),
    )


@pytest.mark.parametrize("name", ["source", "driving0", "driving1", "driving2"])
def test_motion(
    animator: LivePortraitAnimator, source: Tensor, driving: Tensor, expected: dict[str, Any], name: str
) -> None:
    inner = expected["intermediate"]
    frame = source if name == "source" else driving[int(name[-1])]
    with torch.inference_mode():
        motion = animator.motion_extractor(frame[None])
    angles = torch.cat((motion.angles.pitch, motion.angles.yaw, motion.angles.roll))
    assert difference(angles.numpy(), inner[f"angles_degrees_pitch_yaw_roll_{name}"]) < 2e-4
    assert difference(motion.rotation[0].numpy(), inner[f"R_{name}"]) < POINT_TOLERANCE
    assert difference(motion.expression[0].numpy(), inner[f"expression_{name}"]) < POINT_TOLERANCE
    assert difference(motion.translation[0].numpy(), inner[f"t_{name}"]) < POINT_TOLERANCE
    assert difference(motion.scale[0].numpy(), inner[f"scale_{name}"]) < POINT_TOLERANCE
    points = inner["x_source"] if name == "source" else inner[f"own_points_{name}"]
    assert difference(motion.points()[0].numpy(), points) < POINT_TOLERANCE


@pytest.mark.slow
def test_volume_and_what_dense_motion_sees(
    animator: LivePortraitAnimator, encoded: dict[str, EncodedClip], driving: Tensor, expected: dict[str, Any]
) -> None:
    inner, clip = expected["intermediate"], encoded["absolute"]
    dense_motion = animator.generator.dense_motion
    volume: EncodedSource = clip.source
    with torch.inference_mode():
        moved = animator.moved_points(clip, driving[1:2])
        motions = part_motions(clip.points, moved, *volume.compressed.shape[2:])
        evidence = dense_motion.evidence(volume.compressed, clip.points, moved, motions)
        motion = dense_motion(volume.compressed, clip.points, moved)
    assert difference(volume.volume[0].numpy(), inner["feature_volume"]) < TOLERANCE
    assert difference(evidence[0].numpy(), inner["hourglass_input_absolute1"]) < POINT_TOLERANCE
    assert difference(motion.masks[0].numpy(), inner["mask_absolute1"]) < TOLERANCE
    assert difference(motion.flow[0].numpy(), inner["deformation_absolute1"]) < TOLERANCE
    assert difference(motion.occlusion[0].numpy(), inner["occlusion_absolute1"]) < TOLERANCE


def test_without_the_retargeting_file_nothing_is_stitched(
    content: dict[str, dict[str, Tensor]], expected: dict[str, Any], source: Tensor, driving: Tensor, tmp_path: Path
) -> None:
    for name, part in content.items():
        if name != "stitching_retargeting_module":
            torch.save(part, tmp_path / f"{name}.pth")
    bare = load_model("liveportrait", checkpoint=tmp_path, device="cpu")
    assert isinstance(bare, LivePortraitAnimator)
    with torch.inference_mode():
        own, first = bare.motion_extractor(source[None]), bare.motion_extractor(driving[:1])
        points = Transfer("relative", own, first, MotionConfiguration())(first, bare.retargeting, None)
    unstitched = np.array(expected["points"]["relative_no_stitching"][0])
    assert np.abs(points[0].flatten().numpy() - unstitched).max() < POINT_TOLERANCE
