"""What papers take apart: each ablation lies over every variant, leaves out what it says, trains, and is evaluated."""

import csv
from pathlib import Path
from typing import Any

import pytest
import torch

from lia_bench.cli import train_sweep
from lia_bench.cli.main import run
from lia_bench.core.errors import UnknownNameError
from lia_bench.models.animator import Animator
from lia_bench.models.authors_layout import authors_layout
from lia_bench.models.loading import load_experiment, load_model
from lia_bench.models.specification import MODELS
from lia_bench.models.training.configuration import read_ablations
from tests.cli.test_train_sweep import InThisProcess

OF_MODEL = {
    name: tuple(read_ablations(specification)) for name, specification in MODELS.items() if specification.ablations
}


def ablated(name: str, ablation: str | None, **model: Any) -> Animator:
    """A demo-64 of fixed weights with an ablation; `model`: settings of the section over it."""
    _, experiment = load_experiment(name, "demo-64", [{"ablation": ablation, "model": model}])
    torch.manual_seed(0)
    fields = {key: getattr(experiment.model, key) for key in type(experiment.model).model_fields}
    return load_model(name, "untrained", "demo-64", "cpu", **fields)


def test_the_papers_ablations_are_there() -> None:
    assert OF_MODEL["fomm"] == ("baseline", "pyramid", "pyramid-occlusion", "jacobian", "full", "motion-evolution")
    assert OF_MODEL["sade"] == ("full", "without-motion-evolution", "without-self-appearance", "without-views")
    assert OF_MODEL["iapm"] == ("full", "without-perturbation", "without-reference", "without-identity")


@pytest.mark.parametrize("name", OF_MODEL)
def test_every_variant_takes_every_ablation_and_what_is_set_beside_it_counts(name: str) -> None:
    for variant in MODELS[name].variant_names():
        whole = load_experiment(name, variant)[1].model_dump(mode="json")
        found = [load_experiment(name, variant, [{"ablation": each}])[1] for each in OF_MODEL[name]]
        assert [experiment.ablation for experiment in found] == list(OF_MODEL[name])
        without_name = [experiment.model_dump(mode="json", exclude={"ablation"}) for experiment in found]
        assert all(one != other for i, one in enumerate(without_name) for other in without_name[:i]), variant
        assert whole["ablation"] is None
    layers = [{"ablation": OF_MODEL[name][-1], "model": {"motion_evolution": {"width": 7}}}]
    if name != "iapm":
        assert load_experiment(name, "demo-64", layers)[1].model_dump()["model"]["motion_evolution"]["width"] == 7


def test_a_mistyped_ablation() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'pyramid'"):
        load_experiment("fomm", "demo-64", [{"ablation": "pyramids"}])
    with pytest.raises(UnknownNameError, match="lia has no named ablations"):
        load_experiment("lia", "demo-64", [{"ablation": "full"}])


@pytest.mark.parametrize("name", ["fomm", "mraa"])
def test_the_evolution_of_a_flow_starts_as_the_flow_and_moves_it_once_it_has_learned(name: str) -> None:
    whole, refined = ablated(name, "full"), ablated(name, "motion-evolution")
    missing, unknown = refined.load_state_dict(whole.state_dict(), strict=False)
    assert unknown == []
    assert missing
    layout = authors_layout(MODELS[name])
    assert layout is not None
    assert layout.authors_content(whole.state_dict()) is not None
    assert layout.authors_content(refined.state_dict()) is None
    assert all(".motion_evolution.derivative." in f".{key}" for key in missing)
    source, driving = torch.rand(3, 64, 64), torch.rand(3, 3, 64, 64)
    plain = whole.animate(source, driving)
    torch.testing.assert_close(refined.animate(source, driving), plain, atol=1e-5, rtol=0)
    last = refined.get_parameter("generator.motion_evolution.derivative.last.bias")
    torch.nn.init.constant_(last, 0.25)
    moved = refined.animate(source, driving)
    assert (moved - plain).abs().mean() > 1e-3
    torch.testing.assert_close(refined.animate(source, driving, batch_size=1), moved, atol=1e-4, rtol=0)


def test_what_is_left_of_iapm() -> None:
    source, driving = torch.rand(1, 3, 64, 64), torch.rand(2, 3, 64, 64)

    def stages(ablation: str) -> dict[str, torch.Tensor]:
        animator = ablated("iapm", ablation)
        with animator.evaluating():
            found = dict(animator.stages(source, driving))
        assert torch.equal(found["frame"].clamp(0, 1), animator.animate(source[0], driving))
        return found

    whole = stages("full")
    assert not torch.equal(whole["perturbed"], whole["driving mask"])
    assert not torch.equal(whole["refined"], whole["perturbed"])
    unperturbed = stages("without-perturbation")
    assert torch.equal(unperturbed["perturbed"], unperturbed["driving mask"])
    alone = stages("without-identity")
    assert torch.equal(alone["refined"], alone["perturbed"])
    blind = ablated("iapm", "without-reference")
    with blind.evaluating():
        seen = [blind.stages(each[None], driving)["refined"] for each in torch.rand(2, 3, 64, 64)]
    assert torch.equal(*seen)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a small sample dataset lies."""
    folder = tmp_path_factory.mktemp("data")
    words = f"preprocess sample --output {folder / 'sample-64'} --identities 4 --frames 2 --workers 1"
    assert run(words.split(), debug=False) == 0
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_MODEL)
def test_every_ablation_trains_and_is_evaluated(
    name: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train_sweep, "Popen", InThisProcess)
    settings = ("schedule.iterations=2", "data.batch_size=2", "data.workers=0")
    words = ["train", f"{name}:demo-64", "--data", str(data), "--accelerator", "cpu"]
    words += ["--sweep", f"ablation={','.join(OF_MODEL[name])}"]
    for setting in settings:
        words += ["--set", setting]
    assert run(words, debug=False) == 0
    models = f"{name}@runs/{name}/demo-64-sample+ablation.sweep.json"
    words = ["evaluate", "--models", models, "--dataset", str(data / "sample-64"), "--task", "reconstruction"]
    assert run([*words, "--metrics", "l1", "--no-videos", "--device", "cpu"], debug=False) == 0
    (leaderboard,) = Path("results").glob("*/leaderboard.csv")
    with leaderboard.open(newline="", encoding="utf-8") as file:
        measured = [row["l1"] for row in csv.DictReader(file) if row["model"] == name]
    assert len(measured) == len(OF_MODEL[name])
    assert all(0 < float(value) < 1 for value in measured)
    capsys.readouterr()
    assert run(["leaderboard", "--by", "ablation"], debug=False) == 0
    printed = capsys.readouterr().out
    rows = [line.split()[0] for line in printed.split("published")[0].splitlines() if line.strip()]
    assert [row for row in rows if row in OF_MODEL[name]] == list(OF_MODEL[name])
    assert "differ" not in printed
