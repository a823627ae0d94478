"""UvA-Nemo: one box from the first frame for a whole video."""

from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.recipes.nemo import search_first_frame
from tests.preprocessing.tracked import PlainFootage, ScriptedDetector, grey


def test_the_first_face_of_the_first_frame_holds_for_the_whole_video() -> None:
    footage = PlainFootage([(grey(1920, 1080), 300)], fps=50)
    detector = ScriptedDetector([[Box(250, 100, 350, 220), Box(0, 0, 50, 50)]])
    finding = search_first_frame(footage, "004_deliberate_smile_1", "004", detector, "test")
    assert finding is not None
    assert (finding.clip, finding.rejection) == ("004_deliberate_smile_1", None)
    # Times 3: 750 300 1050 660; the height grows by a tenth at both ends and the width to the same.
    assert dict(finding.row.text) == {
        **{"video_id": "004_deliberate_smile_1", "person_id": "004", "start": "0", "end": "300"},
        **{"bbox": "684-264-1116-696", "fps": "50", "width": "1920", "height": "1080", "partition": "test"},
    }
    assert footage.read == [0]
    assert detector.shapes == {(360, 640, 3)}


def test_another_aspect_is_not_kept() -> None:
    finding = search_first_frame(
        PlainFootage([(grey(640, 720), 9)]), "video", None, ScriptedDetector([[Box(200, 100, 400, 200)]]), "train"
    )
    assert finding is not None
    assert finding.row.bbox == Box(180, 180, 420, 420)


def test_a_face_at_the_border_and_no_face() -> None:
    footage = PlainFootage([(grey(640, 360), 9)])
    finding = search_first_frame(footage, "video", None, ScriptedDetector([[Box(2, 100, 100, 200)]]), "train")
    assert finding is not None
    assert finding.rejection is not None
    assert finding.rejection.startswith("beyond_border: ")
    assert search_first_frame(footage, "video", None, ScriptedDetector([[]]), "train") is None
