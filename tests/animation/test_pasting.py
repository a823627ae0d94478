"""An animated square back in its picture."""

import numpy as np

from lia_bench.animation.crop import cut
from lia_bench.animation.layout import Pasting, shrunk
from lia_bench.preprocessing.boxes import Box


def _picture() -> np.ndarray:
    random = np.random.default_rng(3)
    return random.integers(0, 256, (91, 121, 3), dtype=np.uint8)


def test_what_was_not_moved_is_the_picture_again() -> None:
    picture = _picture()
    square = Box(30, 20, 90, 80)
    pasted = Pasting(picture, square).paste(cut(picture, square))
    assert pasted.shape == (90, 120, 3)
    assert (pasted == picture[:90, :120]).all()


def test_the_animation_shows_inside_and_passes_into_the_picture_without_a_step() -> None:
    picture = np.full((200, 300, 3), 100, np.uint8)
    pasted = Pasting(picture, Box(100, 50, 200, 150)).paste(np.full((64, 64, 3), 220, np.uint8))
    assert (pasted[75:125, 125:175] == 220).all()
    assert (pasted[:50] == 100).all()
    assert (pasted[:, 200:] == 100).all()
    line = pasted[100, :, 0].astype(int)
    # 120 levels over 12 pixels, the steepest step of a smooth ramp being half as large again.
    assert np.abs(np.diff(line)).max() <= 1.5 * 120 / 12 + 1


def test_at_the_picture_s_own_border_and_beyond_nothing_fades() -> None:
    picture = np.full((100, 80, 3), 100, np.uint8)
    pasted = Pasting(picture, Box(-10, 0, 90, 100)).paste(np.full((32, 32, 3), 220, np.uint8))
    assert (pasted == 220).all()


def test_a_shrunk_picture_holds_the_square_s_content_where_it_says() -> None:
    picture = np.full((400, 600, 3), 100, np.uint8)
    picture[100:200, 310:410] = 220
    small, square = shrunk(picture, Box(310, 100, 410, 200), 0.3)
    assert small.shape == (120, 180, 3)
    assert square == Box(93, 30, 123, 60)
    assert (cut(small, square)[2:-2, 2:-2] == 220).all()
    assert shrunk(picture, square, 1.0)[0] is picture
