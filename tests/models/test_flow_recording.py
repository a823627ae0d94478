"""Flows, keypoints and masks that models tell of: which have some, and that a flow's pixels are those a warp reads."""

import pytest
import torch
import torch.nn.functional as F

from lia_bench.models.blocks.motion_marks import DenseFlow, record_flow, record_masks, recorded_flows, recorded_marks
from lia_bench.models.blocks.warping import coordinate_grid
from lia_bench.models.fomm.animator import FommAnimator
from lia_bench.models.loading import load_model
from lia_bench.models.specification import MODELS
from tests.models.small_models import noise_frames, small_model

WITHOUT = {"iapm", "identity"}
"""They paint the frame, or copy the source."""

KEYPOINTS = {"fomm": 8, "fvv": 5, "liveportrait": 21, "monkeynet": 8, "mraa": 8, "sade": 8, "tpsmm": 4 * 5}
"""How many the `demo-64` variants have."""

MASKS = {"fomm", "fvv", "iapm", "lia", "liax", "liveportrait", "mraa", "tpsmm"}


@pytest.mark.parametrize("align_corners", [True, False])
def test_an_offset_leads_to_the_pixel_that_a_warp_reads(align_corners: bool) -> None:
    random = torch.Generator().manual_seed(0)
    height, width = 6, 9
    columns, rows = torch.meshgrid(torch.arange(width), torch.arange(height), indexing="xy")
    numbers = torch.stack([columns, rows]).float()
    # Away from the border, where a warp would mix in what lies beyond.
    positions = torch.rand(2, height, width, 2, generator=random) * 1.2 - 0.6
    read = F.grid_sample(numbers.expand(2, -1, -1, -1), positions, align_corners=align_corners)
    assert torch.allclose(DenseFlow(positions, align_corners).pixels(height, width), read - numbers, atol=1e-4)


def test_a_coarse_flow_is_in_pixels_of_the_picture() -> None:
    positions = coordinate_grid(8, 8, like=torch.zeros(1))[None] + torch.tensor([2 / 7, -4 / 7])
    flow = DenseFlow(positions, align_corners=True).pixels(32, 64)
    assert flow.shape == (1, 2, 32, 64)
    assert torch.allclose(flow[0].flatten(1).mean(1), torch.tensor([8.0, -8.0]), atol=1e-4)
    volume = torch.cat([positions, torch.zeros(1, 8, 8, 1)], dim=-1)[:, None].repeat(1, 3, 1, 1, 1)
    assert torch.allclose(DenseFlow(volume, align_corners=True).pixels(32, 64), flow, atol=1e-4)


def test_nobody_listens_unless_asked() -> None:
    positions = torch.zeros(1, 2, 2, 2)
    record_flow(positions, align_corners=True)
    with recorded_flows() as flows:
        record_flow(positions, align_corners=True)
    record_flow(positions, align_corners=True)
    record_masks(positions[..., 0])
    with recorded_marks() as marks:
        assert not marks.has("masks")
    assert len(flows) == 1


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_model_tells_of_its_flow_its_keypoints_and_its_masks(name: str) -> None:
    torch.manual_seed(0)
    model = load_model(name, variant="demo-64" if MODELS[name].variants else None, device="cpu")
    source, driving = torch.rand(3, 64, 64), torch.rand(3, 3, 64, 64)
    with recorded_flows() as flows, recorded_marks() as marks:
        model.animate(source, driving)
    frames = list(marks.each())
    assert len(frames) == (3 if name in KEYPOINTS or name in MASKS else 0)
    for frame in frames:
        assert (
            [len(positions) for positions in frame.positions] == [KEYPOINTS[name]] * 3
            if name in KEYPOINTS
            else not frame.positions
        )
        assert all(positions.shape[1:] == (2,) and bool(positions.isfinite().all()) for positions in frame.positions)
        assert [axes.shape for axes in frame.axes] == [(8, 2, 2)] * 3 * (name == "mraa")
        assert frame.has("masks") == (name in MASKS)
        for mask in frame.masks:
            assert mask is None or (mask.ndim == 3 and 0 <= float(mask.min()) <= float(mask.max()) <= 1)
    assert bool(flows) == (name not in WITHOUT)
    if flows:
        pixels = flows[-1].pixels(64, 64)
        assert pixels.shape == (3, 2, 64, 64)
        assert bool(pixels.isfinite().all())
        assert float(pixels.abs().max()) < 128


def test_keypoints_of_the_result_are_the_sources_moved_as_the_drivers() -> None:
    model = small_model("fomm", FommAnimator)
    source, driving = noise_frames(1)[0], noise_frames(4)[1:]
    with recorded_marks() as marks:
        model.animate(source, driving, "relative")
    with model.evaluating():
        own, theirs = (model.keypoint_detector(frames).position for frames in (source[None], driving))
    for number, frame in enumerate(marks.each()):
        expected = (own[0], theirs[number], own[0] + theirs[number] - theirs[0])
        assert all(torch.allclose(*pair, atol=1e-4) for pair in zip(frame.positions, expected, strict=True))
