"""AKD and MKR against the numbers of the literature's scripts, and their use on frames."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lia_bench.core.registry import load_attribute
from lia_bench.metrics import landmarks
from lia_bench.metrics.landmarks import LandmarkScorer, keypoint_distance, missing_keypoint_rate
from lia_bench.metrics.scorer import ClipMeter, ScoringSetting, UnavailableMetricError
from tests.conftest import golden
from tests.deterministic import generator


def mean(values: list[float]) -> tuple[float, int]:
    counted = [value for value in values if not math.isnan(value)]
    return sum(counted) / len(counted), len(counted)


def test_bodies_with_missing_joints_agree_with_the_script() -> None:
    numbers = golden("metrics")["akd_body"]
    shape = (6, 10, 18, 2)
    reference = generator("body.gt", 11).uniform(0, 256, shape)
    generated = reference + generator("body.noise", 11).normal(0, 6, shape)
    missing_reference = generator("body.missing_gt", 11).random(shape[:3]) < 0.15
    missing_generated = generator("body.missing_gen", 11).random(shape[:3]) < 0.2
    missing_reference[3, 4] = True
    missing_generated[5, 5] = True
    missing_reference[0, 7] = missing_generated[0, 7] = True
    reference[missing_reference] = np.nan
    generated[missing_generated] = np.nan

    frames = [
        (mine, theirs)
        for video, others in zip(generated, reference, strict=True)
        for mine, theirs in zip(video, others, strict=True)
    ]
    akd, akd_frames = mean([keypoint_distance(*frame) for frame in frames])
    mkr, mkr_frames = mean([missing_keypoint_rate(*frame) for frame in frames])
    assert akd == pytest.approx(numbers["expected_akd"], abs=1e-10)
    assert mkr == pytest.approx(numbers["expected_mkr"], abs=1e-12)
    assert (akd_frames, mkr_frames) == (numbers["frames_that_count_for_akd"], numbers["frames_that_count_for_mkr"])


def test_faces_missing_as_a_whole_agree_with_the_script() -> None:
    numbers = golden("metrics")["akd_face"]
    reference = generator("akd.gt", 11).uniform(0, 256, (5, 12, 68, 2))
    generated = reference + generator("akd.noise", 11).normal(0, 3, reference.shape)
    for video, frame in numbers["missing_generated_frames"]:
        generated[video, frame] = np.nan
    values = [
        keypoint_distance(generated[video, frame], reference[video, frame]) for video in range(5) for frame in range(12)
    ]
    assert mean(values)[0] == pytest.approx(numbers["expected_with_missing"], abs=1e-10)


def find_brightest(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
    """One point: the only white pixel of a frame; none in a black frame."""
    found = np.argwhere(frame[..., 0] == 255)
    return found[:, ::-1].astype(float) if len(found) else np.full((1, 2), np.nan)


def test_a_mark_that_a_generated_frame_lacks_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(landmarks.READERS, "toy", f"{__name__}:find_brightest")
    scorer = LandmarkScorer(ScoringSetting("toy", 8, 8, torch.device("cpu")))
    reference = torch.zeros(3, 3, 8, 8)
    generated = torch.zeros(3, 3, 8, 8)
    reference[:2, :, 2, 2] = 1.0
    generated[0, :, 4, 5] = 1.0
    meter = ClipMeter(scorer)
    meter.update(generated, reference)
    scores = meter.results()
    assert scores["akd"].value == pytest.approx((3 + 2) / 2)
    assert (scores["akd"].valid_frames, scores["akd"].missing_frames) == (1, 2)
    assert scores["mkr"].value == pytest.approx(0.5)
    assert (scores["mkr"].valid_frames, scores["mkr"].missing_frames) == (2, 1)


def test_a_dataset_without_a_reader_has_no_metric_but_a_reason() -> None:
    with pytest.raises(UnavailableMetricError, match="vox"):
        LandmarkScorer(ScoringSetting("vox", 64, 64, torch.device("cpu")))


@pytest.mark.parametrize("dataset", sorted(landmarks.READERS))
def test_every_reader_is_there(dataset: str) -> None:
    find = load_attribute(landmarks.READERS[dataset])
    points = find(np.zeros((64, 64, 3), np.uint8))
    assert points.ndim == 2
    assert np.isnan(points).all()
