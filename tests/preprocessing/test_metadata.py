"""Tables of clips: the published ones are read, the others are refused with the reason."""

from pathlib import Path

import pytest

from lia_bench.core.errors import InputError
from lia_bench.preprocessing.metadata import parse_box, read_metadata
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
    (row,) = read_metadata(_table(tmp_path, "\ufeff" + HEADER + ROW))
    assert (row.video_id, row.person_id, row.start, row.end) == ("abc", "id10271", 10, 210)
    assert (tuple(row.bbox), row.fps, row.width, row.partition) == ((286, 45, 601, 361), 25, 854, "test")


@pytest.mark.parametrize("header", [HEADER, HEADER.replace(",person_id", "")])
def test_persons_may_be_unknown(header: str, tmp_path: Path) -> None:
    (row,) = read_metadata(_table(tmp_path, header + ROW.replace("id10271", "").rstrip(",\n") + "\n"))
    assert row.person_id is None


@pytest.mark.parametrize(
    ("header", "row", "reason"),
    [
        (HEADER.replace("bbox", "box"), ROW, "the column 'bbox' is missing .is 'box' meant"),
        (HEADER.replace("partition", "split"), ROW, "the column 'partition' is missing"),
        (HEADER, "", "no row"),
        (HEADER, ROW.replace("286-45", "286-x"), "line 2: bbox '286-x-601-361': .*left-top-right-bottom"),
        (HEADER, ROW.replace("286-45-601", "286-45"), "line 2: bbox"),
        (HEADER, ROW + ROW.replace(",10,", ",ten,"), "line 3: start 'ten'"),
        (HEADER, ROW.replace(",10,", ",-1,"), "line 2: start '-1'"),
        (HEADER, ROW.replace(",25,", ",0,"), "line 2: fps '0'"),
        (HEADER, ROW.replace(",25,", ",nan,"), "line 2: fps 'nan'"),
        (HEADER, ROW.replace("test", "validation"), "line 2: partition 'validation'"),
        (HEADER, ROW.replace("abc", "../abc"), "line 2: video_id '../abc'"),
        (HEADER, "abc\n", "line 2: start ''"),
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
        rows = read_metadata(real_data / "metadata" / f"{name}-metadata.csv")
        assert len(rows) == facts["rows"]
        assert len({row.video_id for row in rows}) == facts["videos"]
        assert sum(row.partition == "test" for row in rows) == facts["rows_per_partition"].get("test", 0)
