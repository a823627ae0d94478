"""THEval's numbers from given points, angles, sounds and stretches of speech, held against its public scripts'."""

import math
from typing import Any

import numpy as np
import pytest

from lia_bench.core.errors import InputError
from lia_bench.leaderboards.results.published import rows_of_paper
from lia_bench.metrics.theval.definitions import GROUPS, MEASURES, SCORE, check_same_tools, closeness, score_of, scores
from lia_bench.metrics.theval.naturalness import eyebrow_dynamics, head_motion, lip_dynamics
from lia_bench.metrics.theval.synchronization import (
    lip_stability,
    lip_sync,
    loudness,
    mouth_gaps,
    mouth_openings,
    silent_frames,
    spoken_frames,
)
from lia_bench.metrics.theval.video_metric import Floats, Marks, scaled
from tests.conftest import golden

THEVAL = golden("theval")
CLIPS = THEVAL["landmarks"]["clips"]
EXACT = 1e-9


def points_of(clip: dict[str, Any]) -> Floats:
    """(T, 478, 2) in fractions, NaN where there is no face."""
    empty = [math.nan] * 956
    rows = np.array([empty if row is None else row for row in clip["landmarks_millionths"]], dtype=np.float64)
    return rows.reshape(-1, 478, 2) / 1e6


def series(values: list[float | None]) -> Floats:
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)


def ranges(frames: Marks) -> list[list[int]]:
    """First and last frame of every run of marked frames."""
    places = np.flatnonzero(frames)
    runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    return [[int(run[0]), int(run[-1])] for run in runs if len(run)]


@pytest.mark.parametrize("name", CLIPS)
def test_all_values_from_landmarks(name: str) -> None:
    clip = CLIPS[name]
    points, values = points_of(clip), clip["values"]
    spoken = spoken_frames(clip["speech_seconds"], clip["fps"], clip["frames"])
    silent = silent_frames(clip["speech_seconds"], clip["fps"], clip["frames"])
    gaps, openings = mouth_gaps(scaled(points, 256, 256)), mouth_openings(points)
    assert lip_dynamics(scaled(points, 256, 256)) == pytest.approx(values["lip_dynamics"], rel=EXACT)
    for width, height in ((256, 256), (640, 360)):
        brows = values[f"eyebrow_dynamics_{width}x{height}"]
        assert eyebrow_dynamics(scaled(points, width, height)) == pytest.approx(brows, rel=EXACT)
    assert np.flatnonzero(silent).tolist() == clip["silent_frames"]
    # Openings are printed to nine digits behind the point.
    assert gaps == pytest.approx(series(clip["opening_silent"]), abs=6e-10, nan_ok=True)
    assert openings == pytest.approx(series(clip["opening_lip_sync"]), abs=6e-10, nan_ok=True)
    faces = np.isfinite(gaps)
    assert lip_stability(gaps[faces]) == pytest.approx(values["silent_lip_stability_all_frames"], rel=EXACT)
    assert lip_stability(gaps[faces & silent]) == pytest.approx(values["silent_lip_stability"], rel=EXACT)
    assert lip_sync(openings, np.array(clip["volume"]), spoken) == pytest.approx(values["lip_sync"], rel=EXACT)


@pytest.mark.parametrize("case", THEVAL["head_motion"]["cases"], ids=lambda case: case["name"])
def test_head_motion_from_angles(case: dict[str, Any]) -> None:
    angles = np.transpose([case["pitch"], case["yaw"], case["roll"]])
    places = [case[key] or [0.0] * len(angles) for key in ("cx", "cy")]
    assert head_motion(angles, np.transpose(places)) == pytest.approx(case["value"], rel=EXACT)
    if len(angles) > 2:
        assert np.diff(angles, axis=0).var(axis=0) == pytest.approx(case["smoothness"], rel=EXACT)


@pytest.mark.parametrize("case", THEVAL["frames"]["cases"], ids=lambda case: case["name"])
def test_frames_of_speech_and_silence(case: dict[str, Any]) -> None:
    of = case["speech_seconds"], case["fps"], case["frames"]
    assert ranges(silent_frames(*of)) == case["silent_frame_ranges"]
    assert ranges(spoken_frames(*of)) == case["speech_frame_ranges"]
    assert spoken_frames(*of).mean() == pytest.approx(case["speech_ratio"], rel=EXACT)


