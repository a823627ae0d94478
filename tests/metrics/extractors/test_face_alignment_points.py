"""face-alignment's points, held against the package itself, on weights of the true layout.

Its detector is given weights that see a face in every coloured spot: a sure, small one in a green spot, and one that
is less sure and large in a red spot.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.core.weights import WEIGHTS
from lia_bench.metrics.extractors.extractor import ExtractorSetting
from lia_bench.metrics.extractors.face_alignment_points import EXTRACTOR, FaceAlignmentPoints
from lia_bench.metrics.specification import Protocol
from tests.preprocessing.detectors import install_made_up

CELL = 16
"""Pixels between the places where the fifth stage of S3FD looks for faces; these are 64 pixels large at first."""


def spot_detector() -> nn.Module:
    from face_alignment.detection.sfd.net_s3fd import s3fd

    network: Any = s3fd()
    with torch.no_grad():
        for name, value in network.named_parameters():
            value.fill_(5.0 if name == "conv5_3_norm.weight" else 0.0)
        for name in ("fc7", "conv6_2", "conv7_2", "conv4_3_norm"):
            getattr(network, f"{name}_mbox_conf").bias[0] = 9
        network.conv3_3_norm_mbox_conf.bias[:3] = 9
        stages = ("1_2", "2_1", "2_2", "3_1", "3_2", "3_3", "4_1", "4_2", "4_3", "5_1", "5_2", "5_3")
        # The package feeds blue, green, red; channels 0 and 1 carry red and green to the fifth stage.
        network.conv1_1.weight[0, 2, 1, 1] = network.conv1_1.weight[1, 1, 1, 1] = 1
        for stage in stages:
            convolution = getattr(network, f"conv{stage}")
            convolution.weight[0, 0, 1, 1] = convolution.weight[1, 1, 1, 1] = 1
        score, place = network.conv5_3_norm_mbox_conf, network.conv5_3_norm_mbox_loc
        score.bias[1] = -5
        score.weight[1, 0, 1, 1], score.weight[1, 1, 1, 1] = 7 / 5, 10 / 5
        for channel, side in ((0, 100), (1, 50)):
            place.weight[2:, channel, 1, 1] = math.log(side / 64) / 0.2 / 5
    detector: nn.Module = network
    return detector


def landmark_network() -> nn.Module:
    from face_alignment.models import FAN

    torch.manual_seed(0)
    network: nn.Module = FAN(4)
    return network


def spots(height: int, width: int, *, green: tuple[int, int] | None, red: tuple[int, int] | None) -> Tensor:
    """A dark frame of noise with spots in the middle of the cells (column, row)."""
    frame = torch.from_numpy(np.random.default_rng(0).integers(0, 90, (1, 3, height, width), dtype=np.uint8))
    for channel, cell in ((0, red), (1, green)):
        if cell is not None:
            x, y = cell[0] * CELL, cell[1] * CELL
            frame[:, channel, y + 4 : y + 12, x + 4 : x + 12] = 250
    return frame


@pytest.fixture
def weights(monkeypatch: pytest.MonkeyPatch) -> None:
    install_made_up("s3fd", spot_detector(), monkeypatch)
    install_made_up("2dfan4", landmark_network(), monkeypatch)


def opened(protocol: Protocol) -> FaceAlignmentPoints:
    return FaceAlignmentPoints(ExtractorSetting(torch.device("cpu"), protocol))


@pytest.mark.usefixtures("weights")
def test_points_are_those_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    import face_alignment

    monkeypatch.setattr(face_alignment.api, "load_file_from_url", lambda address: WEIGHTS["2dfan4"].path)
    package = face_alignment.FaceAlignment(
        face_alignment.LandmarksType.TWO_D,
        device="cpu",
        flip_input=False,
        compile=False,
        face_detector_kwargs={"path_to_detector": str(WEIGHTS["s3fd"].path)},
    )
    frame = spots(144, 208, green=(3, 3), red=(8, 4))
    # The surest face comes first, so the large one is second.
    first, second = package.get_landmarks(frame[0].permute(1, 2, 0).numpy())
    points = opened(Protocol.LITERATURE)(frame)
    assert points.shape == (1, *EXTRACTOR.shape)
    assert points.dtype == np.float32
    assert not (first == second).all()
    assert (points[0] == first).all()
    assert (opened(Protocol.STRICT)(frame)[0] == second).all()


@pytest.mark.usefixtures("weights")
def test_a_frame_does_not_depend_on_those_beside_it() -> None:
    here, there = spots(128, 128, green=(4, 4), red=None), spots(128, 128, green=None, red=(3, 4))
    nobody = spots(128, 128, green=None, red=None)
    extractor = opened(Protocol.LITERATURE)
    together = extractor(torch.cat([here, nobody, there]))
    assert np.isnan(together[1]).all()
    assert (together[0] == extractor(here)[0]).all()
    assert (together[2] == extractor(there)[0]).all()


@pytest.mark.usefixtures("weights")
def test_points_move_with_the_picture() -> None:
    frame = spots(128, 128, green=(3, 4), red=None)
    points = opened(Protocol.STRICT)(torch.cat([frame, frame.roll(CELL, dims=3)]))
    assert points[1] - points[0] == pytest.approx(np.tile([CELL, 0], (68, 1)), abs=1)


@pytest.mark.parametrize("name", EXTRACTOR.weights)
def test_missing_weights_say_what_to_fetch(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    made = {"2dfan4": landmark_network, "s3fd": spot_detector}
    (other,) = made.keys() - {name}
    install_made_up(other, made[other](), monkeypatch)
    with pytest.raises(MissingWeightsError, match=WEIGHTS[name].file_name) as caught:
        opened(Protocol.STRICT)
    assert WEIGHTS[name].address in str(caught.value)


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize(
    ("name", "message"), [("2dfan4", r"weights of FAN: Missing key.*conv1\.weight"), ("s3fd", "S3FD")]
)
def test_weights_of_another_network_are_refused(name: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    install_made_up(name, nn.Linear(2, 2), monkeypatch)
    with pytest.raises(CheckpointError, match=message):
        opened(Protocol.STRICT)


def test_the_name_of_the_published_file_carries_its_hash() -> None:
    assert WEIGHTS["2dfan4"].sha256_prefix == "11f355bf06"
