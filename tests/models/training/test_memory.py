"""What large networks are trained with: activations computed again, and optimisers' states shared out."""

import json
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from lia_bench.cli.main import run
from lia_bench.models.blocks import latent_training
from lia_bench.models.checkpoint import load_training_state, read_own_checkpoint
from lia_bench.models.liveportrait.configuration import LivePortraitConfiguration
from lia_bench.models.liveportrait.recipe import FirstStageRecipe
from lia_bench.models.training.hardware import Hardware, launch
from lia_bench.models.training.memory import recompute_blocks
from lia_bench.models.training.recipe import TrainingRecipe
from lia_bench.models.training.run_folder import RunFolder
from lia_bench.models.training.step import Step
from tests.models.small_models import experiment_of, small_model
from tests.models.training.test_step import lia, noise
from tests.models.training.test_trainer import assert_equal, assert_same_state
from tests.models.training.toy.world import environment
from tests.ports import next_port


def liveportrait() -> FirstStageRecipe:
    """With batch norms and power iterations, whose states a second pass must not move on."""
    torch.manual_seed(0)
    return FirstStageRecipe(experiment_of("liveportrait", LivePortraitConfiguration, "demo-64"))


def gradients_of(recipe: TrainingRecipe) -> dict[str, Tensor]:
    networks = recipe.networks.items()
    named = ((f"{name}.{key}", weight.grad) for name, each in networks for key, weight in each.named_parameters())
    return {name: gradient for name, gradient in named if gradient is not None}


