"""THEval over folders of videos: by a landmarker that knows the golden's faces from greys, and by the real one."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from lia_bench.cli.main import run
from lia_bench.core.video.sound import mono_sound
from lia_bench.leaderboards.evaluation import theval
from lia_bench.leaderboards.evaluation.request import EvaluationOutcome, ScoreRequest
from lia_bench.leaderboards.evaluation.score import score
from lia_bench.leaderboards.results.measurement import measurements
from lia_bench.metrics.extractors import pyiqa_quality
from lia_bench.metrics.extractors.extractor import EXTRACTORS, ExtractorSetting
from lia_bench.metrics.extractors.mediapipe_landmarks import FACES, POSE
from lia_bench.metrics.specification import Protocol
from lia_bench.metrics.theval import synchronization
from lia_bench.metrics.theval.definitions import score_of
from lia_bench.metrics.theval.synchronization import RATE, SpeechDetector
from lia_bench.metrics.theval.video_metric import Stretch
from tests.animation.toys import grey_frames, write_film
from tests.conftest import golden
from tests.leaderboards.test_evaluation import read
from tests.preprocessing.detectors import install_real

THEVAL = golden("theval")
CLIPS = THEVAL["landmarks"]["clips"]
STEP = 5
NO_FACE = 250
SEEN: list[int] = []
"""Frames that the landmarker has looked at, call by call."""


class Faces:
    """The face of the golden's clip `vox_a_x2face` that a frame's grey names; its head does not turn."""

    def __init__(self, setting: ExtractorSetting) -> None:
        """Works in every setting."""
        self._rows = CLIPS["vox_a_x2face"]["landmarks_millionths"]

    def __call__(self, frames: Tensor) -> NDArray[np.float32]:
        SEEN.append(len(frames))
        rows = np.full((len(frames), *FACES.shape), np.nan, dtype=np.float32)
        place = FACES.parts[POSE].begin
        for row, frame in zip(rows, frames.numpy(), strict=True):
            number = round(float(frame.mean()) / STEP)
            if number < len(self._rows) and self._rows[number] is not None:
                scale = np.tile([frame.shape[2], frame.shape[1]], 478)
                row[: 2 * 478] = np.array(self._rows[number]) / 1e6 * scale
                row[place : place + 16] = np.eye(4).ravel()
        return rows


class Speech:
    """What the golden says of the clip, whatever is heard."""

    def __call__(self, samples: NDArray[np.float32]) -> Sequence[Stretch]:
        return [(begin, end) for begin, end in CLIPS["vox_a_x2face"]["speech_seconds"]]


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The faces above in place of MediaPipe's."""
    SEEN.clear()
    known = replace(EXTRACTORS["mediapipe-face"], build=f"{__name__}:Faces", weights=(), library="")
    monkeypatch.setitem(EXTRACTORS._load(), "mediapipe-face", known)
    monkeypatch.setattr(theval, "SpeechDetector", Speech)


