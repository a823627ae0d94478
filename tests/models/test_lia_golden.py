"""LIA against what its authors' code puts out for the same weights and frames."""

import argparse
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from lia_bench.core.errors import CheckpointError
from lia_bench.models.lia.animator import LiaAnimator
from lia_bench.models.lia.authors_checkpoint import animator_state, authors_content
from lia_bench.models.loading import load_model
from tests.deterministic import difference
from tests.models.authors_files import deterministic_content

GOLDEN = "lia-vox-256"
# The stated tolerance of the frames is 1e-3; the same code on another number of threads differs by 1e-4.
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def generator(expected: dict[str, Any]) -> dict[str, Tensor]:
    return deterministic_content(expected)["gen"]


@pytest.fixture(scope="module")
def checkpoint(generator: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the authors' trainer wrote it, with what it kept beside the generator."""
    file = tmp_path_factory.mktemp("authors") / "vox.pt"
    beside = {"dis": {}, "g_optim": {"state": {}, "param_groups": []}, "d_optim": {}, "args": argparse.Namespace(lr=1)}
    torch.save({"gen": generator, **beside}, file)
    return file


@pytest.fixture(scope="module")
def animator(checkpoint: Path, expected: dict[str, Any]) -> LiaAnimator:
    loaded = load_model("lia", checkpoint=checkpoint, device="cpu", **expected["load"])
    assert isinstance(loaded, LiaAnimator)
    return loaded


def test_parameters_are_those_the_authors_network_uses(animator: LiaAnimator) -> None:
    never_read = 13 + (3 * 512 + 3 + 3)  # noise weights, and the colours at 4x4
    assert sum(parameter.numel() for parameter in animator.parameters()) == 45_116_317 - never_read


@pytest.fixture(scope="module")
def rendered(animator: LiaAnimator, source: Tensor, driving: Tensor) -> dict[str, Tensor]:
    """All frames in one batch by each transfer mode, not clamped."""
    with animator.evaluating():
        return {
            transfer: animator.render(animator.encode_source(source[None], driving[:1], transfer), driving)
            for transfer in LiaAnimator.transfer_modes
        }


@pytest.mark.parametrize("transfer", LiaAnimator.transfer_modes)
def test_frames(rendered: dict[str, Tensor], expected: dict[str, Any], transfer: str) -> None:
    for frame, summary in zip(rendered[transfer], expected["outputs"][transfer], strict=True):
        assert difference(frame.numpy(), summary) < TOLERANCE


def test_frames_do_not_depend_on_the_batch_size(
    animator: LiaAnimator, rendered: dict[str, Tensor], source: Tensor, driving: Tensor, expected: dict[str, Any]
) -> None:
    together = rendered["relative"].clamp(0, 1)
    single = animator.animate(source, iter(driving), "relative", batch_size=1)
    assert float((together - single).abs().max()) < TOLERANCE
    for frame, summary in zip(single, expected["outputs"]["relative"], strict=True):
        assert (
            difference(frame.numpy(), {**summary, "value": [min(max(v, 0), 1) for v in summary["value"]]}) < TOLERANCE
        )


def test_codes_and_directions(animator: LiaAnimator, source: Tensor, driving: Tensor, expected: dict[str, Any]) -> None:
    inner = expected["intermediate"]
    with torch.inference_mode():
        latent, pyramid = animator.encoder(source[None] * 2 - 1)
        driving_latent, _ = animator.encoder(driving[:1] * 2 - 1)
        assert difference(latent.numpy(), inner["latent_source"]) < TOLERANCE
        assert difference(animator.magnitude_head(driving_latent).numpy(), inner["motion_driving"][0]) < TOLERANCE
        assert difference(animator.motion_dictionary()().numpy(), inner["directions"]) < TOLERANCE
    for feature in pyramid:
        assert difference(feature.numpy(), inner["encoder_feature"][str(feature.shape[-1])]) < TOLERANCE


def test_conversion_back_gives_the_authors_file(generator: dict[str, Tensor]) -> None:
    own = animator_state({"gen": generator})
    assert own is not None
    content = authors_content(own)
    assert content is not None
    back = content["gen"]
    assert back.keys() == generator.keys()
    never_read = [name for name in generator if "noise" in name or "to_rgb1" in name]
    for name, value in generator.items():
        assert torch.equal(back[name], torch.zeros_like(value) if name in never_read else value), name


def test_other_layouts_are_left_to_other_models() -> None:
    assert animator_state({"generator": {}, "kp_detector": {}}) is None
    assert animator_state({"gen": {"weight": torch.zeros(1)}}) is None


def test_a_file_with_an_entry_missing_is_refused(generator: dict[str, Tensor]) -> None:
    incomplete = {name: value for name, value in generator.items() if name != "dec.convs.3.conv.weight"}
    with pytest.raises(CheckpointError, match=r"lacks dec\.convs\.3\.conv\.weight"):
        animator_state({"gen": incomplete})


def test_a_file_with_another_blur_is_refused(generator: dict[str, Tensor]) -> None:
    name = "dec.to_flows.2.upsample.kernel"
    with pytest.raises(CheckpointError, match="blur kernel"):
        animator_state({"gen": {**generator, name: generator[name] / 4}})


def test_a_checkpoint_of_other_sizes_is_refused(checkpoint: Path) -> None:
    with pytest.raises(CheckpointError, match="motion_dim=10 was given where it has 20"):
        load_model("lia", checkpoint=checkpoint, variant="vox-256", device="cpu", motion_dim=10)
    with pytest.raises(CheckpointError, match="size=128 was given where it has 256"):
        load_model("lia", checkpoint=checkpoint, variant="vox-256", device="cpu", size=128)
