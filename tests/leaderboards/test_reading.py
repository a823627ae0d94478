"""Tables of results as people leave them: what can be read is, and one line says what is wrong."""

import csv
import io
from pathlib import Path

import pytest

from lia_bench.cli.main import run
from lia_bench.leaderboards.board.groups import extractors_of
from lia_bench.leaderboards.results.csv_reading import read_results
from tests.leaderboards.toy_results import ToyResults, write_results

TOY = ToyResults(videos=False)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """The leaderboard.csv of a toy evaluation: three models, two tasks."""
    return write_results(tmp_path / "results" / "toy", TOY) / "leaderboard.csv"


def cells(table: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(table.read_text(encoding="utf-8"))))


def write(table: Path, rows: list[list[str]], separator: str = ",", encoding: str = "utf-8") -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\r\n").writerows(rows)
    table.write_bytes(text.getvalue().encode(encoding))


def test_what_evaluate_writes_is_read_whole(table: Path) -> None:
    rows, problems = read_results([table.parent.parent])
    assert problems == []
    assert [(row.model, row.task) for row in rows] == [
        (model, task) for task in ("reconstruction", "cross") for model in ("lia", "fomm", "identity")
    ]
    lia = rows[0]
    header, first, *_ = cells(table)
    written = dict(zip(header, first, strict=True))
    assert lia.values["l1"] == float(written["l1"])
    assert lia.intervals["l1"] == (float(written["l1_low"]), float(written["l1_high"]))
    assert lia.counts["l1"] == (30, 0)
    assert (lia.clips, lia.protocol, lia.origin, lia.file) == (3, "literature", "measured", table)
    assert read_results([table]) == read_results([table.parent]) == (rows, [])


def test_a_spreadsheet_programs_copy_has_the_same_numbers_and_is_told_of(table: Path) -> None:
    rows, _ = read_results([table])
    edited = [
        [cell.replace(".", ",") if cell.replace(".", "", 1).isdigit() else cell for cell in row] for row in cells(table)
    ]
    write(table, edited, separator=";", encoding="utf-8-sig")
    again, problems = read_results([table])
    assert [row.values for row in again] == [row.values for row in rows]
    assert [row.intervals for row in again] == [row.intervals for row in rows]
    assert [row.printed for row in again] == [row.printed for row in rows]
    (line,) = problems
    assert "spreadsheet program (semicolons and comma decimals)" in line
    assert str(table) in line


def test_a_byte_order_mark_alone_is_no_problem(table: Path) -> None:
    rows, _ = read_results([table])
    write(table, cells(table), encoding="utf-8-sig")
    again, problems = read_results([table])
    assert [row.values for row in again] == [row.values for row in rows]
    assert problems == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"  \r\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b",,,,\r\n,,,,\r\n", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff\xd8", "is no UTF-8 text"),
        (b"PK\x03\x04\0\0\0\0", "is no text"),
        (b"name,value\na,1\n", "no column model, dataset, task"),
        (b"model,dataset,task,clip,source,l1\na,b,reconstruction,c,c,0.1\n", "has a row for each clip"),
        (b"model,dataset,task,l1,l1\n", "the column l1 twice"),
        (b'model,dataset,task,l1\nlia,vox,reconstruction,"0.1\n' + b"x" * 200_000, "field larger than field limit"),
    ],
)
def test_a_file_that_is_no_table_is_one_line_and_the_rest_is_read(table: Path, content: bytes, expected: str) -> None:
    broken = table.parent.parent / "broken" / "leaderboard.csv"
    broken.parent.mkdir()
    broken.write_bytes(content)
    rows, (problem,) = read_results([table.parent.parent])
    assert len(rows) == 6
    assert expected in problem
    assert str(broken) in problem
    assert "\n" not in problem


@pytest.mark.parametrize(("decimal", "thousands"), [(".", "1,320"), (",", "1.320")])
def test_a_number_that_may_be_meant_in_two_ways_is_left_out(table: Path, decimal: str, thousands: str) -> None:
    header, *rows = cells(table)
    rows = [
        [cell.replace(".", decimal) if cell.replace(".", "", 1).isdigit() else cell for cell in row] for row in rows
    ]
    for column in ("frames", "fps"):
        rows[0][header.index(column)] = thousands
    write(table, [header, *rows], separator=";")
    (lia, fomm, *_), problems = read_results([table])
    assert (lia.frames, lia.fps) == (None, None)
    assert lia.values["l1"] < 1
    assert fomm.frames == 30
    assert [line.partition("line 2: ")[2] for line in problems[1:]] == [
        f"frames is '{thousands}', which is no number; left out",
        f"fps is '{thousands}', which is no number; left out",
    ]


def test_a_count_or_date_that_is_none_is_left_out(table: Path) -> None:
    header, *rows = cells(table)
    rows[0][header.index("clips")] = "2.5"
    rows[1][header.index("date")] = "21/11/2026 11:16"
    write(table, [header, *rows])
    (lia, fomm, *_), problems = read_results([table])
    assert (lia.clips, fomm.date) == (None, "")
    assert "line 2: clips is '2.5', which is no count; left out" in problems[0]
    assert "line 3: date is '21/11/2026 11:16', which is no date such as" in problems[1]
    assert len(problems) == 2


