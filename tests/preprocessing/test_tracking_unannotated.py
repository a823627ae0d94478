"""Following subjects by detection alone: shots, several subjects, gaps."""

from pathlib import Path

import pytest

from lia_bench.preprocessing.boxes import Box, overlap
from lia_bench.preprocessing.footage import open_quickly
from lia_bench.preprocessing.search import Finding
from lia_bench.preprocessing.tracking.tubes import CropRule, TubeRule
from lia_bench.preprocessing.tracking.unannotated import SearchRule, ShotChanges, search_subjects
from tests.preprocessing.tracked import PlainFootage, ScriptedDetector, grey, true_boxes

LEFT, RIGHT = Box(60, 120, 130, 200), Box(430, 110, 500, 190)
RULE = SearchRule(tube=TubeRule(max_frames=40, crop=CropRule(10, 50, 0.1)))
SCENE = grey(640, 360)


def moved(box: Box, across: float) -> Box:
    return Box(box.left + across, box.top, box.right + across, box.bottom)


def search(script: list[list[Box]], *shots: int, rule: SearchRule = RULE) -> list[Finding]:
    """Findings in footage of 360 lines, where each shot has its own grey."""
    lengths = shots or (len(script),)
    footage = PlainFootage([(grey(640, 360, 40 + 80 * (place % 2)), length) for place, length in enumerate(lengths)])
    return search_subjects(footage, "video", ScriptedDetector(script), "train", rule)


def stretches(findings: list[Finding]) -> list[tuple[int, int]]:
    return [(finding.row.start, finding.row.end) for finding in findings]


def test_each_subject_has_a_tube_named_from_left_to_right() -> None:
    findings = search([[RIGHT, LEFT]] * 20)
    assert [(finding.clip, finding.row.bbox) for finding in findings] == [
        ("video#000", Box(47, 112, 143, 208)),
        ("video#001", Box(417, 102, 513, 198)),
    ]
    assert stretches(findings) == [(0, 20), (0, 20)]
    assert findings[0].row.person_id is None


def test_a_cut_ends_all_tubes_although_the_subjects_stay_in_place() -> None:
    assert stretches(search([[LEFT, RIGHT]] * 30, 12, 18)) == [(0, 12), (0, 12), (12, 30), (12, 30)]


def test_subjects_are_not_mixed_up_when_the_detector_names_them_in_another_order() -> None:
    script = [[moved(LEFT, index), RIGHT][:: 1 if index % 2 else -1] for index in range(20)]
    findings = search(script)
    assert stretches(findings) == [(0, 20), (0, 20)]
    assert findings[0].row.bbox.right < 200


def test_a_subject_that_is_missed_for_a_moment_goes_on_and_a_lost_one_ends_where_it_was_last_seen() -> None:
    script = [[LEFT]] * 12 + [[]] * 5 + [[LEFT]] * 12 + [[]] * 6 + [[LEFT]] * 12
    assert stretches(search(script)) == [(0, 29), (35, 47)]


def test_drift_and_length_end_a_tube() -> None:
    assert stretches(search([[moved(LEFT, 2 * index)] for index in range(40)])) == [(0, 22), (22, 40)]
    assert stretches(search([[LEFT]] * 55)) == [(0, 40), (40, 55)]


def test_a_jump_ends_a_tube() -> None:
    # The box that is seen elsewhere is another subject; the first one may come back within the gap.
    assert stretches(search([[LEFT]] * 15 + [[RIGHT]] * 15)) == [(0, 15), (15, 30)]
    assert stretches(search([[LEFT]] * 15 + [[moved(LEFT, 50)]] * 15)) == [(0, 15), (15, 30)]


def test_a_second_subject_in_the_square_ends_the_tube() -> None:
    near = moved(LEFT, 80)
    findings = search([[LEFT]] * 20 + [[LEFT, near]] * 10 + [[LEFT]] * 15)
    assert stretches(findings) == [(0, 20), (30, 45)]
    assert [finding.rejection for finding in findings] == [None, None]


def test_what_a_rule_leaves_out_is_said_and_counted() -> None:
    findings = search([[LEFT]] * 5 + [[]] * 10 + [[LEFT]] * 12)
    assert [finding.clip for finding in findings] == ["video#000", "video#001"]
    assert findings[0].rejection == "too_short: the tube has 5 frames of the 10 that are needed"
    assert findings[1].rejection is None


def test_boxes_are_measured_in_the_footage_and_frames_in_its_rate() -> None:
    footage = PlainFootage([(grey(1280, 720), 30)], fps=50)
    detector = ScriptedDetector([[LEFT]] * 30)
    (finding,) = search_subjects(footage, "video", detector, "test", RULE)
    assert finding.row.bbox == Box(94, 224, 286, 416)
    assert (finding.row.fps, finding.row.start, finding.row.end) == (50, 0, 30)
    assert detector.shapes == {(360, 640, 3)}


def test_nobody_at_all() -> None:
    assert search([[]] * 30) == []


def test_shots() -> None:
    shots = ShotChanges()
    assert [shots.begins(grey(64, 64, level)) for level in (40, 40, 60, 120, 120)] == [
        False,
        False,
        False,
        True,
        False,
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("video", "cuts"), [("raw-vox-002", [140, 300]), ("raw-tai-001", [170, 320])])
def test_cuts_of_real_footage(real_data: Path, video: str, cuts: list[int]) -> None:
    shots = ShotChanges()
    with open_quickly(real_data / "raw" / "videos" / f"{video}.mp4") as footage:
        assert [index for index in range(footage.frames) if shots.begins(footage.square_frame(index))] == cuts


@pytest.mark.slow
def test_no_cut_within_real_clips(real_data: Path) -> None:
    for clip in ("vox/driving2.mp4", "vox/driving3.mov", "taichi/driving2.mp4", "ted/driving2.mp4"):
        shots = ShotChanges()
        with open_quickly(real_data / "real" / clip) as footage:
            assert not any(shots.begins(footage.square_frame(index)) for index in range(footage.frames)), clip


@pytest.mark.slow
def test_real_footage_with_two_faces(real_data: Path) -> None:
    truth = true_boxes(real_data / "raw" / "boxes" / "raw-vox-003.csv")
    with open_quickly(real_data / "raw" / "videos" / "raw-vox-003.mp4") as footage:
        detector = ScriptedDetector([list(frame.values()) for frame in truth])
        findings = search_subjects(
            footage, "video", detector, "test", SearchRule(tube=TubeRule(crop=CropRule(64, 0, 0.0)))
        )
    for finding in findings:
        start, end = finding.row.start, finding.row.end
        boxes = [
            {subject: overlap(finding.row.bbox, box) for subject, box in frame.items()} for frame in truth[start:end]
        ]
        # One and the same subject lies in the tube all the time.
        assert len({max(frame, key=lambda subject: frame[subject]) for frame in boxes}) == 1
    assert sum(finding.row.end - finding.row.start for finding in findings) > len(truth)
