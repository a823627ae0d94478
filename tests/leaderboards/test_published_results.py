"""The papers' numbers: all there, as printed."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from lia_bench.core.errors import UnknownNameError
from lia_bench.leaderboards.results.columns import better, present, printed_name
from lia_bench.leaderboards.results.published import PAPERS, published_rows, rows_of_paper
from lia_bench.metrics.theval.definitions import SCORE

LATER_LEGIBLE = (
    ("lia", "1", "taichi", "reconstruction", "fomm", "aed", "0.495"),
    ("lia", "1", "ted", "reconstruction", "fomm", "aed", "0.428"),
    ("lia", "1", "ted", "reconstruction", "mraa", "lpips", "0.12"),
)
"""Numbers that the collection lacks."""


def test_all_numbers_of_all_papers_are_there() -> None:
    counts = Counter(row.paper for row in published_rows() for _ in row.printed)
    assert counts == {
        "lia": 93,
        "lia-slides": 18,
        "fomm": 61,
        "iapm": 76,
        "sade": 484,
        "liveportrait": 198,
        "liax": 128,
        "theval": 17 * 9 + 8 + 1,
    }
    assert counts.keys() == PAPERS.keys()
    assert all(row.origin == "published" for row in published_rows())
    # LIA's table 4 has two rows and table 5 five, each over three datasets and two metrics.
    assert [sum(len(row.printed) for row in rows_of_paper("lia", number)) for number in ("4", "5")] == [12, 30]


def test_numbers_keep_the_digits_that_were_printed() -> None:
    lia = next(row for row in rows_of_paper("lia", "1") if (row.model, row.dataset) == ("lia", "taichi"))
    assert lia.printed["lpips"] == "0.180"
    assert lia.values["lpips"] == 0.18


def test_every_number_is_that_of_the_collection(real_data: Path) -> None:
    collection = real_data.parent / "reference" / "published"
    if not collection.is_dir():
        pytest.skip(f"{collection} is not there")
    expected: Counter[tuple[str, ...]] = Counter(LATER_LEGIBLE)
    for name in ("tables.csv", "tables-2025.csv"):
        with (collection / name).open(encoding="utf-8") as file:
            keys = ("paper", "table", "dataset", "task", "method", "metric", "value")
            expected.update(tuple(cell[key] for key in keys) for cell in csv.DictReader(file))
    ours = Counter(
        # Its sizes of one model are variants here.
        (row.paper, row.table, row.dataset, row.task, printed_name(row).replace("liax ", "liax-"), metric, text)
        for row in published_rows()
        if row.paper != "theval"
        for metric, text in row.printed.items()
    )
    assert ours == expected
    assert ours.total() == 729 + 326 + len(LATER_LEGIBLE)


def test_the_board_of_theval_is_that_of_the_collection(real_data: Path) -> None:
    collection = real_data.parent / "reference" / "published" / "theval.csv"
    if not collection.is_file():
        pytest.skip(f"{collection} is not there")
    with collection.open(encoding="utf-8") as file:
        expected = {
            (cell["method"], _our_word(cell["table"], cell["metric"])): cell["value"] for cell in csv.DictReader(file)
        }
    rows = [row for row in published_rows() if row.paper == "theval"]
    assert {(row.model, metric): text for row in rows for metric, text in row.printed.items()} == expected
    board = rows_of_paper("theval", "leaderboard")
    assert [board[place].model for place in (0, 13, 14)] == ["liveportrait", "fomm", "lia"]


def _our_word(table: str, metric: str) -> str:
    metric = metric.replace("head_motion_dynamics", "head_motion")
    return f"{metric}_score".replace("final_score_score", SCORE) if table == "leaderboard" else metric


def test_scores_of_papers_alone_know_what_is_better() -> None:
    rows = rows_of_paper("liveportrait", "2")
    assert present(rows) == ["l1", "lpips", "psnr", "ssim", "csim", "gaze_mae_degrees"]
    assert better("gaze_mae_degrees") == "lower"
    assert better("image_quality") == "higher"


def test_a_mistyped_paper_or_table() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'lia'"):
        rows_of_paper("lai")
    with pytest.raises(UnknownNameError, match="paper lia: unknown table '9'"):
        rows_of_paper("lia", "9")
