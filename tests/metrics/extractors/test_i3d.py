"""I3D logits: the published layout, TensorFlow's padding, and the frames' preparation."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.core.weights import WEIGHTS
from lia_bench.metrics.extractors.extractor import Extractor, ExtractorSetting
from lia_bench.metrics.extractors.kinetics import I3D, i3d_input, open_i3d
from lia_bench.metrics.networks.kinetics import InceptionI3D, pad_same
from lia_bench.metrics.specification import Protocol
from tests.deterministic import image
from tests.metrics.extractors.published import deterministic_state, put_file, without_last_key

SETTING = ExtractorSetting(torch.device("cpu"), Protocol.LITERATURE)

MODULES = ("3b", "3c", "4b", "4c", "4d", "4e", "4f", "5b", "5c")
UNITS = ("b0", "b1a", "b1b", "b2a", "b2b", "b3b")
TENSORS = ("conv3d.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")


@pytest.fixture(scope="module")
def windows() -> Tensor:
    """Two windows of 8-bit frames, not square."""
    pictures = np.stack([image(f"frame {number}", 48, 7)[:, :40] for number in range(32)])
    frames: Tensor = torch.from_numpy((pictures * 255).round().astype(np.uint8))
    return frames.reshape(2, 16, *frames.shape[1:])


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return deterministic_state(InceptionI3D(), normalisations=("bn",), gain=1.4)


@pytest.fixture(scope="module")
def extractor(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Extractor]:
    with pytest.MonkeyPatch.context() as patch:
        path = put_file("i3d", state, tmp_path_factory.mktemp("home"), patch)
        yield open_i3d(SETTING)
        path.unlink()


def test_a_window_gives_logits_that_do_not_depend_on_the_windows_beside_it(
    extractor: Extractor, windows: Tensor
) -> None:
    both = extractor(windows)
    assert both.shape == (2, *I3D.shape)
    assert both.dtype == np.float32
    assert np.std(both[0] - both[1]) > 1e-3
    np.testing.assert_allclose(extractor(windows[1:]), both[1:], rtol=1e-5, atol=1e-5)


def test_keys_are_those_of_the_published_file(state: dict[str, Tensor]) -> None:
    units = ["Conv3d_1a_7x7", "Conv3d_2b_1x1", "Conv3d_2c_3x3"]
    units += [f"Mixed_{module}.{unit}" for module in MODULES for unit in UNITS]
    expected = {f"{unit}.{tensor}" for unit in units for tensor in TENSORS}
    assert state.keys() == expected | {"logits.conv3d.weight", "logits.conv3d.bias"}


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("Conv3d_1a_7x7.conv3d.weight", (64, 3, 7, 7, 7)),
        ("Conv3d_2c_3x3.conv3d.weight", (192, 64, 3, 3, 3)),
        ("Mixed_3b.b1b.conv3d.weight", (128, 96, 3, 3, 3)),
        ("Mixed_3c.b0.conv3d.weight", (128, 256, 1, 1, 1)),
        ("Mixed_4b.b0.conv3d.weight", (192, 480, 1, 1, 1)),
        ("Mixed_4f.b2b.conv3d.weight", (128, 32, 3, 3, 3)),
        ("Mixed_5b.b3b.conv3d.weight", (128, 832, 1, 1, 1)),
        ("logits.conv3d.weight", (400, 1024, 1, 1, 1)),
    ],
)
def test_shapes_are_those_of_the_published_file(state: dict[str, Tensor], key: str, shape: tuple[int, ...]) -> None:
    assert state[key].shape == shape


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "before", "behind"),
    [
        (224, 7, 2, 2, 3),
        (15, 7, 2, 3, 3),
        (112, 3, 2, 0, 1),
        (7, 3, 1, 1, 1),
        (4, 2, 2, 0, 0),
        (5, 2, 2, 0, 1),
        (6, 1, 2, 0, 0),
    ],
)
def test_padding_is_that_of_tensorflow(size: int, kernel: int, stride: int, before: int, behind: int) -> None:
    """The last dimension as listed, the others untouched; ceil(size / stride) results."""
    padded = pad_same(torch.ones(1, 1, 3, 5, size), (1, 1, kernel), (1, 1, stride))
    expected = functional.pad(torch.ones(size), (before, behind))
    assert torch.equal(padded, expected.expand(1, 1, 3, 5, -1))
    assert (padded.shape[-1] - kernel) // stride + 1 == -(-size // stride)


def test_each_dimension_is_padded_by_its_own_size() -> None:
    padded = pad_same(torch.ones(1, 2, 16, 15, 14), (7, 7, 7), (2, 2, 1))
    assert padded.shape == (1, 2, 16 + 5, 15 + 6, 14 + 6)
    assert padded[0, 0, :, 7, 7].tolist() == [0.0] * 2 + [1.0] * 16 + [0.0] * 3


def test_a_longer_clip_gives_logits_at_several_times() -> None:
    before_the_average = torch.nn.Sequential(*list(InceptionI3D().eval())[:-2])
    with torch.inference_mode():
        features = before_the_average(torch.zeros(1, 3, 17, 64, 64))
    assert features.shape == (1, 1024, 3, 2, 2)


def test_black_and_white_are_the_ends_of_the_range() -> None:
    ends = i3d_input(torch.tensor([0, 255], dtype=torch.uint8)[:, None, None, None, None].expand(2, 16, 3, 40, 60))
    assert ends.shape == (2, 3, 16, 224, 224)
    torch.testing.assert_close(ends[0], torch.full((3, 16, 224, 224), -1.0))
    torch.testing.assert_close(ends[1], torch.full((3, 16, 224, 224), 1.0))


def test_frames_keep_their_order_and_channels(windows: Tensor) -> None:
    assert torch.equal(i3d_input(windows)[1:, :, 5:6], i3d_input(windows[1:, 5:6]))


def test_without_the_file_the_text_says_which_and_where_from() -> None:
    with pytest.raises(MissingWeightsError, match=r"rgb_imagenet\.pt") as caught:
        open_i3d(SETTING)
    assert WEIGHTS["i3d"].address in str(caught.value)


def test_a_file_of_another_network_is_refused(
    state: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put_file("i3d", without_last_key(state), tmp_path, monkeypatch)
    with pytest.raises(CheckpointError, match=rf"{path.name}.*logits\.conv3d\.bias"):
        open_i3d(SETTING)
    path.unlink()