def film(path: Path, numbers: Sequence[int], fps: int = 10, seconds: float | None = None) -> None:
    """A video of the faces of these numbers, NO_FACE where there is none; with so many seconds of sound."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = None
    if seconds is not None:
        times = np.arange(round(seconds * RATE)) / RATE
        sound = (0.3 * np.sin(2 * np.pi * 300 * times) * np.abs(np.sin(3 * times)))[None].astype(np.float32)
    greys = [min(NO_FACE, number * STEP) for number in numbers]
    write_film(path, grey_frames(greys, 64, 64), Fraction(fps), sound, "pcm_s16le", RATE)


def scored(folder: Path, **fields: Any) -> EvaluationOutcome:
    return score(
        ScoreRequest(
            generated=folder / "made",
            protocol=Protocol.THEVAL,
            device="cpu",
            batch_size=16,
            results=folder / "results",
            **fields,
        )
    )


def reasons(outcome: EvaluationOutcome) -> dict[str, str]:
    return {cell.metric: cell.reason or "" for cell in outcome.report.content.cells}


@pytest.mark.usefixtures("toys")
def test_the_goldens_values_from_videos_with_frames_and_sounds_that_lack_faces_and_ends(tmp_path: Path) -> None:
    film(tmp_path / "made" / "whole.mkv", range(40), seconds=4)
    film(tmp_path / "made" / "short.mkv", range(40), seconds=2.5)
    film(tmp_path / "made" / "mute.mkv", range(40))
    outcome = scored(tmp_path)
    values = CLIPS["vox_a_x2face"]["values"]
    clips = {row["clip"]: row for row in read(outcome.per_clip)}
    for clip in clips.values():
        assert float(clip["lip_dynamics"]) == pytest.approx(values["lip_dynamics"], rel=1e-5)
        assert float(clip["eyebrow_dynamics"]) == pytest.approx(values["eyebrow_dynamics_256x256"], rel=1e-4)
    for name in ("whole", "short"):
        # Of the golden's silent frames; what is heard in them does not matter.
        assert float(clips[name]["silent_lip_stability"]) == pytest.approx(values["silent_lip_stability"], rel=1e-4)
        assert 0 < float(clips[name]["lip_sync"]) < 1
    assert clips["mute"]["lip_sync"] == clips["mute"]["silent_lip_stability"] == ""
    (one,) = measurements(outcome.report.content)
    assert one.counts("lip_dynamics") == (3 * 22, 3 * 18)
    assert one.reasons("lip_sync") == {"no sound track": 1}
    assert "--reference" in reasons(outcome)["theval_score"]
    (row,) = read(outcome.leaderboard)
    assert row["protocol"] == "theval"
    assert "lip_sync=lip_sync_mediapipe(mediapipe-face+mediapipe-" in row["extractors"]
    assert "silero-vad-5.1.2" in row["extractors"]


@pytest.mark.usefixtures("toys")
def test_clips_without_faces_and_of_one_frame_have_defined_values_or_a_reason(tmp_path: Path) -> None:
    film(tmp_path / "made" / "nobody.mkv", [NO_FACE] * 5)
    outcome = scored(tmp_path, name="nobody")
    assert reasons(outcome)["lip_dynamics"] == "no face in any frame (clips: 1 of 1)"
    assert measurements(outcome.report.content)[0].counts("head_motion") == (0, 5)
    film(tmp_path / "made" / "still.mkv", [39])
    (row,) = read(scored(tmp_path, name="still").leaderboard)
    # The clip without a face takes no part in the mean, and is counted.
    assert (row["lip_dynamics"], row["head_motion"], row["eyebrow_dynamics"]) == ("0", "0", "")
    assert (row["lip_dynamics_frames"], row["lip_dynamics_missing"], row["clips"]) == ("1", "5", "2")


@pytest.mark.usefixtures("toys")
def test_scores_are_against_true_videos_measured_here_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film(tmp_path / "true" / "a.mkv", range(22, 40), seconds=2)
    film(tmp_path / "true" / "b.mkv", range(24, 40))
    film(tmp_path / "made" / "c.mkv", range(26, 40), fps=20)
    film(tmp_path / "other" / "d.mkv", range(22, 40), seconds=2)
    words = ["score", "--reference", str(tmp_path / "true"), "--protocol", "theval", "--device", "cpu"]
    words += ["--results", str(tmp_path / "results"), "--generated"]
    assert run([*words, str(tmp_path / "made")], debug=False) == 0
    told = " ".join("".join(capsys.readouterr()).split())
    assert "the videos have 20 frames a second and the true ones 10" in told
    looked_at = sum(SEEN)
    assert looked_at == 18 + 16 + 14
    assert run([*words, str(tmp_path / "other")], debug=False) == 0
    assert sum(SEEN) - looked_at == 18
    truth, made, other = read(tmp_path / "results" / "theval-true" / "leaderboard.csv")
    assert [row["model"] for row in (truth, made, other)] == ["ground-truth", "made", "other"]
    for row in (made, other):
        for metric in ("lip_dynamics", "eyebrow_dynamics", "lip_sync"):
            if row[metric]:
                expected = 1 - abs(float(row[metric]) - float(truth[metric])) / float(truth[metric])
                assert float(row[score_of(metric)]) == pytest.approx(expected, abs=2e-5)
    assert truth["lip_dynamics_score"] == "1"
    assert truth["theval_score"] == made["theval_score"] == other["theval_score"] == ""
    assert made["lip_sync"] == made["lip_sync_score"] == ""
    assert other["lip_sync_score"] == "1"
    alone = read(
        scored(tmp_path, reference=tmp_path / "true", metrics=("lip_dynamics_score",), name="one").leaderboard
    )[1]
    assert alone["lip_dynamics_score"] == made["lip_dynamics_score"]
    # The mean over true videos that have a value: one has no sound.
    assert float(truth["lip_sync"]) == pytest.approx(float(other["lip_sync"]))


def test_what_does_not_go_with_the_protocol_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film(tmp_path / "made" / "a.mkv", range(3))
    made = ["score", "--generated", str(tmp_path / "made"), "--results", str(tmp_path / "results"), "--device", "cpu"]
    assert run(made, debug=False) == 1
    assert "--protocol theval does without one" in capsys.readouterr().err
    useless = ["--source", str(tmp_path), "--max-frames", "2", "--skip-source-frame"]
    assert run([*made, "--protocol", "theval", *useless], debug=False) == 1
    assert "leave --source, --max-frames, --skip-source-frame out" in capsys.readouterr().err
    pair = ["--reference", str(tmp_path / "made"), "--metrics", "l1,lip_dynamics"]
    assert run([*made, *pair], debug=False) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "lip_dynamics: measured under another protocol: --protocol theval" in told


@pytest.mark.usefixtures("toys")
def test_what_is_not_installed_leaves_its_columns_empty_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synchronization, "LIBRARY", "no-such-package")
    face = replace(EXTRACTORS["pyiqa-face"], library="no-such-package")
    monkeypatch.setitem(EXTRACTORS._load(), "pyiqa-face", face)
    film(tmp_path / "made" / "a.mkv", range(24, 40), seconds=2)
    told = reasons(scored(tmp_path, name="neither"))
    assert told["lip_dynamics"] == ""
    assert "[theval]" in told["lip_sync"]
    assert "non-commercial" in told["face_quality"]
    monkeypatch.setattr(synchronization, "LIBRARY", "numpy")
    assert "which finds other speech than 5.1.2" in reasons(scored(tmp_path, name="another"))["lip_sync"]


class Network:
    """Stands in for a network of pyiqa's: the mean of a picture, and no face in a dark one."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, picture: Tensor) -> Tensor:
        assert picture.shape[:2] == (1, 3)
        assert self.name != "topiq_nr-face" or picture.mean() > 0.1, "No face detected in the input image."
        return picture.mean().reshape(1, 1)


