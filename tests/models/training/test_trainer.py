"""A run from start to end: what it writes, how it goes on after it was stopped, and what it refuses."""

import csv
import errno
import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from lia_bench.core.configuration import parse_settings
from lia_bench.core.errors import CheckpointError, DeviceError, InputError, LiaBenchError, UnknownNameError
from lia_bench.core.video import open_video
from lia_bench.models.checkpoint import load_training_state, read_own_checkpoint
from lia_bench.models.loading import load_model
from lia_bench.models.training.hardware import Hardware
from lia_bench.models.training.planned_run import TrainingRequest
from lia_bench.models.training.recipe import Network, PairBatch, Update
from lia_bench.models.training.run_folder import RunFolder
from lia_bench.models.training.runs import newest_run
from lia_bench.models.training.trainer import train
from tests.models.training.toy.network import ToyRecipe
from tests.models.training.toy.world import SIZE, write_stripes

pytestmark = pytest.mark.usefixtures("_toy")

Start = Callable[..., RunFolder]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def start(tmp_path: Path, data: Path, said: list[str]) -> Start:
    """Train the toy: settings as the command line takes them, then fields of the request."""

    def run(*settings: str, **fields: Any) -> RunFolder:
        request = {"model": "toy", "data_folder": data, "runs": tmp_path / "runs", **fields}
        return train(TrainingRequest(layers=(parse_settings(settings),), **request), say=said.append)

    return run


def rows(run: RunFolder) -> list[dict[str, str]]:
    with run.metrics.open(newline="") as file:
        return list(csv.DictReader(file))


def die_at(monkeypatch: pytest.MonkeyPatch, step: int, error: BaseException) -> None:
    """Let the step of this number end in the middle, as a killed process does."""
    updates = ToyRecipe.updates
    count = 0

    def dying(self: ToyRecipe, networks: Mapping[str, Network], batch: PairBatch) -> Iterator[Update]:
        nonlocal count
        count += 1
        for update in updates(self, networks, batch):
            yield update
            if count == step:
                raise error

    monkeypatch.setattr(ToyRecipe, "updates", dying)


def assert_same_state(one: RunFolder, other: RunFolder) -> None:
    """Weights, optimisers and random states of the last checkpoints are equal bit for bit."""
    first, second = one.last(), other.last()
    assert first
    assert second
    assert first.name == second.name
    weights, others = read_own_checkpoint(first).state, read_own_checkpoint(second).state
    assert weights.keys() == others.keys()
    for name, value in weights.items():
        assert torch.equal(value, others[name]), name
    assert_equal(load_training_state(first), load_training_state(second))


