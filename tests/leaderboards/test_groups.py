"""Which rows may be ranked together, what tells the others apart, and what is kept of rows measured twice."""

from dataclasses import replace
from typing import Any

import pytest

from lia_bench.core.errors import UnknownNameError
from lia_bench.leaderboards.board.board import beside, by_column, cut, merge, select
from lia_bench.leaderboards.board.groups import comparable, differences, labels
from lia_bench.leaderboards.results.columns import USER_STUDY, ResultRow, better, present, score

LIA = ResultRow(
    model="lia",
    variant="vox-256",
    checkpoint="runs/lia/vox/last",
    dataset="vox-256",
    split="test",
    task="reconstruction",
    transfer="absolute",
    values={"l1": 0.041, "akd": 1.35},
    clips=100,
    fps=80.0,
    protocol="literature",
    extractors="akd=akd_face(one.pt)",
    dataset_hash="abc",
    checkpoint_sha256="111",
    seed="0",
    device="cpu",
    version="0.1.0",
    date="2026-01-01T00:00:00Z",
)
FOMM = replace(LIA, model="fomm", checkpoint_sha256="222", values={"l1": 0.043, "akd": 1.3})
PAPER = replace(LIA, origin="published", dataset="vox", paper="lia", table="1", clips=None, protocol="", extractors="")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"protocol": "strict"}, "protocol differs: literature (table 1); strict (table 2)"),
        ({"dataset_hash": "def"}, "dataset hash differs: abc (table 1); def (table 2)"),
        ({"dataset_hash": ""}, "dataset hash differs: abc (table 1); not said (table 2)"),
        ({"clips": 5}, "clips differs: 100 (table 1); 5 (table 2)"),
        (
            {"extractors": "akd=akd_face(two.pt)"},
            "the extractor of akd differs: akd_face(one.pt) (table 1); akd_face(two.pt) (table 2)",
        ),
        ({"extractors": ""}, "the extractor of akd differs: akd_face(one.pt) (table 1); akd (table 2)"),
    ],
)
def test_rows_that_mean_something_else_are_never_in_one_ranking(change: dict[str, Any], said: str) -> None:
    groups = comparable([LIA, replace(FOMM, **change)])
    assert [[row.model for row in group.rows] for group in groups] == [["lia"], ["fomm"]]
    assert differences(groups) == [f"vox-256, reconstruction: tables 1, 2 are not one ranking, {said}"]


def test_rows_that_mean_the_same_are_in_one_ranking() -> None:
    without_akd = replace(FOMM, values={"l1": 0.05}, extractors="", transfer="relative", seed="7", device="cuda")
    (group,) = comparable([LIA, without_akd])
    assert differences([group]) == []
    assert not group.ranks("fps")
    assert group.ranks("l1")
    # The pairs of another seed are other pairs.
    assert len(comparable([replace(LIA, task="cross"), replace(without_akd, task="cross")])) == 2


def test_published_and_measured_rows_are_never_in_one_ranking() -> None:
    other_table = replace(PAPER, table="2")
    groups = comparable([replace(LIA, dataset="vox"), PAPER, other_table, replace(PAPER, model="fomm")])
    assert [[row.origin for row in group.rows] for group in groups] == [
        ["measured"],
        ["published", "published"],
        ["published"],
    ]


def test_of_rows_measured_twice_the_newest_is_kept_and_other_numbers_are_told() -> None:
    newer = replace(LIA, date="2026-02-01T00:00:00Z", values={"l1": 0.0410004, "akd": 1.5}, fps=20.0)
    merged = merge([newer, FOMM, LIA])
    assert merged.rows == (newer, FOMM)
    (line,) = merged.conflicts
    assert "akd 1.350, now 1.500" in line
    assert "l1" not in line
    assert merge([LIA, replace(LIA, date="2027")]).conflicts == ()


def test_checkpoints_of_a_table_without_hashes_stay_apart() -> None:
    first = replace(LIA, checkpoint_sha256="", checkpoint="runs/lia/00000800")
    second = replace(first, checkpoint="runs/lia/00001500", date="2027")
    assert merge([first, second]).rows == (first, second)


def test_another_measurement_does_not_replace_a_row() -> None:
    few_clips = replace(LIA, clips=5, date="2027")
    other_checkpoint = replace(LIA, checkpoint_sha256="333", date="2027")
    strict = replace(LIA, protocol="strict", date="2027")
    relative = replace(LIA, transfer="relative", date="2027")
    rows = (LIA, few_clips, other_checkpoint, strict, relative)
    assert merge(rows).rows == rows


def test_labels_have_no_more_than_tells_rows_apart() -> None:
    other = replace(LIA, variant="vox-512", checkpoint_sha256="333")
    retrained = replace(LIA, checkpoint_sha256="444")
    assert labels([LIA, FOMM]) == ["lia", "fomm"]
    assert labels([LIA, other]) == ["lia:vox-256", "lia:vox-512"]
    assert labels([LIA, retrained, FOMM]) == ["lia#111", "lia#444", "fomm"]
    ablated = replace(PAPER, variant="M=5")
    assert labels([PAPER, ablated, replace(PAPER, note="best of three")]) == [
        "lia vox-256",
        "lia M=5",
        "lia vox-256 (best of three)",
    ]


def test_filters() -> None:
    assert select([LIA, FOMM], {"model": ["fomm:vox-256"], "protocol": ["literature"]}) == [FOMM]
    with pytest.raises(UnknownNameError, match="unknown model 'fom': did you mean 'fomm'"):
        select([LIA, FOMM], {"model": ["fom"]})


def test_sorting_puts_the_best_first_and_rows_without_a_value_last() -> None:
    nothing = replace(LIA, model="identity", values={}, fps=None)
    (group,) = comparable([nothing, LIA, FOMM])
    assert [row.model for row in by_column(group, "akd").rows] == ["fomm", "lia", "identity"]
    assert [row.model for row in by_column(group, "model").rows] == ["fomm", "identity", "lia"]
    (some,) = comparable([replace(LIA, task=USER_STUDY, clips=count) for count in (None, 9, 4)])
    assert [row.clips for row in by_column(some, "clips").rows] == [4, 9, None]
    with pytest.raises(UnknownNameError, match="unknown column 'adk': did you mean 'akd'"):
        by_column(group, "adk")


def test_cut_by_a_column() -> None:
    groups = cut(comparable([LIA, replace(FOMM, device="cuda")]), "device")
    assert [group.title for group in groups] == [
        "vox-256, test: reconstruction, device cpu",
        "vox-256, test: reconstruction, device cuda",
    ]
    assert all(group.ranks("fps") for group in groups)
    assert "device differs: cpu (table 1); cuda (table 2)" in differences(groups)[0]


def test_published_rows_stand_beside_their_dataset_of_any_size() -> None:
    (group,) = comparable([LIA])
    others = [replace(PAPER, dataset="taichi"), replace(PAPER, task="cross"), replace(PAPER, values={"fid": 3.0})]
    assert beside(group, [PAPER, *others], ["l1", "akd"]) == [PAPER]


def test_columns() -> None:
    assert [better(name) for name in ("l1", "psnr", "fps", "preference_vs_lia_percent")] == ["lower", *["higher"] * 3]
    assert (score("psnr").decimals, score("selected_best_motion_percent").decimals) == (2, 1)
    chosen = replace(LIA, values={"selected_best_quality_percent": 4.0, "psnr": 20.0, "l1": 0.1})
    assert present([chosen]) == ["l1", "psnr", "selected_best_quality_percent", "fps"]
    with pytest.raises(UnknownNameError, match="psnr"):
        better("psnrr")
