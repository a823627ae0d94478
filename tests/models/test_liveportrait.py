"""LivePortrait's variants and files, and what a small one does."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from lia_bench.core.errors import CheckpointError, InputError
from lia_bench.core.provenance import sha256_of_file
from lia_bench.leaderboards.evaluation.plan import own_transfer
from lia_bench.models.conversion import convert_to_authors, convert_to_own
from lia_bench.models.identity.animator import IdentityAnimator, IdentityModel
from lia_bench.models.liveportrait import SPECIFICATION, authors_checkpoint
from lia_bench.models.liveportrait.animator import LivePortraitAnimator
from lia_bench.models.liveportrait.authors_checkpoint import BASE, RETARGETING
from lia_bench.models.liveportrait.configuration import MotionConfiguration
from lia_bench.models.liveportrait.retargeting import Openings
from lia_bench.models.liveportrait.transfer import (
    OF_MOTION,
    OF_OBSERVATION,
    VideoTransfer,
    kept_opening,
    smoothed,
)
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


def test_a_source_video_is_moved_frame_by_frame() -> None:
    model = small_model("liveportrait", LivePortraitAnimator)
    frames = noise_frames(7)
    source, driving = frames[:4], frames[4:]
    for transfer in ("relative", "absolute"):
        one, three = (list(model.animate_video(source, iter(driving), transfer, size)) for size in (1, 3))
        # As many as the shorter of both has.
        assert len(one) == len(three) == 3
        assert float((torch.stack(one) - torch.stack(three)).abs().max()) < 1e-5
    # Frames of noise are far apart, so that the smoother keeps them.
    still = list(model.animate_video(source[:1].expand(2, -1, -1, -1), driving[:1].expand(2, -1, -1, -1)))
    own = model.animate(source[0], source[:1], "relative")
    assert float((still[1] - own[0]).abs().max()) < 1e-4
    with pytest.raises(InputError, match="moved by relative or absolute transfer, not by absolute_paper"):
        next(model.animate_video(source, driving, "absolute_paper"))
    with pytest.raises(InputError, match="source frame is 32x32: this model takes 64x64"):
        next(model.animate_video(source[:, :, ::2, ::2], driving))
    with pytest.raises(InputError, match="takes a picture as source, not a video"):
        IdentityAnimator(IdentityModel()).animate_video(source, driving)


def test_the_smoother_is_the_most_likely_walk() -> None:
    values = torch.randn(12, 3, 3, generator=torch.Generator().manual_seed(0)) / 1000
    # The most likely walk, by least squares: first value, steps and observations, each over its deviation.
    steps = np.diff(np.eye(12), axis=0) / OF_MOTION**0.5
    rows = np.concatenate((np.eye(12)[:1], steps, np.eye(12) / OF_OBSERVATION**0.5))
    seen = values.flatten(1).double().numpy()
    wanted = np.concatenate((seen[:1], np.zeros((11, 9)), seen / OF_OBSERVATION**0.5))
    walk = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    np.testing.assert_allclose(smoothed(values).flatten(1).numpy(), walk, atol=1e-6)
    assert np.abs(walk - seen).max() > 1e-5


def test_a_source_video_takes_what_its_rules_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lia_bench.models.liveportrait.transfer.smoothed", lambda values: values)
    model = small_model("liveportrait", LivePortraitAnimator)
    with torch.inference_mode():
        source, driving = (model.motion_extractor(noise_frames(6)[rows]) for rows in (slice(3), slice(3, 6)))
        relative, absolute = (
            VideoTransfer.of(mode, source, driving, MotionConfiguration(stitching=False)).points(
                slice(1, 3), model.retargeting, None, None, None
            )[1]
            for mode in ("relative", "absolute")
        )
        rotation = driving.rotation @ driving.rotation[:1].transpose(1, 2) @ source.rotation
        change = source.expression + driving.expression - driving.expression[:1]
        # Points 0, 7 and 10 keep the source's expression, 3 takes y of the other.
        for other, turned, moved, place in (
            (change, rotation, relative, source.translation),
            (driving.expression, driving.rotation, absolute, driving.translation),
        ):
            expression = source.expression.clone()
            expression[:, [1, 2, 6, *range(11, 21)]] = other[:, [1, 2, 6, *range(11, 21)]]
            expression[:, [3, 4, 9], 1] = other[:, [3, 4, 9], 1]
            expression[:, [5, 8, 9], 2] = other[:, [5, 8, 9], 2]
            expected = source.scale[..., None] * (source.canonical @ turned + expression)
            expected = expected + (place * torch.tensor([1.0, 1.0, 0.0]))[:, None]
            assert torch.allclose(moved, expected[1:], atol=1e-5)


def test_eyes_of_a_source_video_that_are_nearly_shut_are_kept_awake() -> None:
    shut, open_ = (Openings(torch.tensor([[eye, eye + 0.02]]), torch.zeros(1)) for eye in (0.1, 0.3))
    assert [float(kept_opening(first)) for first in (shut, open_)] == pytest.approx([0.39, 0.31])


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


def test_files_of_the_model_for_animals_are_told_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = small_content("liveportrait")
    for name in BASE:
        torch.save(content[name], tmp_path / f"{name}.pth")
    load_model("liveportrait", checkpoint=tmp_path, variant="demo-64")
    digest = sha256_of_file(tmp_path / "spade_generator.pth")
    monkeypatch.setitem(authors_checkpoint.ANIMALS, "spade_generator", digest)
    with pytest.raises(CheckpointError, match=r"spade_generator\.pth is of LivePortrait's model for animals"):
        load_model("liveportrait", checkpoint=tmp_path, variant="demo-64")


def test_driving_frames_of_twice_the_size_are_refused() -> None:
    model = small_model("liveportrait", LivePortraitAnimator)
    with pytest.raises(InputError, match="driving frame is 128x128: this model takes 64x64"):
        model.animate(noise_frames(1)[0], iter(torch.zeros(1, 3, 128, 128)))


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
