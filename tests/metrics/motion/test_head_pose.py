"""pose_error against heads whose true angles are known."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from lia_bench.core.sample_marks import MARKS
from lia_bench.metrics.extractors.extractor import ExtractorSetting
from lia_bench.metrics.extractors.mediapipe_landmarks import FACES, POSE
from lia_bench.metrics.extractors.sample_marks import SampleMarks
from lia_bench.metrics.motion.face_state import (
    AWAY,
    MarksPoseError,
    MatrixPoseError,
    PoseError,
    angle,
    rotations_of_marks,
)
from lia_bench.metrics.registry import METRICS
from lia_bench.metrics.specification import Protocol, ScoringSetting
from lia_bench.preprocessing.recipes.sample.renderer import rotation
from tests.metrics.motion.drawn_heads import CPU, drawn, landmarker

TURNS: list[dict[str, float]] = [
    {"roll": 10},
    {"roll": -20},
    {"yaw": 10},
    {"yaw": -20},
    {"pitch": 10},
    {"yaw": 10, "pitch": 5, "roll": 10},
]


def true_angle(turn: dict[str, float]) -> float:
    turned = rotation(*(np.radians(turn.get(name, 0.0)) for name in ("yaw", "pitch", "roll")))
    return float(angle(torch.from_numpy(turned), torch.eye(3, dtype=torch.float64)))


def poses(*angles: tuple[float, float, float]) -> Tensor:
    """(B, 4, 4) of rotations about x, y and z in degrees."""
    matrices = np.tile(np.eye(4), (len(angles), 1, 1))
    matrices[:, :3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    return torch.from_numpy(matrices).float()


def scored(meter: PoseError, generated: Tensor, reference: Tensor) -> tuple[float, int, int]:
    meter.update(generated, reference)
    return float(meter.compute()), int(meter.valid_frames), int(meter.missing_frames)


def test_small_and_large_angles_are_exact() -> None:
    for degrees in (1e-4, 0.5, 30.0, 90.0, 179.0):
        turned = torch.from_numpy(Rotation.from_euler("y", degrees, degrees=True).as_matrix())
        assert float(angle(turned, torch.eye(3, dtype=torch.float64))) == pytest.approx(degrees, rel=1e-6)


def test_the_error_of_rotations_is_their_angle() -> None:
    reference = poses((0, 0, 0), (10, 20, 0), (5, 0, 40))
    generated = poses((0, 7, 0), (10, 20, 0), (5, 0, 49))
    # The third differs by a turn about z alone, which comes last.
    assert scored(MatrixPoseError(), generated, reference)[0] == pytest.approx(16 / 3, abs=1e-3)


def test_relative_transfer_compares_what_changed_since_the_first_frame_that_both_show() -> None:
    reference = poses((0, 0, 0), (0, 0, 10), (0, 0, 20), (0, 0, 30))
    turned = poses((0, 0, 25), (0, 0, 25), (0, 0, 35), (0, 0, 39))
    turned[0] = torch.nan
    absolute = scored(MatrixPoseError(), turned, reference)
    assert absolute == pytest.approx(((15 + 15 + 9) / 3, 3, 1), abs=1e-3)
    relative = MatrixPoseError()
    relative.since_first = True
    assert scored(relative, turned, reference) == pytest.approx(((0 + 0 + 6) / 3, 3, 1), abs=1e-3)


def test_the_first_frame_is_that_of_the_clip_and_not_of_a_batch() -> None:
    generated, reference = (poses(*((0, 0, step * frame) for frame in range(6))) for step in (3.0, 1.0))
    in_batches = MatrixPoseError()
    in_batches.since_first = True
    for begin in (0, 4):
        in_batches.update(generated[begin : begin + 4], reference[begin : begin + 4])
    assert float(in_batches.compute()) == pytest.approx(5.0, abs=1e-3)


def test_lost_faces_are_left_out_or_count_against_the_model() -> None:
    reference, generated = poses((0, 0, 0), (0, 0, 0), (0, 0, 0)), poses((0, 0, 6), (0, 0, 0), (0, 0, 0))
    generated[1], reference[2] = torch.nan, torch.nan
    assert scored(MatrixPoseError(), generated, reference) == pytest.approx((6, 1, 2), abs=1e-3)
    strict = METRICS["pose_error_mediapipe"].opened(ScoringSetting(360, 640, CPU, Protocol.STRICT))()
    assert isinstance(strict, PoseError)
    assert scored(strict, generated, reference) == pytest.approx(((6 + AWAY) / 2, 2, 1), abs=1e-3)
    nothing = scored(MatrixPoseError(), torch.full_like(reference, torch.nan), reference)
    assert np.isnan(nothing[0])
    assert nothing[1:] == (0, 3)


def test_marks_in_their_places_give_the_rotation_wherever_the_head_is_and_however_large() -> None:
    places = np.array([mark.place for mark in MARKS])
    turns = np.stack([rotation(*np.radians(turn)) for turn in ((0, 0, 0), (25, 0, 0), (0, -15, 0), (-10, 8, 30))])
    points = (places @ turns.transpose(0, 2, 1))[..., :2] * 21.0 + (40.0, 32.0)
    points[3, 4] = np.nan
    found = rotations_of_marks(torch.from_numpy(points))
    assert angle(found, torch.from_numpy(turns)).max() < 0.2
    points[1, 3:] = np.nan
    assert rotations_of_marks(torch.from_numpy(points))[:, 0, 0].isnan().tolist() == [False, True, False, False]


def test_the_marks_of_drawn_heads_show_how_far_they_turned() -> None:
    read = SampleMarks(ExtractorSetting(CPU, Protocol.LITERATURE))
    at_rest = torch.from_numpy(read(drawn(0)[None]))
    for turn in TURNS:
        turned = torch.from_numpy(read(drawn(0, **turn)[None]))
        error = scored(MarksPoseError(), turned, at_rest)[0]
        # Turns in the picture's plane are read well; out of it, depths are those of an average face.
        assert error == pytest.approx(true_angle(turn), abs=0.3 if set(turn) == {"roll"} else 4.0), turn


def test_mediapipe_sees_how_far_drawn_heads_turned(real_data: Path) -> None:
    look = landmarker(real_data)
    at_rest = torch.from_numpy(FACES.part(look(drawn(0)[None]), POSE))
    for turn in TURNS:
        turned = torch.from_numpy(FACES.part(look(drawn(0, **turn)[None]), POSE))
        error = scored(MatrixPoseError(), turned, at_rest)[0]
        assert error == pytest.approx(true_angle(turn), abs=3.5), turn
