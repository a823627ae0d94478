"""Every model on a GPU that only pretends (tests/models/fake_gpu.py): devices, types, and what would wait for it.

docs/training.md lists what cannot be seen so.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torchvision.models import vgg19

from lia_bench.core.registry import load_attribute
from lia_bench.core.video.conversion import to_range
from lia_bench.leaderboards.evaluation.course import Views
from lia_bench.leaderboards.evaluation.streams import Contestant, TimedStream
from lia_bench.models.blocks.dense_motion import MotionEvolution
from lia_bench.models.blocks.portrait_training import Hopenet
from lia_bench.models.blocks.reconstruction import Vgg19Features
from lia_bench.models.fit import NothingDrawn
from lia_bench.models.loading import load_experiment
from lia_bench.models.specification import MODELS
from lia_bench.models.training.recipe import PairBatch, TrainingRecipe
from lia_bench.models.training.step import LateNumbers, Step
from tests.models.fake_gpu import GPU, WaitingError, Watch, fabric_on_fake_gpu, fake_gpu
from tests.models.small_models import small_lia

TRAINED = [name for name, specification in MODELS.items() if specification.recipe]
VGG19_IS_IN = ("blocks.reconstruction", "blocks.latent_training", "iapm.recipe", "x2face.recipe", "liveportrait.recipe")
# Terms that look at MediaPipe's landmarks, which is a program on the CPU.
WITHOUT_LANDMARKS = {
    "landmarks": 0,
    "identity": 0,
    **{name: {"perceptual": 0, "adversarial": 0} for name in ("face", "lips")},
}
LAYERS: dict[str, dict[str, Any]] = {
    # torch takes the second derivative of a blur channel by channel, which is what the width costs here.
    "lia": {"loss": {"r1": 10}, "model": {"channel_limit": 32}},
    "fomm": {"loss": {"adversarial": 1}},
    "fvv": {"model": {"view": {"yaw": 20}}},
    "liveportrait": {"loss": WITHOUT_LANDMARKS},
    "x2face": {"loss": {"perceptual": 1}},
}
"""Settings by which terms are there that the published variants of a model leave out, or cannot be here."""
SMALLER = {"liax": "small-256"}
"""In place of the default variant, where that has levels more of the same."""
BATCH = 4


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """A fake GPU at which waiting is allowed, and networks that others trained, with weights of no value."""

    def one_derivative(evolution: MotionEvolution, start: Tensor) -> Tensor:
        moved: Tensor = start + evolution.derivative(evolution.times[1], start)
        return moved

    for module in VGG19_IS_IN:
        monkeypatch.setattr(f"lia_bench.models.{module}.published_vgg19", _vgg19)
    monkeypatch.setattr("lia_bench.models.blocks.portrait_training.published_hopenet", Hopenet)
    # Every second update of LIA's discriminator, so that one iteration has a penalty.
    monkeypatch.setattr("lia_bench.models.blocks.latent_training.R1_INTERVAL", 1)
    # What cannot be run without values: a convex hull, once a clip, and a solver that reads its times.
    monkeypatch.setattr("lia_bench.models.blocks.transfer.movement_scale", lambda *_: 1.0)
    monkeypatch.setattr(MotionEvolution, "_solve", one_derivative)
    with fake_gpu() as watching, watching.resting():
        yield watching


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_training_and_animation_do_not_wait_for_a_gpu(name: str, watch: Watch) -> None:
    _, experiment = load_experiment(name, SMALLER.get(name), [LAYERS.get(name, {})])
    with NothingDrawn():
        recipe: TrainingRecipe = load_attribute(MODELS[name].recipe or "")(experiment)
    fabric = fabric_on_fake_gpu()
    step, numbers = Step(fabric, recipe, 1), LateNumbers(fabric)
    frames = torch.zeros(BATCH, 2 + experiment.references, 3, *(experiment.frame_size,) * 2, dtype=torch.uint8)
    with watch.watching(), patch("torch.cuda.Event"):
        moved = fabric.to_device(frames).float() / 255
        references = moved[:, 2:] if experiment.references else None
        # In the epochs that have all terms.
        result = step(PairBatch(moved[:, 0], moved[:, 1], experiment.schedule.epochs or 100, references))
        numbers.put(1, result.losses, result.gradient_norms, {"stop": False})
    weights = [weight for network in recipe.networks.values() for weight in network.parameters()]
    assert all(weight.device == GPU and weight.dtype == torch.float32 for weight in weights)
    assert all(loss.device == GPU and loss.dtype == torch.float32 for loss in result.losses.values())
    assert ("r1" in result.losses) == (name == "lia")

    animator, shown = recipe.animator, moved[:, 1]
    for transfer in animator.transfer_modes:
        with animator.evaluating(), torch.autocast("cuda", torch.bfloat16):
            encoded = animator.encode_source(shown[:1], shown[:1], transfer)
            with watch.watching():
                rendered = animator.render(encoded, shown).clamp(0, 1).float()
        assert rendered.device == GPU
        assert rendered.shape[:2] == (BATCH, 3)


def test_a_clip_is_animated_a_batch_ahead(watch: Watch) -> None:
    model = small_lia().to(GPU)
    pictures = [np.zeros((64, 64, 3), np.uint8) for _ in range(7)]
    taken: list[str] = []

    def decoded() -> Iterator[np.ndarray]:
        for number, picture in enumerate(pictures):
            taken.append(f"decoded {number}")
            yield picture

    with ExitStack() as patches:
        patches.enter_context(without_streams())
        copies = patches.enter_context(patch.object(model, "render", side_effect=model.render))
        stream = model.animate_stream(pictures[0], decoded(), "relative", batch_size=2)
        # The source is encoded once a clip, and may be waited for.
        frames = [next(stream)]
        assert taken[-1] == "decoded 3"
        with watch.watching():
            frames += stream
    assert [frame.shape for frame in frames] == [(3, 64, 64)] * 7
    assert all(frame.device.type == "cpu" for frame in frames)
    assert [call.args[1].shape[0] for call in copies.call_args_list] == [2, 2, 2, 1]


def test_an_evaluation_sends_whole_levels_and_waits_for_results_alone(watch: Watch) -> None:
    model = small_lia().to(GPU)
    picture, size = np.zeros((64, 64, 3), np.uint8), (64, 64)
    contestant = Contestant("lia", model, size, {"cross": "relative"}, GPU)
    driving = ({size: picture} for _ in range(5))
    stream = TimedStream(contestant, "cross", "clip", Views(picture), driving, size, batch_size=2)
    with without_streams(), patch("lia_bench.models.animator.to_range", side_effect=to_range) as sent:
        frames = [next(stream).frame]
        with watch.watching():
            frames += [rendered.frame for rendered in stream]
    assert [frame.shape for frame in frames] == [(3, 64, 64)] * 5
    moved = [call.args[0] for call in sent.call_args_list if call.args[0].device == GPU]
    assert [tuple(batch.shape) for batch in moved] == [(2, 3, 64, 64), (2, 3, 64, 64), (1, 3, 64, 64)]
    assert all(batch.dtype == torch.uint8 for batch in moved)


@contextmanager
def without_streams() -> Iterator[None]:
    """Inside, streams and events of CUDA are asked for in vain, since there is no driver."""
    with ExitStack() as patches:
        for name in ("cuda.Stream", "cuda.current_stream", "cuda.Event", "Tensor.record_stream"):
            patches.enter_context(patch(f"torch.{name}"))
        patches.enter_context(patch("torch.cuda.stream", return_value=nullcontext()))
        yield


def test_what_waits_is_seen(watch: Watch) -> None:
    values, still = torch.rand(3, device=GPU), torch.rand(3)
    waiting: dict[str, Callable[[], Any]] = {
        "item": lambda: values[0].item(),
        "tolist": lambda: values.tolist(),
        "bool": lambda: bool(values.sum() > 0),
        "cpu": lambda: values.cpu(),
        "constant": lambda: torch.tensor([1.0, 2.0], device=GPU),
        "new_tensor": lambda: values.new_tensor([1.0]),
        "list as index": lambda: values[[0, 1]],
        "CPU tensor as index": lambda: values[torch.tensor([0, 1])],
        "copy from the CPU": lambda: still.to(GPU),
    }
    with watch.watching():
        still.pin_memory().to(GPU, non_blocking=True)
        values.to("cpu", non_blocking=True)
        assert still[0].item() == 1
        for what, wait in waiting.items():
            with pytest.raises(WaitingError):
                pytest.fail(f"{what} passes: {wait()}")


def test_other_devices_and_types_are_seen(watch: Watch) -> None:
    del watch
    image, kernel = torch.rand(1, 3, 8, 8, device=GPU), torch.rand(4, 3, 3, 3, device=GPU)
    with pytest.raises(RuntimeError, match=r"cpu.*cuda|cuda.*cpu"):
        image + torch.rand(8)
    with pytest.raises(TypeError, match="convolution"):
        F.conv2d(image.bfloat16(), kernel)
    with torch.autocast("cuda", torch.bfloat16):
        assert F.conv2d(image, kernel).dtype == torch.bfloat16


def test_gradients_reach_what_torch_reaches(watch: Watch) -> None:
    del watch
    first, second = torch.nn.Linear(3, 4).to(GPU), torch.nn.Linear(4, 2).to(GPU)
    unused = torch.nn.Linear(3, 3).to(GPU)
    given = torch.rand(5, 3, device=GPU, requires_grad=True)
    score = (second(first(given).relu()) ** 2).sum()
    (slope,) = torch.autograd.grad(score, given, create_graph=True)
    slope.square().sum().backward()
    for weight in (*first.parameters(), *second.parameters()):
        if weight is not second.bias:
            assert isinstance(weight.grad, FakeTensor)
            assert weight.grad.shape == weight.shape
    assert unused.weight.grad is None


def _vgg19() -> Vgg19Features:
    with torch.device("meta"):
        state = vgg19(weights=None).state_dict()
    return Vgg19Features({name: torch.empty_like(values, device="cpu") for name, values in state.items()})
