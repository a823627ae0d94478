"""What every model checks and promises, shown on models of a few lines."""

from typing import Any
from unittest.mock import Mock, patch

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._inductor.exc import InductorError, InvalidCxxCompiler

import lia_bench
from lia_bench.core.errors import CheckpointError, InputError, LiaBenchError
from lia_bench.core.video.conversion import images_of, levels_of, to_range
from lia_bench.models.animator import Animator
from tests.models.small_models import noise_frames, small_lia


class Brighten(Animator):
    """Adds the driving frame's mean to the source; counts how often the source is encoded."""

    def __init__(self) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(()))
        self.encoded = 0
        self.largest_batch = 0

    @property
    def frame_size(self) -> int:
        return 8

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> Any:
        self.encoded += 1
        return source

    def render(self, encoded: Any, driving: Tensor) -> Tensor:
        self.largest_batch = max(self.largest_batch, len(driving))
        result: Tensor = encoded + driving.mean((1, 2, 3), keepdim=True) + self.offset
        return result


class BrightenByViews(Brighten):
    """Takes the mean of all views for the source."""

    takes_references = True

    def encode_views(self, source: Tensor, references: Tensor, first_driving: Tensor, transfer: str) -> Any:
        return torch.cat((source, references)).mean(dim=0, keepdim=True)


def video(frames: int = 5, size: int = 8) -> Tensor:
    return torch.linspace(0, 1, frames).view(-1, 1, 1, 1).expand(-1, 3, size, size)


def test_source_is_encoded_once_and_frames_go_in_batches() -> None:
    model = Brighten()
    result = model.animate(torch.full((3, 8, 8), 0.25), video(), batch_size=2)
    assert (model.encoded, model.largest_batch) == (1, 2)
    assert torch.allclose(result[:, 0, 0, 0], torch.tensor([0.25, 0.5, 0.75, 1.0, 1.0]))


def test_streaming_reads_no_further_than_the_batch_it_renders() -> None:
    read = []

    def frames() -> Any:
        for index, frame in enumerate(video(100)):
            read.append(index)
            yield frame

    stream = Brighten().animate_stream(torch.zeros(3, 8, 8), frames(), batch_size=4)
    next(stream)
    assert len(read) == 4


def test_training_mode_is_given_back() -> None:
    model = Brighten().train()
    model.animate(torch.zeros(3, 8, 8), video())
    assert model.training


@pytest.mark.parametrize(
    ("source", "driving", "transfer", "message"),
    [
        (torch.zeros(3, 9, 9), video(size=9), "absolute", "9x9: this model takes 8x8"),
        (torch.zeros(3, 8, 8), video(size=16), "absolute", "driving frame is 16x16"),
        (torch.full((3, 8, 8), 2.0), video(), "absolute", r"values from 2 to 2"),
        (torch.full((3, 8, 8), float("nan")), video(), "absolute", r"values from nan"),
        (torch.zeros(8, 8, 3), video(), "absolute", r"shape \(8, 8, 3\)"),
        (torch.zeros(3, 8, 8, dtype=torch.uint8), video(), "absolute", "torch.uint8"),
        (torch.zeros(3, 8, 8), video(), "relativ", "did you mean 'relative'"),
        (torch.zeros(3, 8, 8), [], "absolute", "no frame"),
    ],
)
def test_bad_input_is_explained(source: Tensor, driving: Any, transfer: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Brighten().animate(source, driving, transfer=transfer)


def test_frames_that_are_no_numbers_are_an_error_and_not_black() -> None:
    model = Brighten()
    nn.init.constant_(model.offset, float("nan"))
    with pytest.raises(CheckpointError, match=r"renders no numbers \(NaN\)"):
        model.animate(video(1)[0], video())


def test_references_reach_a_model_that_takes_them() -> None:
    source, references = torch.zeros(3, 8, 8), torch.full((3, 3, 8, 8), 0.4)
    model = BrightenByViews()
    for given in (references, list(references)):
        result = model.animate(source, video()[:1], references=given)
        torch.testing.assert_close(result, torch.full((1, 3, 8, 8), 0.3))
    assert model.encoded == 0
    nothing: list[Any] = [None, [], references[:0]]
    for none in nothing:
        assert not model.animate(source, video()[:1], references=none).any()
    assert model.encoded == 3


def test_references_are_refused_before_anything_is_rendered_by_a_model_that_takes_none() -> None:
    with pytest.raises(InputError, match=r"takes no references.*leave them out"):
        Brighten().animate_stream(torch.zeros(3, 8, 8), video(), references=[torch.zeros(3, 8, 8)])


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (torch.zeros(3, 9, 9), "reference 2 is 9x9: this model takes 8x8"),
        (torch.full((3, 8, 8), -1.0), "reference 2 has values from -1 to -1"),
        (torch.zeros(8, 8), r"reference 2 is torch.float32 of shape \(8, 8\)"),
    ],
)
def test_a_reference_that_will_not_do_is_named(reference: Tensor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        BrightenByViews().animate(torch.zeros(3, 8, 8), video(), references=[torch.zeros(3, 8, 8), reference])


def test_identity_puts_out_its_source() -> None:
    source = torch.rand(3, 12, 20)
    result = lia_bench.load_model("identity").animate(source, torch.rand(7, 3, 12, 20), transfer="relative")
    assert torch.equal(result, source.expand(7, -1, -1, -1))


def test_reduced_precision_and_compiled_code_are_asked_for() -> None:
    model, frames = small_lia(), noise_frames(3)
    plain = model.animate(frames[0], frames)
    model.speed_up("bf16-mixed")
    reduced = model.animate(frames[0], frames)
    assert reduced.dtype == torch.float32
    assert 0 < float((reduced - plain).abs().mean()) < 0.02
    model.speed_up("32-true")
    assert torch.equal(model.animate(frames[0], frames), plain)
    with patch("torch.compile", return_value=lambda encoded, driving: torch.ones_like(driving)) as compiled:
        model.speed_up(compiled=True)
        assert torch.equal(model.animate(frames[0], frames), torch.ones(3, 3, 64, 64))
    compiled.assert_called_once()


def test_without_a_compiler_a_line_says_what_to_do() -> None:
    model, frames = small_lia(), noise_frames(1)
    missing = InductorError(InvalidCxxCompiler(), None)
    with patch("torch.compile", return_value=Mock(side_effect=[missing, RuntimeError("of the model's own")])):
        model.speed_up(compiled=True)
    with pytest.raises(LiaBenchError, match=r"No working C\+\+ compiler .*: install .* leave --compile out"):
        model.animate(frames[0], frames)
    with pytest.raises(RuntimeError, match=r"^of the model's own$"):
        model.animate(frames[0], frames)


def test_whole_levels_are_the_same_frames() -> None:
    levels = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    for one, other in zip(levels_of(levels, "video"), images_of(levels, "video"), strict=True):
        assert one.dtype == torch.uint8
        assert torch.equal(to_range(one), other)
