"""What a folder names lies in it; the folder itself may be a link."""

from pathlib import Path

import pytest

from lia_bench.core.clips_table import find_clip
from lia_bench.core.errors import InputError
from lia_bench.core.inner_files import OutsideError, inner_file, named_inside


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file, beside a private one."""
    (tmp_path / "results" / "videos").mkdir(parents=True)
    (tmp_path / "results" / "videos" / "a.mp4").write_bytes(b"a")
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "key.mp4").write_bytes(b"key")
    return tmp_path / "results"


@pytest.mark.parametrize("name", ["../private/key.mp4", "/etc/passwd", "videos/../../private/key.mp4", "..", "a\0b"])
def test_names_that_lead_out_are_refused(folder: Path, name: str) -> None:
    for find in (named_inside, inner_file):
        with pytest.raises(OutsideError, match="names a file outside of it") as caught:
            find(folder, name)
        assert "\n" not in str(caught.value)


def test_links_that_lead_out_are_refused_and_the_way_out_is_said(folder: Path) -> None:
    (folder / "b.mp4").symlink_to(folder.parent / "private" / "key.mp4")
    (folder / "more").symlink_to(folder.parent / "private")
    (folder / "gone.mp4").symlink_to(folder.parent / "nowhere")
    for name in ("b.mp4", "more/key.mp4", "gone.mp4"):
        with pytest.raises(OutsideError, match="put the file itself in its place"):
            inner_file(folder, name)
        assert named_inside(folder, name) == folder / name


def test_links_within_and_a_linked_folder_are_no_matter(folder: Path) -> None:
    (folder / "b.mp4").symlink_to("videos/a.mp4")
    linked = folder.parent / "elsewhere"
    linked.symlink_to(folder)
    for name in ("b.mp4", "videos/a.mp4"):
        assert inner_file(linked, name).read_bytes() == b"a"
    assert inner_file(linked, "not there.mp4") == linked / "not there.mp4"


def test_a_table_of_clips_names_none_outside_and_linked_clips_are_read(folder: Path) -> None:
    (folder / "train").mkdir()
    (folder / "train" / "mine.mp4").symlink_to(folder.parent / "private" / "key.mp4")
    assert find_clip(folder, {"partition": "train", "clip": "mine"}) == folder / "train" / "mine.mp4"
    for row in ({"partition": "..", "clip": "private"}, {"partition": "train", "clip": "../../private/key"}):
        with pytest.raises(InputError, match="names a file outside of it"):
            find_clip(folder, row)
