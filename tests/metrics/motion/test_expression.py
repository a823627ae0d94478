"""expression_error: shapes that differ by a known amount, and drawn faces that move."""

from pathlib import Path

import pytest
import torch

from lia_bench.metrics.extractors.mediapipe_landmarks import BLENDSHAPES, EXPRESSION, FACES
from lia_bench.metrics.motion.face_state import ExpressionError
from lia_bench.metrics.registry import METRICS
from lia_bench.metrics.specification import Protocol, ScoringSetting
from tests.metrics.motion.drawn_heads import CPU, drawn, landmarker

JAW_OPEN = 25  # of the blendshapes


def test_the_error_is_the_mean_difference_of_the_shapes() -> None:
    reference = torch.rand(3, BLENDSHAPES, generator=torch.Generator().manual_seed(0)) / 2
    generated = reference.clone()
    generated[1, :13] += 0.4
    meter = ExpressionError()
    meter.update(generated, reference)
    assert float(meter.compute()) == pytest.approx(0.4 * 13 / 52 / 3, abs=1e-6)


def test_a_face_that_looks_otherwise_but_changes_alike_has_no_error_in_relative_transfer() -> None:
    reference = torch.rand(4, BLENDSHAPES, generator=torch.Generator().manual_seed(0)) / 2
    for since_first, expected in ((False, 0.25), (True, 0.0)):
        meter = ExpressionError()
        meter.since_first = since_first
        meter.update(reference + 0.25, reference)
        assert float(meter.compute()) == pytest.approx(expected, abs=1e-6)


def test_a_lost_face_counts_as_much_as_shapes_can_differ_in_the_strict_protocol() -> None:
    reference = torch.zeros(4, BLENDSHAPES)
    generated = reference.clone()
    generated[0] = torch.nan
    for protocol, expected, missing in ((Protocol.LITERATURE, 0.0, 1), (Protocol.STRICT, 0.25, 0)):
        meter = METRICS["expression_error_mediapipe"].opened(ScoringSetting(360, 640, CPU, protocol))()
        assert isinstance(meter, ExpressionError)
        meter.update(generated, reference)
        assert (float(meter.compute()), int(meter.missing_frames)) == (expected, missing)


def test_a_drawn_mouth_that_opens_is_an_error_of_the_jaw(real_data: Path) -> None:
    look = landmarker(real_data)
    shut, half, wide = (
        torch.from_numpy(FACES.part(look(drawn(0, jaw=jaw)[None]), EXPRESSION)) for jaw in (0.0, 0.5, 1.0)
    )
    assert shut[0, JAW_OPEN] < half[0, JAW_OPEN] < wide[0, JAW_OPEN]
    errors = []
    for opened in (shut, half, wide):
        meter = ExpressionError()
        meter.update(opened, shut)
        errors.append(float(meter.compute()))
    assert errors[0] == 0 < errors[1] < errors[2]
