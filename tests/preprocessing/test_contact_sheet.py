"""The picture of a dataset."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from lia_bench.core.errors import InputError
from lia_bench.core.video import write_png_folder
from lia_bench.preprocessing.prepared.contact_sheet import CAPTION, GAP, HEADING, MARGIN, SIDE, write_contact_sheet
from tests.preprocessing.prepared import describe, good_row, lost_row, small_dataset


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written on the sheet."""
    written: list[str] = []
    for name in ("text", "multiline_text"):
        original = getattr(ImageDraw.ImageDraw, name)

        def draw(self: Any, place: Any, text: str, *rest: Any, original: Any = original, **more: Any) -> None:
            written.append(text)
            original(self, place, text, *rest, **more)

        monkeypatch.setattr(ImageDraw.ImageDraw, name, draw)
    return written


def test_a_clip_is_its_first_middle_and_last_frame(tmp_path: Path, texts: list[str]) -> None:
    row = good_row(tmp_path, "p#a#0", frames=5, clip_format="png")
    shades = (200, 0, 120, 0, 60)
    write_png_folder(tmp_path / "train" / "p#a#0", (np.full((32, 32, 3), shade, np.uint8) for shade in shades))
    sheet = write_contact_sheet(describe(tmp_path, [row]))
    assert sheet == tmp_path / "contact-sheet.jpg"
    picture = np.asarray(Image.open(sheet)).astype(int)
    top = MARGIN + 3 * HEADING
    for place, shade in enumerate((200, 120, 60)):
        tile = picture[top : top + SIDE, MARGIN + place * SIDE : MARGIN + (place + 1) * SIDE]
        assert abs(tile[5:-5, 5:-5] - shade).max() <= 3
    assert picture.shape[0] == top + SIDE + CAPTION + GAP + MARGIN
    assert "p#a#0" in texts


def test_the_head_and_the_groups(tmp_path: Path, texts: list[str]) -> None:
    write_contact_sheet(small_dataset(tmp_path / "vox-32"))
    assert texts[0] == "vox-32"
    assert texts[1].startswith("3 clips (2 train + 1 test), hash ")
    assert texts[2:] == ["train: 2 clips", "p#a#0", "p#a#100", "test: 1 clip", "q#b#0"]


def test_of_many_clips_sixty_are_spread_over_both_partitions(tmp_path: Path, texts: list[str]) -> None:
    names = [("train", index) for index in range(100)] + [("test", index) for index in range(4)]
    # Clips that are not there cost no time.
    rows = [lost_row(f"p#{index:03d}#0", "ok", "", partition) | {"frames": 4} for partition, index in names]
    write_contact_sheet(describe(tmp_path, rows))
    assert texts[1].startswith("60 of 104 clips (100 train + 4 test)")
    assert "train: 56 of 100 clips" in texts
    assert "test: 4 clips" in texts
    shown = [int(text[2:5]) for text in texts[texts.index("train: 56 of 100 clips") :] if text.startswith("p#")][:56]
    assert len(set(shown)) == 56
    assert {second - first for first, second in pairwise(shown)} == {1, 2}
    assert shown[0] == 0
    assert shown[-1] == 98


def test_what_cannot_be_read_is_a_grey_tile_with_the_reason(tmp_path: Path, texts: list[str]) -> None:
    folder = small_dataset(tmp_path)
    (folder / "train" / "p#a#0.mp4").write_bytes(b"not a video")
    (folder / "test" / "q#b#0.mp4").unlink()
    picture = np.asarray(Image.open(write_contact_sheet(folder)))
    assert "the file is not there" in texts
    broken = next(text for text in texts if "not readable as a video" in text)
    assert str(tmp_path) not in broken
    corner = picture[MARGIN + 3 * HEADING + SIDE - 10, MARGIN + 10].astype(int)
    assert abs(corner - 200).max() <= 3


def test_a_long_name_is_shortened_in_its_middle(tmp_path: Path, texts: list[str]) -> None:
    name = "begin#" + "x" * 90 + "#end"
    write_contact_sheet(describe(tmp_path, [good_row(tmp_path, name)]))
    assert texts[-1].startswith("begin#xx")
    assert "..." in texts[-1]
    assert texts[-1].endswith("xx#end")


def test_the_same_dataset_gives_the_same_picture(tmp_path: Path) -> None:
    folder = small_dataset(tmp_path)
    first = write_contact_sheet(folder).read_bytes()
    assert write_contact_sheet(folder).read_bytes() == first


def test_a_dataset_without_a_clip_and_none(tmp_path: Path, texts: list[str]) -> None:
    write_contact_sheet(describe(tmp_path / "empty", [lost_row("r#c#0", "failed", "no_frames: none")]))
    assert texts[1].startswith("0 clips")
    assert texts[2] == "no clip was cut; clips.csv has the reason of every row"
    with pytest.raises(InputError, match="no such folder"):
        write_contact_sheet(tmp_path / "gone")
