"""LivePortrait's variants and files, and what a small one does."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lia_bench.core.errors import CheckpointError, InputError
from lia_bench.leaderboards.evaluation.evaluate import own_transfer
from lia_bench.models.conversion import convert_to_authors, convert_to_own
from lia_bench.models.liveportrait import SPECIFICATION
from lia_bench.models.liveportrait.animator import LivePortraitAnimator
from lia_bench.models.liveportrait.authors_checkpoint import BASE, RETARGETING
from lia_bench.models.loading import load_model
from lia_bench.models.reference import ModelReference
from tests.models.layout_files import small_content
from tests.models.small_models import encodings_of_a_clip, noise_frames, small_model


def test_variants() -> None:
    assert SPECIFICATION.variant_names() == ["512", "demo-64"]
    assert SPECIFICATION.transfer_modes == LivePortraitAnimator.transfer_modes


def test_frames_of_twice_the_size_come_out() -> None:
    model = small_model("liveportrait", LivePortraitAnimator, generator={"upscale": 2})
    source, *driving = noise_frames(3)
    assert model.animate(source, iter(driving)).shape == (2, 3, 128, 128)
    assert (model.frame_size, model.output_size) == (64, 128)


@pytest.mark.parametrize("transfer", LivePortraitAnimator.transfer_modes)
def test_frames_do_not_depend_on_the_batch_size(transfer: str) -> None:
    model = small_model("liveportrait", LivePortraitAnimator)
    source, *driving = noise_frames(4)
    one, three = (model.animate(source, iter(driving), transfer, batch_size=size) for size in (1, 3))
    assert float((one - three).abs().max()) < 1e-5


def test_the_source_is_encoded_once() -> None:
    model = small_model("liveportrait", LivePortraitAnimator)
    assert encodings_of_a_clip(model, model.generator) == 1


def test_regions_of_other_points_are_refused() -> None:
    with pytest.raises(InputError, match="regions are known of 21 points alone, not of 5"):
        load_model("liveportrait", variant="demo-64", points=5, motion={"region": "lips"})


def test_retargeting_without_networks_for_it_is_refused() -> None:
    model = small_model("liveportrait", LivePortraitAnimator, motion={"eye_retargeting": True})
    source, *driving = noise_frames(3)
    with pytest.raises(InputError, match=r"no networks for it: put stitching_retargeting_module\.pth beside"):
        model.animate(source, iter(driving))


@pytest.mark.parametrize(
    ("folder", "suffix"), [("", ".pth"), ("liveportrait/base_models", ".pth"), ("", ".safetensors")]
)
def test_folders_as_people_have_them(folder: str, suffix: str, tmp_path: Path) -> None:
    content = small_content("liveportrait")
    place = tmp_path / folder
    place.mkdir(parents=True, exist_ok=True)
    for name in BASE:
        file = place / f"{name}{suffix}"
        if suffix == ".pth":
            torch.save(content[name], file)
        else:
            save_file(content[name], file)
    model = load_model("liveportrait", checkpoint=tmp_path, variant="demo-64", device="cpu")
    assert torch.equal(
        model.state_dict()["motion_extractor.yaw.weight"], content["motion_extractor"]["detector.fc_yaw.weight"]
    )


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    content = small_content("liveportrait")
    for name in BASE[:-1]:
        torch.save(content[name], tmp_path / f"{name}.pth")
    with pytest.raises(CheckpointError, match="spade_generator missing: a checkpoint of LivePortrait is a folder"):
        load_model("liveportrait", checkpoint=tmp_path, variant="demo-64")


def test_the_published_folder_comes_back(tmp_path: Path) -> None:
    content = small_content("liveportrait")
    content[RETARGETING]["retarget_mouth.mlp.6.bias"] += 1
    torch.save(content, tmp_path / "all.pth")
    convert_to_own(ModelReference("liveportrait", "demo-64", tmp_path / "all.pth"), tmp_path / "ours")
    convert_to_authors(ModelReference("liveportrait", None, tmp_path / "ours"), tmp_path / "back")
    files = sorted(str(file.relative_to(tmp_path / "back")) for file in (tmp_path / "back").rglob("*.pth"))
    assert files == [*sorted(f"base_models/{name}.pth" for name in BASE), f"retargeting_models/{RETARGETING}.pth"]
    retargeting = torch.load(tmp_path / "back" / files[-1], weights_only=True)
    assert torch.equal(
        retargeting["retarget_mouth"]["module.mlp.6.bias"], content[RETARGETING]["retarget_mouth.mlp.6.bias"]
    )
    again = load_model("liveportrait", checkpoint=tmp_path / "back", variant="demo-64", device="cpu")
    ours = load_model("liveportrait", checkpoint=tmp_path / "ours", device="cpu")
    assert all(torch.equal(value, ours.state_dict()[name]) for name, value in again.state_dict().items())


def test_reconstruction_takes_all_of_the_driving_frame() -> None:
    animator = small_model("liveportrait", LivePortraitAnimator)
    assert own_transfer(animator, "reconstruction", "absolute") == "absolute_paper"
    assert own_transfer(animator, "cross", "relative") == "relative"
