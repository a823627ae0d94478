"""Tubes along annotations: the published rule, and real footage with its true boxes as detections."""

import csv
from pathlib import Path

import pytest

from lia_bench.core.errors import InputError
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.detection.detector import Detection
from lia_bench.preprocessing.footage import open_quickly
from lia_bench.preprocessing.recipes.vox import voxceleb_partition
from lia_bench.preprocessing.search import Finding
from lia_bench.preprocessing.tracking.annotated import (
    Utterance,
    annotated_tubes,
    face_of,
    read_utterance,
    search_utterance,
)
from lia_bench.preprocessing.tracking.tubes import CropRule, TubeRule
from tests.conftest import golden
from tests.preprocessing.tracked import PlainFootage, ScriptedDetector, grey, true_boxes

TUBES = golden("preprocess")["tubes"]
FACE = Box(100, 60, 250, 240)


@pytest.mark.parametrize("case", TUBES, ids=[case["name"] for case in TUBES])
def test_tubes(case: dict[str, object]) -> None:
    boxes = [Box(*box) for box in case["boxes"]]  # type: ignore[attr-defined]
    rule = TubeRule(case["iou_with_initial"], case["max_frames"])  # type: ignore[arg-type]
    offset = round(case["chunk_start"] * 25)  # type: ignore[operator]
    found = [
        {"start": tube.start + offset, "end": tube.end + offset, "frames": tube.frames, "tube": list(tube.box)}
        for tube in annotated_tubes(boxes, case["frames"], rule)  # type: ignore[arg-type]
    ]
    assert found == case["segments"]


def test_the_annotated_face_is_taken_however_little_it_overlaps() -> None:
    near, far = Box(90, 50, 260, 250), Box(400, 60, 500, 200)
    assert face_of(FACE, [Detection(far, 0.99), Detection(near, 0.6)]) == near
    assert face_of(FACE, [Detection(far, 0.6)]) == far
    assert face_of(FACE, []) == Box(0, 0, 0, 0)


def utterance(first: int, last: int) -> Utterance:
    return Utterance("id1", "video", "00007", first, last, (FACE,) * (last - first + 1))


def test_rows_count_at_25_frames_a_second_and_boxes_in_pixels_of_the_footage() -> None:
    footage = PlainFootage([(grey(1280, 720), 400)], fps=50)
    detector = ScriptedDetector([[FACE]] * 100)
    (finding,) = search_utterance(footage, utterance(10, 110), detector, "train")
    row = finding.row
    assert (finding.clip, finding.rejection) == ("id1#video#00007#000", None)
    assert (row.video_id, row.person_id, row.start, row.end, row.fps) == ("video", "id1", 10, 110, 25)
    # The face times 2, grown by a tenth of its height at top and bottom and to a square.
    assert (row.bbox, row.width, row.height) == (Box(134, 84, 566, 516), 1280, 720)
    assert footage.read == list(range(20, 220, 2))
    assert detector.shapes == {(360, 640, 3)}
    assert max(detector.batches) <= 16


def test_slow_footage_shows_frames_twice() -> None:
    footage = PlainFootage([(grey(640, 360), 40)], fps=12.5)
    search_utterance(footage, utterance(0, 6), ScriptedDetector([[FACE]] * 6), "train")
    assert footage.read == [0, 1, 1, 2, 2, 3]


def test_numbers_count_tubes_that_are_left_out() -> None:
    script = [[FACE]] * 30 + [[]] * 5 + [[FACE]] * 65
    rule = TubeRule(crop=CropRule(64, 100, 0.1))
    findings = search_utterance(
        PlainFootage([(grey(640, 360), 100)]), utterance(0, 100), ScriptedDetector(script), "test", rule
    )
    assert [(finding.clip[-3:], finding.row.start, finding.row.end) for finding in findings] == [
        ("000", 0, 30),
        ("002", 35, 100),
    ]
    assert findings[0].rejection == "too_short: the tube has 30 frames of the 64 that are needed"
    assert findings[1].rejection is None


def test_nobody_is_seen() -> None:
    footage = PlainFootage([(grey(640, 360), 100)])
    assert search_utterance(footage, utterance(0, 100), ScriptedDetector([[]] * 100), "train") == []


def test_a_rejected_tube_has_its_box_within_the_frame() -> None:
    script = [[Box(-40, 200, 200, 400)]] * 70
    (finding,) = search_utterance(
        PlainFootage([(grey(640, 360), 70)]),
        utterance(0, 70),
        ScriptedDetector(script),
        "train",
        TubeRule(crop=CropRule(64, 0, 0.1)),
    )
    assert finding.rejection is not None
    assert finding.rejection.startswith("beyond_border: ")
    assert finding.row.bbox == Box(0, 200, 200, 360)


def test_footage_that_ends_within_or_before_the_utterance() -> None:
    footage = PlainFootage([(grey(640, 360), 80)])
    (finding,) = search_utterance(footage, utterance(10, 110), ScriptedDetector([[FACE]] * 70), "train")
    assert (finding.row.start, finding.row.end) == (10, 80)
    with pytest.raises(InputError, match=r"id1/video/00007: it begins at 3\.2 s, behind the 80 frames of video\.mp4"):
        search_utterance(footage, utterance(80, 180), ScriptedDetector([]), "train")


def search_with_true_boxes(real_data: Path, video: str, rule: TubeRule) -> list[Finding]:
    """Every annotated stretch of a video, where the detector sees all true faces."""
    truth = true_boxes(real_data / "raw" / "boxes" / f"{video}.csv")
    findings: list[Finding] = []
    with open_quickly(real_data / "raw" / "videos" / f"{video}.mp4") as footage:
        factor = 360 / footage.height
        for path in sorted((real_data / "raw" / "txt").glob(f"*/{video}/*.txt")):
            annotated = read_utterance(path, footage.width / footage.height)
            script = [
                [Box(*(side * factor for side in box)) for box in frame.values()]
                for frame in truth[annotated.first_frame : annotated.last_frame]
            ]
            partition = voxceleb_partition(annotated.person_id)
            findings += search_utterance(footage, annotated, ScriptedDetector(script), partition, rule)
    return findings


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "videos", "min_size"),
    [
        ("raw-vox-metadata.csv", ("raw-vox-001", "raw-vox-002", "raw-vox-003"), 256),
        ("raw-vox-metadata-min96.csv", ("raw-vox-003",), 96),
    ],
)
def test_real_footage_gives_the_rows_of_the_published_procedure(
    real_data: Path, table: str, videos: tuple[str, ...], min_size: int
) -> None:
    rule = TubeRule(crop=CropRule(64, min_size, 0.1))
    findings = [finding for video in videos for finding in search_with_true_boxes(real_data, video, rule)]
    with (real_data / "raw" / "metadata" / table).open(newline="") as file:
        expected = list(csv.DictReader(file))
    assert [dict(finding.row.text) for finding in findings if finding.rejection is None] == expected
    assert any(finding.rejection for finding in findings)