@pytest.mark.parametrize("case", THEVAL["volume"]["cases"], ids=lambda case: case["name"])
def test_loudness_at_the_frames(case: dict[str, Any]) -> None:
    seconds = np.arange(case["samples"]) / case["rate"]
    sound = (0.2 + 0.15 * np.sin(2 * np.pi * 1.7 * seconds)) * np.sin(2 * np.pi * 220 * seconds)
    volumes = loudness(sound.astype(np.float32), case["rate"], np.arange(case["frames"]) / case["fps"])
    # Printed to seven digits behind the point, and computed in single precision there.
    assert volumes == pytest.approx(case["volume"], rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("case", THEVAL["lip_sync_series"]["cases"], ids=lambda case: case["name"])
def test_lip_sync_from_series(case: dict[str, Any]) -> None:
    openings = series(case["opening"])
    spoken = spoken_frames(case["speech_seconds"], case["fps"], len(openings))
    value = lip_sync(openings, series(case["volume"]), spoken)
    assert value == (None if case["value"] is None else pytest.approx(case["value"], rel=EXACT))


@pytest.mark.parametrize("name", ["real_driving2", "real_obama"])
def test_series_of_whole_videos(name: str) -> None:
    video = THEVAL["videos"][name]
    of = video["sound"]["speech_seconds"], video["fps"], video["frames"]
    if video["lip_sync"]["frames"]:
        assert int(spoken_frames(*of).sum()) == video["lip_sync"]["frames"]
    if "opening" in video["lip_sync"]:
        opening, volume = (series(video["lip_sync"][key]) for key in ("opening", "volume"))
        # From series of few printed digits.
        assert lip_sync(opening, volume, spoken_frames(*of)) == pytest.approx(video["lip_sync"]["wav"], rel=1e-4)
    stability = video["silent_lip_stability"]
    silent = np.flatnonzero(silent_frames(*of))
    assert len(silent) == stability["frames"]
    if "silent_frames" in stability:
        assert silent.tolist() == stability["silent_frames"]
        assert lip_stability(series(stability["opening"])) == pytest.approx(stability["more_digits"], rel=1e-4)


def in_our_words(values: dict[str, float]) -> dict[str, float]:
    """Without the word by which the published tables call the motion of heads longer."""
    return {name.replace("head_motion_dynamics", "head_motion"): value for name, value in values.items()}


@pytest.mark.parametrize("case", THEVAL["final_score"]["cases"], ids=lambda case: case["name"])
def test_scores_against_the_ground_truth(case: dict[str, Any]) -> None:
    found, reasons = scores(in_our_words(case["raw"]), in_our_words(THEVAL["final_score"]["ground_truth"]))
    assert reasons == {}
    expected = {score_of(name): value for name, value in in_our_words(case["score"]).items()}
    for group in ("video_quality", "naturalness", "synchronization"):
        expected[f"{group}_score"] = case[group]
    assert found == pytest.approx({**expected, SCORE: case["final"]}, rel=EXACT)


def test_the_published_final_scores_are_the_means_of_their_eight() -> None:
    rows = [row for row in rows_of_paper("theval", "leaderboard") if row.note.endswith("-driven")]
    assert len(rows) == 17
    for row in rows:
        mean = sum(row.values[score_of(measure)] for measure in MEASURES) / len(MEASURES)
        # Each of the eight, and the mean, is rounded to four digits.
        assert row.values[SCORE] == pytest.approx(mean, abs=1.01e-4)


def test_a_score_that_cannot_be_had_says_why() -> None:
    truth = dict.fromkeys(MEASURES, 2.0) | {"lip_sync": 0.0}
    values = {measure: 1.0 for measure in MEASURES if measure != "mouth_quality"}
    found, reasons = scores(values, truth)
    assert found["lip_dynamics_score"] == 0.5
    assert found["naturalness_score"] == 0.5
    assert reasons["mouth_quality_score"] == "its metric has no value"
    assert reasons["lip_sync_score"] == "its metric has the value 0 of the true videos"
    assert reasons[SCORE] == "a mean of scores of which some are missing"
    assert not {"video_quality_score", "synchronization_score", SCORE} & found.keys()
    assert closeness(1.0, 0.0) is None
    assert found.keys() | reasons.keys() == {*map(score_of, MEASURES), *GROUPS}


def test_values_of_other_tools_are_never_held_against_each_other() -> None:
    (published,) = [row for row in rows_of_paper("theval", "ground-truth") if "lip_dynamics" in row.values]
    ours = {"lip_dynamics": "lip_dynamics_mediapipe(face_landmarker.task#64184e22)"}
    with pytest.raises(InputError, match=r"tools that nobody names.*--reference"):
        check_same_tools(ours, {published.extractors: ""})
    with pytest.raises(InputError, match="pose_landmarker"):
        check_same_tools(ours, {"lip_dynamics": "lip_dynamics_other(pose_landmarker.task)"})
    check_same_tools(ours, ours)
