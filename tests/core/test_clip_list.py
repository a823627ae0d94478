"""Lists of clips that people exchange."""

from pathlib import Path

import pytest

from lia_bench.core.errors import InputError
from lia_bench.core.prepared_dataset import good_clips, read_clip_list
from lia_bench.core.video import write_video
from tests.core.videos import moving_picture

TABLE = "clip,partition,person_id,status\na,test,p,ok\nb,test,p,failed\nc,train,,ok\n"


def test_names_a_line(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("\ufefftest/a b#0\n#c#0\r\n\ntrain/d\ntest/a b#0\n  \n", encoding="utf-8")
    assert read_clip_list(path, "test") == {"test/a b#0", "test/#c#0", "train/d"}


def test_the_good_clips_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_text(TABLE)
    assert read_clip_list(path, "test") == good_clips(str(path)) == {"test/a", "train/c"}


def test_the_clips_of_a_folder(tmp_path: Path) -> None:
    write_video(tmp_path / "test" / "a.mp4", moving_picture(2, width=16, height=16), 25)
    assert good_clips(str(tmp_path)) == {"test/a"}


def test_what_is_no_list(tmp_path: Path) -> None:
    path = tmp_path / "list"
    with pytest.raises(InputError, match=r"list: no list of clips: No such file"):
        read_clip_list(path, "test")
    path.write_bytes(b"\xff\xfe\x00clip")
    with pytest.raises(InputError, match=r"list: no list of clips: it is not text"):
        read_clip_list(path, "test")
    for text in ("", "\n\n", "clip,partition,status\na,test,failed\n"):
        path.write_text(text)
        with pytest.raises(InputError, match=r"list: the list names no clip"):
            read_clip_list(path, "test")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("clip,status\na,ok\n", "the column 'partition' is missing"),
        ("", "the column 'clip' is missing"),
        (TABLE + "d,test\n", "line 5: the row has not the 4 cells it needs"),
        (TABLE + "d,test,,ok,more\n", "line 5: the row has not the 4 cells it needs"),
    ],
)
def test_a_damaged_table(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=reason):
        good_clips(str(path))
