"""AED and CSIM: the script's numbers, and the strict definitions."""

import numpy as np
import pytest
import torch
from torch import Tensor

from lia_bench.metrics.feature_distance import (
    CosineSimilarity,
    CosineSimilarityOrZero,
    FeatureDistance,
    SquaredDistance,
)
from lia_bench.metrics.frame_metric import FrameMetric
from tests.conftest import golden
from tests.deterministic import generator


def measure(metric: FrameMetric, features: tuple[Tensor, Tensor]) -> float:
    metric.update(*features)
    return float(metric.compute())


def unit_features() -> tuple[Tensor, Tensor]:
    reference = generator("aed.gt", 11).standard_normal((5, 12, 128))
    reference /= np.linalg.norm(reference, axis=-1, keepdims=True)
    generated = reference + generator("aed.noise", 11).normal(0, 0.05, reference.shape)
    generated /= np.linalg.norm(generated, axis=-1, keepdims=True)
    return torch.from_numpy(generated).flatten(0, 1), torch.from_numpy(reference).flatten(0, 1)


def test_aed_agrees_with_the_script() -> None:
    numbers = golden("metrics")["aed"]
    assert measure(SquaredDistance(), unit_features()) == pytest.approx(numbers["expected_squared"], abs=1e-12)
    assert measure(FeatureDistance(), unit_features()) == pytest.approx(numbers["mean_euclidean_instead"], abs=1e-12)
    assert measure(CosineSimilarity(), unit_features()) == pytest.approx(numbers["mean_cosine_similarity"], abs=1e-12)


def test_aed_of_features_that_are_not_of_unit_length_agrees_with_the_script() -> None:
    numbers = golden("metrics")["aed_not_normalised"]
    reference = generator("aed2.gt", 11).standard_normal((3, 8, 2048))
    generated = reference + generator("aed2.noise", 11).normal(0, 0.3, reference.shape)
    features = torch.from_numpy(generated).flatten(0, 1), torch.from_numpy(reference).flatten(0, 1)
    assert measure(SquaredDistance(), features) == pytest.approx(numbers["expected_squared"], rel=1e-12)
    assert measure(FeatureDistance(), features) == pytest.approx(numbers["mean_euclidean_instead"], rel=1e-12)


def test_a_face_that_was_lost_is_left_out_or_counts_as_a_stranger() -> None:
    face, lost = torch.tensor([[1.0, 0.0]] * 3), torch.tensor([[1.0, 0.0], [torch.nan] * 2, [torch.nan] * 2])
    reference = torch.tensor([[1.0, 0.0], [1.0, 0.0], [torch.nan] * 2])
    literature, strict = CosineSimilarity(), CosineSimilarityOrZero()
    assert measure(literature, (lost, reference)) == pytest.approx(1.0)
    assert measure(strict, (lost, reference)) == pytest.approx(0.5)
    assert [int(metric.missing_frames) for metric in (literature, strict)] == [2, 1]
    assert measure(CosineSimilarity(), (face, face)) == pytest.approx(1.0)