def test_what_is_not_there_is_one_line_each(table: Path, tmp_path: Path) -> None:
    rows, problems = read_results([tmp_path / "nothing", table, tmp_path / "no.csv"])
    assert len(rows) == 6
    assert [("is not there" in line, line.split(":")[0]) for line in problems] == [
        (True, str(tmp_path / "nothing")),
        (True, str(tmp_path / "no.csv")),
    ]


def test_bad_lines_and_cells_are_left_out_and_numbered(table: Path) -> None:
    header, *rows = cells(table)
    column = header.index("l1")
    rows[0][column] = "0.05s"
    rows[1][column] = "nan"
    rows[2] = rows[2][:5]
    rows[3][header.index("model")] = ""
    rows[4][header.index("origin")] = "dreamt"
    write(table, [header, *rows])
    read, problems = read_results([table])
    assert [row.model for row in read] == ["lia", "fomm", "identity"]
    assert "l1" not in read[0].values
    assert "lpips" in read[0].values
    assert "line 2: l1 is '0.05s', which is no number" in problems[0]
    assert "line 3: l1 is 'nan'" in problems[1]
    assert f"line 4: 5 cells under {len(header)} columns" in problems[2]
    assert "2 more" in problems[3]
    assert len(problems) == 4


def test_a_table_of_an_older_version_is_shown_and_told_of(table: Path) -> None:
    header, *rows = cells(table)
    keep = [place for place, name in enumerate(header) if name not in ("extractors", "dataset_hash", "origin", "fps")]
    write(table, [[row[place] for place in keep] for row in (header, *rows)])
    read, problems = read_results([table])
    assert len(read) == 6
    assert read[0].origin == "measured"
    (line,) = problems
    assert "has no column extractors, dataset_hash" in line


def test_preferences_to_a_model_with_capital_letters_keep_their_question(table: Path) -> None:
    column = "preference_vs_MyLIA_percent"
    (table.parent / "report.json").unlink()
    table.write_text(
        f"model,dataset,task,{column},protocol,extractors,dataset_hash,checkpoint_sha256\n"
        f"fomm,vox,user-study,60,paired-preference,{column}=raters on cross: Which?,abc,1\n",
        encoding="utf-8",
    )
    (fomm,), problems = read_results([table])
    assert problems == []
    assert extractors_of(fomm) == {column: "raters on cross: Which?"}


def test_a_metric_that_is_not_installed_is_named_once(table: Path) -> None:
    header, *rows = cells(table)
    wider = [[*header, "smile", "smile_low", "smile_high"], *([*row, "1", "0.9", "1.1"] for row in rows)]
    write(table, wider)
    read, (line,) = read_results([table])
    assert "no metric is called smile here" in line
    assert "smile" not in read[0].values


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("l1", "-0.5", "l1 is '-0.5', and can only be from 0 to 1; left out"),
        ("l1", "1.01", "l1 is '1.01', and can only be from 0 to 1; left out"),
        ("psnr", "-3", "psnr is '-3', and can only be at least 0; left out"),
        ("ssim", "1.5", "ssim is '1.5', and can only be from -1 to 1; left out"),
        ("lpips", "-0.1", "lpips is '-0.1', and can only be at least 0; left out"),
        ("fps", "-1", "fps is '-1', and can only be at least 0; left out"),
        ("l1", "0_1", "l1 is '0_1', which is no number; left out"),
        ("l1", "\u0660.\u0661", "which is no number; left out"),
        ("l1", "1e999", "l1 is '1e999', which is no number; left out"),
        ("l1", "inf", "l1 is 'inf', which is no number; left out"),
        ("l1", "0x1", "l1 is '0x1', which is no number; left out"),
    ],
)
def test_a_number_that_cannot_have_been_measured_is_named_and_never_best(
    column: str, cell: str, said: str, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header, *rows = cells(table)
    if column not in header:
        (table.parent / "report.json").unlink()
        header, rows = [*header, column], [[*row, "0.5"] for row in rows]
    rows[0][header.index(column)] = cell
    write(table, [header, *rows])
    (first, *_), (problem,) = read_results([table])
    assert column not in first.values
    assert problem.endswith(said)
    assert run(["leaderboard", str(table)], debug=False) == 1
    assert f"*{cell}" not in capsys.readouterr().out


def test_what_a_paper_printed_is_shown_as_it_is(table: Path) -> None:
    (table.parent / "report.json").unlink()
    header, *rows = cells(table)
    for row in rows:
        row[header.index("origin")] = "published"
    rows[0][header.index("l1")] = "5.1"
    write(table, [header, *rows])
    (first, *_), problems = read_results([table])
    assert (first.values["l1"], problems) == (5.1, [])