def batch_refused(self: Network, picture: Tensor) -> Tensor:
    """What is wrong with a call is no picture without a face."""
    raise AssertionError("Only support batch size 1")


def test_quality_is_the_mean_over_the_frames_that_pyiqa_judges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def create_metric(name: str, device: torch.device) -> Network:
        # As the true one does.
        torch.backends.cudnn.deterministic = True
        return Network(name)

    library = SimpleNamespace(create_metric=create_metric)
    monkeypatch.setitem(sys.modules, "pyiqa", library)
    monkeypatch.setattr(pyiqa_quality, "MediapipeFace", Faces)
    frames = torch.from_numpy(np.stack(grey_frames([0, 39 * STEP, 35 * STEP]))).permute(0, 3, 1, 2)
    setting = ExtractorSetting(torch.device("cpu"), Protocol.THEVAL)
    whole = pyiqa_quality.WholeFrames(setting)(frames)
    assert whole[:, 0] == pytest.approx([0, 39 * STEP / 255, 35 * STEP / 255], abs=1e-6)
    assert np.isnan(pyiqa_quality.AlignedFaces(setting)(frames)[:, 0]).tolist() == [True, False, False]
    assert np.isnan(pyiqa_quality.Mouths(setting)(frames)[:, 0]).tolist() == [True, False, False]
    assert not torch.backends.cudnn.deterministic
    monkeypatch.setattr(Network, "__call__", batch_refused)
    with pytest.raises(AssertionError, match="batch"):
        pyiqa_quality.AlignedFaces(setting)(frames)


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("size", [(256, 256), (640, 360)])
def test_mouths_are_cut_out_as_theirs(name: str, size: tuple[int, int]) -> None:
    width, height = size
    clip = CLIPS[name]
    for row, expected in zip(clip["landmarks_millionths"], clip[f"mouth_boxes_{width}x{height}"], strict=True):
        if row is not None:
            points = np.reshape(row, (478, 2)) / 1e6 * [width, height]
            box = pyiqa_quality.mouth_box(points, height, width)
            assert box == tuple(expected)


@pytest.mark.parametrize("name", ["real_driving2", "real_driving3"])
def test_speech_is_found_where_theirs_is(name: str, real_data: Path) -> None:
    video = THEVAL["videos"][name]
    samples = mono_sound(real_data / video["file"], RATE)
    assert len(samples) == pytest.approx(video["sound"]["samples"], abs=RATE / 100)
    threads = torch.get_num_threads()
    assert SpeechDetector()(samples) == [tuple(each) for each in video["sound"]["speech_seconds"]]
    assert torch.get_num_threads() == threads


@pytest.mark.slow
def test_real_videos_are_within_what_another_landmarker_changes(real_data: Path, tmp_path: Path) -> None:
    install_real("face-landmarker", real_data)
    clips = ("real_driving2", "vox_a_driving")
    for name in clips:
        file = real_data / THEVAL["videos"][name]["file"]
        (tmp_path / "made").mkdir(exist_ok=True)
        (tmp_path / "made" / f"{name}{file.suffix}").symlink_to(file)
    outcome = scored(tmp_path)
    found = {row["clip"]: row for row in read(outcome.per_clip)}
    for name in clips:
        row, theirs = found[name], THEVAL["videos"][name]
        task = THEVAL["landmarker_comparison"]["rows"][name]["task_image"]
        assert float(row["lip_dynamics"]) == pytest.approx(theirs["lip_dynamics"], rel=0.25)
        assert float(row["eyebrow_dynamics"]) == pytest.approx(theirs["eyebrow_dynamics"], rel=0.2)
        # The same landmarker's numbers, of whatever version is installed here.
        assert float(row["lip_dynamics"]) == pytest.approx(task["lip"], rel=0.02)
        assert float(row["head_motion"]) > 0
    sync = float(found["real_driving2"]["lip_sync"])
    assert sync == pytest.approx(THEVAL["videos"]["real_driving2"]["lip_sync"]["wav"], abs=0.08)
    assert found["real_driving2"]["silent_lip_stability"] == ""


def test_angles_of_a_turned_head() -> None:
    from lia_bench.metrics.theval.naturalness import euler_angles

    pitch, yaw, roll = np.radians([10.0, -25.0, 5.0])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    (angles,) = euler_angles((about_z @ about_y @ about_x)[None])
    assert angles == pytest.approx([10, -25, 5])
