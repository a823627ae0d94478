"""MediaPipe's joints, with the real weights."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.core.weights import WEIGHTS
from lia_bench.metrics.extractors.extractor import ExtractorSetting
from lia_bench.metrics.extractors.mediapipe_landmarks import BODIES, MediapipeBody
from lia_bench.metrics.specification import Protocol
from tests.metrics.extractors.real_frames import moved, real_frames
from tests.preprocessing.detectors import install_real

FILE = WEIGHTS["mediapipe-pose"]
WHOLE_BODY = "real/taichi/driving2.mp4"
HEAD_AND_SHOULDERS = "real/vox/driving2.mp4"
HIPS_AND_BELOW = slice(23, 33)


def opened(real_data: Path, protocol: Protocol = Protocol.LITERATURE) -> MediapipeBody:
    install_real("mediapipe-pose", real_data)
    return MediapipeBody(ExtractorSetting(torch.device("cpu"), protocol))


@pytest.mark.parametrize("protocol", Protocol)
def test_joints_are_found_in_the_picture_and_move_with_it(protocol: Protocol, real_data: Path) -> None:
    extractor = opened(real_data, protocol)
    frames = real_frames(real_data, WHOLE_BODY, range(0, 60, 20))
    joints = extractor(frames)
    assert joints.shape == (3, *BODIES.shape)
    assert joints.dtype == np.float32
    assert np.isfinite(joints).all(axis=2).mean() > 0.9
    assert np.nanmin(joints) > 0
    assert np.nanmax(joints) < 256
    for right, down in ((8, 0), (0, 8)):
        shift = extractor(moved(frames, right, down)) - joints
        assert np.nanmean(shift, axis=1) == pytest.approx(np.tile([right, down], (3, 1)), abs=1.2)


def test_joints_outside_the_picture_are_missing(real_data: Path) -> None:
    joints = opened(real_data)(real_frames(real_data, HEAD_AND_SHOULDERS, range(1)))
    assert np.isfinite(joints[0, 0]).all()
    assert np.isnan(joints[0, HIPS_AND_BELOW]).all()


def test_a_frame_does_not_depend_on_those_beside_it(real_data: Path) -> None:
    extractor = opened(real_data)
    frames = real_frames(real_data, WHOLE_BODY, range(0, 60, 20))
    together = extractor(frames)
    assert extractor(frames.flip(0))[::-1] == pytest.approx(together, abs=1e-5, nan_ok=True)


def test_a_frame_without_a_person_has_no_joints(real_data: Path) -> None:
    assert np.isnan(opened(real_data)(torch.zeros(1, 3, 64, 96, dtype=torch.uint8))).all()


def test_missing_weights_say_what_to_fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    with pytest.raises(MissingWeightsError, match=FILE.file_name) as caught:
        MediapipeBody(ExtractorSetting(torch.device("cpu"), Protocol.STRICT))
    assert FILE.address in str(caught.value)


def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    FILE.path.parent.mkdir(parents=True)
    FILE.path.write_bytes(b"no bundle of networks")
    with pytest.raises(CheckpointError, match=FILE.file_name):
        MediapipeBody(ExtractorSetting(torch.device("cpu"), Protocol.STRICT))
