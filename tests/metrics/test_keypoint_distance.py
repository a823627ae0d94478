"""AKD and MKR against the numbers of the literature's scripts, and the strict definitions."""

import numpy as np
import pytest
import torch
from torch import Tensor

from lia_bench.metrics.feature_distance import (
    CoordinateDifference,
    EuclideanDistance,
    MissingRate,
    PooledMissingRate,
)
from lia_bench.metrics.frame_metric import FrameMetric
from lia_bench.metrics.specification import ScoringSetting
from tests.conftest import golden
from tests.deterministic import generator

NAN = float("nan")


def measure(metric: FrameMetric, generated: Tensor, reference: Tensor) -> float:
    metric.update(generated, reference)
    return float(metric.compute())


def bodies() -> tuple[Tensor, Tensor]:
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
    return torch.from_numpy(generated).flatten(0, 1), torch.from_numpy(reference).flatten(0, 1)


def faces() -> tuple[Tensor, Tensor]:
    reference = generator("akd.gt", 11).uniform(0, 256, (5, 12, 68, 2))
    generated = reference + generator("akd.noise", 11).normal(0, 3, reference.shape)
    return torch.from_numpy(generated), torch.from_numpy(reference)


def test_bodies_with_missing_joints_agree_with_the_script() -> None:
    numbers = golden("metrics")["akd_body"]
    akd, mkr = CoordinateDifference(), MissingRate()
    assert measure(akd, *bodies()) == pytest.approx(numbers["expected_akd"], abs=1e-10)
    assert measure(mkr, *bodies()) == pytest.approx(numbers["expected_mkr"], abs=1e-12)
    assert int(akd.valid_frames) == numbers["frames_that_count_for_akd"]
    assert int(mkr.valid_frames) == numbers["frames_that_count_for_mkr"]
    pooled = numbers["pooled_over_joints_instead"]["mkr"]
    assert measure(PooledMissingRate(), *bodies()) == pytest.approx(pooled, abs=1e-12)


def test_faces_agree_with_the_script() -> None:
    numbers = golden("metrics")["akd_face"]
    generated, reference = faces()
    for metric, name in (
        (CoordinateDifference(), "expected"),
        (EuclideanDistance(ScoringSetting(256, 256, torch.device("cpu"))), "euclidean_instead"),
    ):
        value = measure(metric, generated.flatten(0, 1), reference.flatten(0, 1))
        assert value == pytest.approx(numbers[f"{name}_all_frames"], abs=1e-10)
    for video, frame in numbers["missing_generated_frames"]:
        generated[video, frame] = torch.nan
    value = measure(CoordinateDifference(), generated.flatten(0, 1), reference.flatten(0, 1))
    assert value == pytest.approx(numbers["expected_with_missing"], abs=1e-10)


def test_losing_the_subject_never_pays_in_the_strict_distance() -> None:
    reference = torch.tensor([[[10.0, 10.0], [20.0, 20.0]]] * 2)
    generated = torch.tensor([[[13.0, 14.0], [20.0, 20.0]], [[NAN, NAN], [NAN, NAN]]])
    assert measure(CoordinateDifference(), generated, reference) == pytest.approx(7 / 4)
    strict = EuclideanDistance(ScoringSetting(60, 80, torch.device("cpu")))
    assert measure(strict, generated, reference) == pytest.approx((2.5 + 50) / 2)
    assert int(strict.missing_frames) == 0


def test_a_frame_whose_truth_shows_nothing_is_left_out() -> None:
    seen, unseen = torch.tensor([[[1.0, 1.0]]]), torch.tensor([[[NAN, NAN]]])
    for metric in (
        CoordinateDifference(),
        EuclideanDistance(ScoringSetting(8, 8, torch.device("cpu"))),
        MissingRate(),
        PooledMissingRate(),
    ):
        metric.update(seen, unseen)
        assert (int(metric.valid_frames), int(metric.missing_frames)) == (0, 1)
        assert metric.compute().isnan()
