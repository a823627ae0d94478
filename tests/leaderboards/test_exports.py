"""Leaderboards as CSV, Markdown, LaTeX and JSON."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from lia_bench.leaderboards.board.groups import Group, comparable
from lia_bench.leaderboards.printing.exports import FORMATS, as_csv, as_json, as_latex, as_markdown, in_latex
from lia_bench.leaderboards.results.columns import USER_STUDY, ResultRow, present
from lia_bench.leaderboards.results.csv_reading import read_file
from lia_bench.leaderboards.results.published import published_rows
from tests.leaderboards.toy_results import ToyResults, write_results


def row(model: str, l1: float | None, psnr: float | None = None, **other: object) -> ResultRow:
    values = {name: value for name, value in (("l1", l1), ("psnr", psnr)) if value is not None}
    made = ResultRow(
        model, "vox-256", "", "vox", "test", "reconstruction", "absolute", values, protocol="literature", clips=8
    )
    return replace(made, **other)  # type: ignore[arg-type]


def group_of(*rows: ResultRow) -> Group:
    (group,) = comparable(rows)
    return group


ROWS = (
    row("lia", 0.04101, 25.0, intervals={"l1": (0.0382, 0.0439), "psnr": (24.0, 26.0)}, fps=31.24, device="cpu"),
    row("fomm", 0.04104, 26.5, fps=20.0, device="cpu"),
    row("mraa", 0.05, 26.0, fps=25.0, device="cpu"),
    row("identity", 0.08, None),
)


def test_equal_printed_numbers_are_all_best() -> None:
    assert group_of(*ROWS).marks("l1") == ["best", "best", "second", ""]
    assert group_of(*ROWS).marks("psnr") == ["", "best", "second", ""]
    assert group_of(*ROWS).marks("fps") == ["best", "", "second", ""]


def test_what_cannot_be_compared_has_no_best() -> None:
    assert group_of(ROWS[0], replace(ROWS[1], device="cuda")).marks("fps") == ["", ""]
    assert group_of(ROWS[0]).marks("l1") == [""]
    column = "preference_vs_fomm_percent"
    study = [replace(row(name, None), values={column: 60.0}, task=USER_STUDY) for name in ("lia", "mraa")]
    assert group_of(*study).marks(column) == ["", ""]


def test_published_rows_are_never_ranked_with_measured_ones() -> None:
    published = row("paper", 0.001, variant="", origin="published", paper="lia", table="1", printed={"l1": "0.001"})
    both = Group((*ROWS, published))
    assert both.marks("l1") == ["best", "best", "second", "", ""]
    assert "| paper *(published)* | 0.001 |" in as_markdown([both], ["l1"], intervals=False)
    assert "paper (published) & 0.001 " in as_latex([both], ["l1"], intervals=False)
    assert [len({line.origin for line in group.rows}) for group in comparable(both.rows)] == [1, 1]


def test_markdown() -> None:
    group = group_of(*ROWS)
    assert as_markdown([group], ["l1", "lpips", "psnr"], intervals=False).splitlines() == [
        "### vox, test: reconstruction",
        "",
        "| model | l1 ↓ | psnr ↑ |",
        "| --- | ---: | ---: |",
        "| lia | **0.0410** | 25.00 |",
        "| fomm | **0.0410** | **26.50** |",
        "| mraa | <ins>0.0500</ins> | <ins>26.00</ins> |",
        "| identity | 0.0800 |  |",
        "",
        "- measured: protocol literature; 8 clips",
    ]
    assert r"| lia | **0.0410** \[0.0382, 0.0439\] |" in as_markdown([group], ["l1"], intervals=True)


def test_a_name_cannot_break_a_markdown_table() -> None:
    odd = row("a|b*c\n<script>", 0.1)
    (line,) = [line for line in as_markdown([group_of(odd)], ["l1"], False).splitlines() if line.startswith("| a")]
    assert line == r"| a\|b\*c &lt;script&gt; | 0.1000 |"


def test_latex() -> None:
    assert as_latex([group_of(*ROWS)], ["l1", "psnr"], intervals=True).splitlines() == [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        r"\caption{vox, test: reconstruction; measured: protocol literature; 8 clips; best bold, second underlined; "
        r"in brackets 95 \% intervals over clips.}",
        r"\label{tab:leaderboard-1}",
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"model & l1 $\downarrow$ & psnr $\uparrow$ \\",
        r"\midrule",
        r"lia & \textbf{0.0410} & 25.00 \\",
        r" & {\scriptsize {[}0.0382, 0.0439{]}} & {\scriptsize {[}24.00, 26.00{]}} \\",
        r"fomm & \textbf{0.0410} & \textbf{26.50} \\",
        r" &  &  \\",
        r"mraa & \underline{0.0500} & \underline{26.00} \\",
        r" &  &  \\",
        r"identity & 0.0800 & -- \\",
        r" &  &  \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    assert "scriptsize" not in as_latex([group_of(*ROWS)], ["l1", "psnr"], intervals=False)


EVERY_SIGN = "\\ { } $ & # % _ ^ ~ < > | \" ` ' [*] -- --- ?` ↓ ↑ é ß \x07"


def test_special_signs_are_escaped_for_latex() -> None:
    assert in_latex("100%_of {a}\\b & $x^2$ #1~") == (
        r"100\%\_of \{a\}\textbackslash{}b \& \$x\textasciicircum{}2\$ \#1\textasciitilde{}"
    )
    assert in_latex("a--b---c") == "a-{}-b-{}-{}-c"
    assert in_latex("[a]*\n\n\x07b") == "{[}a{]}{*} b"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
def test_latex_compiles(tmp_path: Path) -> None:
    odd = [row(f"{place}{EVERY_SIGN}", 0.1, -2.5, variant=EVERY_SIGN) for place in ("[", "*", "")]
    odd[0] = replace(odd[0], intervals={"psnr": (-4.0, 1.0)})
    rows = [*odd, *ROWS, *published_rows()]
    tables = as_latex(comparable(rows), present(rows), intervals=True).replace(r"\end{table}", r"\end{table}\clearpage")
    document = f"\\documentclass{{article}}\\usepackage{{booktabs}}\\begin{{document}}{tables}\\end{{document}}\n"
    (tmp_path / "tables.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "tables.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in done.stdout


def test_json() -> None:
    content = json.loads(as_json([group_of(*ROWS)], ["l1", "psnr", "fps"], intervals=False))
    assert content["schema"] == 1
    assert content["columns"][1] == {"name": "psnr", "better": "higher", "decimals": 2}
    (group,) = content["groups"]
    assert group["setting"]["protocol"] == "literature"
    lia, _, _, identity = group["rows"]
    assert lia["scores"]["l1"] == {"value": 0.04101, "printed": None, "interval": [0.0382, 0.0439], "mark": "best"}
    assert lia["scores"]["fps"]["value"] == 31.24
    assert (lia["variant"], lia["dataset_hash"], lia["origin"]) == ("vox-256", "", "measured")
    assert list(identity["scores"]) == ["l1"]


def test_csv_is_read_back_as_it_was(tmp_path: Path) -> None:
    folder = write_results(tmp_path / "toy", ToyResults(videos=False))
    measured, _ = read_file(folder / "leaderboard.csv")
    study = replace(row("lia", None), values={"preference_vs_fomm_percent": 100 / 3}, task=USER_STUDY, note='"a", b')
    rows = [*measured, study, *published_rows()]
    path = tmp_path / "all.csv"
    groups = comparable(rows)
    path.write_text(as_csv(groups, present(rows), intervals=False), encoding="utf-8")
    back, problems = read_file(path)
    assert not problems
    plain = [replace(one, file=None, printed={}) for one in back]
    assert plain == [replace(one, file=None, printed={}) for group in groups for one in group.rows]
    assert [one.printed for one in back if one.origin == "published"] == [
        one.printed for group in groups for one in group.rows if one.origin == "published"
    ]


def test_a_spreadsheet_s_commas_do_not_come_out_again(tmp_path: Path) -> None:
    path = tmp_path / "edited.csv"
    path.write_text("model;dataset;task;l1\nlia;vox;reconstruction;0,5\n", encoding="utf-8")
    rows, _ = read_file(path)
    text = as_csv([group_of(*rows)], ["l1"], intervals=False)
    assert text.splitlines()[1].split(",")[9] == "0.5"


def test_every_format_takes_no_groups() -> None:
    for render in FORMATS.values():
        assert isinstance(render([], ["l1"], True), str)


@pytest.mark.parametrize("name", [r"\input{/etc/passwd}", r"\write18{touch x}", r"\end{document}", r"^^5cinput{x}"])
def test_a_command_in_a_name_is_text_in_latex(name: str) -> None:
    text = in_latex(name)
    assert not re.search(r"\\(input|write|end)", text)
    assert "^^" not in text
    assert (
        re.sub(r"\\text(backslash|asciicircum)\{\}", lambda found: {"b": "\\", "a": "^"}[found[1][0]], text)
        .replace("\\{", "{")
        .replace("\\}", "}")
        == name
    )
