"""Frames, boxes and names of a row against what the published code takes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lia_bench.core.video.scan import scan
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.published_rule import clip_name, constant_rate_order, frames_of_row, scale_box, stated_rate
from tests.conftest import golden
from tests.core.videos import encode

GOLDEN = golden("preprocess")


def test_frame_ranges() -> None:
    for case in GOLDEN["frame_ranges"]:
        wanted = frames_of_row(case["start"], case["end"], case["ref_fps"], case["file_fps"])
        there = [index for index in wanted if index < case["file_frames"]]
        assert len(there) == case["count"]
        assert (there[0], there[-1]) == (case["first"], case["last"]) if there else case["first"] is None


@pytest.mark.parametrize(("reference", "file"), [(25, 29.97), (29.97, 25), (30, 23.98), (25, 50), (10, 25)])
def test_frames_follow_the_rule_as_it_is_written(reference: float, file: float) -> None:
    expected = [i for i in range(20_000) if i * reference >= 900 * file and i * reference < 7_000 * file]
    assert list(frames_of_row(900, 7_000, reference, file)) == expected


def test_box_scaling() -> None:
    for case in GOLDEN["box_scaling"]:
        size = (case["file_width"], case["file_height"])
        box = scale_box(Box(*case["bbox"]), (case["ref_width"], case["ref_height"]), size)
        assert list(box) == case["scaled"]
        left, top, right, bottom = (int(side) for side in box)
        assert list(np.empty(size[::-1])[top:bottom, left:right].shape) == case["crop_shape"]


def test_names() -> None:
    for case in GOLDEN["names"]:
        assert clip_name(case["video_id"], case["person_id"], case["start"], case["end"]) + ".mp4" == case["name"]


def test_rates_have_two_decimals() -> None:
    assert stated_rate(30000 / 1001) == 29.97
    assert stated_rate(25.0) == 25


def test_an_even_pace_is_left_alone(tmp_path: Path) -> None:
    assert constant_rate_order(scan(encode(tmp_path / "video.mp4"))) is None


@pytest.mark.parametrize(
    ("times", "durations", "order"),
    [
        # Frame 1 says that it stays for two ticks.
        ((0, 40, 120, 160), (40, 80, 40, 40), [0, 1, 1, 2, 3]),
        # A gap that no frame claims.
        ((0, 40, 240), (40, 40, 40), [0, 1, 1, 1, 1, 2, 2]),
        # Three frames within one tick.
        ((0, 40, 45, 50, 120), (40, 5, 5, 5, 40), [0, 1, 2, 4]),
        # Times rounded to milliseconds are even.
        ((0, 41, 79, 120), (41, 38, 41, 40), None),
    ],
)
def test_an_uneven_pace_is_put_on_a_grid(
    times: tuple[int, ...], durations: tuple[int, ...], order: list[int] | None, tmp_path: Path
) -> None:
    found = scan(encode(tmp_path / "video.mp4", count=2))
    uneven = replace(found, times=times, durations=durations, time_base=0.001, grid_rate=25.0)
    assert constant_rate_order(uneven) == order
