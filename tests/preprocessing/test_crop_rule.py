"""The published decision on every tube it was measured on."""

import pytest

from lia_bench.preprocessing.boxes import Box, increase, increase_to_square
from lia_bench.preprocessing.tracking.tubes import CropRule, Rejection, decide
from tests.conftest import golden

GOLDEN = golden("preprocess")


def test_decisions() -> None:
    for case in GOLDEN["crop_decisions"]:
        growth = increase_to_square if case["aspect_preserving"] else increase
        rule = CropRule(case["min_frames"], case["min_size"], case["increase_area"], growth)
        crop = decide(Box(*case["tube"]), case["frames"], (case["frame_width"], case["frame_height"]), rule)
        if case["accepted"]:
            assert isinstance(crop, Box)
            assert list(crop) == case["bbox"]
            assert [crop.height, crop.width] == case["crop_shape"]
        else:
            assert isinstance(crop, Rejection)


@pytest.mark.parametrize(
    ("tube", "frames", "reason"),
    [
        (Box(200, 50, 460, 310), 63, "too_short: the tube has 63 frames of the 64 that are needed"),
        (
            Box(200, 50, 455.5, 300),
            64,
            "too_small: the tube's box is 256x250 pixels, its longer side needs 256",
        ),
        (Box(10, 50, 270, 310), 64, "beyond_border: the crop -16 24 296 336 leaves the frame of 640x360 pixels"),
    ],
)
def test_reasons(tube: Box, frames: int, reason: str) -> None:
    assert str(decide(tube, frames, (640, 360), CropRule(64, 256, 0.1))) == reason


def test_a_box_without_width_is_too_small_for_any_rule() -> None:
    crop = decide(Box(5, 5, 5, 300), 64, (640, 360), CropRule(0, 0, 0.1))
    assert isinstance(crop, Rejection)
    assert crop.code == "too_small"