def assert_equal(one: Any, other: Any) -> None:
    if isinstance(one, Mapping):
        assert one.keys() == other.keys()
        for key in one:
            assert_equal(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_equal(left, right)
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    else:
        assert one == other


def test_a_run_leaves_all_that_it_should(start: Start, said: list[str], tmp_path: Path) -> None:
    run = start()
    assert run.path == tmp_path / "runs" / "toy" / "tiny-stripes"
    table = rows(run)
    assert [row["step"] for row in table] == [str(step) for step in range(5, 45, 5)]
    assert float(table[-1]["l1"]) < float(table[0]["l1"]) / 2
    assert float(table[-1]["images_per_second"]) > 0
    assert 0 <= float(table[-1]["data_wait"]) <= 1
    assert float(table[0]["learning_rate_generator"]) == 0.01
    validated = {row["step"]: float(row["validation_l1"]) for row in table if row["validation_l1"]}
    assert sorted(validated, key=int) == ["10", "20", "30", "40"]
    index = json.loads((run.path / "checkpoints.json").read_text())
    assert index["last"] == "00000040"
    assert int(index["best"]) == int(min(validated, key=validated.__getitem__))
    assert {folder.name for folder in (run.path / "checkpoints").iterdir()} == {index["last"], index["best"]}
    with Image.open(run.pictures / "00000020.png") as picture:
        assert picture.size == (3 * SIZE, 3 * SIZE)
    with open_video(run.pictures / "00000020.mp4") as video:
        assert len(video) == 8
        assert video.frame(0).shape == (SIZE, 3 * SIZE, 3)
    for column in ("gradient_norm_generator", "gradient_norm_discriminator", "peak_memory_mib"):
        assert float(table[-1][column]) > 0
    assert list(run.tensorboard.iterdir())
    description = run.description()
    assert (description.model, description.variant, description.dataset.name) == ("toy", "tiny", "stripes")
    assert "noise: 0.1" in run.configuration.read_text()
    announced = " ".join(said)
    assert "40 iterations of 4 pairs = 40.0 epochs" in announced
    assert "6 train clips" in announced
    assert str(run.path) in announced


def test_what_was_trained_loads_and_animates(start: Start, tmp_path: Path) -> None:
    run = start("schedule.iterations=10")
    model = load_model("toy", run.path)
    assert model.animate(torch.rand(3, SIZE, SIZE), torch.rand(2, 3, SIZE, SIZE)).shape == (2, 3, SIZE, SIZE)
    by_name = load_model("toy", tmp_path / "runs" / "toy" / "last")
    assert_equal(dict(model.state_dict()), dict(by_name.state_dict()))


def test_sample_pictures_show_source_driving_and_result(start: Start, data: Path) -> None:
    run = start("schedule.iterations=20")
    strip = np.asarray(Image.open(sorted((data / "stripes" / "test").iterdir())[0]))
    row = np.asarray(Image.open(run.pictures / "00000020.png"))[:SIZE]
    np.testing.assert_array_equal(row[:, :SIZE], strip[:, :SIZE])
    np.testing.assert_array_equal(row[:, SIZE : 2 * SIZE], strip[:, -SIZE:])
    assert not np.array_equal(row[:, 2 * SIZE :], row[:, SIZE : 2 * SIZE])


@pytest.mark.parametrize("workers", [0, 2])
def test_killed_and_resumed_equals_trained_at_one_go(
    start: Start, workers: int, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    whole = start(name="whole")
    with monkeypatch.context() as patch:
        die_at(patch, 27, SystemExit())
        with pytest.raises(SystemExit):
            start(f"data.workers={workers}", name="halves")
    halves = start(f"data.workers={workers}", name="halves")
    assert any("going on after iteration 20" in line for line in said)
    assert_same_state(whole, halves)
    for one, other in zip(rows(whole), rows(halves), strict=True):
        for column in ("step", "epoch", "l1", "discriminator", "learning_rate_generator", "validation_l1"):
            assert one[column] == other[column]


@pytest.mark.parametrize("lost", [True, False])
def test_a_run_whose_index_is_lost_or_emptied_goes_on_from_its_last_checkpoint(
    start: Start, lost: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = start(name="whole")
    run = start("schedule.iterations=20", name="longer")
    index = run.path / "checkpoints.json"
    before = json.loads(index.read_text())
    index.unlink() if lost else index.write_text("")
    longer = start("schedule.iterations=40", name="longer")
    assert f"{index}: not readable as an index of checkpoints" in capsys.readouterr().err
    assert [session.from_step for session in longer.description().sessions] == [0, 20]
    assert_same_state(whole, longer)
    after = json.loads(index.read_text())
    assert after.keys() == before.keys()
    assert after["best"] == json.loads((whole.path / "checkpoints.json").read_text())["best"]


def test_checkpoints_whose_run_is_lost_are_not_trained_over(start: Start) -> None:
    run = start("schedule.iterations=10")
    (run.path / "run.json").unlink()
    with pytest.raises(InputError, match=r"run\.json is lost, and checkpoints are there"):
        start("schedule.iterations=20")
    assert run.last() == run.checkpoint(10)


@pytest.mark.parametrize("name", ["model.safetensors", "training.pt"])
def test_a_damaged_checkpoint_is_not_gone_on_from(start: Start, name: str) -> None:
    run = start("schedule.iterations=10")
    path = run.checkpoint(10) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"{name}: damaged, cut short or changed since it was saved"):
        start("schedule.iterations=20")
    assert run.last() == run.checkpoint(10)


def test_stopping_at_twenty_and_going_to_forty_equals_forty(start: Start) -> None:
    whole = start(name="whole")
    start("schedule.iterations=20", name="longer")
    longer = start("schedule.iterations=40", name="longer")
    assert_same_state(whole, longer)
    assert [session.from_step for session in longer.description().sessions] == [0, 20]
    assert "iterations: 40" in longer.configuration.read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "settings"),
    [("lia", ("loss.adversarial=0.5", "loss.r1=1")), ("fomm", ("loss.adversarial=1", "optimiser.milestones=[3]"))],
)
def test_the_zoo_goes_on_exactly(start: Start, model: str, settings: tuple[str, ...]) -> None:
    common = ("data.batch_size=4", "data.workers=2", "schedule.log_every=1", *settings)
    fields = {"model": model, "variant": "demo-64", "dataset": "stripes"}
    whole = start("schedule.iterations=4", *common, name="whole", **fields)
    start("schedule.iterations=2", *common, name="halves", **fields)
    halves = start("schedule.iterations=4", *common, name="halves", **fields)
    assert_same_state(whole, halves)
    losses = [float(row["l1"]) for row in rows(halves)]
    assert losses == [float(row["l1"]) for row in rows(whole)]
    assert losses[-1] < losses[0]


