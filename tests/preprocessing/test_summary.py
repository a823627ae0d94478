"""What is printed about a dataset."""

from pathlib import Path

import pytest

from lia_bench.core.errors import InputError
from lia_bench.preprocessing.prepared.summary import print_details, print_summary
from tests.preprocessing.prepared import describe, good_row, lost_row, small_dataset


def _cells(printed: str, first: str) -> list[list[str]]:
    return [line.split() for line in printed.splitlines() if line.startswith(f"{first} ")]


def test_a_short_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(small_dataset(tmp_path / "vox-32"))
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert len(lines) <= 14
    assert lines[0].startswith(f"{tmp_path / 'vox-32'}: vox, 32 pixels, hash ")
    coverage, contents = _cells(printed, "train")
    assert coverage == ["train", "4", "2", "50.0", "%", "1", "1", "0"]
    assert _cells(printed, "all") == [["all", "6", "3", "50.0", "%", "1", "1", "1"]]
    # Rows of 4 and 6 frames at 25 a second, both of one video.
    assert contents == ["train", "1", "1", "10", "0.00", "0.2", "s", "0.2", "s", "0.2", "s"]
    assert "failed, 1 row, damaged_video: c.mp4: the data is damaged" in lines


def test_seconds_are_those_of_the_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        # Footage at twice the rate of the table.
        good_row(tmp_path, "p#a#0", frames=4) | {"frames": 3600, "end": 1800, "fps": "0.5"},
        good_row(tmp_path, "p#b#0", frames=4) | {"frames": 100, "end": 0},
    ]
    print_summary(describe(tmp_path, rows))
    contents = _cells(capsys.readouterr().out, "train")[1]
    assert contents == ["train", "2", "1", "3,700", "1.00", "4.0", "s", "1802.0", "s", "3600.0", "s"]


def test_the_most_frequent_reasons_come_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [good_row(tmp_path, "p#a#0")]
    for code, count in (("rare", 1), ("often", 3), ("scarce", 2), ("few", 2), ("odd", 1)):
        rows += [lost_row(f"p#{code}{place}#0", "failed", f"{code}: {place} [of] them") for place in range(count)]
    folder = describe(tmp_path / "set", rows)
    print_summary(folder)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-4:] == [
        "failed, 3 rows, often: 0 [of] them (for example)",
        "failed, 2 rows, few: 0 [of] them (for example)",
        "failed, 2 rows, scarce: 0 [of] them (for example)",
        f"2 more reasons: lia-bench datasets show {folder}",
    ]
    print_details(folder)
    assert "failed, 1 row, rare: 0 [of] them" in capsys.readouterr().out.splitlines()


def test_details_warn_of_persons_in_both_partitions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        good_row(tmp_path, "p#a#0", video_id="a#one"),
        good_row(tmp_path, "q#b#0"),
        good_row(tmp_path, "p#a#9", "test", video_id="a#two", bbox="0-0-90-80"),
    ]
    describe(tmp_path, rows)
    print_details(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert "warning: 1 person is in train and test: p" in lines
    assert "warning: 1 video is in train and test: a" in lines
    assert "boxes: larger side 50 to 90 pixels of the table's frame, median 50" in lines
    assert "arguments: size 32, format mp4, footage videos" in lines
    assert "made by: lia-bench 0.1.0, system here" in lines


def test_details_of_a_shard_with_an_unknown_partition(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [good_row(tmp_path, "p#a#0", reason="note: short"), lost_row("p#b#0", "failed", "bad_row: no", "validation")]
    describe(tmp_path, rows, shard={"index": 3, "count": 16})
    print_details(tmp_path)
    printed = capsys.readouterr().out
    assert "vox, 32 pixels, shard 3/16, hash " in printed
    assert _cells(printed, "validation") == [["validation", "1", "0", "0.0", "%", "0", "1", "0"]]
    assert "remarks on clips:\nok, 1 row, note: short\n" in printed
    assert "warning" not in printed


@pytest.mark.parametrize("cells", [{"fps": 0}, {"fps": "fast"}, {"start": ""}])
def test_a_row_without_a_duration(cells: dict[str, object], tmp_path: Path) -> None:
    describe(tmp_path, [good_row(tmp_path, "p#a#0") | cells])
    with pytest.raises(InputError, match=r"train/p#a#0: no duration comes of its start, end, frames and fps"):
        print_summary(tmp_path)


def test_what_belongs_to_no_partition(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [good_row(tmp_path, "p#a#0"), lost_row("problem#0", "failed", "same_name: two files", "")]
    print_summary(describe(tmp_path, rows))
    assert _cells(capsys.readouterr().out, "(none)") == [["(none)", "1", "0", "0.0", "%", "0", "1", "0"]]


def test_a_table_of_the_least_columns(tmp_path: Path) -> None:
    describe(tmp_path, [good_row(tmp_path, "p#a#0")])
    (tmp_path / "clips.csv").write_text("clip,partition,status\np#a#0,train,ok\n")
    with pytest.raises(InputError, match=r"clips\.csv: .*the column 'video_id' is missing"):
        print_summary(tmp_path)


def test_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"clips\.csv: no such table of clips"):
        print_summary(tmp_path)
