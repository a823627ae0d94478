"""Tables that somebody edited: a cell that the report beside them does not give is named, doubtful and never best."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lia_bench.cli.main import run
from lia_bench.leaderboards.board.board import View, measured_board
from lia_bench.leaderboards.results import sheet
from lia_bench.leaderboards.results.csv_reading import read_results
from tests.leaderboards.test_report_file import DATA
from tests.leaderboards.toy_results import ToyResults, write_results

TOY = ToyResults(clips=2, tasks=("reconstruction",), videos=False)

Table = list[dict[str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Results of a toy evaluation: two clips, three models, of which `lia` is the best."""
    return write_results(tmp_path / "toy", TOY)


def edit(path: Path, change: Callable[[Table], object]) -> None:
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    columns = list(rows[0])
    change(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, dict.fromkeys([*columns, *rows[0]]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


def problems_of(folder: Path) -> list[str]:
    """What is told of a folder, without the folder's name."""
    return [line.removeprefix(f"{folder}/") for line in read_results([folder])[1]]


def forge_identity(rows: Table) -> None:
    rows[2]["l1"] = "0.0001"


def test_a_changed_number_is_named_shown_as_doubtful_and_never_best(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(folder / "leaderboard.csv", forge_identity)
    assert run(["leaderboard", str(folder), "--sort", "l1"], debug=False) == 1
    printed = capsys.readouterr()
    assert "leaderboard.csv: line 4: l1 is '0.0001', and report.json gives '0." in printed.err
    rows = [line.split()[:2] for line in printed.out.splitlines() if line.split()[:1] in (["lia"], ["identity"])]
    (lia, identity) = rows
    assert lia[1].startswith("*0.")
    assert identity == ["identity", "0.0001?"]
    assert "? marks doubtful numbers" in printed.out


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("markdown", "| 0.0001? |"),
        ("latex", "& 0.0001? &"),
        ("json", '"mark": "doubtful"'),
        ("csv", "0.0001,"),
    ],
)
def test_exports_show_the_doubt_and_keep_it(
    folder: Path, form: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(folder / "leaderboard.csv", forge_identity)
    output = folder.parent / "merged.csv"
    assert run(["leaderboard", str(folder), "--format", form, "--output", str(output)], debug=False) == 1
    assert expected in output.read_text(encoding="utf-8")
    if form == "csv":
        board = measured_board([output], View(sort="l1"))
        (group,) = board.groups
        assert [row.model for row in group.rows] == ["lia", "fomm", "identity"]
        assert group.marks("l1") == ["best", "second", "doubtful"]
        assert board.problems == (
            f"{output}: line 4: l1 was doubtful where this table was made from; doubtful, and never the best",
        )


def test_the_page_marks_doubtful_numbers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(folder / "leaderboard.csv", forge_identity)
    assert run(["leaderboard", "html", str(folder)], debug=False) == 1
    page = (folder / "report" / "index.html").read_text(encoding="utf-8")
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    (table,) = data["tables"]
    place = [column["name"] for column in table["columns"]].index("l1")
    assert [row["marks"][place] for row in table["rows"]] == ["best", "second", "doubtful"]
    assert any("line 4: l1 is '0.0001'" in line for line in data["problems"])


@pytest.mark.parametrize(
    ("column", "cell", "doubtful"),
    [
        ("l1_low", "0.00001", "l1"),
        ("l1_missing", "7", "l1"),
        ("l1", "", ""),
        ("fps", "5000", "fps"),
        ("clips", "200", "l1;lpips;psnr;aed;fps"),
        ("model", "ours", "l1;lpips;psnr;aed;fps"),
        ("protocol", "strict", "l1;lpips;psnr;aed;fps"),
        ("date", "2027-01-01T00:00:00Z", "l1;lpips;psnr;aed;fps"),
        ("ssim", "0.99", "ssim"),
    ],
)
def test_any_cell_that_the_report_gives_is_compared(folder: Path, column: str, cell: str, doubtful: str) -> None:
    def change(rows: Table) -> None:
        for row in rows:
            row.setdefault(column, "")
        rows[2][column] = cell

    edit(folder / "leaderboard.csv", change)
    rows, (problem,) = read_results([folder])
    said = f"'{cell}'" if cell else "empty"
    assert f"leaderboard.csv: line 4: {column} is {said}, and report.json gives " in problem
    assert [row.doubtful for row in rows] == ["", "", doubtful]


def test_rows_that_were_added_or_taken_away_are_named(folder: Path) -> None:
    edit(folder / "leaderboard.csv", lambda rows: rows.append({**rows[0], "model": "ours", "l1": "0.001"}))
    assert problems_of(folder) == [
        "leaderboard.csv: line 5: report.json has no such row; doubtful, and never the best",
    ]
    edit(folder / "leaderboard.csv", lambda rows: [rows.pop(), rows.pop()])
    (line,) = problems_of(folder)
    assert line.startswith("leaderboard.csv: lacks the row of identity toy-32 reconstruction, which report.json gives")


def test_what_a_program_wrote_otherwise_is_the_same_table(folder: Path) -> None:
    """Rows in another order, other line ends, and digits that say nothing are no change."""

    def change(rows: Table) -> None:
        rows.reverse()
        rows[0]["l1"] += "0"

    edit(folder / "leaderboard.csv", change)
    text = (folder / "leaderboard.csv").read_text(encoding="utf-8")
    (folder / "leaderboard.csv").write_bytes(text.replace("\n", "\r\n").encode())
    rows, problems = read_results([folder])
    assert (len(rows), problems) == (3, [])


def test_the_table_of_clips_is_compared_too(folder: Path) -> None:
    edit(folder / "per_clip.csv", lambda rows: rows[3].update(psnr="60"))
    (line,) = problems_of(folder)
    assert line.startswith("per_clip.csv: line 5: psnr is '60', and report.json gives '")
    assert not any(row.doubtful for row in read_results([folder])[0])


def test_a_row_with_doubts_gives_way_to_the_same_row_without(folder: Path) -> None:
    forged = folder.parent / "forged"
    shutil.copytree(folder, forged)
    edit(forged / "leaderboard.csv", lambda rows: rows[2].update(l1="0.0001", date="2027-01-01T00:00:00Z"))
    board = measured_board([folder, forged])
    assert [row.doubtful for group in board.groups for row in group.rows] == ["", "", ""]
    assert any("0.0001, now 0." in line and "the one without doubts is shown" in line for line in board.remarks)


def test_a_table_as_it_was_written_costs_no_reading_of_the_report(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet, "read_report", lambda folder: pytest.fail("the report was read"))
    assert problems_of(folder) == []


def test_results_of_former_versions_are_compared_and_none_is_doubted(tmp_path: Path) -> None:
    for file in DATA.iterdir():
        shutil.copyfile(file, tmp_path / file.name)
    rows, problems = read_results([tmp_path])
    assert (len(rows), problems) == (6, [])
    edit(tmp_path / "leaderboard.csv", lambda rows: rows[0].update(ssim="0.99", l1_frames="79"))
    (problem,) = problems_of(tmp_path)
    assert "ssim is '0.99', and report.json gives '0.324701'" in problem


def test_without_a_report_nothing_can_be_compared_and_a_damaged_one_is_named(folder: Path) -> None:
    edit(folder / "leaderboard.csv", forge_identity)
    (folder / "report.json").write_text("{", encoding="utf-8")
    (line,) = problems_of(folder)
    assert "report.json: not readable as a report" in line
    (folder / "report.json").unlink()
    assert problems_of(folder) == []
