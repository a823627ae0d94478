"""OpenPose's joints: the published layout, the frames' preparation, and the mirrored copy."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.core.weights import WEIGHTS
from lia_bench.metrics.extractors.extractor import ExtractorSetting
from lia_bench.metrics.extractors.openpose import EXTRACTOR, SIDES, OpenPoseExtractor
from lia_bench.metrics.networks import openpose
from lia_bench.metrics.networks.openpose import (
    OpenPoseNetwork,
    averaged_maps,
    maps_of_both_sides,
    network_input,
    unmirror,
)
from lia_bench.metrics.networks.skeleton import find_peaks
from lia_bench.metrics.specification import Protocol
from tests.deterministic import image
from tests.metrics.extractors.published import deterministic_state, put_file, without_last_key
from tests.metrics.extractors.skeletons import STANDING, Point, draw, moved, table

CPU = torch.device("cpu")
SETTING = ExtractorSetting(CPU, Protocol.LITERATURE)
SMALL_SIDES = (24, 40)

FRONT_END = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25)
POOLED = (5, 10, 19)
FIRST_STAGE = (0, 2, 4, 6, 8)
LATER_STAGES = (0, 2, 4, 6, 8, 10, 12)

LEFT_AND_RIGHT = (0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16)
PUBLISHED_CHANNELS = (
    *(6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 20, 21, 22, 23, 24, 25, 26, 27),
    *(12, 13, 14, 15, 16, 17, 18, 19, 28, 29, 32, 33, 30, 31, 36, 37, 34, 35),
)


def frames_of(count: int, height: int, width: int) -> Tensor:
    pictures = np.stack([image(f"frame {number}", 64, 7)[:, :height, :width] for number in range(count)])
    return torch.from_numpy((pictures * 255).round().astype(np.uint8))


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return deterministic_state(OpenPoseNetwork(), normalisations=(), gain=1.4)


@pytest.fixture(scope="module")
def home(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the file; use `LIA_BENCH_HOME` for it."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        path = put_file("openpose", state, home, patch)
    yield home
    path.unlink()


@pytest.fixture(params=list(Protocol))
def extractor(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> OpenPoseExtractor:
    monkeypatch.setenv("LIA_BENCH_HOME", str(home))
    return OpenPoseExtractor(ExtractorSetting(CPU, request.param), SMALL_SIDES)


def test_joints_of_a_frame_do_not_depend_on_the_frames_beside_it(extractor: OpenPoseExtractor) -> None:
    frames = frames_of(2, 48, 40)
    both = extractor(frames)
    assert both.shape == (2, *EXTRACTOR.shape)
    assert both.dtype == np.float32
    np.testing.assert_allclose(extractor(frames[1:]), both[1:], atol=1e-5)


def test_a_mirrored_frame_gives_mirrored_maps_and_joints(state: dict[str, Tensor]) -> None:
    """Of all peaks: which of two in one row is the later depends on where left is."""
    network = OpenPoseNetwork()
    network.load_state_dict(state)
    (frame,) = frames_of(1, 48, 40)
    with torch.inference_mode():
        fields, confidence = maps_of_both_sides(network, frame, SMALL_SIDES)
        turned_fields, turned_confidence = maps_of_both_sides(network, frame.flip(2), SMALL_SIDES)
    torch.testing.assert_close(unmirror(turned_fields, turned_confidence), (fields, confidence), rtol=1e-4, atol=1e-4)
    joints, turned = find_peaks(confidence.numpy()), find_peaks(turned_confidence.numpy())
    assert sum(map(bool, joints)) > 5
    for joint, peaks in enumerate(joints):
        expected = {(39 - peak.x, peak.y) for peak in peaks}
        assert {(peak.x, peak.y) for peak in turned[LEFT_AND_RIGHT[joint]]} == expected


def test_keys_and_shapes_are_those_of_the_published_file(state: dict[str, Tensor]) -> None:
    shapes: dict[str, tuple[int, ...]] = {}
    channels = (3, 64, 64, 128, 128, 256, 256, 256, 256, 512, 512, 256, 128)
    for index, before, out in zip(FRONT_END, channels, channels[1:], strict=False):
        shapes[f"model0.{index}"] = (out, before, 3, 3)
    for branch, out in ((1, 38), (2, 19)):
        first = ((128, 128, 3), (128, 128, 3), (128, 128, 3), (512, 128, 1), (out, 512, 1))
        for index, (width, before, kernel) in zip(FIRST_STAGE, first, strict=True):
            shapes[f"model1_{branch}.{index}"] = (width, before, kernel, kernel)
        later = ((128, 185, 7), *[(128, 128, 7)] * 4, (128, 128, 1), (out, 128, 1))
        for stage in range(2, 7):
            for index, (width, before, kernel) in zip(LATER_STAGES, later, strict=True):
                shapes[f"model{stage}_{branch}.{index}"] = (width, before, kernel, kernel)
    expected = {f"{key}.weight": shape for key, shape in shapes.items()}
    expected |= {f"{key}.bias": shape[:1] for key, shape in shapes.items()}
    assert {key: tuple(value.shape) for key, value in state.items()} == expected


def test_the_network_computes_what_its_layout_says(state: dict[str, Tensor]) -> None:
    def convolve(maps: Tensor, key: str) -> Tensor:
        weight = state[f"{key}.weight"]
        return functional.conv2d(maps, weight, state[f"{key}.bias"], padding=weight.shape[2] // 2)

    def branch(maps: Tensor, key: str, layers: tuple[int, ...]) -> Tensor:
        for index in layers[:-1]:
            maps = convolve(maps, f"{key}.{index}").relu()
        return convolve(maps, f"{key}.{layers[-1]}")

    picture = torch.from_numpy(image("picture", 64, 3))[None, :, :48] - 0.5
    network = OpenPoseNetwork()
    network.load_state_dict(state)
    with torch.inference_mode():
        fields, confidence = network(picture)
        maps = picture
        for index in FRONT_END:
            maps = functional.max_pool2d(maps, 2) if index in POOLED else maps
            maps = convolve(maps, f"model0.{index}").relu()
        features = seen = maps
        for stage in range(1, 7):
            layers = FIRST_STAGE if stage == 1 else LATER_STAGES
            results = [branch(seen, f"model{stage}_{number}", layers) for number in (1, 2)]
            seen = torch.cat([*results, features], dim=1)
    assert fields.shape == (1, 38, 6, 8)
    assert confidence.shape == (1, 19, 6, 8)
    assert fields.std() > 1e-2
    torch.testing.assert_close([fields, confidence], results, rtol=1e-4, atol=1e-4)


def test_the_network_sees_bgr_from_minus_a_half_to_almost_a_half() -> None:
    levels = torch.tensor([0, 128, 255], dtype=torch.uint8)[None, :, None, None].expand(1, 3, 20, 30)
    seen = network_input(levels, 10)
    expected = torch.tensor([255 / 256 - 0.5, 0.0, -0.5])[None, :, None, None]
    torch.testing.assert_close(seen, expected.expand(1, 3, 10, 15))


@pytest.mark.parametrize(
    ("height", "width", "size"), [(256, 256, (368, 368)), (64, 48, (491, 368)), (10, 40, (368, 1472))]
)
def test_the_shorter_side_is_scaled(height: int, width: int, size: tuple[int, int]) -> None:
    assert network_input(torch.zeros(1, 3, height, width, dtype=torch.uint8), 368).shape == (1, 3, *size)


def test_scaled_frames_have_whole_levels() -> None:
    levels = (network_input(frames_of(1, 48, 40), 55) + 0.5) * 256
    torch.testing.assert_close(levels, levels.round())


def test_sides_are_those_of_the_published_script() -> None:
    assert tuple(368 * scale for scale in (0.5, 1, 1.5, 2, 2.5)) == SIDES


def test_scales_lie_on_one_canvas_black_to_the_next_cell_and_grey_beyond() -> None:
    canvases = []

    def network(canvas: Tensor) -> tuple[Tensor, Tensor]:
        canvases.append(canvas)
        cells = torch.zeros(1, 1, canvas.shape[2] // 8, canvas.shape[3] // 8)
        return cells.expand(-1, 38, -1, -1), cells.expand(-1, 19, -1, -1)

    white = torch.full((1, 3, 30, 20), 255, dtype=torch.uint8)
    averaged_maps(network, white, (20, 36))
    small, large = (canvas[0, 0] for canvas in canvases)
    assert small.shape == large.shape == (56, 40)
    assert (small[:30, :20] == 255 / 256 - 0.5).all()
    assert (small[30:32, :24] == -0.5).all()
    assert (small[:32, 20:24] == -0.5).all()
    assert (small[32:] == 0).all()
    assert (small[:, 24:] == 0).all()
    assert (large[:54, :36] == 255 / 256 - 0.5).all()
    assert (large[54:] == -0.5).all()
    assert (large[:, 36:] == -0.5).all()


def test_maps_are_averaged_over_scales_in_the_frames_pixels() -> None:
    """A network whose maps hold each cell's own column: the middle of column c is at 8 c + 3.5 of the scaled frame."""

    def network(canvas: Tensor) -> tuple[Tensor, Tensor]:
        columns = torch.arange(canvas.shape[3] // 8).float() * 8 + 3.5
        cells = columns.expand(1, 1, canvas.shape[2] // 8, -1)
        return cells.expand(-1, 38, -1, -1), cells.expand(-1, 19, -1, -1)

    fields, confidence = averaged_maps(network, torch.zeros(1, 3, 80, 160, dtype=torch.uint8), (80, 160))
    assert fields.shape == (1, 38, 80, 160)
    assert confidence.shape == (1, 19, 80, 160)
    frame_columns = torch.arange(160).float()
    expected = (frame_columns + (2 * frame_columns + 0.5)) / 2
    error = (confidence[0, 3, 40] - expected)[20:140]
    # Cubic interpolation with OpenCV's coefficient -0.75 ripples about a straight line, once a cell.
    assert error.abs().max() < 0.4
    assert error.mean().abs() < 1e-3


def test_left_and_right_change_places_as_published() -> None:
    fields = torch.arange(38.0)[:, None, None].expand(38, 2, 3) + 1
    confidence = torch.arange(19.0)[:, None, None].expand(19, 2, 3)
    back_fields, back_confidence = unmirror(fields, confidence)
    assert back_confidence[:, 0, 0].tolist() == [*LEFT_AND_RIGHT, 18]
    expected = (torch.tensor(PUBLISHED_CHANNELS) + 1) * torch.tensor([-1, 1]).repeat(19)
    assert back_fields[:, 0, 0].tolist() == expected.tolist()


def test_maps_of_a_mirrored_person_become_those_of_the_person() -> None:
    turned: dict[int, Point] = {}
    for joint, (x, y) in STANDING.items():
        turned[LEFT_AND_RIGHT[joint]] = (119 - x, y)
    expected = draw(STANDING, height=150, width=120)
    drawn = draw(turned, height=150, width=120)
    found = unmirror(*(torch.from_numpy(maps).float() for maps in reversed(drawn)))
    for back, true in zip(found, reversed(expected), strict=True):
        np.testing.assert_allclose(back, true, atol=1e-6)


@pytest.mark.parametrize("protocol", list(Protocol))
def test_the_protocol_says_whose_joints_are_kept(
    protocol: Protocol, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two persons the lower one, found later, lacks a leg."""
    lower = {joint: point for joint, point in moved(STANDING, 120, 20).items() if joint not in (8, 9, 10)}
    confidence, fields = draw(STANDING, lower, height=160, width=260)
    maps = torch.from_numpy(fields), torch.from_numpy(confidence)
    monkeypatch.setenv("LIA_BENCH_HOME", str(home))
    monkeypatch.setattr(openpose, "maps_of_both_sides", lambda *_: maps)
    found = OpenPoseExtractor(ExtractorSetting(CPU, protocol))(torch.zeros(1, 3, 160, 260, dtype=torch.uint8))[0]
    expected = {**STANDING, **lower} if protocol is Protocol.LITERATURE else STANDING
    np.testing.assert_allclose(found, table(expected), atol=1)


def test_without_the_file_the_text_says_which_and_where_from() -> None:
    with pytest.raises(MissingWeightsError, match=r"pose_model\.pth") as caught:
        OpenPoseExtractor(SETTING)
    assert WEIGHTS["openpose"].address in str(caught.value)


def test_keys_behind_module_are_taken_and_another_networks_file_is_refused(
    state: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {f"module.{key}": value for key, value in state.items()}
    path = put_file("openpose", whole, tmp_path, monkeypatch)
    OpenPoseExtractor(SETTING)
    put_file("openpose", without_last_key(state), tmp_path, monkeypatch)
    with pytest.raises(CheckpointError, match=rf"{path.name}.*model6_2\.12\.bias"):
        OpenPoseExtractor(SETTING)
    path.unlink()
