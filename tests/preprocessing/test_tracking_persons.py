"""Tubes of whole persons: the published procedure on its measured cases and on real footage."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lia_bench.core.video.reader import Frame
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.detection.detector import Detection
from lia_bench.preprocessing.footage import open_quickly
from lia_bench.preprocessing.tracking.persons import CameraWatch, PersonRule, person_tubes, search_persons
from lia_bench.preprocessing.tracking.tubes import CropRule
from tests import deterministic
from tests.conftest import golden
from tests.preprocessing.tracked import PlainFootage, ScriptedDetector, grey, true_boxes

CASES = golden("preprocess")["taichi_tubes"]["cases"]
PERSON = Box(150, 80, 250, 280)


@pytest.fixture(scope="module", autouse=True)
def each_flow_once() -> Iterator[None]:
    """Most of these videos are one picture over and over, and many are of the same."""
    known: dict[bytes, NDArray[Any]] = {}
    compute = cv2.calcOpticalFlowFarneback

    def remembered(before: NDArray[np.uint8], after: NDArray[np.uint8], *rule: Any) -> NDArray[Any]:
        pair = before.tobytes() + after.tobytes()
        if pair not in known:
            known[pair] = compute(before, after, *rule)
        return known[pair]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cv2, "calcOpticalFlowFarneback", remembered)
        yield


def picture(name: str, width: int, height: int) -> Frame:
    image = deterministic.image(name, 480, 3).transpose(1, 2, 0)
    return np.ascontiguousarray((image[:height, :width] * 255).astype(np.uint8))


def footage_of(case: dict[str, Any]) -> PlainFootage:
    first, second = (picture(name, case["frame_width"], case["frame_height"]) for name in ("tai.a", "tai.b"))
    frames = case["frames"]
    if case["video"] == "constant":
        return PlainFootage([(first, frames)])
    assert case["video"] == "image tai.a for 18 frames, then tai.b"
    return PlainFootage([(first, 18), (second, frames - 18)])


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_published_cases(case: dict[str, Any]) -> None:
    options = case["options"]
    rule = PersonRule(
        max_frames=options.get("max_frames", 1024),
        every=options.get("sample_rate", 1),
        crop=CropRule(options["min_frames"], options["min_size"], 0.0),
    )
    script = [
        [Detection(Box(*seen["box"]), seen["score"], seen["head"], seen["feet"]) for seen in frame]
        for frame in case["detections"]
    ]
    findings = search_persons(footage_of(case), "video", ScriptedDetector(script), "train", rule)
    rows = [finding.row for finding in findings if finding.rejection is None]
    assert [{"start": row.start, "end": row.end, "bbox": list(row.bbox)} for row in rows] == case["rows"]


def test_rows_have_the_rate_of_the_video_and_published_names() -> None:
    apart = [Box(60, 120, 130, 250), Box(330, 125, 400, 255)]
    footage = PlainFootage([(grey(480, 360), 40)], fps=29.97)
    findings = search_persons(
        footage, "abc", ScriptedDetector([apart] * 40), "test", PersonRule(crop=CropRule(10, 100, 0.0))
    )
    assert [finding.clip for finding in findings] == ["abc#000000#000040", "abc#000000#000040#2"]
    assert dict(findings[0].row.text) == {
        **{"video_id": "abc", "person_id": "", "start": "0", "end": "40", "bbox": "23-113-166-256"},
        **{"fps": "29.97", "width": "480", "height": "360", "partition": "test"},
    }


def test_what_a_rule_leaves_out_is_said_but_not_every_frame_of_a_crowd() -> None:
    crowd = [PERSON, Box(200, 90, 300, 290)]
    script = [[PERSON]] * 8 + [crowd] * 12 + [[PERSON]] * 10
    findings = search_persons(
        PlainFootage([(grey(480, 360), 30)]),
        "video",
        ScriptedDetector(script),
        "train",
        PersonRule(crop=CropRule(10, 100, 0)),
    )
    assert [(finding.row.start, finding.row.end, finding.rejection) for finding in findings] == [
        (0, 8, "too_short: the tube has 8 frames of the 10 that are needed"),
        (19, 30, None),
    ]


def test_a_video_that_is_too_small_to_be_looked_at_says_so() -> None:
    footage = PlainFootage([(grey(480, 299), 40)])
    (finding,) = search_persons(footage, "abc", ScriptedDetector([[PERSON]] * 40), "train")
    assert finding.rejection == "frame_too_small: the shorter side has 299 pixels of the 300 that a search needs"
    assert (finding.clip, finding.row.bbox) == ("abc#000000#000040", Box(0, 0, 480, 299))
    assert footage.read == []


def test_persons_who_are_never_alone_are_not_said_to_be_absent() -> None:
    crowd = [PERSON, Box(200, 90, 300, 290)]
    footage = PlainFootage([(grey(480, 360), 20)])
    (finding,) = search_persons(footage, "abc", ScriptedDetector([crowd] * 20), "train")
    assert finding.rejection == "too_short: persons are seen, but none stays alone in a square beyond a frame"


def test_no_video_gives_more_clips_than_the_limit() -> None:
    rule = PersonRule(max_frames=10, max_clips=2, crop=CropRule(10, 100, 0.0))
    findings = search_persons(
        PlainFootage([(grey(480, 360), 40)]), "video", ScriptedDetector([[PERSON]] * 40), "train", rule
    )
    assert [finding.rejection for finding in findings] == [None, None] + ["too_many: the video has 2 clips already"] * 2


def test_a_moving_camera_and_a_change_of_light() -> None:
    scene = picture("tai.a", 480, 480)
    darker = (scene * 0.5).astype(np.uint8)
    grain = np.random.default_rng(0).integers(0, 255, (60, 60, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    camera = CameraWatch(motion=1.0, light=1.5)
    assert [camera.changed(frame) for frame in (scene, scene, darker, darker)] == [False, False, True, False]
    camera = CameraWatch(motion=1.0, light=300.0)
    assert [camera.changed(frame) for frame in (grain, np.roll(grain, 6, axis=1), grain)] == [False, True, True]


def test_few_frames_are_in_memory() -> None:
    footage = PlainFootage([(grey(480, 360), 200)])
    tubes = person_tubes(footage, ScriptedDetector([[PERSON]] * 100 + [[]] * 100), PersonRule())
    assert next(tubes).end == 100
    assert max(footage.read) < 110


@pytest.mark.slow
def test_real_footage_gives_the_rows_of_the_published_procedure(real_data: Path) -> None:
    """The person's box is the one that grows to the pasted square."""
    script = []
    for boxes in true_boxes(real_data / "raw" / "boxes" / "raw-tai-001.csv"):
        for left, top, right, bottom in boxes.values():
            inset = (right - left) / 1.1 * 0.05
            script.append([Box(left + inset, top + inset, right - inset, bottom - inset)])
    with open_quickly(real_data / "raw" / "videos" / "raw-tai-001.mp4") as footage:
        findings = search_persons(footage, "raw-tai-001", ScriptedDetector(script), "test")
    with (real_data / "raw" / "metadata" / "raw-tai-metadata.csv").open(newline="") as file:
        expected = [{**row, "person_id": "", "fps": "25"} for row in csv.DictReader(file)]
    assert [dict(finding.row.text) for finding in findings if finding.rejection is None] == expected
    assert [finding.rejection for finding in findings[2:]] == [
        "too_short: the tube has 60 frames of the 128 that are needed"
    ]
