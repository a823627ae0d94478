"""OpenFace embeddings: the published layout, the frames' preparation, and the quirks of the published loader."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.transform import resize
from torch import Tensor, nn
from torch.nn import functional

from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.core.weights import WEIGHTS
from lia_bench.metrics.extractors.extractor import Extractor, ExtractorSetting
from lia_bench.metrics.extractors.openface import EXTRACTOR, network_input, open_openface
from lia_bench.metrics.networks.openface import CrossMapNormalisation, InceptionBlock, OpenFace
from lia_bench.metrics.specification import Protocol
from tests.deterministic import image
from tests.metrics.extractors.published import deterministic_state, put_file, without_last_key

SETTING = ExtractorSetting(torch.device("cpu"), Protocol.LITERATURE)
PUBLISHED_PARAMETERS = 3_733_968
"""Of nn4.small2, by the table of models of OpenFace's documentation."""


@pytest.fixture(scope="module")
def frames() -> Tensor:
    """Two 8-bit frames, not square."""
    pictures = np.stack([image(name, 256, 7)[:, :192] for name in ("first", "second")])
    return torch.from_numpy((pictures * 255).round().astype(np.uint8))


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return deterministic_state(OpenFace(), normalisations=("2_bn", "3_bn", "5_bn", "layer7", "layer10"), gain=1.4)


@pytest.fixture(scope="module")
def extractor(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Extractor]:
    with pytest.MonkeyPatch.context() as patch:
        path = put_file("openface", state, tmp_path_factory.mktemp("home"), patch)
        # The published file is older than torch's present format.
        torch.save(state, path, _use_new_zipfile_serialization=False)
        yield open_openface(SETTING)
        path.unlink()


def test_a_frame_gives_an_embedding_that_does_not_depend_on_the_frames_beside_it(
    extractor: Extractor, frames: Tensor
) -> None:
    both = extractor(frames)
    assert both.shape == (2, *EXTRACTOR.shape)
    assert both.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), 1, atol=1e-5)
    assert np.linalg.norm(both[0] - both[1]) > 1e-2
    np.testing.assert_allclose(extractor(frames[1:]), both[1:], atol=1e-5)


def test_the_layout_is_the_published_one() -> None:
    network = OpenFace()
    assert sum(parameter.numel() for parameter in network.parameters()) == PUBLISHED_PARAMETERS
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    expected = {
        "layer1.weight": (64, 3, 7, 7),
        "layer9.weight": (192, 64, 3, 3),
        "layer14.seq_list.1.4_conv.weight": (32, 16, 5, 5),
        "layer14.seq_list.2.2_conv.bias": (32,),
        "layer14.seq_list.3.2_bn.running_var": (64,),
        "layer16.seq_list.1.5_bn.weight": (64,),
        "layer17.seq_list.3.1_conv.weight": (256, 640, 1, 1),
        "layer19.seq_list.1.3_bn.running_mean": (96,),
        "layer21.seq_list.0.4_conv.weight": (384, 96, 3, 3),
        "layer25.weight": (128, 736),
    }
    assert {key: shapes[key] for key in expected} == expected
    assert {key.split(".")[2] for key in shapes if key.startswith("layer16.")} == {"0", "1"}


