"""Tables by a setting: which rows they have, in what order, and what stands below them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lia_bench.core.errors import InputError, UnknownNameError
from lia_bench.leaderboards.board.by_setting import SettingLeaderboard, leaderboard_by
from lia_bench.leaderboards.evaluation.evaluate import evaluate
from lia_bench.leaderboards.evaluation.request import EvaluationRequest
from lia_bench.leaderboards.printing.by_setting import print_by_setting
from lia_bench.leaderboards.results.published import published_tables
from tests.leaderboards.toys import register, specification, write_dataset, write_run


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Three evaluated runs of the toy by name, with the checkpoint of each; they differ in their `width`."""
    register(monkeypatch, toy=specification("toy"))
    folder = write_dataset(tmp_path / "data" / "toys", {"ann#1": 3, "bob#1": 4})
    values = {"ten": 10, "two": 2, "none": None}
    checkpoints = {
        name: write_run(tmp_path / "runs", "toy", name, gain, "toys")
        for name, gain in zip(values, (0.5, 0.7, 0.9), strict=True)
    }
    request = EvaluationRequest(
        models=tuple(f"toy@{tmp_path / 'runs' / 'toy' / name}" for name in checkpoints),
        dataset=str(folder),
        tasks=("reconstruction",),
        metrics=("l1",),
        name="table",
        device="cpu",
        videos=False,
        runs=tmp_path / "runs",
        results=tmp_path / "results",
    )
    evaluate(request)
    # The toy has no width: its checkpoints get one for the table alone.
    for name, checkpoint in checkpoints.items():
        change(checkpoint, {"width": values[name]})
    return checkpoints


def change(checkpoint: Path, model: dict[str, Any], ablation: str | None = None, **others: Any) -> None:
    path = checkpoint / "config.json"
    content = json.loads(path.read_text())
    content["experiment"] |= {"model": model, "ablation": ablation}
    path.write_text(json.dumps(content | others))


def by(key: str, tmp_path: Path) -> SettingLeaderboard:
    return leaderboard_by(key, tmp_path / "results", None)


def test_numbers_rise_and_null_is_last(runs: dict[str, Path], tmp_path: Path) -> None:
    leaderboard = by("model.width", tmp_path)
    (table,) = leaderboard.tables
    assert [row.value for row in table.rows] == [2, 10, None]
    assert table.differences() == []
    assert leaderboard.left_out == ("identity: left out, it has no checkpoint",)


def test_what_else_differs_is_told(runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(runs["two"], {"width": 2}, step=7)
    leaderboard = by("model.width", tmp_path)
    assert leaderboard.tables[0].differences() == ["step"]
    print_by_setting(leaderboard)
    assert "the rows differ in more than model.width: step" in capsys.readouterr().out


def test_a_checkpoint_that_is_gone_or_another_now_is_left_out(runs: dict[str, Path], tmp_path: Path) -> None:
    (runs["ten"] / "config.json").unlink()
    write_run(tmp_path / "runs", "toy", "two", 0.1, "toys")
    leaderboard = by("model.width", tmp_path)
    assert [row.value for row in leaderboard.tables[0].rows] == [None]
    assert any("ten" in line and "not here" in line for line in leaderboard.left_out)
    assert any("two" in line and "evaluate it again" in line for line in leaderboard.left_out)
    for path in runs.values():
        (path / "config.json").unlink(missing_ok=True)
    with pytest.raises(InputError, match="no row to show"):
        by("model.width", tmp_path)


def test_a_mistyped_key(runs: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean 'model\.width'"):
        by("model.widht", tmp_path)


def test_two_runs_of_one_value_are_told_apart_by_name(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(runs["ten"], {"width": 2})
    print_by_setting(by("model.width", tmp_path))
    printed = capsys.readouterr().out
    assert "toy/ten" in printed
    assert "toy/two" in printed
    assert "published" not in printed


def test_the_published_tables_are_as_printed() -> None:
    five, four = published_tables("lia", "model.motion_dim", "reconstruction")
    assert (five.number, four.number) == ("5", "4")
    assert five.values == [5, 10, 20, 40, 100]
    assert four.values == [None, 20]
    assert five.printed(5, ("taichi", "l1")) == "0.070"
    assert four.printed(None, ("vox", "lpips")) == "0.165"
    assert published_tables("lia", "motion.directions", "reconstruction") == [five, four]
    assert published_tables("lia", "motion.directions", "cross") == []
    assert published_tables("fomm", "model.size", "reconstruction") == []
    (fomm,) = published_tables("fomm", "ablation", "reconstruction")
    assert fomm.values == ["baseline", "pyramid", "pyramid-occlusion", "jacobian", "full"]
    assert fomm.printed("pyramid", ("taichi", "akd")) == "9.407"
    (parts,) = published_tables("sade", "ablation", "cross")
    assert parts.printed("without-views", ("dfdc", "csim")) == "0.89"
    (views,) = published_tables("sade", "data.references", "reconstruction")
    assert views.values == [1, 2, 3, 4, 5, 6]


def test_ablations_stand_in_the_papers_order_and_what_they_set_is_no_difference(
    runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ablations.yaml"
    file.write_text(
        "small: {summary: s, settings: {model: {width: 1, part: null}}}\n"
        "half: {summary: s, settings: {model: {width: 2}}}\n"
        "big: {summary: s}\n"
    )
    register(monkeypatch, toy=replace(specification("toy"), ablations=file))
    change(runs["ten"], {"width": 3, "part": {"a": 1}}, ablation="big")
    change(runs["two"], {"width": 1, "part": None}, ablation="small")
    change(runs["none"], {"width": 2, "part": {"a": 1}}, ablation="half")
    (table,) = by("ablation", tmp_path).tables
    assert [row.value for row in table.rows] == ["small", "half", "big"]
    assert table.differences() == []
    change(runs["two"], {"width": 7, "part": None}, ablation="small")
    (table,) = by("ablation", tmp_path).tables
    assert table.differences() == ["model.width"]
