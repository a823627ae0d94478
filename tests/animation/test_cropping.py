"""The square around a subject."""

import numpy as np
import pytest

from lia_bench.animation.crop import BODY, FACE, cut, square_around
from lia_bench.preprocessing.boxes import Box, contains


def test_a_face_stands_where_it_does_in_the_portraits_of_the_authors() -> None:
    face = Box(900, 700, 1100, 900)
    square = square_around([face], (3000, 2000), FACE)
    assert square.width == square.height
    assert face.width / square.width == pytest.approx(0.52, abs=0.01)
    assert (face.left + face.right) / 2 == pytest.approx((square.left + square.right) / 2, abs=1)
    assert ((face.top + face.bottom) / 2 - square.top) / square.height == pytest.approx(0.61, abs=0.01)


def test_one_square_holds_the_head_all_through_a_video() -> None:
    places = [Box(x, 300 + x / 10, x + 100, 400 + x / 10) for x in range(200, 600, 10)]
    square = square_around(places, (1280, 720), FACE)
    for box in places:
        # Hair and ears stand out from the detector's box.
        assert contains(square, Box(box.left - 10, box.top - 32, box.right + 10, box.bottom + 10))


@pytest.mark.parametrize("face", [Box(0, 0, 100, 100), Box(540, 380, 640, 480), Box(-10, 380, 90, 480)])
def test_a_square_that_fits_is_moved_into_the_frame(face: Box) -> None:
    square = square_around([face], (640, 480), FACE)
    assert contains(Box(0, 0, 640, 480), square)
    assert square.width == pytest.approx(1.92 * face.width, abs=2)


def test_a_face_that_fills_the_picture_gets_all_of_it() -> None:
    assert square_around([Box(40, 70, 220, 250)], (256, 256), FACE) == (0, 0, 256, 256)


def test_a_person_taller_than_the_frame_is_wide_is_not_cut() -> None:
    person = Box(100, 20, 380, 940)
    square = square_around([person], (480, 960), BODY)
    assert square.top <= 20
    assert square.bottom >= 940
    assert square.left < 0
    frame = np.zeros((960, 480, 3), np.uint8)
    frame[:, 0], frame[:, -1] = 50, 200
    crop = cut(frame, square)
    assert crop.shape == (square.height, square.width, 3)
    assert (crop[:, 0] == 50).all()
    assert (crop[:, -1] == 200).all()
