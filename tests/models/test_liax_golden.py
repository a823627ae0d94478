"""LIA-X against what its authors' code puts out for the same weights and frames."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import Tensor

from lia_bench.models.blocks.latent_animator import EncodedSource
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


@pytest.fixture(scope="module")
def latents(animator: LiaxAnimator, source: Tensor, driving: Tensor) -> Iterator[dict[str, Tensor]]:
    """Codes (1, 512) of the frames by the golden's names; from now on each frame is encoded this once."""
    frames = {"source": source, **{f"driving{number}": frame for number, frame in enumerate(driving)}}
    pyramids: dict[bytes, list[Tensor]] = {}
    known: dict[bytes, Tensor] = {}
    found = {}
    with torch.inference_mode():
        for name, frame in frames.items():
            image = frame * 2 - 1
            found[name], pyramid = animator.encoder(image[None])
            known[image.numpy().tobytes()] = found[name]
            if name == "source":
                pyramids[image.numpy().tobytes()] = pyramid

    def encoded(images: Tensor) -> tuple[Tensor, list[Tensor]]:
        keys = [image.numpy().tobytes() for image in images]
        return torch.cat([known[key] for key in keys]), pyramids.get(keys[0], [])

    with patch.object(animator.encoder, "forward", encoded):
        yield found


@pytest.mark.parametrize(("scale", "parameters"), [(1, 227_728_551), (2, 910_571_751)])
def test_parameters_are_those_of_the_authors_networks(scale: int, parameters: int) -> None:
    with torch.device("meta"):
        animator = LiaxAnimator(LiaxModel(scale=scale))
    assert sum(parameter.numel() for parameter in animator.parameters()) == parameters


@pytest.fixture(scope="module")
def encoded(
    animator: LiaxAnimator, latents: dict[str, Tensor], source: Tensor, driving: Tensor
) -> dict[str, EncodedSource]:
    """The source as each transfer begins."""
    with torch.inference_mode():
        return {
            transfer: animator.encode_source(source[None], driving[:1], transfer)
            for transfer in LiaxAnimator.transfer_modes
        }


@pytest.fixture(scope="module")
def amounts(animator: LiaxAnimator, expected: dict[str, Any]) -> Tensor:
    """The golden's edit, which counts directions from 0, as `edited` takes it."""
    edit = expected["edit"]
    named = {control.direction: control.name for control in animator.named}
    return amounts_row(
        animator.controls(),
        {
            named.get(number + 1, f"direction-{number + 1:02d}"): amount
            for number, amount in zip(edit["directions"], edit["amounts"], strict=True)
        },
    )


@pytest.fixture(scope="module")
def edited(animator: LiaxAnimator, latents: dict[str, Tensor], source: Tensor, amounts: Tensor) -> EncodedSource:
    """The source moved by the edit alone."""
    with torch.inference_mode():
        return animator.edited(animator.encode_source(source[None], source[None], "relative"), amounts)


def _codes(animator: LiaxAnimator, encoded: EncodedSource, driving: Tensor) -> Tensor:
    """The codes (T, 512) that `render` hands to the decoder."""
    handed: list[Tensor] = []

    def decode(latent: Tensor, pyramid: list[Tensor]) -> Tensor:
        handed.append(latent)
        return torch.zeros(len(latent), 3, 1, 1)

    with torch.inference_mode(), patch.object(animator.decoder, "forward", decode):
        animator.render(encoded, driving)
    (codes,) = handed
    return codes


@pytest.mark.slow
def test_codes_of_every_frame(
    animator: LiaxAnimator,
    encoded: dict[str, EncodedSource],
    edited: EncodedSource,
    amounts: Tensor,
    source: Tensor,
    driving: Tensor,
    expected: dict[str, Any],
) -> None:
    inner = expected["intermediate"]
    with torch.inference_mode():
        both = animator.edited(encoded["relative"], amounts)
    moved = {
        **{f"moved_{transfer}": _codes(animator, begun, driving) for transfer, begun in encoded.items()},
        "moved_relative_with_the_edit": _codes(animator, both, driving),
    }
    for name, codes in moved.items():
        for code, summary in zip(codes, inner[name], strict=True):
            assert difference(code[None].numpy(), summary) < TOLERANCE, name
    assert difference(_codes(animator, edited, source[None]).numpy(), inner["moved_edit"]) < TOLERANCE


# A frame takes a processor core twenty seconds, so that two stand for all: the codes of all of them are tested above.
@pytest.mark.slow
def test_last_frame_of_relative_transfer(
    animator: LiaxAnimator, encoded: dict[str, EncodedSource], driving: Tensor, expected: dict[str, Any]
) -> None:
    with animator.evaluating():
        (frame,) = animator.render(encoded["relative"], driving[2:])
    assert difference(frame.numpy(), expected["outputs"]["relative"][2]) < TOLERANCE


@pytest.mark.slow
def test_an_edit_of_single_directions(
    animator: LiaxAnimator, edited: EncodedSource, source: Tensor, expected: dict[str, Any]
) -> None:
    with animator.evaluating():
        (frame,) = animator.render(edited, source[None])
    assert difference(frame.numpy(), expected["outputs"]["edit"][0]) < TOLERANCE


@pytest.mark.slow
def test_magnitudes_and_directions(
    animator: LiaxAnimator,
    latents: dict[str, Tensor],
    encoded: dict[str, EncodedSource],
    expected: dict[str, Any],
) -> None:
    inner = expected["intermediate"]
    for name, latent in latents.items():
        with torch.inference_mode():
            magnitudes = animator.magnitude_head(latent)
        assert difference(latent.numpy(), inner[f"latent_{name}"]) < TOLERANCE
        assert difference(magnitudes.numpy(), inner[f"amounts_{name}"]) < TOLERANCE
    directions = encoded["absolute"].directions
    assert directions is not None
    assert difference(directions.numpy(), inner["directions"]) < TOLERANCE
    for feature in encoded["absolute"].pyramid:
        assert difference(feature.numpy(), inner["encoder_feature"][str(feature.shape[-1])]) < TOLERANCE
    assert [feature.shape[-1] for feature in encoded["absolute"].pyramid] == [8, 16, 32, 64, 128, 256, 512]
