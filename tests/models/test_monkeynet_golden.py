"""Monkey-Net against what its authors' code puts out for the same weights and frames."""

from typing import Any

import pytest
import torch
from torch import Tensor

from lia_bench.models.blocks.warping import resize_flow, warp
from lia_bench.models.monkeynet.animator import MonkeyNetAnimator
from lia_bench.models.monkeynet.authors_checkpoint import authors_content
from lia_bench.models.monkeynet.networks import Generated, Keypoints, displacements
from tests.deterministic import difference
from tests.models.authors_files import authors_model, largest_difference, last_frame, mean_change

GOLDEN = "monkeynet-vox"
# The stated tolerance of the frames is 1e-3; the same code on another number of threads differs by less.
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def animator(expected: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> MonkeyNetAnimator:
    optimisers = ("optimizer_generator", "optimizer_discriminator", "optimizer_kp_detector")
    beside = {"discriminator": {"down_blocks.0.conv.weight": torch.zeros(64, 13, 1, 4, 4)}, "epoch": 19, "it": 1000}
    loaded = authors_model(expected, tmp_path_factory.mktemp("authors"), optimisers, beside)
    assert isinstance(loaded, MonkeyNetAnimator)
    return loaded


def test_parameters_are_those_of_the_authors(animator: MonkeyNetAnimator, expected: dict[str, Any]) -> None:
    content = authors_content(animator.state_dict())
    assert content is not None
    theirs = {f"{part}/{name}": list(value.shape) for part, state in content.items() for name, value in state.items()}
    assert theirs == {key: shape for key, (shape, _) in expected["state"].items()}
    assert sum(parameter.numel() for parameter in animator.parameters()) == 94_762_419


def test_frames(animator: MonkeyNetAnimator, source: Tensor, driving: Tensor, expected: dict[str, Any]) -> None:
    # A batch of two frames and one of one.
    frames = animator.animate(source, iter(driving), "relative_adapted", batch_size=2)
    assert largest_difference(frames, expected["outputs"]["relative_adapted"]) < TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("transfer", [mode for mode in MonkeyNetAnimator.transfer_modes if mode != "relative_adapted"])
def test_the_last_frame_of_other_transfers(
    animator: MonkeyNetAnimator, source: Tensor, driving: Tensor, expected: dict[str, Any], transfer: str
) -> None:
    frames = last_frame(animator, source, driving, transfer)
    assert largest_difference(frames, expected["outputs"][transfer][-1:]) < TOLERANCE


@pytest.fixture(scope="module")
def keypoints(animator: MonkeyNetAnimator, source: Tensor, driving: Tensor) -> tuple[Keypoints, Keypoints]:
    with torch.inference_mode():
        return animator.keypoint_detector(source[None]), animator.keypoint_detector(driving)


def test_heatmap_logits(animator: MonkeyNetAnimator, source: Tensor, expected: dict[str, Any]) -> None:
    with torch.inference_mode():
        logits = animator.keypoint_detector.logits(source[None])
    assert difference(logits[:, :, None].numpy(), expected["intermediate"]["heatmap_logits_source"]) < TOLERANCE


def test_keypoints(keypoints: tuple[Keypoints, Keypoints], expected: dict[str, Any]) -> None:
    inner = expected["intermediate"]
    for entry, found in zip(("source", "driving"), keypoints, strict=True):
        assert difference(found.position[None].numpy(), inner["keypoints"][entry]) < TOLERANCE
        assert difference(found.covariance[None].numpy(), inner["variance"][entry]) < TOLERANCE


def test_sharp_heatmaps_have_their_covariances_enlarged(
    animator: MonkeyNetAnimator, source: Tensor, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = expected["intermediate"]["sharp"]
    monkeypatch.setattr(animator.keypoint_detector, "temperature", 0.01)
    with torch.inference_mode():
        found = animator.keypoint_detector(source[None])
    assert difference(found.position[None].numpy(), inner["keypoints"]) < TOLERANCE
    # One covariance is so long and thin that rounding gave the authors 0.0009999 for its smaller axis.
    assert difference(found.covariance[None].numpy(), inner["variance"]) < 2e-5
    smaller = torch.linalg.eigvalsh(found.covariance)[..., 0]
    torch.testing.assert_close(smaller, torch.full_like(smaller, 1e-3), rtol=1e-4, atol=0)


@pytest.mark.parametrize("transfer", ["relative", "relative_adapted"])
def test_transferred_keypoints(
    animator: MonkeyNetAnimator,
    source: Tensor,
    driving: Tensor,
    keypoints: tuple[Keypoints, Keypoints],
    expected: dict[str, Any],
    transfer: str,
) -> None:
    inner = expected["intermediate"]
    with torch.inference_mode():
        encoded = animator.encode_source(source[None], driving[:1], transfer)
        moved = encoded.transfer(keypoints[1])
    assert difference(moved.position[None].numpy(), inner["keypoints"][transfer]) < TOLERANCE
    entry = "driving" if transfer == "relative" else transfer
    assert difference(moved.covariance[None].numpy(), inner["variance"][entry]) < TOLERANCE


def test_dense_motion(
    animator: MonkeyNetAnimator, source: Tensor, keypoints: tuple[Keypoints, Keypoints], expected: dict[str, Any]
) -> None:
    inner = expected["intermediate"]
    at_source, at_driving = keypoints[0], Keypoints(*(value[1:2] for value in keypoints[1]))
    dense_motion = animator.generator.dense_motion
    with torch.inference_mode():
        small = source[None, :, ::4, ::4]
        evidence = dense_motion.evidence(small, at_source, at_driving, displacements(at_source, at_driving))
        grouped = dense_motion.grouped(evidence)
        motion = dense_motion(source[None], at_source, at_driving)
        deformed = warp(source[None], resize_flow(motion.flow, 256, 256), align_corners=False)
        generated: Generated = animator.generator(source[None], at_source, at_driving)
    assert difference(evidence[:, :, None].numpy(), inner["motion_embedding"]) < TOLERANCE
    assert difference(grouped[:, :, None].numpy(), inner["motion_hourglass_input"]) < TOLERANCE
    assert difference(motion.masks[:, :, None].numpy(), inner["mask"]) < TOLERANCE
    assert difference(motion.correction[:, :, None].numpy(), inner["correction"]) < TOLERANCE
    # The authors sample in three dimensions, where the third coordinate is that of the only frame.
    flow = torch.nn.functional.pad(motion.flow, (0, 1))[:, None]
    assert difference(flow.numpy(), inner["flow"]) < TOLERANCE
    # At full size the source is steep: flows that agree to a thousandth of a pixel already differ here.
    assert difference(deformed.numpy(), inner["deformed"]) < 1e-3
    assert torch.equal(generated.deformed, deformed)


def test_heatmaps_of_the_decoder(
    animator: MonkeyNetAnimator, source: Tensor, keypoints: tuple[Keypoints, Keypoints], expected: dict[str, Any]
) -> None:
    summary = expected["intermediate"]["keypoint_embedding"]
    at_driving = Keypoints(*(value[1:2] for value in keypoints[1]))
    heatmaps = animator.generator.heatmaps(source[None], keypoints[0], at_driving)
    assert difference(heatmaps[:, :, None].numpy(), summary) < 1e-3 * summary["std"]


@pytest.mark.parametrize(
    ("override", "convention"),
    [
        ({"align_corners": True}, "align_corners=True in every grid_sample"),
        (
            {"generator": {"resizing": "nearest"}},
            "other interpolation mode (nearest <-> trilinear) for flow and embedding",
        ),
    ],
)
def test_conventions_are_seen_in_the_picture(
    animator: MonkeyNetAnimator,
    source: Tensor,
    driving: Tensor,
    expected: dict[str, Any],
    override: dict[str, Any],
    convention: str,
) -> None:
    moved = mean_change(expected, animator, source, driving[1:2], **override)
    assert moved == pytest.approx(expected["sensitivity"]["convention"][convention][0], rel=0.01)
