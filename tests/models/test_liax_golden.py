"""LIA-X against what its authors' code puts out for the same weights and frames."""

from typing import Any

import pytest
import torch
from torch import Tensor

from lia_bench.models.controls import amounts_row
from lia_bench.models.liax.animator import LiaxAnimator
from lia_bench.models.liax.configuration import LiaxModel
from lia_bench.models.loading import load_model
from tests.deterministic import difference
from tests.models.authors_files import deterministic_content

GOLDEN = "liax-512"
# The stated tolerance of the frames is 1e-3.
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def animator(expected: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> LiaxAnimator:
    file = tmp_path_factory.mktemp("authors") / "lia-x.pt"
    state = deterministic_content(expected)["gen"]
    shapes = {key.partition("/")[2]: shape for key, (shape, _) in expected["state"].items()}
    torch.save({name: value.reshape(shapes[name]) for name, value in state.items()}, file)
    loaded = load_model("liax", checkpoint=file, device="cpu", **expected["load"])
    file.unlink()
    assert isinstance(loaded, LiaxAnimator)
    return loaded


@pytest.mark.parametrize(("scale", "parameters"), [(1, 227_728_551), (2, 910_571_751)])
def test_parameters_are_those_of_the_authors_networks(scale: int, parameters: int) -> None:
    with torch.device("meta"):
        animator = LiaxAnimator(LiaxModel(scale=scale))
    assert sum(parameter.numel() for parameter in animator.parameters()) == parameters


# A frame takes half a minute on a processor core: one alone, and two together that carry a state from frame to frame.
@pytest.mark.slow
@pytest.mark.parametrize(("transfer", "numbers"), [("absolute", [1]), ("relative", [1, 2])])
def test_frames(
    animator: LiaxAnimator,
    source: Tensor,
    driving: Tensor,
    expected: dict[str, Any],
    transfer: str,
    numbers: list[int],
) -> None:
    with torch.inference_mode():
        encoded = animator.encode_source(source[None], driving[:1], transfer)
        frames = animator.render(encoded, driving[numbers])
    for number, frame in zip(numbers, frames, strict=True):
        assert difference(frame.numpy(), expected["outputs"][transfer][number]) < TOLERANCE


@pytest.mark.slow
def test_an_edit_of_single_directions(animator: LiaxAnimator, source: Tensor, expected: dict[str, Any]) -> None:
    edit = expected["edit"]
    # The golden counts directions from 0.
    amounts = {number + 1: amount for number, amount in zip(edit["directions"], edit["amounts"], strict=True)}
    named = {control.direction: control.name for control in animator.named}
    row = amounts_row(
        animator.controls(),
        {named.get(number, f"direction-{number:02d}"): amount for number, amount in amounts.items()},
    )
    with torch.inference_mode():
        encoded = animator.edited(animator.encode_source(source[None], source[None], "relative"), row)
        (frame,) = animator.render(encoded, source[None])
    assert difference(frame.numpy(), expected["outputs"]["edit"][0]) < TOLERANCE


@pytest.mark.slow
def test_magnitudes_and_directions(animator: LiaxAnimator, source: Tensor, expected: dict[str, Any]) -> None:
    inner = expected["intermediate"]
    with torch.inference_mode():
        latent, pyramid = animator.encoder(source[None] * 2 - 1)
        magnitudes = animator.magnitude_head(latent)
        directions = animator.dictionary()
    assert [feature.shape[-1] for feature in pyramid] == [8, 16, 32, 64, 128, 256, 512]
    assert difference(latent.numpy(), inner["latent_source"]) < TOLERANCE
    assert difference(magnitudes.numpy(), inner["amounts_source"]) < TOLERANCE
    assert difference(directions.numpy(), inner["directions"]) < TOLERANCE
