"""`lia-bench train` as it is typed."""

from pathlib import Path

import pytest
import yaml

from lia_bench.cli.main import run
from lia_bench.models.specification import MODELS
from tests.models.training.toy.world import write_plug_in, write_stripes


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The options that keep a run of the toy inside the test's folder; that is the working directory."""
    write_plug_in(tmp_path / "plug-in")
    write_stripes(tmp_path / "data" / "stripes")
    monkeypatch.syspath_prepend(str(tmp_path / "plug-in"))
    monkeypatch.setattr(MODELS, "_items", None)
    monkeypatch.chdir(tmp_path)
    return ["train", "toy", "--accelerator", "cpu", "--set", "schedule.iterations=5"]


def failure(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a failing command ends with."""
    assert run(words, debug=False) == 1
    errors = capsys.readouterr().err
    assert "Traceback" not in errors
    return errors.splitlines()[-1]


def test_train_then_the_same_again_then_longer(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words, debug=False) == 0
    announced = capsys.readouterr().out
    assert "5 iterations of 4 pairs = 5.0 epochs" in announced
    assert "runs/toy/tiny-stripes" in announced
    assert Path("runs/toy/tiny-stripes/checkpoints/00000005/model.safetensors").is_file()
    assert run(words, debug=False) == 0
    assert "finished" in capsys.readouterr().out
    assert run([*words, "--set", "schedule.iterations=8"], debug=False) == 0
    assert "going on after iteration 5" in capsys.readouterr().out


def test_settings_lie_over_the_file_and_the_file_over_the_variant(words: list[str]) -> None:
    Path("mine.yaml").write_text("data: {batch_size: 2}\nloss: {noise: 0.2}\n")
    command = [*words, "--config", "mine.yaml", "--set", "loss.noise=0.3", "--name", "mine", "--runs", "elsewhere"]
    assert run(command, debug=False) == 0
    resolved = yaml.safe_load(Path("elsewhere/toy/mine/config.yaml").read_text())
    assert resolved["data"]["batch_size"] == 2
    assert resolved["loss"] == {"noise": 0.3, "adversarial": 0.1}
    assert resolved["schedule"]["log_every"] == 5


def test_a_mistyped_key_is_answered_with_the_nearest(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean 'optimiser.rate'" in failure([*words, "--set", "optimiser.rat=1"], capsys)


def test_resume_without_a_run(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "--resume: no run" in failure([*words, "--resume"], capsys)


def test_resume(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words, debug=False) == 0
    assert run(["train", "toy", "--resume", "--set", "schedule.iterations=7"], debug=False) == 0
    assert "runs/toy/tiny-stripes" in capsys.readouterr().out


def test_a_checkpoint_is_no_model_to_train(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "--resume" in failure(["train", "toy@runs/toy/x"], capsys)


def test_identity_is_not_trained(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "identity is not trained" in failure(["train", "identity", "--dataset", "stripes"], capsys)


def test_more_devices_than_there_are(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "--devices 4096" in failure([*words, "--devices", "4096"], capsys)


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--help"], debug=False) == 0
    assert "lia-bench train lia:demo-64 --dataset sample" in capsys.readouterr().out
