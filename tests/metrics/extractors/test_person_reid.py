"""Person re-identification features: the published layout, both protocols, and torchvision's ResNet-50 as witness."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.models import resnet50
from torchvision.transforms import functional as transforms

from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.core.weights import WEIGHTS
from lia_bench.metrics.extractors.extractor import Extractor, ExtractorSetting
from lia_bench.metrics.extractors.person_reid import EXTRACTOR, network_input, open_person_reid
from lia_bench.metrics.frame_metric import FrameMetric
from lia_bench.metrics.networks.person_reid import PersonReidNetwork
from lia_bench.metrics.registry import METRICS
from lia_bench.metrics.specification import Protocol, ScoringSetting
from tests.deterministic import image
from tests.metrics.extractors.published import deterministic_state, put_file, without_last_key

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def frames() -> Tensor:
    """Two 8-bit frames, not square."""
    pictures = np.stack([image(name, 96, 7)[:, :64] for name in ("first", "second")])
    return torch.from_numpy((pictures * 255).round().astype(np.uint8))


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return deterministic_state(PersonReidNetwork(), normalisations=("bn", "1"), gain=1.0)


@pytest.fixture(scope="module")
def extractors(
    state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Protocol, Extractor]]:
    with pytest.MonkeyPatch.context() as patch:
        path = put_file("person-reid", state, tmp_path_factory.mktemp("home"), patch)
        yield {protocol: open_person_reid(ExtractorSetting(CPU, protocol)) for protocol in Protocol}
        path.unlink()


@pytest.fixture(scope="module")
def witness(state: dict[str, Tensor]) -> nn.Module:
    network: nn.Module = resnet50(weights=None)
    network.load_state_dict({key[6:]: value for key, value in state.items() if key.startswith("model.")})
    network.fc = nn.Identity()
    return network


@pytest.mark.parametrize("protocol", Protocol)
def test_a_frame_gives_features_that_do_not_depend_on_the_frames_beside_it(
    extractors: dict[Protocol, Extractor], frames: Tensor, protocol: Protocol
) -> None:
    both = extractors[protocol](frames)
    assert both.shape == (2, *EXTRACTOR.shape)
    assert both.dtype == np.float32
    assert np.linalg.norm(both[0] - both[1]) > 1e-3
    np.testing.assert_allclose(extractors[protocol](frames[1:]), both[1:], rtol=1e-5, atol=1e-5)


def test_persons_are_as_similar_as_the_cosine_of_their_features(
    extractors: dict[Protocol, Extractor], frames: Tensor
) -> None:
    for protocol in Protocol:
        metric = METRICS["csim_reid"].open(ScoringSetting(96, 64, CPU, protocol))()
        assert isinstance(metric, FrameMetric)
        first, second = torch.from_numpy(extractors[protocol](frames)).double()
        metric.update(torch.stack((first, first)), torch.stack((first, second)))
        cosine = float(first @ second / (first.norm() * second.norm()))
        assert float(metric.compute()) == pytest.approx((1 + cosine) / 2, abs=1e-12)
        assert cosine < 1 - 1e-6


def test_the_literature_normalises_each_frame_by_its_own_statistics(
    extractors: dict[Protocol, Extractor], frames: Tensor, witness: nn.Module
) -> None:
    """What batch normalisation in training mode does with a batch of one."""
    seen = network_input(frames, Protocol.LITERATURE)
    with torch.inference_mode():
        expected = torch.cat([witness.train()(picture[None]) for picture in seen])
    np.testing.assert_allclose(extractors[Protocol.LITERATURE](frames), expected.numpy(), rtol=1e-3, atol=1e-4)


def test_the_strict_features_are_those_of_the_trained_network_scaled_to_unit_length(
    extractors: dict[Protocol, Extractor], frames: Tensor, state: dict[str, Tensor]
) -> None:
    network = resnet50(weights=None)
    network.load_state_dict({key[6:]: value for key, value in state.items() if key.startswith("model.")})
    network.fc = nn.Identity()
    with torch.inference_mode():
        expected = nn.functional.normalize(network.eval()(network_input(frames, Protocol.STRICT)))
    features = extractors[Protocol.STRICT](frames)
    np.testing.assert_allclose(features, expected.numpy(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)


def test_reading_features_leaves_the_published_statistics_alone(state: dict[str, Tensor]) -> None:
    network = PersonReidNetwork()
    network.load_state_dict(state)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with torch.inference_mode():
        network.train()(torch.rand(1, 3, 64, 64))
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_keys_are_those_of_the_published_network() -> None:
    shapes = {key: tuple(value.shape) for key, value in PersonReidNetwork().state_dict().items()}
    flat = {f"model.{key}": tuple(value.shape) for key, value in resnet50(weights=None).state_dict().items()}
    assert {key: shape for key, shape in shapes.items() if key.startswith("model.")} == flat
    assert {key: shape for key, shape in shapes.items() if key not in flat} == {
        "classifier.add_block.0.weight": (512, 2048),
        "classifier.add_block.0.bias": (512,),
        "classifier.add_block.1.weight": (512,),
        "classifier.add_block.1.bias": (512,),
        "classifier.add_block.1.running_mean": (512,),
        "classifier.add_block.1.running_var": (512,),
        "classifier.add_block.1.num_batches_tracked": (),
        "classifier.classifier.0.weight": (751, 512),
        "classifier.classifier.0.bias": (751,),
    }


@pytest.mark.parametrize(("protocol", "white"), [(Protocol.LITERATURE, 1 / 255), (Protocol.STRICT, 1.0)])
def test_a_constant_frame_is_standardised_and_by_the_literature_nearly_black(protocol: Protocol, white: float) -> None:
    frame = torch.tensor([0, 51, 255], dtype=torch.uint8)[None, :, None, None].expand(1, 3, 50, 40)
    seen = network_input(frame, protocol)
    assert seen.shape == (1, 3, 288, 144)
    expected = torch.tensor([-0.485 / 0.229, (0.2 * white - 0.456) / 0.224, (white - 0.406) / 0.225])
    torch.testing.assert_close(seen[0], expected[:, None, None].expand(3, 288, 144))


def test_frames_are_scaled_as_by_the_published_evaluation() -> None:
    frame = torch.from_numpy((image("scaled", 400, 3) * 255).round().astype(np.uint8))
    picture = Image.fromarray(frame.permute(1, 2, 0).numpy())
    scaled = transforms.to_tensor(transforms.resize(picture, [288, 144], transforms.InterpolationMode.BICUBIC))
    expected = transforms.normalize(scaled, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    torch.testing.assert_close(network_input(frame[None], Protocol.STRICT)[0], expected)


def test_without_the_file_the_text_says_which_and_where_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    with pytest.raises(MissingWeightsError, match=r"net_last\.pth") as caught:
        open_person_reid(ExtractorSetting(CPU, Protocol.STRICT))
    assert WEIGHTS["person-reid"].address in str(caught.value)


def test_a_file_of_another_network_is_refused(
    state: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = ExtractorSetting(CPU, Protocol.STRICT)
    put_file("person-reid", without_last_key(state), tmp_path, monkeypatch)
    with pytest.raises(CheckpointError, match=r"net_last\.pth.*classifier\.classifier\.0\.bias"):
        open_person_reid(setting)
    # DukeMTMC-reID has 702 persons.
    other = {"classifier.classifier.0.weight": torch.zeros(702, 512), "classifier.classifier.0.bias": torch.zeros(702)}
    path = put_file("person-reid", state | other, tmp_path, monkeypatch)
    with pytest.raises(CheckpointError, match=r"net_last\.pth.*classifier\.classifier\.0\.weight"):
        open_person_reid(setting)
    path.unlink()
