"""L1, PSNR, SSIM and MS-SSIM against numbers of the literature's code."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from lia_bench.metrics.frame_metric import FrameMetric
from lia_bench.metrics.image_similarity import L1, PSNR, SCALE_WEIGHTS, SSIM, MultiScaleSSIM
from lia_bench.metrics.registry import METRICS
from lia_bench.metrics.specification import ScoringSetting, UnavailableMetricError
from tests.conftest import golden
from tests.deterministic import generator, image

CASES = golden("metrics")["image_metrics"]["cases"]


def pair(case: dict[str, Any]) -> tuple[Tensor, Tensor]:
    first = image(*case["first"])
    if case["second"]:
        second = image(*case["second"])
    else:
        noise = generator("ssim.noise", 32).standard_normal(first.shape)
        second = np.clip(first + case["noise"] * noise, 0, 1).astype(np.float32)
    return torch.from_numpy(second)[None], torch.from_numpy(first)[None]


def measure(metric: FrameMetric, generated: Tensor, reference: Tensor, batch_size: int = 4) -> float:
    for one, other in zip(generated.split(batch_size), reference.split(batch_size), strict=True):
        metric.update(one, other)
    return float(metric.compute())


@pytest.mark.parametrize("case", CASES)
def test_image_metrics_agree_with_the_golden_numbers(case: dict[str, Any]) -> None:
    generated, reference = pair(case)
    assert measure(L1(), generated, reference) == pytest.approx(case["l1"], abs=1e-9)
    assert measure(SSIM(), generated, reference) == pytest.approx(case["torchmetrics_ssim"], abs=2e-5)
    assert measure(PSNR(), generated, reference) == pytest.approx(float(case["psnr"]), abs=1e-6)
    if case["torchmetrics_ms_ssim"] is not None:
        value = measure(MultiScaleSSIM(), generated, reference)
        assert value == pytest.approx(case["torchmetrics_ms_ssim"], abs=2e-5)


@pytest.mark.parametrize(("height", "width"), [(176, 193), (256, 200)])
def test_similarities_are_those_of_torchmetrics(height: int, width: int) -> None:
    from torchmetrics.functional.image import (
        multiscale_structural_similarity_index_measure,
        structural_similarity_index_measure,
    )

    random = torch.Generator().manual_seed(height)
    smooth = functional.interpolate(torch.rand(1, 3, 9, 9, generator=random), (height, width), mode="bicubic")
    reference = smooth.clamp(0, 1)
    generated = (reference + 0.1 * torch.randn(reference.shape, generator=random)).clamp(0, 1)
    usual: dict[str, Any] = {"sigma": 1.5, "data_range": 1.0, "k1": 0.01, "k2": 0.03}
    ssim = structural_similarity_index_measure(generated, reference, **usual)
    assert isinstance(ssim, Tensor)
    assert measure(SSIM(), generated, reference) == pytest.approx(float(ssim), abs=2e-6)
    ms_ssim = multiscale_structural_similarity_index_measure(
        generated, reference, **usual, betas=SCALE_WEIGHTS, normalize="relu"
    )
    assert measure(MultiScaleSSIM(), generated, reference) == pytest.approx(float(ms_ssim), abs=2e-6)


def test_l1_is_the_mean_over_a_videos_frames_of_clamped_images() -> None:
    numbers = golden("metrics")["l1_video"]
    real = generator("l1.real", 41).uniform(-1, 1, (3, 6, 3, 32, 32))
    generated = np.clip(real + generator("l1.noise", 41).normal(0, 0.3, real.shape), -1, 1)
    values = [
        measure(L1(), torch.from_numpy(mine + 1) / 2, torch.from_numpy(theirs + 1) / 2)
        for mine, theirs in zip(generated, real, strict=True)
    ]
    assert values == pytest.approx(numbers["per_video"], abs=1e-12)


def test_psnr_takes_the_logarithm_of_the_clips_mean_error() -> None:
    reference = torch.full((2, 3, 16, 16), 0.5)
    generated = reference.clone()
    generated[1] += 0.1
    assert measure(PSNR(), generated, reference) == pytest.approx(-10 * math.log10(0.1**2 / 2), abs=1e-4)


def test_videos_of_unequal_lengths_average_to_another_number_than_their_frames() -> None:
    numbers = golden("metrics")["l1_unequal_lengths"]
    pooled, means = L1(), []
    for index, length in enumerate([3, 10, 6]):
        real = generator(f"l1.len{index}", 43).uniform(0, 1, (length, 3, 16, 16))
        noise = generator(f"l1.lenoise{index}", 43).normal(0, 0.1 * (index + 1), real.shape)
        frames = torch.from_numpy(np.clip(real + noise, 0, 1)), torch.from_numpy(real)
        means.append(measure(L1(), *frames))
        pooled.update(*frames)
    assert means == pytest.approx(numbers["per_video"], abs=1e-12)
    assert np.mean(means) == pytest.approx(numbers["mean_of_video_means"], abs=1e-12)
    assert float(pooled.compute()) == pytest.approx(numbers["mean_over_all_frames"], abs=1e-12)


def test_the_psnr_of_equal_frames_is_infinite() -> None:
    frames = torch.rand(2, 3, 16, 16)
    assert measure(PSNR(), frames, frames) == math.inf


@pytest.mark.parametrize("kind", [L1, PSNR, SSIM, MultiScaleSSIM])
def test_the_result_does_not_depend_on_the_batch_size(kind: type[FrameMetric]) -> None:
    random = torch.Generator().manual_seed(0)
    generated, reference = torch.rand(2, 5, 3, 176, 176, generator=random)
    alone, together = kind(), kind()
    value = measure(alone, generated, reference, batch_size=1)
    assert measure(together, generated, reference, batch_size=4) == pytest.approx(value, rel=1e-6)
    assert int(together.valid_frames) == 5


@pytest.mark.parametrize(("name", "size"), [("ms_ssim", 175), ("ssim", 10)])
def test_frames_too_small_for_the_window_are_refused_with_the_reason(name: str, size: int) -> None:
    with pytest.raises(UnavailableMetricError, match=f"{size}x{size}"):
        METRICS[name].opened(ScoringSetting(size, size, torch.device("cpu")))


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_constant_pictures_have_defined_scores(level: float) -> None:
    generated, reference = torch.full((2, 3, 176, 176), level), torch.full((2, 3, 176, 176), 0.25)
    assert measure(L1(), generated, reference) == pytest.approx(abs(level - 0.25))
    assert 0 <= measure(SSIM(), generated, reference) <= 1
    assert 0 <= measure(MultiScaleSSIM(), generated, reference) <= 1


def test_a_frame_without_a_score_counts_as_missing() -> None:
    class Blind(FrameMetric):
        def score(self, generated: Tensor, reference: Tensor) -> Tensor:
            return torch.full((len(generated),), math.nan)

    metric = Blind()
    frames = torch.rand(3, 3, 16, 16)
    assert math.isnan(measure(metric, frames, frames))
    assert (int(metric.valid_frames), int(metric.missing_frames)) == (0, 3)
