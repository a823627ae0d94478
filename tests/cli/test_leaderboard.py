"""`lia-bench leaderboard`: what it prints, writes and refuses."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lia_bench.cli.main import run
from tests.leaderboards.toy_results import ToyResults, write_results

Printed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Printed:
    """Runs the command in a folder with one toy's results; gives its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    write_results(Path("results/toy"), ToyResults(videos=False, dataset="vox-256"))

    def call(*words: str) -> tuple[int, str, str]:
        code = run(["leaderboard", *words], debug=False)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def replaced(old: str, new: str, name: str) -> Path:
    """A copy of the toy's table with some text replaced, as other results."""
    copy = Path("results") / name / "leaderboard.csv"
    copy.parent.mkdir()
    copy.write_text(Path("results/toy/leaderboard.csv").read_text().replace(old, new))
    return copy


def row(out: str, model: str) -> list[str]:
    return next(line.split() for line in out.splitlines() if line.split()[:1] == [model])


def test_a_paper_s_table_is_printed_from_the_repository_alone(printed: Printed) -> None:
    code, out, err = printed("--published", "--paper", "lia", "--table", "1")
    assert (code, err) == (0, "")
    assert "LIA, ICLR 2022, table 1" in out
    # vox l1, lpips, akd, aed; taichi l1, lpips, akd, mkr, aed; ted l1, lpips, akd, mkr, aed
    lia = ["*0.041", "0.123", "1.353", "*0.138", "*0.057", "0.180", "*4.823", "*0.020", "*0.431"]
    assert row(out, "lia") == ["lia", *lia, "*0.027", "*0.11", "3.141", "0.0095", "0.399"]
    assert row(out, "x2face")[:3] == ["x2face", "0.078", "-"]
    assert "mraa on vox: MRAA without background" in out
    assert "mraa on ted: MRAA without background; lpips: two digits legible" in out
    assert "compare within a table only" in out


def test_a_table_too_wide_is_cut_by_dataset_and_nothing_is_lost(printed: Printed) -> None:
    _, out, _ = printed("--published", "--paper", "sade", "--table", "1")
    assert "…" not in out
    assert "dfdc, cross" in out
    assert "fomm (best of three reference images)" in out
    assert "*0.0061" in out


def test_every_paper_s_every_table_is_printed(printed: Printed) -> None:
    code, out, _ = printed("--published")
    assert code == 0
    assert "…" not in out
    titles = [line for line in out.splitlines() if ", table " in line]
    assert len(titles) == 26
    # Everyone's share of a pair is of another pair.
    assert "*92.9" not in out
    assert "*80" in out


def test_results_are_one_table_a_task_with_the_best_marked(printed: Printed) -> None:
    code, out, err = printed("--intervals")
    assert (code, err) == (0, "")
    assert "table 1, vox-256, test: reconstruction" in out
    assert "table 2, vox-256, test: cross" in out
    assert row(out, "lia")[1].startswith("*")
    assert "[" in out
    assert "measured: protocol literature; 3 clips" in out


def test_folders_merge_and_what_cannot_be_ranked_is_apart(printed: Printed) -> None:
    replaced("literature", "strict", "strict")
    replaced("2026-01-02", "2026-03-04", "again")
    code, out, _ = printed("--task", "reconstruction")
    assert code == 0
    assert "tables 1, 2 are not one ranking, protocol differs: literature (table 1); strict (table 2)" in out
    assert "measured twice" not in out
    assert len([line for line in out.splitlines() if line.strip().startswith("lia ")]) == 2


def test_a_number_that_changed_is_told(printed: Printed) -> None:
    copy = replaced("2026-01-02", "2026-03-04", "again")
    rows = list(csv.DictReader(copy.read_text().splitlines()))
    copy.write_text(copy.read_text().replace(rows[0]["l1"], "0.9"))
    code, out, _ = printed()
    assert code == 0
    assert "lia, vox-256, test: reconstruction: measured twice, l1 0." in out
    assert "now 0.9000" in out
    assert row(out, "lia")[1] == "0.9000"


def test_versions_that_differ_are_told(printed: Printed) -> None:
    copy = replaced("0.1.0", "9.0.0", "written-later")
    copy.write_text(copy.read_text().replace("lia,", "other,"))
    code, out, _ = printed()
    assert code == 0
    assert "measured by several versions of lia-bench: 0.1.0 (lia); 9.0.0 (other, fomm, identity)" in out


