"""LivePortrait against what its authors' code puts out for the same weights and frames."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lia_bench.models.blocks.volume_generator import EncodedSource, part_motions
from lia_bench.models.liveportrait.animator import LivePortraitAnimator
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
def animator(expected: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> LivePortraitAnimator:
    folder = tmp_path_factory.mktemp("authors")
    for name, part in deterministic_content(expected).items():
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("transfer", "numbers", "batch_size"), [("absolute", slice(0, 1), 1), ("relative", slice(0, 3), 3)]
)
def test_frames(
    animator: LivePortraitAnimator,
    source: Tensor,
    driving: Tensor,
    expected: dict[str, Any],
    transfer: str,
    numbers: slice,
    batch_size: int,
) -> None:
    frames = animator.animate(source, iter(driving[numbers]), transfer, batch_size=batch_size)
    assert largest_difference(frames, expected["outputs"][transfer][numbers]) < TOLERANCE


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
    animator: LivePortraitAnimator, source: Tensor, driving: Tensor, expected: dict[str, Any]
) -> None:
    inner = expected["intermediate"]
    dense_motion = animator.generator.dense_motion
    with torch.inference_mode():
        encoded = animator.encode_source(source[None], driving[:1], "absolute")
        moved = animator.moved_points(encoded, driving[1:2])
        volume: EncodedSource = encoded.source
        motions = part_motions(encoded.points, moved, *volume.compressed.shape[2:])
        evidence = dense_motion.evidence(volume.compressed, encoded.points, moved, motions)
        motion = dense_motion(volume.compressed, encoded.points, moved)
    assert difference(volume.volume[0].numpy(), inner["feature_volume"]) < TOLERANCE
    assert difference(evidence[0].numpy(), inner["hourglass_input_absolute1"]) < POINT_TOLERANCE
    assert difference(motion.masks[0].numpy(), inner["mask_absolute1"]) < TOLERANCE
    assert difference(motion.flow[0].numpy(), inner["deformation_absolute1"]) < TOLERANCE
    assert difference(motion.occlusion[0].numpy(), inner["occlusion_absolute1"]) < TOLERANCE


def test_without_the_retargeting_file_nothing_is_stitched(
    expected: dict[str, Any], source: Tensor, driving: Tensor, tmp_path: Path
) -> None:
    for name, part in deterministic_content(expected).items():
        if name != "stitching_retargeting_module":
            torch.save(part, tmp_path / f"{name}.pth")
    bare = load_model("liveportrait", checkpoint=tmp_path, device="cpu")
    assert isinstance(bare, LivePortraitAnimator)
    with torch.inference_mode():
        own, first = bare.motion_extractor(source[None]), bare.motion_extractor(driving[:1])
        points = Transfer("relative", own, first, MotionConfiguration())(first, bare.retargeting, None)
    unstitched = np.array(expected["points"]["relative_no_stitching"][0])
    assert np.abs(points[0].flatten().numpy() - unstitched).max() < POINT_TOLERANCE
