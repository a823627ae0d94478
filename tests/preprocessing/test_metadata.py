"""Tables of clips: the published ones are read, the others are refused with the reason."""

from pathlib import Path

import pytest

from lia_bench.core.errors import InputError
from lia_bench.preprocessing.clip_table import parse_box, read_metadata
from tests.conftest import golden

HEADER = "video_id,start,end,bbox,fps,width,height,partition,person_id\n"
ROW = "abc,10,210,286-45-601-361,25,854,480,test,id10271\n"


def _table(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_box_texts() -> None:
    for case in golden("preprocess")["bbox_text"]:
        assert list(parse_box(case["text"])) == case["parsed"]


def test_a_row(tmp_path: Path) -> None:
    (row,) = read_metadata(_table(tmp_path, "\ufeff" + HEADER + ROW)).rows
    assert (row.video_id, row.person_id, row.start, row.end) == ("abc", "id10271", 10, 210)
    assert (tuple(row.bbox), row.fps, row.width, row.partition) == ((286, 45, 601, 361), 25, 854, "test")


@pytest.mark.parametrize("header", [HEADER, HEADER.replace(",person_id", "")])
def test_persons_may_be_unknown(header: str, tmp_path: Path) -> None:
    (row,) = read_metadata(_table(tmp_path, header + ROW.replace("id10271", "").rstrip(",\n") + "\n")).rows
    assert row.person_id is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ROW.replace("286-45", "286-x"), "bbox '286-x-601-361': not left-top-right-bottom"),
        (ROW.replace("286-45-601", "286-45"), "bbox '286-45-361': not left-top-right-bottom"),
        (ROW.replace("286-45", "-286-45"), "bbox '-286-45-601-361': not left-top-right-bottom"),
        (ROW.replace("286-45-601", "601-45-286"), "bbox '601-45-286-361': its right does not lie"),
        (ROW.replace("361", "45"), "bbox '286-45-601-45': its right does not lie"),
        (ROW.replace(",10,", ",ten,"), "start 'ten': "),
        (ROW.replace(",10,", ",-1,"), "start '-1': "),
        (ROW.replace(",10,210,", ",210,10,"), "start 210 lies after end 10"),
        (ROW.replace(",210,", ",999999999,"), "end 999999999 is 11,111 hours into the video at 25 frames a second"),
        (ROW.replace(",10,210,", ",999999998,999999999,"), "end 999999999 is 11,111 hours into the video"),
        (ROW.replace(",25,", ",0.001,").replace(",210,", ",361000,"), "end 361000 is 100,278 hours into the video"),
        (ROW.replace(",25,", ",0,"), "fps '0': "),
        (ROW.replace(",25,", ",nan,"), "fps 'nan': "),
        (ROW.replace(",25,", ",1e-320,"), "fps '1e-320': "),
        (ROW.replace(",25,", ",1e300,"), "fps '1e300': "),
        (ROW.replace(",210,", f",{10**30},"), f"end '{10**30}': "),
        (ROW.replace(",10,210,", f",{10**30},{10**30},"), f"start '{10**30}': "),
        (ROW.replace(",854,", ",1e-320,"), "width '1e-320': "),
        (ROW.replace(",480,", ",1e300,"), "height '1e300': "),
        (ROW.replace("test", "validation"), "partition 'validation': "),
        (ROW.replace("abc", "../abc"), "video_id '../abc': an identifier becomes a file name"),
        (ROW.replace("abc", "..\\abc"), "video_id '..\\abc': an identifier becomes a file name"),
        (ROW.replace("abc", ".."), "video_id '..': an identifier becomes a file name"),
        (ROW.replace("abc", "a\x07c"), "video_id 'a\x07c': an identifier becomes a file name"),
        (ROW.replace("abc", "a" * 300), f"video_id '{'a' * 300}': an identifier becomes a file name"),
        (ROW.replace("id10271", "/etc/x"), "person_id '/etc/x': an identifier becomes a file name"),
        ("abc\n", "start '': "),
    ],
)
def test_a_bad_row_does_not_stop_the_others(row: str, reason: str, tmp_path: Path) -> None:
    table = read_metadata(_table(tmp_path, HEADER + ROW + row + ROW.replace("abc", "def")))
    assert [good.video_id for good in table.rows] == ["abc", "def"]
    (bad,) = table.unusable
    assert (bad.line, bad.reason[: len(reason)]) == (3, reason)


@pytest.mark.parametrize("identifier", ["-abc", "a b", "a#b#c", "ü日本", "a..b", "%41", "'\"$(x)"])
def test_odd_identifiers_are_only_names(identifier: str, tmp_path: Path) -> None:
    cell = '"' + identifier.replace('"', '""') + '"'
    assert read_metadata(_table(tmp_path, HEADER + ROW.replace("abc", cell))).rows[0].video_id == identifier


@pytest.mark.parametrize(
    ("header", "row", "reason"),
    [
        (HEADER.replace("bbox", "box"), ROW, "the column 'bbox' is missing .is 'box' meant"),
        (HEADER.replace("partition", "split"), ROW, "the column 'partition' is missing"),
        (HEADER, "", "no row"),
        ("", "", "the file is empty"),
        (HEADER, ROW.replace("test", "validation"), "no row of the table is usable; line 2: partition 'validation'"),
    ],
)
def test_tables_that_are_refused(header: str, row: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"table\.csv.*{reason}") as error:
        read_metadata(_table(tmp_path, header + row))
    assert "\n" not in str(error.value)


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such metadata file; name the table of clips with --metadata"):
        read_metadata(tmp_path / "gone.csv")
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match="not readable as a CSV table"):
        read_metadata(tmp_path / "binary.csv")


def test_the_published_tables(real_data: Path) -> None:
    for name, facts in golden("preprocess")["metadata_facts"].items():
        rows = read_metadata(real_data / "metadata" / f"{name}-metadata.csv").rows
        assert len(rows) == facts["rows"]
        assert len({row.video_id for row in rows}) == facts["videos"]
        assert sum(row.partition == "test" for row in rows) == facts["rows_per_partition"].get("test", 0)
