"""Experiments of papers: what they say, what they lack, and measured numbers beside published ones."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lia_bench.cli.main import run
from lia_bench.core.configuration import flat
from lia_bench.core.errors import InputError, LiaBenchError
from lia_bench.leaderboards.experiments.registry import EXPERIMENTS, Experiment, ExperimentFile, find_experiment
from lia_bench.leaderboards.experiments.requirements import checkpoint_for, evaluations, rows_of
from lia_bench.leaderboards.experiments.run import ExperimentRequest, run_experiment
from lia_bench.leaderboards.experiments.table import ExperimentTable
from lia_bench.leaderboards.results.published import ABLATIONS, Ablation
from lia_bench.models.checkpoint import save_checkpoint
from lia_bench.models.loading import load_configuration, load_experiment, load_model
from lia_bench.models.specification import MODELS
from lia_bench.models.training.configuration import settings_of_ablation
from lia_bench.models.training.run_folder import RunDescription, RunFolder, TrainingData
from tests.leaderboards.toys import write_dataset

DEMO = Path(__file__).with_name("demo.yaml")
KINDS = ("vox", "taichi", "ted", "nemo", "bair", "dfdc", "fashion", "aist", "mgif")


def write_run(runs: Path, model: str, dataset: str, name: str, **overrides: Any) -> Path:
    """A run of a demo of the model, of fresh weights; returns its checkpoint."""
    folder = RunFolder(runs / model / name)
    data = TrainingData(name=dataset, folder="", hash="")
    folder.begin(RunDescription(model=model, variant="demo-64", dataset=data, started="", sessions=()), {})
    settings = {"model": overrides} if overrides else {}
    _, experiment = load_experiment(model, "demo-64", [settings])
    animator = load_model(model, "untrained", variant="demo-64", device="cpu", **overrides)
    save_checkpoint(
        folder.checkpoint(1),
        model=model,
        variant="demo-64",
        experiment=experiment,
        animator=animator,
        step=1,
        training={},
    )
    folder.record(1, 0.5)
    return folder.checkpoint(1)


def write_portraits(data: Path, size: int) -> None:
    for name in ("kim", "lou"):
        folder = data / f"portraits-{size}" / "test" / name
        folder.mkdir(parents=True)
        Image.fromarray(np.random.default_rng(1).integers(0, 255, (size, size, 3), np.uint8)).save(folder / "0.png")


def cells(table: ExperimentTable, row: str) -> dict[str, Any]:
    return {cell.metric: cell for cell in table.cells if cell.row == row}


def test_the_experiments_of_four_papers_are_there_and_stand_beside_their_tables() -> None:
    assert set(EXPERIMENTS) >= {
        *("lia-table1-vox", "lia-table1-taichi", "lia-table1-ted", "lia-table2-vox", "lia-table2-germanpublictv"),
        *("lia-table4", "lia-table5", "fomm-table1", "fomm-table3", "iapm-table1", "iapm-table2", "iapm-ablation"),
        *("sade-table1", "sade-table2", "sade-table3", "sade-table4"),
    }
    for name in EXPERIMENTS:
        experiment = find_experiment(name)
        for evaluation in evaluations(experiment):
            assert evaluation.rows, f"{name}: {evaluation.title}"
            if experiment.content.published is not None:
                assert any(evaluation.published), f"{name}: {evaluation.title} stands beside nothing"
        assert len(experiment.label) == len(name) + 13


def test_every_number_of_their_tables_has_a_place() -> None:
    from lia_bench.leaderboards.results.published import rows_of_paper

    for name in (
        "sade-table1",
        "sade-table2",
        "sade-table3",
        "sade-table4",
        "fomm-table1",
        "fomm-table3",
        "iapm-table2",
    ):
        experiment = find_experiment(name)
        assert experiment.content.published is not None
        table = rows_of_paper(experiment.content.published.paper, experiment.content.published.table)
        placed = [row for evaluation in evaluations(experiment) for row in evaluation.published if row is not None]
        missing = [row for row in table if row not in placed]
        # The best by FID of a whole set of images is nothing that a frame can be chosen by.
        assert {(row.task, row.note) for row in missing} <= {("cross", "best of three reference images")}


@pytest.mark.parametrize("ablation", ABLATIONS, ids=lambda one: f"{one.paper}-{one.table}")
def test_a_row_is_trained_with_the_value_that_tables_by_a_setting_print_it_at(ablation: Ablation) -> None:
    contents = [find_experiment(name).content for name in EXPERIMENTS]
    (content,) = (
        content
        for content in contents
        if content.published and (content.published.paper, content.published.table) == (ablation.paper, ablation.table)
    )
    said = {row.variant: row.settings | ({"ablation": row.ablation} if row.ablation else {}) for row in content.rows}
    assert said.keys() == ablation.values.keys()
    for variant, settings in said.items():
        # Rows of SADE's that are not trained apart from each other say nothing.
        assert settings.get(ablation.key, ablation.values[variant]) == ablation.values[variant]


def test_a_checkpoint_is_of_the_row_whose_settings_it_has() -> None:
    rows = find_experiment("lia-table5").content.rows
    _, configuration = load_configuration("lia", "vox-256")
    settings = dict(flat(configuration.model_dump(mode="json")))
    assert [row.name for row in rows_of("lia", settings, rows)] == ["M=20"]
    assert rows_of("lia", settings | {"model.motion_dim": 7}, rows) == []
    rows = find_experiment("sade-table3").content.rows
    assert [row.name for row in rows_of("sade", {"model.motion_evolution.step": 1}, rows)] == ["full"]
    assert rows_of("sade", {"model.motion_evolution": None, "model.self_appearance": None}, rows) == []


@pytest.mark.parametrize(("experiment", "model"), [("fomm-table1", "fomm"), ("iapm-ablation", "iapm")])
def test_a_named_ablation_is_of_its_row(experiment: str, model: str) -> None:
    rows = find_experiment(experiment).content.rows
    for row in rows:
        layers = [settings_of_ablation(MODELS[model], row.ablation)] if row.ablation else []
        _, configuration = load_configuration(model, None, layers)
        assert rows_of(model, dict(flat(configuration.model_dump(mode="json"))), rows) == [row]


@pytest.mark.parametrize(
    ("name", "model", "dataset", "filled"),
    [
        ("sade-table4", "sade", "dfdc", {"N=1", "N=2", "N=3", "N=4", "N=5", "N=6"}),
        ("sade-table2", "sade", "vox", {"sade", "sade without references"}),
        ("sade-table1", "fomm", "taichi", {"fomm", "fomm best"}),
    ],
)
def test_one_checkpoint_fills_all_rows_that_their_parts_alone_tell_apart(
    name: str, model: str, dataset: str, filled: set[str], tmp_path: Path
) -> None:
    checkpoint = write_run(tmp_path, model, f"{dataset}-64", "one")
    rows = find_experiment(name).content.rows
    own = [row for row in rows if row.model == model]
    assert {row.name for row in own} == filled
    assert {checkpoint_for(row, rows, dataset, tmp_path) for row in own} == {f"{model}@{checkpoint}"}


@pytest.mark.slow
def test_demos_are_measured_beside_what_lia_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_dataset(tmp_path / "data" / "sample-64", {"ann#1": 4, "bob#1": 3}, size=64)
    write_portraits(tmp_path / "data", 64)
    write_run(tmp_path / "runs", "lia", "sample-64", "demo")
    words = ["experiment", "run", str(DEMO), "--models", "lia,fomm", "--device", "cpu", "--output", "table.csv"]
    assert run([*words, "--no-videos"], debug=False) == 0
    printed = capsys.readouterr().out
    assert "sample: cross, sources portraits, first 3 frames" in printed
    assert "lia-bench train fomm --dataset sample" in printed
    with Path("table.csv").open(newline="", encoding="utf-8") as file:
        rows = {(row["row"], row["metric"]): row for row in csv.DictReader(file)}
    assert rows["lia", "video_fid"]["published"] == "0.406"
    assert "weights" in rows["lia", "video_fid"]["missing"]
    (folder,) = Path("results").iterdir()
    with (folder / "leaderboard.csv").open(newline="", encoding="utf-8") as file:
        measured = list(csv.DictReader(file))
    assert {row["model"] for row in measured} == {"lia", "identity"}
    assert {row["experiment"] for row in measured} == {find_experiment(str(DEMO)).label}
    assert {(row["max_frames"], row["clips"], row["sources"].split("#")[0]) for row in measured} == {
        ("3", "2", "portraits-64")
    }
    # With a run of the other model it joins; what was measured is not done again.
    write_run(tmp_path / "runs", "fomm", "sample-64", "demo")
    assert run([*words, "--no-videos"], debug=False) == 0
    report = json.loads((folder / "report.json").read_text())
    assert [[model["model"] for model in one["plan"]["models"]] for one in report["runs"]] == [
        ["lia", "identity"],
        ["fomm", "lia", "identity"],
    ]


@pytest.mark.slow
def test_the_sizes_of_the_dictionary_fill_each_its_row(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data" / "vox-64", {"ann#1": 3, "bob#1": 3}, size=64)
    for directions in (5, 10):
        write_run(tmp_path / "runs", "lia", "vox-64", f"M{directions}", motion_dim=directions)
    request = ExperimentRequest(
        data=tmp_path / "data", runs=tmp_path / "runs", results=tmp_path / "results", device="cpu", videos=False
    )
    vox, taichi, _ = run_experiment(find_experiment("lia-table5"), request).tables
    for row, published in (("M=5", "0.051"), ("M=10", "0.043")):
        l1 = cells(vox, row)["l1"]
        assert l1.published == published
        assert l1.difference == pytest.approx(l1.measured - float(published))
    assert "--set motion.directions=20" in cells(vox, "M=20")["l1"].missing
    assert "lia-bench weights fetch" in cells(vox, "M=5")["lpips"].missing
    assert "lia-bench preprocess taichi" in cells(taichi, "M=5")["l1"].missing


@pytest.mark.slow
def test_the_runs_of_a_sweep_fill_no_other_models_row(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data" / "sample-64", {"ann#1": 2}, size=64)
    runs = tmp_path / "runs"
    for model, name in (("lia", "a"), ("lia", "b"), ("fomm", "c")):
        write_run(runs, model, "sample-64", name)
    sweep = runs / "lia" / "both.sweep.json"
    swept = [{"name": name, "settings": {}} for name in "ab"]
    sweep.write_text(json.dumps({"format": 1, "model": "lia", "runs": swept}))
    mine = tmp_path / "mine.yaml"
    part = "{datasets: [sample], task: reconstruction, metrics: [l1]}"
    mine.write_text(f"title: t\nrows: [{{name: ours, model: fomm}}]\nparts: [{part}]\n")
    request = ExperimentRequest(
        (f"lia@{sweep}", "fomm"), None, tmp_path / "data", runs, tmp_path / "results", device="cpu", videos=False
    )
    (table,) = run_experiment(Experiment(mine), request).tables
    measured = [cell.row for cell in table.cells if cell.measured is not None]
    assert measured[0] == "ours"
    assert len(measured) == 4
    assert sum(row.startswith("lia") for row in measured) == 2


@pytest.mark.slow
def test_every_experiment_runs_on_tiny_datasets_of_its_kinds(tmp_path: Path) -> None:
    for kind in KINDS:
        write_dataset(tmp_path / "data" / f"{kind}-16", {"ann#1": 7, "bob#1": 7})
    write_portraits(tmp_path / "data", 16)
    request = ExperimentRequest(
        models=("identity",),
        data=tmp_path / "data",
        runs=tmp_path / "runs",
        results=tmp_path / "results",
        device="cpu",
        videos=False,
    )
    for name in EXPERIMENTS:
        outcome = run_experiment(find_experiment(name), request)
        for table in outcome.tables:
            measured = [cell for cell in table.cells if cell.measured is not None]
            assert {cell.row for cell in measured} <= {"identity"}
            assert all(cell.missing for cell in table.cells if cell.measured is None), name
            if "6 references" in table.title and "reconstruction" in table.title:
                assert {cell.metric for cell in measured} == {"l1", "psnr", "ssim"}
            if "l1" in {cell.metric for cell in table.cells}:
                assert measured, f"{name}: {table.title}"


def test_too_few_frames_for_the_views_are_said_in_the_cells(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data" / "dfdc-16", {"ann#1": 3, "bob#1": 3})
    request = ExperimentRequest(
        models=("identity",), data=tmp_path / "data", results=tmp_path / "results", device="cpu", videos=False
    )
    tables = run_experiment(find_experiment("sade-table4"), request).tables
    assert {cell.row: cell.measured for cell in tables[0].cells if cell.metric == "l1"}["identity"] is not None
    assert "--references 6: ann#1 has 2 frames" in tables[-1].cells[0].missing


def test_a_changed_experiment_is_not_mixed_with_what_it_was(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data" / "sample-16", {"ann#1": 4, "bob#1": 3})
    mine = tmp_path / "mine.yaml"
    part = "{datasets: [sample], task: reconstruction, metrics: [l1]}"
    text = f"title: t\nrows: [{{name: floor, model: identity}}]\nparts: [{part}]\n"
    mine.write_text(text)
    request = ExperimentRequest(data=tmp_path / "data", results=tmp_path / "results", device="cpu", videos=False)
    (table,) = run_experiment(Experiment(mine), request).tables
    assert cells(table, "floor")["l1"].measured is not None
    mine.write_text("# another comment\n" + text)
    run_experiment(Experiment(mine), request)
    mine.write_text(text.replace("[l1]", "[l1], max_frames: 2"))
    with pytest.raises(
        InputError, match=r"measured for mine#.* says something else now .*take another --name"
    ) as caught:
        run_experiment(Experiment(mine), request)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title: t\nparts: [{datasets: [vox], task: cross, metrics: [l1]}]\n", "give rows, or the published table"),
        ("title: t\nrows: [{name: a, model: lia}]\nparts: []\n", "parts"),
        ("title: t\nrows: [{name: a}]\nparts: [{datasets: [v], task: cross, metrics: [l1]}]\n", "either its model, or"),
        (
            "title: t\nrows: [{name: a, model: lia}]\nparts: [{datasets: [v], task: cross, metrics: [l1], sorce: x}]\n",
            "did you mean",
        ),
        ("- 1\n", "mapping"),
    ],
)
def test_wrong_files_are_one_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(LiaBenchError, match=message) as caught:
        find_experiment(str(path))
    assert "\n" not in str(caught.value)


def test_other_packages_add_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = tmp_path / "theirs-table1.yaml"
    theirs.write_text(DEMO.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setitem(EXPERIMENTS._load(), "theirs-table1", ExperimentFile("theirs-table1", theirs))
    assert find_experiment("theirs-table1").content == find_experiment(str(DEMO)).content


def test_show_says_what_is_here_and_how_to_get_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_dataset(tmp_path / "data" / "vox-16", {"ann#1": 3, "bob#1": 3})
    assert run(["experiment", "show", "lia-table2-germanpublictv"], debug=False) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "dataset vox here data/vox-16" in printed
    assert "sources portraits missing" in printed
    assert "lia-bench train lia:vox-256 --dataset vox" in printed
    assert run(["experiment", "list"], debug=False) == 0
    assert "sade-table4" in capsys.readouterr().out
    assert run(["experiment", "show", "lia-tabel5"], debug=False) == 1
    assert "did you mean 'lia-table5'" in capsys.readouterr().err