@pytest.mark.parametrize("recipe", [lambda: lia(r1=1.0), liveportrait], ids=["lia", "liveportrait"])
def test_blocks_computed_again_have_the_same_gradients_and_states(
    recipe: Callable[[], TrainingRecipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of LIA with its discriminator, which is held still in one pass, and the penalty that differentiates twice."""
    monkeypatch.setattr(latent_training, "R1_INTERVAL", 1)
    recipes = [recipe(), recipe()]
    for one, again in zip(recipes, (False, True), strict=True):
        step = Step(launch(Hardware("cpu")), one, 1, checkpoint_activations=again)
        for seed in range(2):
            torch.manual_seed(seed)
            (pairs, *_) = noise(seed).parts(4)
            losses = step(pairs).losses
    assert "r1" in losses or "discriminator" not in losses
    plain, recomputed = (gradients_of(one) for one in recipes)
    assert plain.keys() == recomputed.keys()
    for name, value in plain.items():
        assert float((value - recomputed[name]).norm()) <= 1e-5 * float(value.norm()), name
    states = [{name: network.state_dict() for name, network in one.networks.items()} for one in recipes]
    for name, state in states[0].items():
        assert state.keys() == states[1][name].keys()
        for key, value in state.items():
            torch.testing.assert_close(value, states[1][name][key], rtol=1e-4, atol=1e-6, msg=f"{name}.{key}")


class Peak(TorchDispatchMode):
    """Bytes of the tensors that were made inside: how many at most lived at once."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.highest = 0
        self._seen: set[int] = set()

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: tuple[Any, ...] = (), named: Mapping[str, Any] | None = None
    ) -> Any:
        result = function(*arguments, **(named or {}))
        for tensor in tree_iter(result):
            if isinstance(tensor, Tensor):
                self._note(tensor.untyped_storage())
        return result

    def _note(self, storage: torch.UntypedStorage) -> None:
        place, size = storage.data_ptr(), storage.nbytes()
        if place in self._seen or not size:
            return
        self._seen.add(place)
        self.now += size
        self.highest = max(self.highest, self.now)
        weakref.finalize(storage, self._forget, place, size)

    def _forget(self, place: int, size: int) -> None:
        self._seen.discard(place)
        self.now -= size


def test_far_less_is_kept() -> None:
    peaks = []
    for again in (False, True):
        model = small_model("liax", nn.Module, blocks=4)  # type: ignore[type-var]
        model.train()
        if again:
            assert recompute_blocks(model) == 4 + 4 * (4 + 4)
        source, driving = noise(0).source[:2], noise(0).driving[:2]
        with Peak() as peak:
            image, _ = model(source, driving)
            image.square().mean().backward()
        peaks.append(peak.highest)
    assert peaks[1] < 0.6 * peaks[0], peaks


def together(commands: list[list[str]], plug_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run commands by two processes as torchrun starts them: this one, and another that does all of them in turn."""
    ports = [str(next_port()) for _ in commands]
    shared = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "GROUP_RANK": "0", "TORCHELASTIC_RUN_ID": "test"}
    shared |= {"MASTER_ADDR": "127.0.0.1"}
    program = (
        "import json, os, sys; from lia_bench.cli.main import run\n"
        "for port, words in json.loads(sys.argv[1]):\n"
        "    os.environ['MASTER_PORT'] = port; assert run(words, debug=True) == 0, words"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, json.dumps(list(zip(ports, commands, strict=True)))],
        env=environment(plug_in) | shared | {"RANK": "1", "LOCAL_RANK": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    with monkeypatch.context() as here:
        for name, value in (shared | {"RANK": "0", "LOCAL_RANK": "0"}).items():
            here.setenv(name, value)
        try:
            for port, words in zip(ports, commands, strict=True):
                here.setenv("MASTER_PORT", port)
                assert run(words, debug=True) == 0
        except BaseException:
            other.kill()
            raise
    _, errors = other.communicate(timeout=300)
    assert other.returncode == 0, errors


@pytest.mark.slow
@pytest.mark.usefixtures("_toy")
def test_two_processes_with_a_share_of_the_states_each_go_on_exactly_and_end_where_one_ends(
    plug_in: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole and in two sessions by two processes, which are started once; then gone on with by one alone."""

    def words(name: str, iterations: int, *more: str) -> list[str]:
        places = ["--data", str(data), "--runs", str(tmp_path), "--name", name, "--accelerator", "cpu"]
        plain = ("model.batch_norm=false", "loss.noise=0", f"schedule.iterations={iterations}", "data.workers=0")
        return ["train", "toy", *places, *(word for value in plain for word in ("--set", value)), *more]

    several = ("--devices", "2", "--shard-optimisers")
    by_two = [words("whole", 4, *several), words("halves", 2, *several), words("halves", 4, *several)]
    together(by_two, plug_in, monkeypatch)
    whole, halves, alone = (RunFolder(tmp_path / "toy" / name) for name in ("whole", "halves", "alone"))
    assert whole.description().sessions[0].shard_optimisers
    assert_same_state(whole, halves)
    for name in ("whole", "alone"):
        assert run(words(name, 5), debug=True) == 0
    one, two = (load_training_state(folder.checkpoint(5))["optimisers"] for folder in (alone, whole))
    for network, optimiser in one.items():
        assert_equal(optimiser["param_groups"], two[network]["param_groups"])
        # Several processes need a gradient of every weight, and give one to that which no loss reaches.
        assert optimiser["state"].keys() <= two[network]["state"].keys()
    weights = read_own_checkpoint(whole.checkpoint(5)).state
    for key, value in read_own_checkpoint(alone.checkpoint(5)).state.items():
        torch.testing.assert_close(value, weights[key], rtol=0, atol=1e-5, msg=key)


@pytest.mark.usefixtures("_toy")
@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--shard-optimisers"], "this has one: give --devices or --nodes, or leave it out"),
        (["--checkpoint-activations", "--compile"], "--checkpoint-activations and --compile do not go together"),
    ],
)
def test_what_does_not_go_together(
    option: list[str], message: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "toy", "--data", str(data), "--runs", str(tmp_path / "runs"), *option]
    assert run(words, debug=False) == 1
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("_toy")
def test_a_run_may_compute_blocks_again_in_one_session_and_not_in_the_next(data: Path, tmp_path: Path) -> None:
    words = ["train", "toy", "--data", str(data), "--runs", str(tmp_path), "--name", "x", "--set", "data.workers=0"]
    for iterations, option in ((1, ["--checkpoint-activations"]), (2, [])):
        assert run([*words, "--set", f"schedule.iterations={iterations}", *option], debug=True) == 0
    sessions = RunFolder(tmp_path / "toy" / "x").description().sessions
    assert [session.checkpoint_activations for session in sessions] == [True, False]
