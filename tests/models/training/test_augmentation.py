"""What happens to a pair of frames by chance."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from lia_bench.core.errors import InputError
from lia_bench.core.video import read_image
from lia_bench.models.loading import load_experiment
from lia_bench.models.training.augmentation import ColourChange, PairAugmentation, jittered
from lia_bench.models.training.configuration import ColourJitter, DataConfiguration
from tests.deterministic import image
from tests.models.colour_changes import by_torchvision

SIZE = 32


def frames() -> tuple[np.ndarray, np.ndarray]:
    one, other = (
        (image(kind, SIZE, seed=0).transpose(1, 2, 0) * 255).round().astype(np.uint8) for kind in ("source", "driving0")
    )
    return one, other


def augmented(times: int = 1, seed: int = 0, **settings: object) -> list[list[np.ndarray]]:
    data = DataConfiguration.model_validate({"dataset": "any", "batch_size": 1, **settings})
    augmentation = PairAugmentation(data, SIZE)
    return [augmentation(frames(), np.random.default_rng([seed, number])) for number in range(times)]


def test_without_settings_nothing_changes() -> None:
    np.testing.assert_array_equal(augmented()[0], np.stack(frames()))


def test_a_flip_in_time_ends_the_flips() -> None:
    pair = np.stack(frames())
    exchanged, mirrored, plain = 0, 0, 0
    for result in augmented(times=400, time_flip=0.5, horizontal_flip=0.5):
        exchanged += np.array_equal(result, pair[::-1])
        mirrored += np.array_equal(result, pair[:, :, ::-1])
        plain += np.array_equal(result, pair)
    assert exchanged + mirrored + plain == 400
    assert exchanged == pytest.approx(200, abs=40)
    assert mirrored == pytest.approx(100, abs=35)


def test_both_frames_are_cropped_at_the_same_place_and_scaled_back() -> None:
    # Both frames alike: whatever is done to one must be done to the other.
    one, _ = frames()
    data = DataConfiguration(dataset="any", batch_size=1, crop=24, scale=(0.6, 1.3))
    results = [PairAugmentation(data, SIZE)((one, one), np.random.default_rng(seed)) for seed in range(20)]
    for result in results:
        assert np.shape(result) == (2, SIZE, SIZE, 3)
        np.testing.assert_array_equal(result[0], result[1])
    assert len({result[0].tobytes() for result in results}) == 20


def test_both_frames_are_rotated_alike_around_their_centre() -> None:
    one, _ = frames()
    data = DataConfiguration(dataset="any", batch_size=1, rotation=10)
    results = [PairAugmentation(data, SIZE)((one, one), np.random.default_rng(seed)) for seed in range(20)]
    for result in results:
        np.testing.assert_array_equal(result[0], result[1])
    assert len({result[0].tobytes() for result in results}) == 20
    # Within 10 degrees the centre stays, and what comes from outside is black.
    centre, corner = (slice(SIZE // 2 - 1, SIZE // 2 + 1),) * 2, (0, 0)
    assert all(np.abs(result[0][centre].astype(int) - one[centre]).max() < 30 for result in results)
    assert any((result[0][corner] == 0).all() for result in results)


def test_a_crop_keeps_pixels_where_nothing_is_scaled() -> None:
    data = DataConfiguration(dataset="any", batch_size=1, crop=SIZE, scale=(1.0, 1.0))
    np.testing.assert_array_equal(PairAugmentation(data, SIZE)(frames(), np.random.default_rng(0)), np.stack(frames()))


def test_a_crop_larger_than_the_frames_is_an_error() -> None:
    with pytest.raises(InputError, match=r"data\.crop is 64.*32 wide"):
        augmented(crop=64)


def test_jitter_applies_all_four_changes_with_the_same_draw_for_both_frames() -> None:
    one, _ = frames()
    both = np.stack([one, one])
    everything = ColourJitter(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.1)
    result = jittered(both, everything, np.random.default_rng(3))
    np.testing.assert_array_equal(result[0], result[1])
    # With one amount at zero its factor is 1: taking any of the four away must change the picture.
    for missing in ("brightness", "contrast", "saturation", "hue"):
        without = jittered(both, everything.model_copy(update={missing: 0.0}), np.random.default_rng(3))
        assert np.abs(np.subtract(result, without, dtype=int)).mean() > 0.5, missing


def test_published_jitter_is_the_last_change_alone() -> None:
    everything = ColourJitter(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.1)
    seen = set()
    for seed in range(20):
        change = ColourChange.draw(everything, np.random.default_rng(seed))
        last = replace(change, order=change.order[3:])
        result = jittered(np.stack(frames()), everything, np.random.default_rng(seed), "published")
        np.testing.assert_array_equal(result[0], last.apply(frames()[0]))
        seen |= set(last.order)
    assert seen == {0, 1, 2, 3}


@pytest.mark.parametrize(("rule", "measured"), [("published", 3.15), ("all", 8.45)])
def test_a_tai_chi_frame_changes_as_by_the_code_of_lias_authors(
    rule: Literal["published", "all"], measured: float, real_data: Path
) -> None:
    """Means over 200 draws, by the authors' code and by all four changes; other draws move them by a tenth."""
    frame = read_image(real_data / "published" / "taichi_g" / "source.png")[None]
    jitter = ColourJitter(brightness=0.1, contrast=0.1, saturation=0.1, hue=0.1)
    random = np.random.default_rng(0)
    moved = [np.abs(np.subtract(jittered(frame, jitter, random, rule), frame, dtype=int)).mean() for _ in range(200)]
    assert np.mean(moved) == pytest.approx(measured, rel=0.1)


