"""A batch in parts, compiled, averaged: the gradients and checkpoints that come of it."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch._inductor.exc import InductorError, InvalidCxxCompiler

from lia_bench.core.configuration import parse_settings
from lia_bench.core.errors import DeviceError, InputError, LiaBenchError
from lia_bench.models.checkpoint import load_training_state, read_description, read_own_checkpoint
from lia_bench.models.lia.configuration import LiaConfiguration
from lia_bench.models.lia.recipe import LiaRecipe
from lia_bench.models.training.batches import Share
from lia_bench.models.training.hardware import Hardware, launch
from lia_bench.models.training.optimisers import load_optimiser
from lia_bench.models.training.planned_run import TrainingRequest
from lia_bench.models.training.recipe import PairBatch
from lia_bench.models.training.run_folder import RunFolder
from lia_bench.models.training.step import Step, StepResult
from lia_bench.models.training.trainer import train
from tests.models.training.test_trainer import assert_equal, assert_same_state

SMALL = {"size": 64, "style_dim": 16, "motion_dim": 4, "channel_base": 256, "channel_limit": 8}


def lia(r1: float = 0.0) -> LiaRecipe:
    torch.manual_seed(0)
    values = {
        "model": SMALL,
        "loss": {"perceptual": 0, "r1": r1},
        "data": {"dataset": "any", "batch_size": 8},
        "schedule": {"iterations": 1},
    }
    return LiaRecipe(LiaConfiguration.model_validate(values))


def noise(seed: int) -> PairBatch:
    pair = torch.rand(2, 8, 3, 64, 64, generator=torch.Generator().manual_seed(seed))
    return PairBatch(pair[0], pair[1])


def gradients(recipe: LiaRecipe) -> dict[str, Tensor]:
    return {
        f"{name}.{key}": weight.grad
        for name, network in recipe.networks.items()
        for key, weight in network.named_parameters()
        if weight.grad is not None
    }


def steps(recipe: LiaRecipe, *, parts: int = 1, compiled: bool = False, count: int = 1) -> StepResult:
    step = Step(launch(Hardware("cpu")), recipe, parts, compiled=compiled, channels_last=compiled)
    for seed in range(count):
        result = step(noise(seed))
    return result


def assert_close(one: Mapping[str, Tensor], other: Mapping[str, Tensor], tolerance: float = 1e-4) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        error = float((value - other[name]).norm() / (value.norm() + 1e-6))
        assert error < tolerance, f"{name}: {error}"


@pytest.mark.parametrize("parts", [2, 4])
def test_a_batch_in_parts_has_the_gradients_of_the_whole(parts: int) -> None:
    """Also through the deviation over the minibatch: parts of four rows or fewer are rows that were one group."""
    whole, divided = lia(), lia()
    one, other = steps(whole), steps(divided, parts=parts)
    if parts == 2:
        assert_close(gradients(whole), gradients(divided))
    assert_close(one.losses, other.losses, tolerance=1e-5 if parts == 2 else 0.05)
    assert one.gradient_norms.keys() == {"generator", "discriminator"}
    expected = torch.stack([value.square().sum() for key, value in gradients(whole).items() if key[0] == "g"])
    assert float(one.gradient_norms["generator"]) == pytest.approx(float(expected.sum().sqrt()), rel=1e-4)


@pytest.mark.slow
def test_compiled_networks_learn_the_same_and_keep_the_names_of_their_weights() -> None:
    """Up to the sixteenth iteration, with the penalty, which differentiates twice."""
    eager, compiled = lia(r1=1.0), lia(r1=1.0)
    names = compiled.animator.state_dict().keys()
    # Everything but the generation of code, which takes minutes.
    with torch.compiler.set_stance(force_backend="aot_eager"):
        one, other = steps(eager), steps(compiled, compiled=True)
        assert_close(one.losses, other.losses)
        assert_close(gradients(eager), gradients(compiled), tolerance=1e-3)
        later = steps(compiled, compiled=True, count=15).losses
    assert later.keys() == {"l1", "adversarial", "discriminator", "r1"}
    assert all(value.isfinite() for value in later.values())
    assert compiled.animator.state_dict().keys() == names


def test_an_optimiser_keeps_its_own_implementation_and_layout() -> None:
    weight = torch.nn.Parameter(torch.rand(4, 3, 2, 2))
    saved = torch.optim.Adam([weight], fused=True)
    weight.grad = torch.rand_like(weight)
    saved.step()
    apart = torch.nn.Parameter(weight.detach().clone(memory_format=torch.channels_last))
    optimiser = torch.optim.Adam([apart], lr=1.0)
    load_optimiser(optimiser, saved.state_dict())
    assert not optimiser.param_groups[0]["fused"]
    assert optimiser.param_groups[0]["lr"] == 1e-3
    average = optimiser.state[apart]["exp_avg"]
    assert average.stride() == apart.stride()
    assert torch.equal(average, saved.state[weight]["exp_avg"])


@pytest.mark.usefixtures("_toy")
def test_out_of_memory_names_the_sizes_to_try(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(Step, "__call__", full)
    for settings, message in (
        ((), r"4 pairs at once: try --set data\.accumulate=2, which takes 2 .* --set data\.batch_size=2"),
        (("data.accumulate=4",), r"1 pair at once: try --checkpoint-activations, --precision bf16-mixed"),
    ):
        layers = (parse_settings(settings),)
        request = TrainingRequest("toy", layers=layers, data_folder=data, runs=tmp_path)
        with pytest.raises(DeviceError, match=message):
            train(request, say=lambda line: None)


@pytest.mark.usefixtures("_toy")
def test_without_a_compiler_a_line_says_what_to_do(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_compiler(*_: object) -> None:
        raise InductorError(InvalidCxxCompiler(), None)

    monkeypatch.setattr(Step, "__call__", no_compiler)
    request = TrainingRequest("toy", data_folder=data, runs=tmp_path, hardware=Hardware("cpu", compile=True))
    with pytest.raises(LiaBenchError, match=r"No working C\+\+ compiler .*: install .* leave --compile out"):
        train(request, say=lambda line: None)


def test_a_batch_that_does_not_divide_into_parts_is_an_error_with_a_way_out() -> None:
    with pytest.raises(InputError, match=r"batch_size is 10.*there are 2.*accumulate=3.*data\.batch_size=12"):
        Share(10, processes=2, parts=3)


@pytest.mark.usefixtures("_toy")
class TestMovingAverage:
    def run(self, folder: Path, data: Path, name: str, *settings: str) -> RunFolder:
        layers = (parse_settings(("schedule.ema=0.9", *settings)),)
        request = TrainingRequest("toy", layers=layers, data_folder=data, runs=folder, name=name)
        return train(request, say=lambda line: None)

    def test_the_checkpoint_holds_it_and_says_so(self, tmp_path: Path, data: Path) -> None:
        run = self.run(tmp_path, data, "one", "schedule.iterations=1")
        checkpoint = run.last()
        assert checkpoint
        assert read_description(checkpoint).weights == "moving average, decay 0.9"
        averaged, trained = read_own_checkpoint(checkpoint).state, load_training_state(checkpoint)["animator"]
        # After one iteration it keeps 2 / 11 of the weights at the start, a step of the learning rate away.
        name = "generator.last.bias"
        shift = (averaged[name] - trained[name]).abs()
        torch.testing.assert_close(shift, torch.full_like(shift, 0.01 * 2 / 11), rtol=1e-2, atol=0)

    def test_going_on_is_exact(self, tmp_path: Path, data: Path) -> None:
        whole = self.run(tmp_path, data, "whole", "schedule.iterations=20")
        self.run(tmp_path, data, "halves", "schedule.iterations=10")
        assert_same_state(whole, self.run(tmp_path, data, "halves", "schedule.iterations=20"))

    def test_training_is_not_changed_by_it(self, tmp_path: Path, data: Path) -> None:
        averaged = self.run(tmp_path, data, "one", "schedule.iterations=5").last()
        plain = self.run(tmp_path, data, "other", "schedule.iterations=5", "schedule.ema=0").last()
        assert averaged
        assert plain
        assert read_description(plain).weights == "as trained"
        assert_equal(dict(load_training_state(averaged)["animator"]), read_own_checkpoint(plain).state)
