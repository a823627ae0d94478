"""Measures of motion and of faces over whole clips: what is measured in which task, and why nothing is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lia_bench.core.video import write_png_folder, write_video
from lia_bench.leaderboards.board.evaluation import evaluation_board
from lia_bench.leaderboards.evaluation.evaluate import evaluate
from lia_bench.leaderboards.evaluation.request import EvaluationOutcome, EvaluationRequest, ScoreRequest
from lia_bench.leaderboards.evaluation.score import score
from lia_bench.leaderboards.results.report_file import read_report
from tests.leaderboards.test_evaluation import read
from tests.leaderboards.toys import write_dataset
from tests.metrics.motion.drawn_heads import drawn
from tests.preprocessing.detectors import install_real

OF_FACES = ("pose_error", "expression_error", "jitter", "l1_face", "l1_eyes", "l1_mouth", "l1_background")
MEASURES = (*OF_FACES, "flicker")


def head(person: int = 0, **motion: float) -> np.ndarray:
    """A drawn frame, cut to the head."""
    return drawn(person, **motion).permute(1, 2, 0).numpy()[40:296, 190:446]


@pytest.fixture
def folders(tmp_path: Path, real_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """driving/ and made/ with a clip that loses the face, one of a single frame, and one in which nobody is."""
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path / "home"))
    install_real("face-landmarker", real_data)
    nobody = np.full((256, 256, 3), 90, np.uint8)
    turned = [head(), head(roll=5.0), head(roll=10.0), head(roll=10.0)]
    films = {
        "driving": {"loses": turned, "short": [head()], "void": [nobody] * 3},
        "made": {"loses": [head(), head(), head(roll=10.0), nobody], "short": [head(roll=10.0)], "void": [head()] * 3},
    }
    for side, clips in films.items():
        for name, frames in clips.items():
            write_png_folder(tmp_path / side / name, frames)
    return tmp_path


def scored(folders: Path, **fields: Any) -> EvaluationOutcome:
    usual: dict[str, Any] = {"generated": folders / "made", "reference": folders / "driving", "subject": "face"}
    usual |= {"metrics": MEASURES, "device": "cpu", "name": "table", "results": folders / "results", "videos": False}
    return score(ScoreRequest(**(usual | fields)))


def remarks(outcome: EvaluationOutcome) -> list[str]:
    """The lines below the printed tables."""
    groups = evaluation_board(read_report(outcome.report.folder)).groups
    return [line for group in groups for line in group.remarks or ()]


def test_lost_faces_and_short_clips_are_counted_and_never_made_up(folders: Path) -> None:
    outcome = scored(folders)
    clips = {row["clip"]: row for row in read(outcome.per_clip)}
    (row,) = read(outcome.leaderboard)
    assert float(clips["loses"]["pose_error"]) == pytest.approx(5 / 3, abs=0.7)
    assert float(clips["short"]["pose_error"]) == pytest.approx(10, abs=1.5)
    assert float(clips["loses"]["l1_face"]) > 0
    # A frame without a face is missing, and one that has none before it is none at all.
    counts = {name: (int(row[f"{name}_frames"]), int(row[f"{name}_missing"])) for name in MEASURES}
    assert counts["pose_error"] == counts["expression_error"] == (3 + 1, 1 + 3)
    assert counts["jitter"] == (1, 1 + 1)
    assert counts["l1_face"] == counts["l1_background"] == (4 + 1, 3)
    assert counts["flicker"] == (3 + 2, 0)
    assert clips["short"]["jitter"] == clips["short"]["flicker"] == ""
    assert "flicker: clips left out: made 1 of 3 (too short: it looks at several frames at once)" in remarks(outcome)
    assert all(clips["void"][name] == "" for name in OF_FACES)


def test_a_clip_too_short_and_one_without_a_face_say_why_nothing_is_measured(folders: Path) -> None:
    reasons = {}
    for clip in ("short", "void"):
        write_png_folder(folders / clip / clip, [head() if clip == "short" else np.zeros((256, 256, 3), np.uint8)] * 1)
        outcome = scored(folders, reference=folders / clip, name=clip, generated=folders / clip)
        reasons[clip] = {cell.metric: cell.reason or "" for cell in read_report(outcome.report.folder).cells}
    assert "too short" in reasons["short"]["jitter"]
    assert "too short" in reasons["short"]["flicker"]
    assert reasons["short"]["pose_error"] == reasons["short"]["l1_eyes"] == ""
    assert all("nothing was found" in reasons["void"][name] for name in ("pose_error", "l1_face", "l1_background"))


def test_relative_transfer_is_measured_since_the_first_frame_and_named_in_the_row(folders: Path) -> None:
    films = {
        "moved": [head(roll=angle) for angle in (10.0, 15.0)],
        "leading": [head(roll=angle) for angle in (0.0, 5.0)],
    }
    for side, frames in films.items():
        write_png_folder(folders / side / "a", frames)
    values = {}
    for transfer in ("absolute", "relative"):
        outcome = scored(
            folders, generated=folders / "moved", reference=folders / "leading", name=transfer, transfer=transfer
        )
        (row,) = read(outcome.leaderboard)
        assert row["transfer"] == transfer
        values[transfer] = float(row["pose_error"])
    assert values["absolute"] == pytest.approx(10, abs=1.5)
    assert values["relative"] < 1.5


def test_videos_of_other_rates_are_compared_frame_by_frame(folders: Path) -> None:
    frames = [head(), head(roll=5.0), head(roll=10.0)]
    for side, rate in (("slow", 10.0), ("fast", 50.0)):
        write_video(folders / side / "a.mp4", iter(frames), rate)
    (row,) = read(scored(folders, generated=folders / "fast", reference=folders / "slow").leaderboard)
    assert float(row["pose_error"]) < 1
    assert all(0 <= float(row[name]) < 0.02 for name in MEASURES if name not in ("pose_error", "jitter"))


def test_the_cross_task_measures_motion_and_says_what_needs_a_true_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path / "home"))
    write_dataset(tmp_path / "data" / "toys", size=64)
    outcome = evaluate(
        EvaluationRequest(
            ("identity",), "toys", tasks=("cross",), metrics=("l1", *MEASURES), subject="sample", device="cpu",
            data=tmp_path / "data", results=tmp_path / "results", limit=1, videos=False,
        )
    )  # fmt: skip
    reasons = {cell.metric: cell.reason or "" for cell in read_report(outcome.report.folder).cells}
    assert all("no true frame" in reasons[name] for name in ("l1", "flicker"))
    # These clips are noise, so that no marks are found: it was looked for them.
    assert all("nothing was found" in reasons[name] for name in ("pose_error", "jitter"))
    assert all("show face alone" in reasons[name] for name in ("expression_error", "l1_face", "l1_eyes"))
