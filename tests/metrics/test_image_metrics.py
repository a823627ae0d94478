"""L1, PSNR, SSIM and MS-SSIM against numbers of the literature's code."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lia_bench.metrics.l1 import L1Scorer
from lia_bench.metrics.ms_ssim import MsSsimScorer
from lia_bench.metrics.psnr import PsnrScorer
from lia_bench.metrics.scorer import ClipMeter, ClipScore, FrameScorer, ScoringSetting, UnavailableMetricError
from lia_bench.metrics.ssim import SsimScorer
from tests.conftest import golden
from tests.deterministic import generator, image

CASES = golden("metrics")["image_metrics"]["cases"]


def setting(size: int, dataset: str = "vox") -> ScoringSetting:
    return ScoringSetting(dataset, size, size, torch.device("cpu"))


def pair(case: dict[str, Any]) -> tuple[Tensor, Tensor]:
    first = image(*case["first"])
    if case["second"]:
        second = image(*case["second"])
    else:
        noise = generator("ssim.noise", 32).standard_normal(first.shape)
        second = np.clip(first + case["noise"] * noise, 0, 1).astype(np.float32)
    return torch.from_numpy(second)[None], torch.from_numpy(first)[None]


def measure(scorer: FrameScorer, generated: Tensor, reference: Tensor, batch_size: int = 4) -> ClipScore:
    meter = ClipMeter(scorer)
    for one, other in zip(generated.split(batch_size), reference.split(batch_size), strict=True):
        meter.update(one, other)
    (score,) = meter.results().values()
    return score


@pytest.mark.parametrize("case", CASES)
def test_image_metrics_agree_with_the_golden_numbers(case: dict[str, Any]) -> None:
    generated, reference = pair(case)
    size = case["first"][1]
    assert measure(L1Scorer(setting(size)), generated, reference).value == pytest.approx(case["l1"], abs=1e-9)
    assert measure(SsimScorer(setting(size)), generated, reference).value == pytest.approx(
        case["torchmetrics_ssim"], abs=2e-5
    )
    psnr = measure(PsnrScorer(setting(size)), generated, reference).value
    assert psnr is None if case["psnr"] == "inf" else psnr == pytest.approx(case["psnr"], abs=1e-6)
    if case["torchmetrics_ms_ssim"] is not None:
        value = measure(MsSsimScorer(setting(size)), generated, reference).value
        assert value == pytest.approx(case["torchmetrics_ms_ssim"], abs=2e-5)


def test_l1_is_the_mean_over_a_videos_frames_of_clamped_images() -> None:
    numbers = golden("metrics")["l1_video"]
    real = generator("l1.real", 41).uniform(-1, 1, (3, 6, 3, 32, 32))
    generated = np.clip(real + generator("l1.noise", 41).normal(0, 0.3, real.shape), -1, 1)
    values = [
        measure(L1Scorer(setting(32)), torch.from_numpy(mine + 1) / 2, torch.from_numpy(theirs + 1) / 2).value
        for mine, theirs in zip(generated, real, strict=True)
    ]
    assert values == pytest.approx(numbers["per_video"], abs=1e-12)


def test_psnr_takes_the_logarithm_of_the_clips_mean_error() -> None:
    reference = torch.full((2, 3, 16, 16), 0.5)
    generated = reference.clone()
    generated[1] += 0.1
    score = measure(PsnrScorer(setting(16)), generated, reference)
    assert score.value == pytest.approx(-10 * math.log10(0.1**2 / 2), abs=1e-4)


def test_an_infinite_psnr_is_no_value() -> None:
    frames = torch.rand(2, 3, 16, 16)
    assert measure(PsnrScorer(setting(16)), frames, frames) == ClipScore(None, 2, 0)


@pytest.mark.parametrize("scorer", [L1Scorer, PsnrScorer, SsimScorer, MsSsimScorer])
def test_the_result_does_not_depend_on_the_batch_size(scorer: Any) -> None:
    random = torch.Generator().manual_seed(0)
    generated, reference = torch.rand(2, 5, 3, 176, 176, generator=random)
    alone = measure(scorer(setting(176)), generated, reference, batch_size=1)
    together = measure(scorer(setting(176)), generated, reference, batch_size=4)
    assert together.value == pytest.approx(alone.value, rel=1e-6)
    assert together.valid_frames == 5


@pytest.mark.parametrize(("scorer", "size"), [(MsSsimScorer, 175), (SsimScorer, 10)])
def test_frames_too_small_for_the_window_are_refused_with_the_reason(scorer: Any, size: int) -> None:
    with pytest.raises(UnavailableMetricError, match=f"{size}x{size}"):
        scorer(setting(size))


def test_a_clip_without_a_scored_frame_has_no_value() -> None:
    class Blind(FrameScorer):
        def __init__(self) -> None:
            """Sees nothing."""

        def score(self, generated: Tensor, reference: Tensor) -> dict[str, list[float]]:
            return {"blind": [math.nan] * len(generated)}

    frames = torch.rand(3, 3, 16, 16)
    assert measure(Blind(), frames, frames) == ClipScore(None, 0, 3)
