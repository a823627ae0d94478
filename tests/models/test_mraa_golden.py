"""MRAA against what its authors' code puts out for the same weights and frames."""

from typing import Any

import pytest
import torch
from torch import Tensor

from lia_bench.models.blocks.dense_motion import DenseMotion
from lia_bench.models.blocks.warping import resize_flow, warp
from lia_bench.models.mraa.animator import MraaAnimator, repeated
from lia_bench.models.mraa.networks import Regions, principal_axes
from tests.deterministic import difference
from tests.models.authors_files import authors_model, largest_difference, last_frame

GOLDEN = "mraa-vox-256"
MODES = ("absolute", "relative", "avd")
# The stated tolerance of the frames is 1e-3; the authors' code in double precision differs from itself by 1e-4.
FRAME_TOLERANCE = 5e-4
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def animator(expected: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> MraaAnimator:
    optimisers = ("optimizer_reconstruction", "optimizer_avd")
    beside = {"epoch_reconstruction": 99, "epoch_avd": 29}
    loaded = authors_model(expected, tmp_path_factory.mktemp("authors"), optimisers, beside)
    assert isinstance(loaded, MraaAnimator)
    return loaded


def test_parameters_are_those_of_the_authors(animator: MraaAnimator, expected: dict[str, Any]) -> None:
    counts = {
        "generator": 45_575_391,
        "region_predictor": 14_146_728,
        "background_predictor": 6_282_438,
        "disentanglement": 2_290_620,
    }
    for name, count in counts.items():
        assert sum(parameter.numel() for parameter in animator.get_submodule(name).parameters()) == count, name
    assert sum(parameter.numel() for parameter in animator.parameters()) == sum(counts.values())
    assert len(animator.state_dict()) == len(expected["state"])


def test_the_golden_is_of_every_transfer_mode(expected: dict[str, Any]) -> None:
    assert tuple(expected["modes"]) == MODES
    # What the authors' own reconstruction adds, a moving background, has none of its frames.
    assert MraaAnimator.transfer_modes == (*MODES, "reconstruction")


def test_frames(animator: MraaAnimator, source: Tensor, driving: Tensor, expected: dict[str, Any]) -> None:
    # A batch of two frames and one of one.
    frames = animator.animate(source, iter(driving), "avd", batch_size=2)
    assert largest_difference(frames, expected["outputs"]["avd"]) < FRAME_TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("transfer", [mode for mode in MODES if mode != "avd"])
def test_the_last_frame_of_other_transfers(
    animator: MraaAnimator, source: Tensor, driving: Tensor, expected: dict[str, Any], transfer: str
) -> None:
    frames = last_frame(animator, source, driving, transfer)
    assert largest_difference(frames, expected["outputs"][transfer][-1:]) < FRAME_TOLERANCE


def test_reconstruction_with_the_background(
    animator: MraaAnimator, source: Tensor, driving: Tensor, expected: dict[str, Any]
) -> None:
    assert animator.background_predictor is not None
    frame, second = source[None], driving[1:2]
    with torch.inference_mode():
        background = animator.background_predictor(frame, second)
        regions = animator.region_predictor(frame), animator.region_predictor(second)
        frames, motion = animator.generator(frame, *regions, background)
    assert difference(frames[0].numpy(), expected["outputs"]["reconstruction"][1]) < FRAME_TOLERANCE
    inner = expected["intermediate"]
    homogeneous = torch.cat((background[0], torch.tensor([[0.0, 0.0, 1.0]])))
    assert difference(homogeneous.numpy(), inner["bg_params1"]) < TOLERANCE
    assert difference(motion.flow[0].numpy(), inner["flow_reconstruction1"]) < TOLERANCE


def test_regions(animator: MraaAnimator, source: Tensor, driving: Tensor, expected: dict[str, Any]) -> None:
    inner = expected["intermediate"]
    with torch.inference_mode():
        heatmaps = animator.region_predictor.draw(source[None])
        regions = animator.region_predictor(torch.cat((source[None], driving)))
        axes, _ = principal_axes(regions.covariance)
    assert difference(heatmaps[0].numpy(), inner["heatmap_source"]) < TOLERANCE
    for index, name in enumerate(("source", "driving0", "driving1", "driving2")):
        assert difference(regions.shift[index].numpy(), inner[f"shift_{name}"]) < TOLERANCE
        assert difference(regions.covariance[index].numpy(), inner[f"covar_{name}"]) < TOLERANCE
        assert difference(regions.affine[index].numpy(), inner[f"affine_{name}"]) < TOLERANCE
        assert difference(axes[index].numpy(), inner[f"u_{name}"]) < TOLERANCE


@pytest.mark.parametrize("transfer", ["relative", "avd"])
def test_transferred_regions(
    animator: MraaAnimator, source: Tensor, driving: Tensor, expected: dict[str, Any], transfer: str
) -> None:
    inner = expected["intermediate"]
    moved, _ = _moved(animator, source, driving, transfer)
    assert difference(moved.shift[1].numpy(), inner[f"{transfer}_shift1"]) < TOLERANCE
    assert difference(moved.affine[1].numpy(), inner[f"{transfer}_affine1"]) < TOLERANCE


@pytest.mark.parametrize("transfer", MODES)
def test_pixelwise_flow(
    animator: MraaAnimator, source: Tensor, driving: Tensor, expected: dict[str, Any], transfer: str
) -> None:
    inner = expected["intermediate"]
    _, motion = _moved(animator, source, driving, transfer)
    deformed = warp(source[None], resize_flow(motion.flow[1:2], 256, 256), align_corners=False)
    assert difference(motion.flow[1].numpy(), inner[f"flow_{transfer}1"]) < TOLERANCE
    assert difference(motion.masks[1].numpy(), inner[f"mask_{transfer}1"]) < TOLERANCE
    assert difference(motion.occlusion[1].numpy(), inner[f"occlusion_{transfer}1"]) < TOLERANCE
    # At full size the source is steep: flows that agree to a thousandth of a pixel already differ here.
    assert difference(deformed[0].numpy(), inner[f"deformed_{transfer}1"]) < 1e-3


def _moved(animator: MraaAnimator, source: Tensor, driving: Tensor, transfer: str) -> tuple[Regions, DenseMotion]:
    """Regions and motion of all driving frames at once."""
    with torch.inference_mode():
        encoded = animator.encode_source(source[None], driving[:1], transfer)
        moved = encoded.transfer(animator.region_predictor(driving))
        small = encoded.source.small.expand(len(driving), -1, -1, -1)
        return moved, animator.generator.motion(small, repeated(encoded.regions, len(driving)), moved, None)
