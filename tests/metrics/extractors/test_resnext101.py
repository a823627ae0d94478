"""3D ResNeXt-101 features: the published layout, the frames' preparation, and a two-dimensional network as witness."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import resnet

from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.core.weights import WEIGHTS
from lia_bench.metrics.extractors.extractor import Extractor, ExtractorSetting
from lia_bench.metrics.extractors.kinetics import RESNEXT101, open_resnext101, resnext101_input
from lia_bench.metrics.networks.kinetics import ResNeXt3D
from lia_bench.metrics.specification import Protocol
from tests.deterministic import image
from tests.metrics.extractors.published import deterministic_state, put_file, without_last_key

SETTING = ExtractorSetting(torch.device("cpu"), Protocol.LITERATURE)


def published_content(state: dict[str, Tensor]) -> dict[str, object]:
    """What the authors' training loop saves of a network on several devices."""
    parallel = {f"module.{key}": value for key, value in state.items()}
    optimizer = {"state": {}, "param_groups": [{"lr": 1e-4, "nesterov": False, "params": [0, 1]}]}
    return {"epoch": 150, "arch": "resnext-101", "state_dict": parallel, "optimizer": optimizer}


def flat_network() -> resnet.ResNet:
    """torchvision's ResNeXt-101: the same blocks, keys and channels without time."""
    return resnet.ResNet(resnet.Bottleneck, [3, 4, 23, 3], num_classes=400, groups=32, width_per_group=4)


@pytest.fixture(scope="module")
def windows() -> Tensor:
    """Two windows of 8-bit frames, not square."""
    pictures = np.stack([image(f"frame {number}", 48, 7)[:, :40] for number in range(32)])
    frames: Tensor = torch.from_numpy((pictures * 255).round().astype(np.uint8))
    return frames.reshape(2, 16, *frames.shape[1:])


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return deterministic_state(ResNeXt3D(), normalisations=("bn", "1"), gain=1.0)


@pytest.fixture(scope="module")
def extractor(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Extractor]:
    with pytest.MonkeyPatch.context() as patch:
        path = put_file("resnext-101-kinetics", published_content(state), tmp_path_factory.mktemp("home"), patch)
        yield open_resnext101(SETTING)
        path.unlink()


def test_a_window_gives_features_that_do_not_depend_on_the_windows_beside_it(
    extractor: Extractor, windows: Tensor
) -> None:
    both = extractor(windows)
    assert both.shape == (2, *RESNEXT101.shape)
    assert both.dtype == np.float32
    assert np.std(both[0] - both[1]) > 1e-3
    np.testing.assert_allclose(extractor(windows[1:]), both[1:], rtol=1e-5, atol=1e-5)


def test_keys_and_shapes_are_those_of_a_flat_resnext_but_for_time(state: dict[str, Tensor]) -> None:
    flat = {key: value.shape for key, value in flat_network().state_dict().items() if "num_batches" not in key}
    assert state.keys() == flat.keys()
    for key, value in state.items():
        shape = value.shape if value.ndim < 5 else value.shape[:2] + value.shape[3:]
        assert shape == flat[key], key
        if value.ndim == 5:
            assert value.shape[2] == value.shape[3], "kernels are cubes"


def test_a_still_picture_gives_what_a_flat_resnext_gives(state: dict[str, Tensor]) -> None:
    """Kernels that look at the present frame alone see in a still window what a network without time sees."""
    still = {}
    flat = {}
    for key, value in state.items():
        still[key] = flat[key] = value
        if value.ndim == 5:
            middle = value.shape[2] // 2
            flat[key] = value[:, :, middle]
            still[key] = torch.zeros_like(value)
            still[key][:, :, middle] = flat[key]
    solid, witness = ResNeXt3D().eval(), flat_network().eval()
    solid.load_state_dict(still)
    witness.load_state_dict(flat)
    witness.fc = nn.Identity()
    picture = torch.from_numpy(image("still", 112, 3))[None]
    with torch.inference_mode():
        features = solid(picture[:, :, None].expand(-1, -1, 16, -1, -1))
        expected = witness(picture)
    assert expected.std() > 1e-3
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-4)


def test_levels_are_shifted_by_the_mean_and_not_divided() -> None:
    levels = torch.tensor([10, 200, 255], dtype=torch.uint8)[:, None, None].expand(1, 16, 3, 30, 50)
    seen = resnext101_input(levels)
    assert seen.shape == (1, 3, 16, 112, 112)
    expected = torch.tensor([10 - 114.7748, 200 - 107.7354, 255 - 99.4750])[:, None, None, None]
    torch.testing.assert_close(seen[0], expected.expand(3, 16, 112, 112))


def test_frames_keep_their_order_and_channels(windows: Tensor) -> None:
    seen = resnext101_input(windows)
    alone = resnext101_input(windows[1:, 5:6])
    assert torch.equal(seen[1:, :, 5:6], alone)


def test_frames_are_smoothed_before_they_are_made_smaller_and_stay_levels() -> None:
    """PyTorch has Pillow's integer arithmetic for frames of 8 bits on the CPU; from 256x256 the two agree exactly."""
    frame = torch.from_numpy((image("scaled", 256, 3) * 255).round().astype(np.uint8))
    frame[:, :, ::7] = 255
    expected = functional.interpolate(frame[None], size=(112, 112), mode="bilinear", antialias=True)[0]
    mean = torch.tensor([114.7748, 107.7354, 99.4750])[:, None, None]
    torch.testing.assert_close(resnext101_input(frame[None, None])[0, :, 0], expected - mean)


def test_without_the_file_the_text_says_which_and_where_from() -> None:
    with pytest.raises(MissingWeightsError, match=r"resnext-101-kinetics\.pth") as caught:
        open_resnext101(SETTING)
    assert WEIGHTS["resnext-101-kinetics"].address in str(caught.value)


@pytest.mark.parametrize("whole", [True, False])
def test_a_file_of_another_network_is_refused(
    whole: bool, state: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {key: value for key, value in state.items() if key.startswith("conv1")}
    content = published_content(other) if whole else other
    path = put_file("resnext-101-kinetics", content, tmp_path, monkeypatch)
    with pytest.raises(CheckpointError, match=rf"{path.name}.*{'bn1.weight' if whole else 'state_dict'}"):
        open_resnext101(SETTING)


def test_a_shape_of_another_network_is_refused(
    state: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = without_last_key(state) | {"fc.bias": torch.zeros(600)}
    path = put_file("resnext-101-kinetics", published_content(other), tmp_path, monkeypatch)
    with pytest.raises(CheckpointError, match=rf"{path.name}.*fc\.bias"):
        open_resnext101(SETTING)
    path.unlink()
