"""LPIPS: its arithmetic on deterministic backbones, and that it never runs on a random one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.weights import WEIGHTS, WeightFile, weights_home
from lia_bench.metrics.definitions import SMALLEST_SIDES_OF_LPIPS
from lia_bench.metrics.frame_metric import FrameMetric
from lia_bench.metrics.lpips import Backbone, PerceptualDistance
from lia_bench.metrics.registry import METRICS
from lia_bench.metrics.specification import ScoringSetting, UnavailableMetricError
from tests.conftest import golden
from tests.deterministic import fill, generator, image

GOLDEN = golden("metrics")["lpips"]
SETTING = ScoringSetting(64, 64, torch.device("cpu"))


def state_of(net: str) -> dict[str, Tensor]:
    state = {}
    for key, (shape, rule) in GOLDEN["nets"][net]["state"].items():
        values = fill(key, tuple(shape), GOLDEN["seed"], rule)
        assert values is not None
        state[key.split("/", 1)[1]] = torch.from_numpy(values)
    return state


def pair(case: dict[str, Any]) -> tuple[Tensor, Tensor]:
    first = image(*case["first"])
    if case["second"]:
        second = image(*case["second"])
    else:
        noise = generator("lpips.noise", 5).standard_normal(first.shape)
        second = np.clip(first + case["noise"] * noise, 0, 1).astype(np.float32)
    return torch.from_numpy(first)[None], torch.from_numpy(second)[None]


@pytest.fixture
def alexnet_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deterministic AlexNet in the weights folder, under a name that carries its hash."""
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    draft = weights_home() / "draft.pth"
    draft.parent.mkdir(parents=True)
    torch.save(state_of("alex"), draft)
    path = draft.with_name(f"alexnet-{sha256_of_file(draft)[:8]}.pth")
    draft.rename(path)
    file = WeightFile("alexnet", path.name, "AlexNet_Weights.IMAGENET1K_V1", "a test", "none")
    monkeypatch.setitem(WEIGHTS._load(), "alexnet", file)
    return path


@pytest.mark.parametrize("net", ["alex", "vgg", "squeeze"])
def test_distances_agree_with_the_golden_numbers(net: Backbone) -> None:
    network = PerceptualDistance(net, state_of(net))
    for case in GOLDEN["nets"][net]["cases"]:
        with torch.inference_mode():
            distance = float(network(*pair(case)))
        assert distance == pytest.approx(case["distance"], abs=1e-5), case


@pytest.mark.usefixtures("alexnet_file")
def test_a_clip_is_scored_frame_by_frame_whatever_the_batch() -> None:
    make = METRICS["lpips_alex"].opened(SETTING)
    case = GOLDEN["nets"]["alex"]["cases"][0]
    first, second = (frame.repeat(3, 1, 1, 1) for frame in pair(case))
    for batch_size in (1, 3):
        metric = make()
        assert isinstance(metric, FrameMetric)
        for mine, theirs in zip(first.split(batch_size), second.split(batch_size), strict=True):
            metric.update(mine, theirs)
        assert float(metric.compute()) == pytest.approx(case["distance"], abs=1e-5)


@pytest.mark.usefixtures("alexnet_file")
def test_models_share_what_the_network_says_of_the_true_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []
    features = PerceptualDistance.features

    def watched(network: PerceptualDistance, images: Tensor) -> list[Tensor]:
        seen.append(images)
        return features(network, images)

    monkeypatch.setattr(PerceptualDistance, "features", watched)
    make = METRICS["lpips_alex"].opened(SETTING)
    first, second, true = torch.rand(3, 2, 3, 64, 64)
    scores = []
    # The last frames lie where those before them did, and are not taken for them.
    for images, changed in ((first, None), (second, None), (second, second)):
        metric = make()
        assert isinstance(metric, FrameMetric)
        metric.update(images, true if changed is None else true.copy_(changed))
        scores.append(float(metric.compute()))
    assert sum(images is true for images in seen) == 2
    assert min(scores[:2]) > 1e-3
    assert scores[2] == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("name", ["lpips_alex", "lpips_vgg", "lpips_squeeze"])
def test_without_the_file_there_is_no_metric_but_a_reason(name: str) -> None:
    (weights,) = METRICS[name].weights
    with pytest.raises(MissingWeightsError, match=WEIGHTS[weights].file_name):
        METRICS[name].opened(SETTING)


@pytest.mark.usefixtures("alexnet_file")
def test_the_smallest_frames_are_scored_and_smaller_ones_refused() -> None:
    metric = METRICS["lpips_alex"].opened(ScoringSetting(31, 40, torch.device("cpu")))()
    assert isinstance(metric, FrameMetric)
    metric.update(*torch.rand(2, 1, 3, 31, 40))
    assert metric.compute() > 0
    with pytest.raises(UnavailableMetricError, match="40x30"):
        METRICS["lpips_alex"].opened(ScoringSetting(30, 40, torch.device("cpu")))


@pytest.mark.parametrize("net", ["vgg", "squeeze"])
def test_the_stated_smallest_frames_can_be_scored(net: Backbone) -> None:
    side = SMALLEST_SIDES_OF_LPIPS[net]
    first, second = torch.rand(2, 1, 3, side, side)
    assert PerceptualDistance(net, state_of(net))(first, second) > 0
    with pytest.raises(RuntimeError):
        PerceptualDistance(net, state_of(net))(*torch.rand(2, 1, 3, side - 1, side - 1))


def test_a_file_with_another_hash_stops_the_metric(alexnet_file: Path) -> None:
    alexnet_file.write_bytes(alexnet_file.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=alexnet_file.name):
        METRICS["lpips_alex"].opened(SETTING)


def test_a_state_of_another_network_is_refused() -> None:
    with pytest.raises(CheckpointError, match="alexnet"):
        PerceptualDistance("alex", {"features.0.weight": torch.zeros(64, 3, 3, 3)})
