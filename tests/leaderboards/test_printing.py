"""The printed table."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lia_bench.leaderboards.board.board import measured_board
from lia_bench.leaderboards.board.evaluation import evaluation_board
from lia_bench.leaderboards.printing import terminal
from lia_bench.leaderboards.printing.terminal import print_board
from lia_bench.leaderboards.results.csv_writing import write_tables
from lia_bench.leaderboards.results.report import Report

TASKS = ["reconstruction"]
DEFINITIONS = {"akd": "akd_sample", "mkr": "mkr_sample", "lpips": "lpips_alex"}
METRICS = ["akd", "l1", "lpips", "mkr", "ms_ssim", "psnr", "ssim"]


PLAN = {
    name: {"definition": DEFINITIONS.get(name, name), "description": "", "of_sets": False, "averaging": "clips"}
    for name in METRICS
}


def score(value: float, missing: int = 0) -> dict[str, Any]:
    return {"value": value, "weight": 9.0, "valid_frames": 9 - missing, "missing_frames": missing}


def content(values: dict[str, dict[str, float]]) -> Report:
    """A report of one clip: values by model and metric."""
    models = [
        {"label": label, "model": label, "variant": "", "checkpoint": "", "checkpoint_sha256": label}
        for label in values
    ]
    results = [
        {
            "seconds": 2.0,
            "scores": {name: score(value) for name, value in own.items()},
        }
        for own in values.values()
    ]
    clip = {"number": 0, "task": "reconstruction", "clip": "a", "source": "a", "frames": 9, "models": results}
    clip |= {"features_key": "", "date": "2026-01-02T03:04:05Z"}
    plan = {"models": models, "tasks": {"reconstruction": "absolute"}, "metrics": PLAN, "tasks_with_truth": TASKS}
    run = {
        "plan": plan | {"device": "cpu", "version": "0.1.0"},
        "unavailable": {"lpips": "AlexNet needs larger frames", "ms_ssim": "without weights"},
        "missing_weights": {"ms_ssim": ["one", "two"]},
        "clips": [clip],
    }
    setting = {"dataset": "sample-64", "width": 64, "height": 64, "seed": 0, "metrics": METRICS}
    setting |= {"kind": "evaluation", "dataset_hash": "", "split": "test", "limit": None, "pair_count": 0}
    setting |= {"protocol": "literature", "subject": "sample"}
    return Report.model_validate({"setting": setting, "runs": [run]})


def show(report: Report) -> None:
    """Print as `evaluate` does."""
    print_board(evaluation_board(report))


def test_the_best_of_each_column_is_marked_by_its_direction(capsys: pytest.CaptureFixture[str]) -> None:
    show(content({"lia": {"l1": 0.03, "psnr": 25.0}, "identity": {"l1": 0.05, "psnr": 20.0}}))
    lines = capsys.readouterr().out.splitlines()
    (header,) = [line for line in lines if "model" in line]
    assert header.split()[:5] == ["model", "l1", "↓", "psnr", "↑"]
    (lia,) = [line for line in lines if line.strip().startswith("lia ")]
    (identity,) = [line for line in lines if "identity" in line]
    assert lia.split()[:3] == ["lia", "*0.0300", "*25.00"]
    assert identity.split()[:3] == ["identity", "0.0500", "20.00"]
    assert "lpips: AlexNet needs larger frames" in lines
    assert "empty without third-party weights: ms_ssim (one, two)" in lines
    assert "to get them: lia-bench weights fetch one two" in lines


def test_the_speed_of_the_floor_is_never_the_best(capsys: pytest.CaptureFixture[str]) -> None:
    three = content({"lia": {"l1": 0.5}, "fomm": {"l1": 0.6}, "identity": {"l1": 0.7}})
    results = three.runs[0].clips[0].models
    for result, seconds in zip(results, (2.0, 3.0, 0.001), strict=True):
        object.__setattr__(result, "seconds", seconds)
    show(three)
    printed = capsys.readouterr().out
    assert starred(printed, "lia") == ["*0.5000", "*4.5"]
    assert starred(printed, "identity") == []
    show(content({"lia": {}, "identity": {}}))
    printed = capsys.readouterr().out
    assert starred(printed, "lia") == starred(printed, "identity") == []


def test_a_narrow_terminal_gets_the_table_in_parts_that_keep_the_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "wide_console", lambda: Console(width=60))
    row = dict.fromkeys(METRICS, 0.5) | {"psnr": 21.5, "akd": 12.25}
    show(content({"fomm:vox-adv-256": row, "identity": row}))
    lines = capsys.readouterr().out.splitlines()
    headers = [line.split()[0:1] + line.split()[1::2] for line in lines if line.startswith(" model")]
    assert [name for header in headers for name in header[1:] if name != "clips"][-2:] == ["mkr", "fps"]
    assert len(headers) == sum(line.split()[:1] == ["fomm:vox-adv-256"] for line in lines) > 1
    assert all("…" not in line and len(line) <= 60 for line in lines)


def test_a_full_table_fits_into_a_hundred_columns(capsys: pytest.CaptureFixture[str]) -> None:
    row = dict.fromkeys(METRICS, 0.5) | {"psnr": 21.5, "akd": 12.25}
    show(content({"fomm:vox-adv-256": row, "identity": row}))
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines) <= 100
    (line,) = [line for line in lines if "identity" in line]
    values = ["*0.5000", "*0.5000", "*21.50", "*0.5000", "*0.5000", "*12.250", "*0.5000", "4.5"]
    assert line.split() == ["identity", *values, "1"]


def starred(printed: str, model: str) -> list[str]:
    """The cells of a model's row that have a star."""
    (line,) = [line for line in printed.splitlines() if line.split()[:1] == [model]]
    return [cell for cell in line.split() if cell.startswith("*")]


def test_values_that_print_the_same_are_both_the_best(capsys: pytest.CaptureFixture[str]) -> None:
    show(content({"lia": {"l1": 0.030004, "psnr": 25.0}, "fomm": {"l1": 0.029996, "psnr": 24.994}}))
    printed = capsys.readouterr().out
    assert starred(printed, "lia") == ["*0.0300", "*25.00", "*4.5"]
    assert starred(printed, "fomm") == ["*0.0300", "*4.5"]


def test_evaluate_and_leaderboard_star_the_same_cells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = content({"lia": {"l1": 0.030004, "psnr": 25.0}, "fomm": {"l1": 0.029996, "psnr": 24.994}})
    show(report)
    evaluated = capsys.readouterr().out
    write_tables(tmp_path, report)
    print_board(measured_board([tmp_path]))
    merged = capsys.readouterr().out
    assert [starred(evaluated, model) for model in ("lia", "fomm")] == [
        starred(merged, model) for model in ("lia", "fomm")
    ]


def test_a_model_alone_is_not_the_best_of_anything(capsys: pytest.CaptureFixture[str]) -> None:
    show(content({"lia": {"l1": 0.03, "psnr": 25.0}}))
    assert starred(capsys.readouterr().out, "lia") == []
