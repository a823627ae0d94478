"""Pictures side by side."""

import numpy as np
import pytest

from lia_bench.core.video.panels import GAP, STRIP, SideBySide


@pytest.mark.parametrize(("height", "width", "factor"), [(64, 64, 3), (256, 256, 1), (31, 33, 6)])
def test_frames_stand_in_order_under_their_captions(height: int, width: int, factor: int) -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    frames = [np.full((height, width, 3), colour, np.uint8) for colour in colours]
    layout = SideBySide(["source", "driving", "a very long name of a model:with-a-variant@and/a/path"], height, width)
    picture = layout.picture(frames)
    assert picture.shape[0] % 2 == picture.shape[1] % 2 == 0
    for column, colour in enumerate(colours):
        left = column * (width * factor + GAP)
        panel = picture[STRIP : STRIP + height * factor, left : left + width * factor]
        assert (panel == colour).all()
        strip = picture[:STRIP, left : left + width * factor]
        assert strip.max() > 150
        # The caption keeps off its neighbours.
        assert strip[:, :1].max() < 50