def test_published_rows_stand_apart_and_without_marks(printed: Printed) -> None:
    code, out, _ = printed("--with-published", "--paper", "lia,fomm", "--task", "reconstruction")
    assert code == 0
    above, below = out.split("published, as printed:")
    assert "[lia 1]" in below
    assert "[iapm 1]" not in below
    assert "*" not in below
    assert "0.041" in below
    assert "*" in above
    assert "test clips (of VoxCeleb 444, 485 or 507)" in below


def test_filters_columns_and_order(printed: Printed) -> None:
    code, out, _ = printed("--model", "identity,lia", "--task", "reconstruction", "--metrics", "psnr", "--sort", "psnr")
    assert code == 0
    lines = [line.split()[0] for line in out.splitlines() if line.strip().startswith(("lia", "identity", "fomm"))]
    assert lines == ["lia", "identity"]
    assert "l1" not in out


def test_a_metric_named_twice_is_one_column(printed: Printed) -> None:
    code, out, _ = printed("--metrics", "psnr,psnr", "--format", "csv")
    assert code == 0
    assert out.splitlines()[0].split(",").count("psnr") == 1


def test_each_format_is_written_by_its_suffix(printed: Printed) -> None:
    for name in ("t.csv", "t.md", "t.tex", "t.json"):
        code, out, err = printed("--output", name, "--with-published")
        assert (code, out) == (0, f"written: {name}\n")
        assert "nothing published with these columns beside vox-256, test: cross" in err
    rows = list(csv.DictReader(Path("t.csv").read_text().splitlines()))
    assert {row["origin"] for row in rows} == {"measured", "published"}
    assert "| lia |" in Path("t.md").read_text()
    assert r"\toprule" in Path("t.tex").read_text()
    assert json.loads(Path("t.json").read_text())["groups"]
    # What was written can be read again.
    assert printed("t.csv")[0] == 0


def test_ranks_are_below_the_tables(printed: Printed) -> None:
    code, out, _ = printed("--rank", "--task", "reconstruction")
    assert code == 0
    assert "mean rank over" in out


def test_preferences_are_not_ranked_and_the_reason_is_said(printed: Printed) -> None:
    replaced("reconstruction", "user-study", "study")
    code, out, _ = printed("--rank", "--task", "user-study")
    assert code == 0
    assert "lia: not ranked, raters judged it" in out


def test_a_broken_file_is_one_line_and_the_rest_is_shown(printed: Printed) -> None:
    broken = Path("results/broken/leaderboard.csv")
    broken.parent.mkdir()
    broken.write_bytes(b"\xff\xfe\0\1")
    code, out, err = printed()
    assert code == 1
    assert row(out, "lia")
    lines = err.splitlines()
    assert lines[0].startswith(f"problem: {broken}: is no UTF-8 text")
    assert lines[1] == "error: 1 problem with these results, listed above; the rest is shown"


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["--model", "lai"], 1, "unknown model 'lai': did you mean 'lia'?"),
        (["--sort", "psrn"], 1, "unknown column 'psrn': did you mean 'psnr'?"),
        (["--metrics", "psrn"], 1, "unknown metric 'psrn': did you mean 'psnr'?"),
        (["--sort", "video_fid"], 1, "unknown column with values 'video_fid'"),
        (["--published", "--paper", "lai"], 1, "unknown paper 'lai': did you mean 'lia'?"),
        (["--model", "lia", "--protocol", "strict"], 1, "unknown protocol 'strict'"),
        (["nothing.csv"], 1, "nothing.csv: is not there; name a leaderboard.csv"),
        (["--name", "nothing"], 1, "is not there"),
        (["--results", "nowhere"], 1, "nowhere: is not there"),
        (["--paper", "lia"], 2, "give --published or --with-published"),
        (["--published", "results"], 2, "--published shows papers alone"),
        (["--output", "table.doc"], 2, "'table.doc' says no format"),
        (["--by", "loss.l1", "--rank"], 2, "--by goes with --results and --name alone"),
        (["--rank", "--format", "csv"], 2, "--rank"),
    ],
)
def test_mistakes_are_one_line_with_the_way_out(printed: Printed, words: list[str], code: int, expected: str) -> None:
    answer, out, err = printed(*words)
    assert answer == code
    assert out == ""
    assert expected in err


def test_the_help_page_has_the_options_and_the_other_commands(printed: Printed) -> None:
    code, out, _ = printed("--help")
    assert code == 0
    for word in ("--with-published", "--sort", "compare", "--published --paper lia --table 1"):
        assert word in out
    assert " show " not in out
