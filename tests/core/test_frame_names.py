"""Frames come in the order of the numbers in their names."""

import random
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lia_bench.core.prepared_dataset import open_dataset
from lia_bench.core.video import open_video, read_image
from lia_bench.core.video.picture_readers import in_order

# Zeros of several scripts: Latin, Arabic, Persian, Devanagari, Thai, and of the wide forms.
ZEROS = [0x30, 0x660, 0x6F0, 0x966, 0xE50, 0xFF10]
SCRIPTS = ["".join(chr(zero + digit) for digit in range(10)) for zero in ZEROS]
PREFIXES = st.sampled_from(["", "frame_", "t=", "img (", "b", "x-", "shot2_"])
SUFFIXES = st.sampled_from(["", ")", "_left", "s"])


def _order_of(names: list[str]) -> list[str]:
    """The names in order, whatever order they are found in."""
    files = [Path(f"{name}.png") for name in names]
    random.Random(0).shuffle(files)
    return [path.stem for path in in_order(files)[0]]


def _in_script(text: str, digits: str) -> str:
    return text.translate(str.maketrans("0123456789", digits))


@given(st.lists(st.integers(0, 10**9), min_size=2, unique=True), PREFIXES, SUFFIXES, st.sampled_from(SCRIPTS))
def test_whole_numbers(numbers: list[int], prefix: str, suffix: str, digits: str) -> None:
    names = [prefix + _in_script(str(number), digits) + suffix for number in sorted(numbers)]
    assert _order_of(names) == names


@given(st.lists(st.integers(-(10**6), 10**6), min_size=2, unique=True), st.sampled_from(["", "t=", "("]))
def test_signed_numbers(numbers: list[int], prefix: str) -> None:
    for form in ("{}", "{:+d}", "{:05d}"):
        names = [prefix + form.format(number) for number in sorted(numbers)]
        assert _order_of(names) == names


@given(
    st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=2, unique=True),
    st.sampled_from(["", "t=", "time = "]),
    st.sampled_from(SCRIPTS),
    st.sampled_from([".", ",", "\N{ARABIC DECIMAL SEPARATOR}"]),
)
def test_decimal_numbers_as_programs_print_them(numbers: list[float], prefix: str, digits: str, point: str) -> None:
    ordered = sorted(number for number in {abs(number): number for number in numbers}.values())
    names = [prefix + _in_script(str(number).replace(".", point), digits) for number in ordered]
    if len(set(names)) > 1:
        assert _order_of(names) == names


@given(st.lists(st.decimals(0, 1000, places=3), min_size=2, unique=True), PREFIXES)
def test_decimal_numbers_of_a_fixed_length(numbers: list[Decimal], prefix: str) -> None:
    names = [f"{prefix}{number}" for number in sorted(numbers)]
    assert _order_of(names) == names


@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)), min_size=2, unique=True),
    st.sampled_from(["{}-{}-{}", "s{}_e{}_f{}", "{}.{}.{}", "a{} b{} c{}"]),
)
def test_several_numbers_in_a_name(numbers: list[tuple[int, int, int]], form: str) -> None:
    names = [form.format(*three) for three in sorted(numbers)]
    assert _order_of(names) == names


@given(
    st.lists(st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1), unique=True)
)
def test_any_names_have_one_order(names: list[str]) -> None:
    files = [Path(f"x{name}.png") for name in names]
    once, _ = in_order(files)
    assert sorted(once) == sorted(files)
    assert in_order(list(reversed(files)))[0] == once


@pytest.mark.parametrize(
    ("names", "said"),
    [
        # Versions or tenths.
        ([f"scene1.{number}" for number in range(1, 13)], "whole numbers"),
        (["1.12", "1.3", "1.5"], "decimal numbers"),
        (["1.05", "1.10", "1.5"], "decimal numbers"),
        # Numbers below zero, or numbers behind a dash.
        (["-3", "-2", "-1"], "signed"),
        (["take -1", "take -2", "take -10"], "without signs"),
        (["t=0.04", "t=0.2", "t=0.24"], None),
        (["-1", "0", "1"], None),
        (["frame-1", "frame-2", "frame-10"], None),
        (["2024-05-06", "2024-05-07", "2024-11-01"], None),
        ([f"{number:04d}" for number in range(12)], None),
        ([f"²{number}" for number in range(12)], None),
    ],
)
def test_an_ambiguous_folder_says_which_rule_it_took(names: list[str], said: str | None, tmp_path: Path) -> None:
    for index, name in enumerate(names):
        Image.new("RGB", (8, 8), (index * 20, 0, 0)).save(tmp_path / f"{name}.png")
    with open_video(tmp_path) as reader:
        assert [int(frame[0, 0, 0]) // 20 for frame in reader] == list(range(len(names)))
        remarks = reader.properties.remarks
    if said is None:
        assert remarks == ()
    else:
        assert len(remarks) == 1
        assert remarks[0].startswith("frame_order: the names can be read in several ways; taken as ")
        assert said in remarks[0]


@pytest.mark.parametrize("names", [("f01.png", "f1.png"), ("f1.jpg", "f1.png"), ("t=1.0.png", "t=1.png")])
def test_files_of_one_number_are_named(names: tuple[str, str]) -> None:
    others = [Path(name) for name in ("f0.png", "f2.png", "t=2.png")]
    ordered, (said,) = in_order([*map(Path, reversed(names)), *others])
    assert said == f"frame_order: {names[0]} and {names[1]} have one number; taken in this order"
    assert ordered.index(Path(names[1])) == ordered.index(Path(names[0])) + 1


def test_a_dataset_hands_the_remark_on(tmp_path: Path) -> None:
    for number in range(1, 13):
        path = tmp_path / "walk" / f"1.{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(path)
    (line,) = open_dataset(tmp_path).remarks
    assert line.startswith(f"{tmp_path / 'walk'}: frame_order: ")


def test_the_reported_folder(real_data: Path) -> None:
    folder = real_data / "reports/frame_names/decimal"
    seconds = [time / 100 for time in range(0, 48, 4)]
    with open_video(folder) as reader:
        right = [read_image(folder / f"t={time:g}.png") for time in seconds]
        assert all(np.array_equal(frame, expected) for frame, expected in zip(reader, right, strict=True))
        assert reader.properties.remarks == ()