def published_wiring(state: dict[str, Tensor], faces: Tensor) -> Tensor:
    """The network as a list of steps over the named tensors."""

    def convolved(features: Tensor, layer: str, bn: str, stride: int = 1) -> Tensor:
        weight = state[f"{layer}.weight"]
        found = functional.conv2d(features, weight, state[f"{layer}.bias"], stride, padding=weight.shape[-1] // 2)
        mean, variance = state[f"{bn}.running_mean"], state[f"{bn}.running_var"]
        return functional.batch_norm(found, mean, variance, state[f"{bn}.weight"], state[f"{bn}.bias"]).relu()

    def block(features: Tensor, layer: str, kernels: int, pool: str, stride: int = 1) -> Tensor:
        maps = []
        for number in range(kernels):
            name = f"{layer}.seq_list.{number}"
            between = convolved(features, f"{name}.1_conv", f"{name}.2_bn")
            maps.append(convolved(between, f"{name}.4_conv", f"{name}.5_bn", stride))
        if pool == "max":
            pooled = functional.max_pool2d(features, 3, 2)
        else:
            pooled = (functional.avg_pool2d(features**2, 3, 3) * 9).sqrt()
        name = f"{layer}.seq_list.{kernels}"
        maps.append(convolved(pooled, f"{name}.2_conv", f"{name}.3_bn") if stride == 1 else pooled)
        if stride == 1:
            name = f"{layer}.seq_list.{kernels + 1}"
            maps.append(convolved(features, f"{name}.1_conv", f"{name}.2_bn"))
        side = maps[0].shape[-1]
        framed = []
        for found in maps:
            canvas = torch.zeros(*found.shape[:2], side, side)
            start = (side - found.shape[-1]) // 2
            canvas[:, :, start : start + found.shape[-1], start : start + found.shape[-1]] = found
            framed.append(canvas)
        return torch.cat(framed, dim=1)

    normalise = nn.CrossMapLRN2d(5, alpha=1e-4, beta=0.75, k=1)
    features = normalise(functional.max_pool2d(convolved(faces, "layer1", "layer2", 2), 3, 2, 1))
    features = convolved(convolved(features, "layer6", "layer7"), "layer9", "layer10")
    features = functional.max_pool2d(normalise(features), 3, 2, 1)
    assert features.shape[1:] == (192, 12, 12)
    features = block(block(features, "layer14", 2, "max"), "layer15", 2, "root")
    features = block(block(features, "layer16", 2, "max", 2), "layer17", 2, "root")
    features = block(block(features, "layer18", 2, "max", 2), "layer19", 1, "root")
    features = block(features, "layer21", 1, "max")
    assert features.shape[1:] == (736, 3, 3)
    embeddings = functional.linear(features.mean(dim=(2, 3)), state["layer25.weight"], state["layer25.bias"])
    return embeddings / (embeddings.square().sum(dim=1, keepdim=True) + 1e-6).sqrt()


def test_the_layers_are_wired_as_in_the_published_network(
    extractor: Extractor, state: dict[str, Tensor], frames: Tensor
) -> None:
    expected = published_wiring(state, network_input(frames))
    np.testing.assert_allclose(extractor(frames), expected.numpy(), atol=1e-5)


def test_channels_are_normalised_as_by_the_published_loader() -> None:
    features = torch.rand(2, 16, 3, 4, generator=torch.Generator().manual_seed(1)) * 50
    normalised = CrossMapNormalisation()(features)
    torch.testing.assert_close(normalised, nn.CrossMapLRN2d(5, 1e-4, 0.75, 1)(features), rtol=1e-5, atol=1e-5)
    textbook = functional.local_response_norm(features, 5, 1e-4, 0.75, 1)
    torch.testing.assert_close(normalised[:, :3], textbook[:, :3])
    assert (normalised[:, 3:] < textbook[:, 3:]).all()


def test_smaller_maps_lie_in_the_middle_nearer_to_the_upper_left() -> None:
    ones = torch.ones(1, 1, 6, 6)
    joined = InceptionBlock(nn.Identity(), nn.MaxPool2d(3, stride=1), nn.MaxPool2d(2, stride=1))(ones)
    assert joined.shape == (1, 3, 6, 6)
    expected = torch.zeros(2, 6, 6)
    expected[0, 1:5, 1:5] = 1
    expected[1, :5, :5] = 1
    assert torch.equal(joined[0, 1:], expected)


def test_a_constant_frame_becomes_blue_green_red_in_0_to_1() -> None:
    frame = torch.tensor([10, 200, 255], dtype=torch.uint8)[None, :, None, None].expand(1, 3, 120, 130)
    seen = network_input(frame)
    assert seen.shape == (1, 3, 96, 96)
    expected = torch.tensor([1, 200 / 255, 10 / 255])[:, None, None].expand(3, 96, 96)
    torch.testing.assert_close(seen[0], expected)


def test_frames_are_scaled_as_by_the_published_evaluation(frames: Tensor) -> None:
    reversed_channels = frames[0].numpy().transpose(1, 2, 0)[:, :, ::-1]
    expected = resize(reversed_channels, (96, 96), order=1, mode="edge", anti_aliasing=False).transpose(2, 0, 1)
    np.testing.assert_allclose(network_input(frames)[0].numpy(), expected, atol=1e-5)


def test_without_the_file_the_text_says_which_and_where_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    with pytest.raises(MissingWeightsError, match=r"openface\.pth") as caught:
        open_openface(SETTING)
    assert WEIGHTS["openface"].address in str(caught.value)


def test_a_file_of_another_network_is_refused(
    state: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_file("openface", without_last_key(state), tmp_path, monkeypatch)
    with pytest.raises(CheckpointError, match=r"openface\.pth.*layer25\.bias"):
        open_openface(SETTING)
    put_file("openface", state | {"layer25.bias": torch.zeros(256)}, tmp_path, monkeypatch)
    with pytest.raises(CheckpointError, match=r"openface\.pth.*layer25\.bias"):
        open_openface(SETTING)
