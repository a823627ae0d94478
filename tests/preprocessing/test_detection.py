"""Detectors on real frames where real weights are at hand, and on files of the true layout for the others."""

import csv
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch

from lia_bench.core.errors import DeviceError, MissingWeightsError, UnknownNameError
from lia_bench.core.video import open_indexed
from lia_bench.core.video.reader import Frame
from lia_bench.core.weights import WEIGHTS
from lia_bench.preprocessing.boxes import Box, overlap
from lia_bench.preprocessing.detection import detector
from lia_bench.preprocessing.detection.detector import DETECTORS, build_detector, what_detects
from tests.preprocessing.detectors import install_made_up, install_real


def _truth(real_data: Path, video: str) -> dict[int, list[Box]]:
    boxes = defaultdict(list)
    with (real_data / "raw" / "boxes" / f"{video}.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            boxes[int(row["frame"])].append(Box(*(float(row[side]) for side in Box._fields)))
    return boxes


def _frames(real_data: Path, video: str, numbers: range) -> list[Frame]:
    with open_indexed(real_data / "raw" / "videos" / f"{video}.mp4") as reader:
        return [reader.frame(number) for number in numbers]


@pytest.mark.parametrize(("video", "faces"), [("raw-vox-001", 1), ("raw-vox-002", 1), ("raw-vox-003", 2)])
def test_mediapipe_finds_every_face(video: str, faces: int, real_data: Path) -> None:
    install_real("blazeface", real_data)
    numbers = range(0, 220, 20)
    truth = _truth(real_data, video)
    found = build_detector("mediapipe", "cpu").detect(_frames(real_data, video, numbers))
    for number, detections in zip(numbers, found, strict=True):
        assert len(detections) == faces
        assert all(0.5 < detection.score <= 1 for detection in detections)
        for box in truth[number]:
            # BlazeFace's boxes are square, the true ones extents of a mesh.
            assert max(overlap(box, detection.box) for detection in detections) > 0.68


def test_mediapipe_pose_finds_the_person(real_data: Path) -> None:
    install_real("mediapipe-pose", real_data)
    numbers = range(0, 160, 40)
    truth = _truth(real_data, "raw-tai-001")
    found = build_detector("mediapipe-pose", "cpu").detect(_frames(real_data, "raw-tai-001", numbers))
    for number, (person,) in zip(numbers, found, strict=True):
        (square,) = truth[number]
        assert person.head_visible
        assert person.feet_visible
        assert person.score > 0.9
        assert square.top - 8 <= person.box.top
        assert person.box.bottom <= square.bottom + 8
        assert person.box.height > 0.8 * square.height


def test_a_frame_does_not_depend_on_those_beside_it(real_data: Path) -> None:
    install_real("blazeface", real_data)
    frames = _frames(real_data, "raw-vox-003", range(0, 60, 20))
    detector = build_detector("mediapipe", "cpu")
    together = detector.detect(frames)
    assert together[::-1] == detector.detect(frames[::-1])
    assert [detector.detect([frame])[0] for frame in frames] == together


def test_the_terminal_stays_clean(real_data: Path) -> None:
    install_real("blazeface", real_data)
    program = (
        "import numpy\nfrom lia_bench.preprocessing.detection.detector import build_detector\n"
        "print(build_detector('mediapipe', 'cpu').detect([numpy.zeros((90, 160, 3), numpy.uint8)]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[[]]\n"
    assert done.stderr == ""


def test_s3fd_on_a_file_of_the_true_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    from face_alignment.detection.sfd.net_s3fd import s3fd

    torch.manual_seed(0)
    network = s3fd()
    install_made_up("s3fd", network, monkeypatch)
    detector = build_detector("s3fd", "cpu")
    frames = [np.random.default_rng(number).integers(0, 256, (96, 128, 3), dtype=np.uint8) for number in range(2)]
    found = detector.detect(frames)
    assert found[::-1] == detector.detect(frames[::-1])
    for detections in found:
        scores = [detection.score for detection in detections]
        assert scores == sorted(scores, reverse=True)
        assert all(score > 0.5 for score in scores)


@pytest.mark.slow
def test_keypoint_rcnn_on_a_file_of_the_true_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.models.detection import keypointrcnn_resnet50_fpn

    torch.manual_seed(0)
    install_made_up("keypointrcnn", keypointrcnn_resnet50_fpn(weights=None, weights_backbone=None), monkeypatch)
    # The network enlarges frames until one side is long enough: the flatter they are, the less there is to compute.
    frame = np.random.default_rng(0).integers(0, 256, (12, 192, 3), dtype=np.uint8)
    (found,) = build_detector("keypoint-rcnn", "cpu").detect([frame])
    scores = [detection.score for detection in found]
    assert scores == sorted(scores, reverse=True)
    for detection in found:
        assert -0.1 < detection.box.left <= detection.box.right < 192.1
        assert -0.1 < detection.box.top <= detection.box.bottom < 12.1


@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_what_findings_depend_on(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    before = what_detects(name)
    file = WEIGHTS[DETECTORS[name].weights]
    file.path.parent.mkdir()
    file.path.write_text("others")
    assert (what_detects(name) == before) == (file.sha256_prefix is not None)
    before = what_detects(name)
    monkeypatch.setattr(detector, "version", lambda library: "0.1")
    assert what_detects(name) != before


@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_missing_weights_say_what_to_fetch(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    weights = WEIGHTS[DETECTORS[name].weights]
    with pytest.raises(MissingWeightsError) as caught:
        build_detector(name, "cpu")
    assert weights.address in str(caught.value)
    assert str(tmp_path / "weights" / weights.file_name) in str(caught.value)


def test_devices_that_are_not_there() -> None:
    with pytest.raises(DeviceError, match="cuda:7: no such device"):
        build_detector("s3fd", "cuda:7")
    with pytest.raises(DeviceError, match="run on the CPU alone"):
        build_detector("mediapipe", "cuda")


def test_a_mistyped_detector() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 's3fd'"):
        build_detector("s3df", "cpu")
