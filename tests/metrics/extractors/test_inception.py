"""Inception features: the package's own numbers from a local file, and nothing fetched."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from pytorch_fid import inception as package
from torch import Tensor, nn

from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.core.weights import WEIGHTS
from lia_bench.metrics.extractors.extractor import Extractor, ExtractorSetting
from lia_bench.metrics.extractors.inception import EXTRACTOR, network_input, open_inception
from lia_bench.metrics.specification import Protocol
from tests.deterministic import image
from tests.metrics.extractors.published import deterministic_state, put_file, without_last_key

SETTING = ExtractorSetting(torch.device("cpu"), Protocol.LITERATURE)


@pytest.fixture(scope="module")
def frames() -> Tensor:
    """Two 8-bit frames, not square."""
    pictures = np.stack([image(name, 80, 7) for name in ("first", "second")])[:, :, :64]
    return torch.from_numpy((pictures * 255).round().astype(np.uint8))


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """Weights in the layout of the network that the package builds."""
    with pytest.MonkeyPatch.context() as patch:
        built: list[nn.Module] = []
        patch.setattr(package, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(
            package.torchvision.models.Inception3, "load_state_dict", lambda network, _: built.append(network)
        )
        package.fid_inception_v3()
    return deterministic_state(built[0], normalisations=("bn",), gain=1.4)


@pytest.fixture(scope="module")
def extractor(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Extractor]:
    with pytest.MonkeyPatch.context() as patch:
        path = put_file("inception-fid", state, tmp_path_factory.mktemp("home"), patch)
        yield open_inception(SETTING)
        path.unlink()


@pytest.fixture(scope="module")
def features(extractor: Extractor, frames: Tensor) -> np.ndarray:
    return extractor(frames)


def test_the_features_are_those_of_the_package(
    features: np.ndarray, frames: Tensor, state: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "load_state_dict_from_url", lambda *_, **__: state)
    network = package.InceptionV3([package.InceptionV3.BLOCK_INDEX_BY_DIM[2048]]).eval()
    expected = network(frames / 255)[0][:, :, 0, 0].numpy()
    assert features.shape == (2, *EXTRACTOR.shape)
    assert features.dtype == np.float32
    assert np.std(expected) > 0.1
    np.testing.assert_allclose(features, expected, atol=1e-5)


def test_a_frame_does_not_depend_on_the_frames_beside_it(
    extractor: Extractor, features: np.ndarray, frames: Tensor
) -> None:
    np.testing.assert_allclose(extractor(frames[1:]), features[1:], atol=1e-5)


def test_black_and_white_are_the_ends_of_the_range() -> None:
    ends = network_input(torch.tensor([0, 255], dtype=torch.uint8)[:, None, None, None].expand(2, 3, 40, 60))
    assert ends.shape == (2, 3, 299, 299)
    torch.testing.assert_close(ends[0], torch.full((3, 299, 299), -1.0))
    torch.testing.assert_close(ends[1], torch.full((3, 299, 299), 1.0))


def test_without_the_file_the_text_says_which_and_where_from() -> None:
    with pytest.raises(MissingWeightsError, match=r"pt_inception-2015-12-05-6726825d\.pth.*") as caught:
        open_inception(SETTING)
    assert WEIGHTS["inception-fid"].address in str(caught.value)


def test_a_file_of_another_network_is_refused(
    state: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put_file("inception-fid", without_last_key(state), tmp_path, monkeypatch)
    with pytest.raises(CheckpointError, match=rf"{path.name}.*fc\.bias"):
        open_inception(SETTING)
    path.unlink()


def test_a_file_with_another_hash_is_refused(
    state: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put_file("inception-fid", without_last_key(state), tmp_path, monkeypatch)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="SHA-256"):
        open_inception(SETTING)
    path.unlink()