def test_another_seed_is_another_run(start: Start) -> None:
    one, other = (
        start("schedule.iterations=5", name="one"),
        start("schedule.iterations=5", "schedule.seed=1", name="other"),
    )
    with pytest.raises(AssertionError):
        assert_same_state(one, other)


def test_ctrl_c_saves_the_iteration_it_comes_in(start: Start, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    updates = ToyRecipe.updates
    count = 0

    def interrupted(self: ToyRecipe, networks: Mapping[str, Network], batch: PairBatch) -> Iterator[Update]:
        nonlocal count
        count += 1
        if count == 13:
            os.kill(os.getpid(), signal.SIGINT)
        return updates(self, networks, batch)

    whole = start(name="whole")
    handler = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(ToyRecipe, "updates", interrupted)
        with pytest.raises(KeyboardInterrupt):
            start("data.workers=1", name="stopped")
    assert signal.getsignal(signal.SIGINT) == handler
    assert said[-1] == "stopped after 13 of 40 iterations, which are saved"
    stopped = start(name="stopped")
    assert_same_state(whole, stopped)


def test_a_finished_run_says_so_and_does_nothing(start: Start, said: list[str]) -> None:
    run = start("schedule.iterations=10")
    before = (run.path / "checkpoints.json").read_bytes(), run.metrics.read_bytes()
    said.clear()
    assert start("schedule.iterations=10") == run
    assert said == [f"{run.path} is finished: 10 of 10 iterations are done"]
    assert before == ((run.path / "checkpoints.json").read_bytes(), run.metrics.read_bytes())


def test_other_settings_are_refused_by_name_and_what_cannot_matter_is_not(start: Start) -> None:
    start("schedule.iterations=5")
    with pytest.raises(InputError, match=r"loss\.noise was 0\.1, now 0\.5; optimiser\.rate.*--name"):
        start("schedule.iterations=5", "loss.noise=0.5", "optimiser.rate=0.1")
    start("schedule.iterations=null", "schedule.epochs=6", "schedule.log_every=1", "data.workers=1")


def test_other_clips_are_refused(start: Start, tmp_path: Path) -> None:
    start("schedule.iterations=5", name="x")
    other = write_stripes(tmp_path / "other", train=5)
    with pytest.raises(InputError, match="trained on other clips"):
        start("schedule.iterations=5", name="x", dataset=str(other))


def test_the_same_clips_elsewhere_are_the_same(start: Start, tmp_path: Path) -> None:
    start("schedule.iterations=5", name="x")
    moved = write_stripes(tmp_path / "moved")
    assert start("schedule.iterations=10", name="x", dataset=str(moved)).last_step() == 10


def test_resume_takes_the_settings_of_the_run(start: Start) -> None:
    start("schedule.iterations=5", "loss.noise=0.3", name="x")
    run = start("schedule.iterations=15", name="x", resume=True)
    assert run.last_step() == 15
    assert "noise: 0.3" in run.configuration.read_text()
    newest = start("schedule.iterations=20", resume=True)
    assert newest == run
    with pytest.raises(InputError, match=r"loss\.noise"):
        start("loss.noise=0.1", name="x", resume=True)
    with pytest.raises(InputError, match=r"no run in .*nosuch"):
        start(name="nosuch", resume=True)


def test_settings_that_were_changed_in_a_run_are_not_gone_on_with(start: Start) -> None:
    run = start("schedule.iterations=5", "loss.noise=0.3", name="x")
    written = run.configuration.read_text()
    run.configuration.write_text(written.replace("noise: 0.3", "noise: 0.8"))
    with pytest.raises(InputError, match=r"config\.yaml: not the settings that 00000005 .*noise was 0\.3, now 0\.8"):
        start("schedule.iterations=10", name="x", resume=True)
    run.configuration.write_text(written)
    assert start("schedule.iterations=10", name="x", resume=True).last_step() == 10


def test_resume_without_any_run_is_an_error(start: Start) -> None:
    with pytest.raises(InputError, match="--resume: no run"):
        start(resume=True)


def test_the_newest_run_is_found_by_its_dataset(start: Start, tmp_path: Path, data: Path) -> None:
    from lia_bench.core.prepared_dataset import open_dataset

    run = start("schedule.iterations=5")
    assert newest_run(tmp_path / "runs", "toy", open_dataset("stripes", data)) == run


def test_milestones_cut_the_learning_rates_also_after_resuming(start: Start) -> None:
    milestones = ("optimiser.milestones=[6, 12]", "schedule.log_every=1")
    start("schedule.iterations=8", *milestones)
    table = rows(start("schedule.iterations=14", *milestones))
    assert [float(row["learning_rate_generator"]) for row in table] == pytest.approx(
        [0.01] * 6 + [0.001] * 6 + [0.0001] * 2
    )


def test_a_loss_that_is_no_number_stops_the_run(start: Start) -> None:
    with pytest.raises(LiaBenchError, match=r"step 1: the loss 'l1' is nan"):
        start("loss.noise=.nan")


def test_weights_that_are_no_numbers_are_never_saved(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Step 20 writes a checkpoint; its losses are finite and its gradients are not.
    updates = ToyRecipe.updates
    count = 0

    def overflowing(self: ToyRecipe, networks: Mapping[str, Network], batch: PairBatch) -> Iterator[Update]:
        nonlocal count
        count += 1
        weight = next(networks["generator"].module.parameters())
        for update in updates(self, networks, batch):
            if count == 20 and "l1" in update.losses:
                # A root has an infinite slope at 0.
                root = (weight - weight.detach()).sum().abs().sqrt()
                yield Update(update.networks, {**update.losses, "l1": update.losses["l1"] + root})
            else:
                yield update

    monkeypatch.setattr(ToyRecipe, "updates", overflowing)
    with pytest.raises(LiaBenchError, match=r"step 20: the gradient of 'generator' is nan.* step 10 is good") as caught:
        start(name="x")
    assert "\n" not in str(caught.value)
    run = RunFolder(tmp_path / "runs" / "toy" / "x")
    assert run.last_step() == 10
    assert all(value.isfinite().all() for value in read_own_checkpoint(run.checkpoint(10)).state.values())


def test_a_full_disk_leaves_the_checkpoint_before(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    start("schedule.iterations=10", name="x")

    def no_room(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", no_room)
        with pytest.raises(LiaBenchError, match=r"00000020: .*No space left.* step 10 is intact") as caught:
            start("schedule.iterations=40", name="x")
    assert "\n" not in str(caught.value)
    run = start("schedule.iterations=20", name="x")
    assert run.last_step() == 20
    assert_same_state(start("schedule.iterations=20", name="whole"), run)


def test_bfloat16_trains(start: Start) -> None:
    table = rows(start("schedule.iterations=40", hardware=Hardware(precision="bf16-mixed")))
    assert float(table[-1]["l1"]) < float(table[0]["l1"]) / 2


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"model": "identity"}, InputError, "identity is not trained"),
        ({"model": "toi"}, UnknownNameError, "did you mean 'toy'"),
        ({"variant": "tinny"}, UnknownNameError, "did you mean 'tiny'"),
        ({"dataset": "stripe"}, InputError, "stripe"),
        ({"hardware": Hardware(devices=4)}, DeviceError, "--devices 4: no GPU"),
        ({"hardware": Hardware("cuda")}, DeviceError, "--accelerator cpu"),
        ({"hardware": Hardware("cpu", devices=4096)}, DeviceError, "CPU cores"),
        ({"layers": ({"loss": {"nois": 1}},)}, UnknownNameError, r"did you mean 'loss\.noise'"),
        ({"layers": ({"data": {"batch_size": 7}},)}, InputError, r"data\.repeats=2"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_written(
    fields: dict[str, Any],
    error: type[Exception],
    words: str,
    tmp_path: Path,
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    request = {"model": "toy", "data_folder": data, "runs": tmp_path / "runs", **fields}
    with pytest.raises(error, match=words) as caught:
        train(TrainingRequest(**request), say=lambda line: None)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "runs").exists()
