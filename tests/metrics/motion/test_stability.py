"""jitter and flicker: tremor and flicker of a known size are what comes out."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from lia_bench.metrics.motion.steadiness import Flicker, Jitter
from lia_bench.metrics.registry import METRICS
from lia_bench.metrics.specification import ScoringSetting, UnavailableMetricError
from tests.metrics.motion.drawn_heads import CPU

FRAMES = 40
TREMOR_OF_NOISE = math.sqrt(6) * math.sqrt(math.pi / 2)
"""Mean length of the second difference of points that independent noise of standard deviation 1 moves."""


def moving_face(points: int = 478) -> Tensor:
    """(40, points, 2) a face 100 pixels wide and high on a steady way."""
    places = np.random.default_rng(1).random((points, 2)) * 100
    places[:2] = (0, 0), (100, 100)
    return torch.from_numpy(places + np.arange(FRAMES)[:, None, None] * (1.5, -0.5))


def jitter(generated: Tensor, reference: Tensor, batch: int = FRAMES) -> tuple[float, int, int]:
    meter = Jitter()
    for begin in range(0, len(generated), batch):
        meter.update(generated[begin : begin + batch], reference[begin : begin + batch])
    return float(meter.compute()), int(meter.valid_frames), int(meter.missing_frames)


def test_noise_on_the_points_is_what_jitter_measures() -> None:
    truth = moving_face()
    noise = torch.from_numpy(np.random.default_rng(0).normal(size=truth.shape))
    assert jitter(truth, truth) == (0.0, FRAMES - 2, 0)
    for sigma in (0.5, 1.0, 2.0):
        # The rectangle around noisy points is a little larger.
        measured, frames, missing = jitter(truth + sigma * noise, truth)
        assert measured == pytest.approx(TREMOR_OF_NOISE * sigma, rel=0.06)
        assert (frames, missing) == (FRAMES - 2, 0)


def test_faces_of_another_size_and_place_and_steady_motion_have_no_jitter() -> None:
    truth = moving_face()
    shaken = truth + torch.sin(torch.arange(FRAMES))[:, None, None]
    assert jitter(2.5 * shaken + 30, shaken)[0] == pytest.approx(0, abs=1e-9)
    drift = torch.arange(FRAMES)[:, None, None] * 0.75
    assert jitter(truth + drift, truth)[0] == pytest.approx(0, abs=1e-9)


def test_batches_do_not_matter_and_lost_points_take_three_frames_with_them() -> None:
    truth = moving_face(9)
    shaken = truth + torch.from_numpy(np.random.default_rng(0).normal(size=truth.shape))
    whole = jitter(shaken, truth)
    assert all(jitter(shaken, truth, batch) == pytest.approx(whole) for batch in (1, 2, 7))
    shaken[10] = torch.nan
    assert jitter(shaken, truth)[1:] == (FRAMES - 5, 3)


def test_a_clip_too_short_for_it_has_no_value_and_no_frame_that_lost_the_face() -> None:
    for frames in (1, 2):
        value, scored, missing = jitter(moving_face()[:frames], moving_face()[:frames])
        assert math.isnan(value)
        assert (scored, missing) == (0, 0)


def textured(frames: int = 8) -> Tensor:
    """(frames, 3, 64, 64) a smooth random texture that moves by 1.5 pixels a frame, in [0.2, 0.7]."""
    noise = torch.rand(1, 3, 12, 20, generator=torch.Generator().manual_seed(0))
    wide = torch.nn.functional.interpolate(noise, size=(192, 320), mode="bicubic").clamp(0, 1)
    places = [wide[:, :, 60:188, 3 * number : 3 * number + 128] for number in range(frames)]
    return 0.2 + 0.5 * torch.cat([torch.nn.functional.avg_pool2d(place, 2) for place in places])


def flicker(generated: Tensor, reference: Tensor, batch: int = 8) -> tuple[float, int]:
    meter = Flicker()
    for begin in range(0, len(generated), batch):
        meter.update(generated[begin : begin + batch], reference[begin : begin + batch])
    return float(meter.compute()), int(meter.valid_frames)


def test_a_colour_that_swings_is_flicker_and_a_constant_error_is_none() -> None:
    truth = textured()
    swing = torch.tensor([1.0, -1.0]).repeat(len(truth) // 2)[:, None, None, None]
    assert flicker(truth, truth) == (0.0, 7)
    for amplitude in (0.02, 0.05):
        # The flow leaves a little of the true frames unexplained, which the swing has to exceed.
        assert flicker(truth + amplitude * swing, truth)[0] == pytest.approx(2 * amplitude, rel=0.05)
    assert flicker(truth + 0.1, truth)[0] < 0.001
    assert flicker(0.8 * truth, truth)[0] < 0.001


def test_motion_that_the_true_video_has_is_no_flicker_and_a_frozen_picture_is() -> None:
    truth = textured()
    otherwise = textured().flip(1) * 0.9
    assert flicker(otherwise, truth)[0] < 0.005
    frozen = flicker(truth[:1].expand_as(truth), truth)[0]
    assert frozen > 5 * flicker(otherwise, truth)[0]


def test_models_share_the_flow_and_batches_do_not_matter() -> None:
    truth = textured()
    shaken = truth + 0.03 * torch.rand(truth.shape, generator=torch.Generator().manual_seed(1))
    whole = flicker(shaken, truth)
    assert flicker(shaken, truth, batch=3) == pytest.approx(whole)
    first, second = Flicker(), Flicker()
    for meter, frames in ((first, shaken), (second, truth)):
        meter.update(frames, truth)
    assert float(first.compute()) == pytest.approx(whole[0])
    assert float(second.compute()) == 0


def test_frames_too_small_for_a_flow_have_no_flicker() -> None:
    with pytest.raises(UnavailableMetricError, match="flow needs sides of at least 16 pixels: these frames are 64x12"):
        METRICS["flicker"].opened(ScoringSetting(12, 64, CPU))
