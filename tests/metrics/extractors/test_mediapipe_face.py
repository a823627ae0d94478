"""MediaPipe's face points, with the real weights."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.core.weights import WEIGHTS
from lia_bench.metrics.extractors.extractor import POINTS, ExtractorSetting
from lia_bench.metrics.extractors.mediapipe_landmarks import EXPRESSION, FACES, POSE, MediapipeFace
from lia_bench.metrics.specification import Protocol
from tests.metrics.extractors.real_frames import moved, real_frames
from tests.preprocessing.detectors import install_real

FILE = WEIGHTS["face-landmarker"]
ONE_FACE = "real/vox/driving2.mp4"
TWO_FACES = "raw/videos/raw-vox-003.mp4"


def opened(real_data: Path, protocol: Protocol = Protocol.LITERATURE) -> MediapipeFace:
    install_real("face-landmarker", real_data)
    return MediapipeFace(ExtractorSetting(torch.device("cpu"), protocol))


def test_points_are_found_in_the_picture_and_move_with_it(real_data: Path) -> None:
    extractor = opened(real_data)
    frames = real_frames(real_data, ONE_FACE, range(0, 60, 20))
    features = extractor(frames)
    assert features.shape == (3, *FACES.shape)
    assert features.dtype == np.float32
    points = FACES.part(features, POINTS)
    assert points.min() > 0
    assert points.max() < 256
    for right, down in ((8, 0), (0, 8)):
        shift = FACES.part(extractor(moved(frames, right, down)), POINTS) - points
        assert shift.mean(axis=1) == pytest.approx(np.tile([right, down], (3, 1)), abs=0.6)


def test_a_mirrored_face_has_the_mirrored_pose_and_expression(real_data: Path) -> None:
    extractor = opened(real_data)
    frames = real_frames(real_data, ONE_FACE, range(0, 60, 20))
    seen, mirrored = extractor(frames), extractor(frames.flip(3))
    turns, flipped = (FACES.part(rows, POSE)[:, :3, :3] for rows in (seen, mirrored))
    assert turns @ turns.transpose(0, 2, 1) == pytest.approx(np.tile(np.eye(3), (3, 1, 1)), abs=1e-4)
    signs = np.array([[1, -1, -1], [-1, 1, 1], [-1, 1, 1]])
    assert flipped == pytest.approx(signs * turns, abs=0.05)
    shapes, others = (FACES.part(rows, EXPRESSION) for rows in (seen, mirrored))
    assert shapes.min() >= 0
    assert shapes.max() <= 1
    brows_down = [1, 2]  # of the left and the right
    assert others[:, brows_down] == pytest.approx(shapes[:, brows_down[::-1]], abs=0.2)


def test_a_frame_does_not_depend_on_those_beside_it(real_data: Path) -> None:
    extractor = opened(real_data)
    frames = real_frames(real_data, ONE_FACE, range(0, 60, 20))
    together = extractor(frames)
    assert extractor(frames.flip(0))[::-1] == pytest.approx(together, abs=1e-5)
    assert np.concatenate([extractor(frame[None]) for frame in frames]) == pytest.approx(together, abs=1e-5)


def test_a_frame_without_a_face_has_no_points(real_data: Path) -> None:
    assert np.isnan(opened(real_data)(torch.zeros(2, 3, 64, 96, dtype=torch.uint8))).all()


def test_the_strict_rule_takes_the_largest_face(real_data: Path) -> None:
    frames = real_frames(real_data, TWO_FACES, range(0, 80, 40))
    strict = opened(real_data, Protocol.STRICT)
    largest, mirrored = (FACES.part(strict(pictures), POINTS) for pictures in (frames, frames.flip(3)))
    # The large face is on the left.
    assert (largest[:, :, 0] < 320).all()
    assert (mirrored[:, :, 0] > 320).all()


def test_nothing_is_printed(real_data: Path) -> None:
    install_real("face-landmarker", real_data)
    program = f"""
import torch
from pathlib import Path
from lia_bench.metrics.extractors.extractor import ExtractorSetting
from lia_bench.metrics.extractors.mediapipe_landmarks import MediapipeFace
from lia_bench.metrics.specification import Protocol
from tests.metrics.extractors.real_frames import real_frames
extractor = MediapipeFace(ExtractorSetting(torch.device("cpu"), Protocol.STRICT))
extractor(real_frames(Path({str(real_data)!r}), {ONE_FACE!r}, range(2)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""


def test_missing_weights_say_what_to_fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    with pytest.raises(MissingWeightsError, match=FILE.file_name) as caught:
        MediapipeFace(ExtractorSetting(torch.device("cpu"), Protocol.STRICT))
    assert FILE.address in str(caught.value)


def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    FILE.path.parent.mkdir(parents=True)
    FILE.path.write_bytes(b"no bundle of networks")
    with pytest.raises(CheckpointError, match=FILE.file_name):
        MediapipeFace(ExtractorSetting(torch.device("cpu"), Protocol.STRICT))
