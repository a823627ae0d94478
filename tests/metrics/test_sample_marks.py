from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from lia_bench.core.sample_marks import MARK_RADIUS, MARKS
from lia_bench.metrics.extractors.sample_marks import find_marks

SKIN = (197, 152, 120)
NAMES = [mark.name for mark in MARKS]


def painted(
    side: int, *, without: tuple[str, ...] = (), colours: list[tuple[int, int, int]] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """A frame of skin with the marks of a face that looks straight ahead, and where their centres are."""
    head = 20.0 * side / 64
    centres = (side - 1) / 2 + head * np.array([mark.place[:2] for mark in MARKS])
    # Drawn four times as large, then averaged, as a camera does.
    rows, columns = (np.mgrid[: 4 * side, : 4 * side] + 0.5) / 4 - 0.5
    frame = np.tile(np.array(SKIN, dtype=float), (4 * side, 4 * side, 1))
    for number, (mark, (x, y)) in enumerate(zip(MARKS, centres, strict=True)):
        if mark.name not in without:
            inside = np.hypot(columns - x, rows - y) < MARK_RADIUS * head
            frame[inside] = mark.colour if colours is None else colours[number]
    frame = frame.reshape(side, 4, side, 4, 3).mean((1, 3))
    return frame.round().astype(np.uint8), centres


def missing(frame: np.ndarray) -> list[str]:
    return [name for name, place in zip(NAMES, find_marks(frame), strict=True) if np.isnan(place).any()]


@pytest.mark.parametrize("side", [64, 128, 256])
def test_marks_are_found_where_they_are(side: int) -> None:
    frame, centres = painted(side)
    assert find_marks(frame) == pytest.approx(centres, abs=0.15 * side / 64)


def test_a_mark_that_is_painted_over_is_missing_and_the_others_stay() -> None:
    frame, centres = painted(64, without=("nose", "chin"))
    assert missing(frame) == ["nose", "chin"]
    found = find_marks(frame)
    assert np.nanmax(np.abs(found - centres)) < 0.15


def test_marks_that_are_blurred_away_are_missing() -> None:
    frame, _ = painted(64)
    assert missing(gaussian_filter(frame, (5, 5, 0))) == NAMES


def test_slightly_blurred_marks_are_found() -> None:
    frame, centres = painted(64)
    assert find_marks(gaussian_filter(frame, (1, 1, 0))) == pytest.approx(centres, abs=0.3)


def test_marks_that_lost_their_colour_are_missing() -> None:
    frame, _ = painted(64)
    grey = frame.mean(-1, keepdims=True).repeat(3, axis=-1).astype(np.uint8)
    assert missing(grey) == NAMES


def test_the_colour_of_a_mark_elsewhere_is_no_mark() -> None:
    frame, _ = painted(64, without=("forehead",))
    frame[2:7, 2:7] = MARKS[NAMES.index("forehead")].colour
    assert missing(frame) == ["forehead"]


def test_a_spot_elsewhere_does_not_distract_from_the_mark() -> None:
    frame, centres = painted(64)
    frame[1:8, 1:8] = MARKS[0].colour
    assert find_marks(frame)[0] == pytest.approx(centres[0], abs=0.15)


def test_too_few_marks_are_no_face() -> None:
    frame, _ = painted(64, without=tuple(NAMES[3:]))
    assert missing(frame) == NAMES


def test_a_large_patch_of_a_mark_colour_is_no_mark() -> None:
    frame, _ = painted(64, without=("chin",))
    frame[43:56, 20:44] = MARKS[NAMES.index("chin")].colour
    assert "chin" in missing(frame)


@pytest.mark.parametrize("side", [64, 128])
def test_noise_has_no_marks(side: int) -> None:
    rng = np.random.default_rng(3)
    found = [find_marks(rng.integers(0, 256, (side, side, 3), dtype=np.uint8)) for _ in range(5)]
    assert np.isnan(found).mean() > 0.9


def test_skin_hair_and_clothes_are_not_taken_for_marks() -> None:
    from lia_bench.preprocessing.recipes.sample.identities import CLOTHES, HAIRS, IRISES, SKINS, WALLS

    for colour in (*SKINS, *HAIRS, *IRISES, *CLOTHES, *WALLS):
        frame, _ = painted(64, colours=[colour] * len(MARKS))
        assert missing(frame) == NAMES


def test_real_faces_have_no_marks(real_data: Path) -> None:
    from lia_bench.core.video import read_image, resize

    pictures = sorted((real_data / "real" / "vox").glob("*.png"))
    assert pictures
    for picture in pictures:
        assert missing(resize(read_image(picture), (64, 64))) == NAMES