def test_lias_variants_for_bodies_jitter_as_their_authors_do() -> None:
    for variant, rule in (("taichi-256", "published"), ("ted-256", "published"), ("vox-256", "all")):
        assert load_experiment("lia", variant)[1].data.jitter_rule == rule


@pytest.mark.parametrize(
    ("jitter", "expected"),
    [
        # factor 1 + amount * u and grey = 0.2989 r + 0.587 g + 0.114 b, by hand for one flat colour.
        (ColourJitter(brightness=0.5), lambda factor: np.array([200, 100, 50]) * factor),
        (ColourJitter(saturation=0.5), lambda factor: np.array([200, 100, 50]) * factor + (1 - factor) * 124.18),
        (ColourJitter(contrast=0.5), lambda factor: np.array([200, 100, 50]) * factor + (1 - factor) * 124.18),
    ],
)
def test_jitter_of_a_flat_colour(jitter: ColourJitter, expected: object) -> None:
    flat = np.broadcast_to(np.array([200, 100, 50], dtype=np.uint8), (2, 4, 4, 3))
    random = np.random.default_rng(5)
    draws = np.random.default_rng(5)
    amounts = (jitter.brightness, jitter.contrast, jitter.saturation)
    factors = [draws.uniform(max(0, 1 - amount), 1 + amount) for amount in amounts]
    factor = next(factor for factor, amount in zip(factors, amounts, strict=True) if amount)
    assert callable(expected)
    result = jittered(flat, jitter, random)
    np.testing.assert_allclose(result[0][0, 0], np.clip(expected(factor), 0, 255), atol=1)


def test_a_hue_of_a_third_of_a_turn_takes_red_to_green() -> None:
    red = np.zeros((1, 2, 2, 3), dtype=np.uint8)
    red[..., 0] = 255

    class OneThird(np.random.Generator):
        def uniform(self, low: float = 0.0, high: float = 1.0, size: None = None) -> float:  # type: ignore[override]
            return 1 / 3 if low < 0 else 1.0

    result = jittered(red, ColourJitter(hue=0.5), OneThird(np.random.PCG64(0)))
    np.testing.assert_allclose(result[0][0, 0], [0, 255, 0], atol=1)


def by_pillow(change: ColourChange, frame: np.ndarray) -> np.ndarray:
    return np.asarray(by_torchvision(change, Image.fromarray(frame)))


@pytest.mark.parametrize("kind", [0, 1, 2, 3])
def test_each_change_of_colour_is_pillows(kind: int) -> None:
    colours = np.random.default_rng(kind).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    # Grey, and of one colour alone, where hue and saturation end or begin.
    colours[:20], colours[20:40, :, 1] = colours[:20, :, :1], 0
    colours[40:60, :, 1:], colours[60:80] = 0, np.where(colours[60:80] < 128, 0, 255)
    for amount in (0.9, 0.95, 1.1, 0.0, 1.0, 2.0):
        change = ColourChange((amount,) * 3, (amount - 1) / 2, (kind,))
        off = np.abs(np.subtract(change.apply(colours), by_pillow(change, colours), dtype=int))
        assert off.max() <= (kind == 2)
        assert (off > 0).mean() < 3e-3


def test_all_changes_together_are_pillows_but_for_a_level_here_and_there() -> None:
    jitter = ColourJitter(brightness=0.1, contrast=0.1, saturation=0.1, hue=0.1)
    orders = set()
    for seed in range(40):
        change = ColourChange.draw(jitter, np.random.default_rng(seed))
        off = np.abs(np.subtract(change.apply(frames()[0]), by_pillow(change, frames()[0]), dtype=int))
        assert off.mean() < 0.05
        orders.add(change.order)
    assert len(orders) > 12


@pytest.mark.parametrize(("crop", "scale"), [(24, 1.0), (32, 1.2), (20, 0.8)])
def test_crops_are_resized_as_by_pillow(crop: int, scale: float) -> None:
    frame = frames()[0]
    data = DataConfiguration(dataset="any", batch_size=1, crop=crop, scale=(scale, scale))
    result = PairAugmentation(data, SIZE)([frame, frame], np.random.default_rng(0))[0]
    draws = np.random.default_rng(0)
    side = round(SIZE * draws.uniform(scale, scale))
    top, left = draws.integers(side - crop + 1, size=2)
    bilinear = Image.Resampling.BILINEAR
    scaled = np.asarray(Image.fromarray(frame).resize((side, side), bilinear))[top : top + crop, left : left + crop]
    expected = np.asarray(Image.fromarray(scaled).resize((SIZE, SIZE), bilinear))
    assert np.abs(np.subtract(result, expected, dtype=int)).max() <= 2
