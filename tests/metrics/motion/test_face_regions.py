"""l1 in parts of a face: errors painted inside and outside of it, and eyes that do not move."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from lia_bench.metrics.extractors.extractor import POINTS
from lia_bench.metrics.extractors.mediapipe_landmarks import FACES
from lia_bench.metrics.motion.face_regions import HULLS, RegionL1, masked
from tests.metrics.motion.drawn_heads import drawn, landmarker

REGIONS = (*HULLS, "background")


@pytest.fixture(scope="module")
def face(real_data: Path) -> tuple[Tensor, np.ndarray]:
    """A drawn frame (1, 3, 360, 640) in [0, 1] and the points (1, 478, 2) of its face."""
    frame = drawn(0)[None]
    return frame.double() / 255, FACES.part(landmarker(real_data)(frame), POINTS)


def measured(generated: Tensor, reference: Tensor, points: np.ndarray) -> dict[str, float]:
    values = {}
    for region in REGIONS:
        meter = RegionL1()
        meter.update(generated, masked(reference, points, region))
        values[region] = float(meter.compute())
    return values


def test_an_error_painted_into_a_region_is_found_there_and_nowhere_else(face: tuple[Tensor, np.ndarray]) -> None:
    frame, points = face
    inside = {region: ~masked(frame, points, region).isnan() for region in REGIONS}
    assert (inside["face"] ^ inside["background"]).all()
    for region in ("eyes", "mouth"):
        assert (inside[region] & inside["face"]).sum() == inside[region].sum() > 300
    for region, mask in inside.items():
        found = measured(frame + 0.125 * mask, frame, points)
        assert found[region] == pytest.approx(0.125, abs=1e-9)
        outside = ("face", "eyes", "mouth") if region == "background" else ("background",)
        assert all(found[other] == 0 for other in outside)
    painted = measured(frame + 0.125 * inside["mouth"], frame, points)
    assert painted["eyes"] == 0
    assert painted["face"] == pytest.approx(0.125 * float(inside["mouth"].sum() / inside["face"].sum()))


def test_frozen_eyes_are_an_error_of_the_eyes(face: tuple[Tensor, np.ndarray], real_data: Path) -> None:
    frozen, _ = face
    moments = [drawn(0), drawn(0, lids=0.0), drawn(0, gaze_across=1.0), drawn(0, lids=0.5)]
    truth = torch.stack(moments)
    points = FACES.part(landmarker(real_data)(truth), POINTS)
    found = measured(frozen.expand(4, -1, -1, -1), truth.double() / 255, points)
    assert found["eyes"] > 4 * found["face"] > 0
    assert found["eyes"] > 20 * max(found["mouth"], found["background"])


def test_a_true_frame_without_a_face_is_missing_in_every_region(face: tuple[Tensor, np.ndarray]) -> None:
    frame, points = face
    for region in REGIONS:
        meter = RegionL1()
        truth = frame.expand(2, -1, -1, -1)
        meter.update(truth, masked(truth, np.concatenate([points, np.full_like(points, np.nan)]), region))
        assert (int(meter.valid_frames), int(meter.missing_frames)) == (1, 1)


def test_a_face_partly_outside_the_frame_counts_where_it_is_seen(face: tuple[Tensor, np.ndarray]) -> None:
    frame, points = face
    moved = masked(frame, points - (points[0, :, 0].mean(), 0.0), "face")
    share = float((~moved.isnan()).double().mean() / (~masked(frame, points, "face").isnan()).double().mean())
    assert 0.3 < share < 0.7
