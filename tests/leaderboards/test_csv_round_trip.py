"""What is written into leaderboard.csv is read back as it was, and a spreadsheet program shows names as text."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lia_bench.cli.main import run
from lia_bench.core.text_files import cell_text, write_table
from lia_bench.leaderboards.results.columns import COLUMNS, ResultRow, names_of
from lia_bench.leaderboards.results.csv_reading import read_results
from lia_bench.leaderboards.results.csv_writing import cells_of, header, write_rows
from tests.leaderboards.toy_results import ToyResults, write_results

METRICS = ["l1", "psnr", "ssim", "preference_vs_lia_percent"]
# A file holds no zero byte, no half of a surrogate pair, and a byte-order mark is no sign.
SIGNS = st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")
TEXTS = st.text(SIGNS | st.sampled_from("=+-@\t\r\n\"',;' 1"), max_size=12)
NAMES = TEXTS.filter(bool)


def short(number: float) -> float:
    """As it is written, with six digits."""
    return float(f"{number:.6g}")


NUMBERS = st.floats(-1e6, 1e6).map(short)
COUNTS = st.integers(0, 10**6)


@st.composite
def result_rows(draw: st.DrawFn) -> ResultRow:
    texts: dict[str, Any] = {
        name: draw(NAMES if name in ("model", "dataset", "task") else TEXTS) for name in names_of("text")
    }
    texts |= {"origin": draw(st.sampled_from(["measured", "published"])), "date": "2026-11-29T08:00:00Z"}
    # A row that is doubtful is told of.
    texts["doubtful"] = ""
    values = {column: draw(st.floats(0, 1).map(short)) for column in draw(st.sets(st.sampled_from(METRICS)))}
    return ResultRow(
        **texts,
        values=values,
        intervals={column: (draw(NUMBERS), draw(NUMBERS)) for column in values},
        counts={column: (draw(COUNTS), draw(COUNTS)) for column in METRICS},
        clips=draw(st.none() | COUNTS),
        frames=draw(st.none() | COUNTS),
        fps=draw(st.none() | NUMBERS.map(abs)),
    )


@given(rows=st.lists(result_rows(), min_size=1, max_size=4))
def test_rows_are_read_back_as_they_were(rows: list[ResultRow], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "leaderboard.csv"
    columns = [*header(METRICS, METRICS, ["fps"]), "paper", "table", "note"]
    assert set(columns) >= COLUMNS.keys()
    write_rows(path, columns, map(cells_of, rows))
    again, problems = read_results([path])
    assert problems == []
    assert [replace(row, printed={}, file=None) for row in again] == rows


HARMFUL = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "=cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "'=1+1",
    "\x1b=1",
]


@given(TEXTS)
@example("'")
@example("''=")
def test_a_text_comes_back_from_its_cell(text: str) -> None:
    (_, (cell,)) = csv.reader(io.StringIO(write_table(["name"], [{"name": text}]), newline="")) if text else ((), ("",))
    assert cell_text(cell) == text
    assert cell[:1] not in tuple("=@\t\r\n")
    if cell[:1] in tuple("+-"):
        float(cell.replace(",", "."))


@pytest.mark.parametrize("text", HARMFUL)
def test_a_spreadsheet_program_is_given_no_formula(text: str) -> None:
    (_, (cell,)) = csv.reader(io.StringIO(write_table(["name"], [{"name": text}]), newline=""))
    assert cell == f"'{text}"


@pytest.mark.parametrize("number", ["-1", "+1", "-0.5", "-1e-5", "-1,5", ".5"])
def test_numbers_stay_numbers(number: str) -> None:
    assert write_table(["l1", "psnr"], [{"l1": number, "psnr": -0.25}]).splitlines()[1].endswith(",-0.25")
    assert not write_table(["l1"], [{"l1": number}]).splitlines()[1].startswith("'")


def test_exports_give_no_formula(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_results(tmp_path / "toy", ToyResults(videos=False))
    table = folder / "leaderboard.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("fomm,", '"=HYPERLINK(""x"")",', 1), encoding="utf-8")
    (folder / "report.json").unlink()
    assert run(["leaderboard", str(folder), "--format", "csv"], debug=False) == 0
    exported = capsys.readouterr().out
    assert "'=HYPERLINK" in exported
    assert '\n"=HYPERLINK' not in exported
    (tmp_path / "again.csv").write_text(exported, encoding="utf-8")
    rows, problems = read_results([tmp_path / "again.csv"])
    assert '=HYPERLINK("x")' in {row.model for row in rows}
    assert problems == []


@pytest.mark.parametrize("form", ["table", "csv", "markdown", "latex", "json", "html"])
def test_names_are_shown_escaped_in_every_export(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_results(tmp_path / "toy", ToyResults(videos=False))
    table = folder / "leaderboard.csv"
    text = table.read_text(encoding="utf-8").replace("fomm,", "na\x1b[31mme\x1b]0;title\x07\x9bJ,")
    table.write_text(text, encoding="utf-8")
    (folder / "report.json").unlink()
    if form == "html":
        assert run(["leaderboard", "html", str(folder), "--output", str(tmp_path / "page")], debug=False) in (0, 1)
        shown = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    else:
        words = [] if form == "table" else ["--format", form]
        assert run(["leaderboard", str(folder), *words], debug=False) == 0
        shown = capsys.readouterr().out
    assert "31mme" in shown
    assert not any(sign in shown for sign in "\x1b\x07\x9b")
