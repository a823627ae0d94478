"""Pictures moved by hand: one interface for LIA, LIA-X and LivePortrait."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from lia_bench.core.errors import InputError
from lia_bench.models.animator import Animator
from lia_bench.models.controls import Control, amounts_row
from lia_bench.models.conversion import convert_to_own
from lia_bench.models.liax.animator import LiaxAnimator
from lia_bench.models.liveportrait.animator import LivePortraitAnimator
from lia_bench.models.liveportrait.retargeting import Openings
from lia_bench.models.loading import load_model
from lia_bench.models.reference import ModelReference
from tests.models.layout_files import layout_of
from tests.models.small_models import noise_frames, small_model

EDITED = {"lia": "direction-07", "liax": "direction-07", "liveportrait": "yaw"}
AMOUNT = 0.4


def untrained(name: str, **overrides: Any) -> Animator:
    torch.manual_seed(0)
    return load_model(name, variant="demo-64", device="cpu", **overrides)


@pytest.fixture(scope="module", params=EDITED)
def model(request: pytest.FixtureRequest) -> Animator:
    """An untrained demo-64."""
    return untrained(request.param)


@pytest.fixture
def control(model: Animator) -> str:
    """A control of it."""
    assert model.zoo_entry is not None
    return EDITED[model.zoo_entry.model]


@pytest.fixture
def frames() -> Tensor:
    return noise_frames(3)


def test_every_control_can_be_moved_over_its_range(model: Animator, frames: Tensor) -> None:
    controls = model.controls()
    assert len({control.name for control in controls}) == len(controls) > 2
    assert all(control.lowest < control.neutral < control.highest for control in controls)
    ends = {control.name: control.highest for control in controls}
    assert model.edit(frames[0], ends).shape == frames[0].shape


def test_an_edit_of_nothing_is_the_source_in_its_own_pose(model: Animator, control: str, frames: Tensor) -> None:
    still = model.edit(frames[0], {})
    assert torch.equal(model.edit(frames[0], {control: 0.0}), still)
    assert torch.equal(model.edit(frames[0], {control.name: 0.0 for control in model.controls()}), still)
    assert torch.allclose(model.animate(frames[0], frames[1:], "relative")[0], still, atol=1e-4)
    assert float((model.edit(frames[0], {control: AMOUNT}) - still).abs().max()) > 1e-4


def test_an_edit_and_its_opposite_lead_back(model: Animator, control: str, frames: Tensor) -> None:
    """One after the other on what the model encoded, as somebody does who drags a slider there and back."""
    source = frames[:1]
    with torch.inference_mode():
        encoded = model.encode_source(source, source, "relative")
        rows = [amounts_row(model.controls(), {control: amount}) for amount in (AMOUNT, -AMOUNT)]
        there = model.edited(encoded, rows[0])
        pictures = [model.render(each, source) for each in (encoded, there, model.edited(there, rows[1]))]
    assert float((pictures[1] - pictures[0]).abs().max()) > 1e-4
    assert float((pictures[2] - pictures[0]).abs().max()) < 1e-4


def test_a_sweep_is_the_edits_one_after_the_other(model: Animator, control: str, frames: Tensor) -> None:
    other = model.controls()[-1].name
    swept = list(model.editor(frames[0]).sweep(control, [-0.4, 0.0, 0.3], {other: 0.1}, batch_size=2))
    for amount, picture in zip((-0.4, 0.0, 0.3), swept, strict=True):
        assert torch.allclose(picture, model.edit(frames[0], {other: 0.1, control: amount}), atol=1e-5)


def test_edit_warp_render(model: Animator, control: str, frames: Tensor) -> None:
    """The edited source is what the driving video moves: where that stands still, it is the edited picture."""
    still = frames[1:2].expand(2, -1, -1, -1)
    animated = model.animate(frames[0], still, "relative", edit={control: AMOUNT})
    assert torch.allclose(animated, model.edit(frames[0], {control: AMOUNT}).expand(2, -1, -1, -1), atol=1e-4)
    moved = model.animate(frames[0], frames[1:], "relative", edit={control: AMOUNT})
    assert float((moved - model.animate(frames[0], frames[1:], "relative")).abs().max()) > 1e-4


def test_a_video_is_its_first_frame_edited_and_moved_by_itself(model: Animator, control: str, frames: Tensor) -> None:
    edited = torch.stack(list(model.edit_stream(iter(frames), {control: AMOUNT}, batch_size=2)))
    assert torch.allclose(edited, model.animate(frames[0], frames, "relative", edit={control: AMOUNT}), atol=1e-5)
    assert torch.allclose(edited[0], model.edit(frames[0], {control: AMOUNT}), atol=1e-4)
    with pytest.raises(InputError, match="the video has no frame"):
        model.edit_stream([], {})


def test_bad_edits_are_explained(model: Animator, control: str, frames: Tensor) -> None:
    typed = f"{control}w"
    with pytest.raises(InputError, match=f"unknown control '{typed}': did you mean '{control}'"):
        model.edit(frames[0], {typed: 0.1})
    with pytest.raises(InputError, match=f"{control}=nan: an amount is a finite number"):
        model.edit(frames[0], {control: float("nan")})
    with pytest.raises(InputError, match="absolute transfer takes the driving frames' own pose"):
        model.animate(frames[0], frames, "absolute", edit={control: 0.1})
    with pytest.raises(InputError, match=r"32x32.*64x64"):
        model.edit(torch.rand(3, 32, 32), {})


@pytest.mark.parametrize(("name", "changed"), [("fomm", {}), ("lia", {"motion_dim": None})])
def test_models_without_controls_say_so(name: str, changed: dict[str, Any], frames: Tensor) -> None:
    model = untrained(name, **changed)
    assert model.controls() == []
    with pytest.raises(InputError, match="this model has no controls to edit by"):
        model.edit(frames[0], {})
    with pytest.raises(InputError, match="this model has no controls to edit by"):
        model.animate(frames[0], frames, "relative", edit={"yaw": 0.1})


def test_names_come_with_the_published_weights_of_liax_and_with_no_others(tmp_path: Path, frames: Tensor) -> None:
    """The network is the published one but for its channels: code and dictionary have the published shape."""
    shape = {"scale": 1, "style_dim": 1024, "motion_dim": 40}
    trained = small_model("liax", LiaxAnimator, **shape)
    assert trained.controls()[37] == Control("direction-38", "magnitude along d_38", -0.5, 0.5)
    content = layout_of("liax").authors_content(trained.state_dict()) or {}
    torch.save(content["gen"], tmp_path / "lia-x.pt")
    published = load_model("liax", tmp_path / "lia-x.pt", "demo-64", "cpu", **shape)
    controls = published.controls()
    assert len(controls) == 40
    assert [control.name for control in controls[:2]] == ["yaw", "yaw-shoulders"]
    assert controls[14].name == "direction-01"
    yaw = published.edit(frames[0], {"yaw": -0.3, "smile": 0.2})
    assert torch.allclose(yaw, trained.move(frames[0], {38: -0.3, 26: 0.2}), atol=1e-5)
    convert_to_own(ModelReference("liax", "demo-64", tmp_path / "lia-x.pt"), tmp_path / "ours", shape)
    assert load_model("liax", tmp_path / "ours").controls() == controls


def test_liveportrait_turns_by_radians(frames: Tensor) -> None:
    model = small_model("liveportrait", LivePortraitAnimator)
    with torch.inference_mode():
        motion = model.motion_extractor(frames)
        amounts = torch.tensor([[0.3], [-0.1], [0.2]]).expand(3, 3)
        turned = motion.turned(*amounts)
    assert torch.allclose(turned.angles.yaw - motion.angles.yaw, amounts[0].rad2deg(), atol=1e-4)
    # Ahead and to the viewer is -z: by a positive yaw it points to the left of the picture, by a pitch downwards.
    ahead = torch.tensor([0.0, 0.0, -1.0])
    still = motion._replace(angles=type(motion.angles)(*(angle * 0 for angle in motion.angles)))
    nothing, some = torch.zeros(3), torch.full((3,), 0.3)
    assert bool(((ahead @ still.turned(some, nothing, nothing).rotation)[:, 0] < -0.2).all())
    assert bool(((ahead @ still.turned(nothing, some, nothing).rotation)[:, 1] > 0.2).all())
    # Clockwise: what is to the right goes down.
    right = torch.tensor([1.0, 0.0, 0.0])
    assert bool(((right @ still.turned(nothing, nothing, some).rotation)[:, 1] > 0.2).all())


def test_liveportrait_opens_eyes_and_lips_where_it_has_networks_for_it(
    frames: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small_model("liveportrait", LivePortraitAnimator)
    assert [control.name for control in model.controls()] == ["yaw", "pitch", "roll"]
    for name, parameter in model.retargeting.named_parameters():
        if name in ("eyes.12.weight", "lips.6.weight"):
            torch.nn.init.normal_(parameter, std=0.05)
    assert [control.name for control in model.controls()] == ["yaw", "pitch", "roll", "eyes", "lips"]

    seen = Openings(torch.tensor([[0.2, 0.3]]), torch.tensor([0.1]))
    monkeypatch.setattr("lia_bench.models.liveportrait.animator.openings_of", lambda frames, by: seen)
    still = model.edit(frames[0], {"eyes": 0.0, "lips": 0.0})
    assert torch.equal(still, model.edit(frames[0], {}))
    editor = model.editor(frames[0])
    opened = editor.pictures(amounts_row(editor.controls, {"eyes": 0.3, "lips": 0.2}))
    assert float((opened[0] - still).abs().max()) > 1e-4
    points = torch.rand(1, 21, 3)
    own, wanted = torch.tensor([[0.2, 0.3]]), torch.tensor([0.25])
    by_network = model.retargeting.eye_offsets(points, own, wanted + 0.3) - model.retargeting.eye_offsets(
        points, own, wanted
    )
    shift = model.retargeting.opened(points, seen, torch.tensor([0.3]), torch.tensor([0.0]))
    assert torch.allclose(shift, by_network, atol=1e-6)
