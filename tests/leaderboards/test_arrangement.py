"""Evaluations that are arranged another way than usual: other sources, given pairs, views, frames, starts and sides."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from lia_bench.core.errors import InputError
from lia_bench.leaderboards.board.board import measured_board
from lia_bench.leaderboards.evaluation import course, plan
from lia_bench.leaderboards.evaluation.evaluate import evaluate
from lia_bench.leaderboards.evaluation.request import EvaluationRequest
from tests.leaderboards.test_evaluation import comparable, frames_of, read
from tests.leaderboards.toy_metrics import register_toy_metrics
from tests.leaderboards.toys import LENGTHS, SIZE, Toy, register, specification, write_dataset


class Viewing(Toy):
    """The mean of the source and its further views, whatever drives."""

    takes_references = True

    def encode_views(self, source: Tensor, references: Tensor, first_driving: Tensor, transfer: str) -> Tensor:
        return torch.cat([source, references]).mean(dim=0, keepdim=True)

    def render(self, encoded: Tensor, driving: Tensor) -> Tensor:
        return encoded.expand(len(driving), -1, -1, -1)


class Beginning(Toy):
    """The frame that transfer began from, whatever drives."""

    transfer_modes = ("relative", "absolute", "reconstruction")

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> Tensor:
        return torch.zeros_like(source) if transfer == "reconstruction" else first_driving

    def render(self, encoded: Tensor, driving: Tensor) -> Tensor:
        return encoded.expand(len(driving), -1, -1, -1)


class Mixing(Toy):
    """The driving frame, by a product of matrices."""

    def render(self, encoded: Tensor, driving: Tensor) -> Tensor:
        return driving @ torch.eye(driving.shape[-1])


@pytest.fixture
def request_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes requests about the toy dataset, on the CPU, without videos."""
    animators = {"viewing": "Viewing", "beginning": "Beginning", "mixing": "Mixing"}
    mine = {name: replace(specification(name), animator=f"{__name__}:{kind}") for name, kind in animators.items()}
    register(monkeypatch, toy=specification("toy"), **mine)
    folder = write_dataset(tmp_path / "data" / "toys")

    def make(*models: str, **fields: Any) -> EvaluationRequest:
        usual: dict[str, Any] = {
            "models": models or ("toy",),
            "dataset": str(folder),
            "metrics": ("l1",),
            "name": "table",
            "device": "cpu",
            "videos": False,
            "runs": tmp_path / "runs",
            "data": tmp_path / "data",
            "results": tmp_path / "results",
        }
        return EvaluationRequest(**(usual | fields))

    return make


def write_pictures(folder: Path, count: int = 2, size: int = SIZE) -> Path:
    folder.mkdir(parents=True)
    for number in range(count):
        Image.new("RGB", (size, size), (40 * number, 9, 200)).save(folder / f"face-{number}.png")
    return folder


def clips(tmp_path: Path) -> dict[str, np.ndarray]:
    return {name: frames_of(tmp_path / "data" / "toys", name) for name in LENGTHS}


def test_sources_may_be_pictures_or_another_dataset(request_of: Any, tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "faces")
    outcome = evaluate(request_of("identity", tasks=("cross",), sources=str(pictures), videos=True))
    pairs = read(outcome.report.folder / "pairs.csv")
    assert {pair["driving"] for pair in pairs} == set(LENGTHS)
    assert {pair["source"] for pair in pairs} <= {"face-0", "face-1"}
    (row,) = read(outcome.leaderboard)
    assert row["sources"].startswith("faces#")
    shown = next((outcome.report.folder / "videos" / "cross").rglob("source.png"))
    assert np.asarray(Image.open(shown))[8, 8, 2] == 200
    write_dataset(tmp_path / "data" / "others", {"dan#1": 2, "eve#1": 2})
    other = evaluate(request_of("identity", tasks=("cross",), sources="others", name=None))
    assert other.report.folder.name == "toys-16-from-others-l1"
    assert {pair["source"] for pair in read(other.report.folder / "pairs.csv")} <= {"dan#1", "eve#1"}
    # One table for each: what a source shows is part of what was measured.
    assert len(measured_board([tmp_path / "results"]).groups) == 2


def test_given_pairs_are_animated_from_the_frame_they_name(request_of: Any, tmp_path: Path) -> None:
    given = tmp_path / "pairs.csv"
    given.write_text("source,driving,frame\nann#2.mp4,bob#1.mp4,3\ncyd#1,ann#1,\n")
    outcome = evaluate(request_of("identity", tasks=("cross",), pairs_file=given, videos=True))
    (row,) = read(outcome.leaderboard)
    assert (row["clips"], len(row["pairs"])) == ("2", 12)
    assert (outcome.report.folder / "pairs.csv").read_text() == "source,driving,frame\nann#2,bob#1,3\ncyd#1,ann#1,0\n"
    shown = np.asarray(Image.open(outcome.report.folder / "videos/cross/ann#2--by--bob#1/source.png"), float) / 255
    assert np.abs(shown - clips(tmp_path)["ann#2"][3]).max() < 0.01
    given.write_text("source,driving\nann#2,bob#1\n")
    with pytest.raises(InputError, match=r"holds results with pair_count 2, not 1|given_pairs"):
        evaluate(request_of("identity", tasks=("cross",), pairs_file=given))


def test_a_list_of_pairs_that_is_there_is_never_overwritten(request_of: Any, tmp_path: Path) -> None:
    own = tmp_path / "results" / "table" / "pairs.csv"
    own.parent.mkdir(parents=True)
    own.write_text("source,driving\nann#1,bob#1\n")
    with pytest.raises(InputError, match="give it as --pairs-file"):
        evaluate(request_of(tasks=("cross",)))
    assert own.read_text() == "source,driving\nann#1,bob#1\n"
    assert evaluate(request_of(tasks=("cross",), pairs_file=own)).run.clips[0].source == "ann#1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source,driving\nann#1,dan#1\nzoe#1,bob#1\n", r"2 clips that it names are not among .* line 2: 'dan#1' and 1"),
        ("source,driving\nann#1,bob#1,\nann#1,bob#1\n", "line 3: ann#1 and bob#1 are there twice"),
        ("source,driving,frame\nann#1,bob#1,3\n", "line 2: ann#1 has 3 frames, and none of number 3"),
        ("source,driving,frame\nann#1,bob#1,two\n", "line 2: frame is 'two'"),
        ("source,driving\n", "names no pair"),
        ("a,b\n1,2\n", "has no column source, driving"),
    ],
)
def test_wrong_pairs_are_one_line(text: str, message: str, request_of: Any, tmp_path: Path) -> None:
    given = tmp_path / "pairs.csv"
    given.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        evaluate(request_of("identity", tasks=("cross",), pairs_file=given))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "results").exists()


def test_what_cannot_be_is_one_line(request_of: Any, tmp_path: Path) -> None:
    large = write_pictures(tmp_path / "large", size=SIZE * 2)
    for fields, message in (
        ({"sources": str(large)}, r"large: face-\d has 32x32 pixels, and the driving clips 16x16"),
        ({"references": 5}, r"--references 5: ann#1 has 2 frames beside the source's"),
        ({"best_of_references": True}, "goes with --references"),
        ({"pairs_file": large, "pairs": 2}, "leave one of them out"),
        ({"sources": str(large), "tasks": ("reconstruction",)}, "is for the cross task"),
        ({"references": 1, "best_of_references": True, "tasks": ("cross",)}, "--task reconstruction alone"),
        ({"references": 1, "best_of_references": True, "pairs_file": large}, "leave one of them out"),
        ({"compile": True, "videos": True, "show": ("flows",)}, "--compile: compiled code does not tell"),
        ({"max_frames": 1, "skip_source_frame": True}, "leave no frame"),
        ({"start": "best"}, "name the --subject"),
        ({"reconstruction_transfer": "reconstructio"}, "did you mean 'reconstruction'"),
        ({"transfer": "toyy=relative"}, "did you mean 'toy'"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            evaluate(request_of("toy", "beginning", **fields))
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "results").exists()


def test_reduced_precision_is_part_of_what_rows_say(request_of: Any) -> None:
    said: list[str] = []
    fields: dict[str, Any] = {"tasks": ("reconstruction",), "precision": "bf16-mixed"}
    outcome = evaluate(request_of("mixing", **fields), said.append)
    told = [line for line in said if line.startswith("mixing: bf16-mixed changes a frame by 0.")]
    assert len(told) == 1
    mixing, identity = read(outcome.leaderboard)
    assert mixing["rendering"] == identity["rendering"] == "bf16-mixed"
    assert float(mixing["l1"]) > 0
    noted = outcome.run.sessions[0]["rounding"]
    assert 0 < noted["mixing"]["mean"] <= noted["mixing"]["largest"] < 1
    assert noted["identity"] == {"mean": 0, "largest": 0}
    with pytest.raises(InputError, match="holds results with precision bf16-mixed, not 32-true"):
        evaluate(request_of("mixing", tasks=("reconstruction",)))
    full = evaluate(request_of("mixing", tasks=("reconstruction",), name="full"))
    assert float(read(full.leaderboard)[0]["l1"]) < float(mixing["l1"])
    assert "rendering" not in read(full.leaderboard)[0]
    # Rows that differ in it are neither merged nor ranked against each other.
    assert len(measured_board([outcome.leaderboard.parent, full.leaderboard.parent]).groups) == 2


def test_a_damaged_clip_does_not_keep_reduced_precision_from_being_measured(request_of: Any, tmp_path: Path) -> None:
    (tmp_path / "data" / "toys" / "test" / "ann#1" / "0000001.png").write_bytes(b"no picture")
    said: list[str] = []
    fields: dict[str, Any] = {"tasks": ("reconstruction",), "precision": "bf16-mixed", "size": SIZE}
    outcome = evaluate(request_of("mixing", **fields), said.append)
    assert len(outcome.failures) == 1
    assert read(outcome.leaderboard)[0]["clips"] == str(len(LENGTHS) - 1)
    assert any(line.startswith("mixing: bf16-mixed changes a frame by 0.") for line in said)


def test_a_clip_that_cannot_be_opened_is_left_out_however_the_others_are_arranged(
    request_of: Any, tmp_path: Path
) -> None:
    others = write_dataset(tmp_path / "data" / "others")
    for folder in (others, tmp_path / "data" / "toys"):
        (folder / "test" / "ann#1" / "0000000.png").write_bytes(b"no picture")
    outcome = evaluate(request_of("viewing", references=2, sources=str(others), pairs=9))
    clips = {row["task"]: int(row["clips"]) for row in read(outcome.leaderboard) if row["model"] == "viewing"}
    assert clips["reconstruction"] == len(LENGTHS) - 1
    assert 0 < clips["cross"] < 9
    assert all("ann#1" in line for line in outcome.failures)


def test_views_go_to_models_that_take_some_and_the_best_counts_for_others(request_of: Any, tmp_path: Path) -> None:
    said: list[str] = []
    fields: dict[str, Any] = {"tasks": ("reconstruction",), "references": 2}
    outcome = evaluate(request_of("viewing", **fields), said.append)
    assert said == ["take no references, so the source alone: identity"]
    viewing, _ = read(outcome.leaderboard)
    assert viewing["references"] == "2"
    # Of the shortest clip, three frames long, the views are all of it.
    of_clip = {row["clip"]: row for row in read(outcome.per_clip) if row["model"] == "viewing"}
    whole = clips(tmp_path)["ann#1"]
    assert float(of_clip["ann#1"]["l1"]) == pytest.approx(np.abs(whole - whole.mean(axis=0)).mean(), rel=1e-4)
    best = evaluate(request_of("identity", **fields, best_of_references=True, name="best", batch_size=2))
    (row,) = read(best.leaderboard)
    assert row["references"] == "2, best of each frame"
    # Each of three frames is one of the views.
    assert {row["clip"]: row["l1"] for row in read(best.per_clip)}["ann#1"] == "0"
    again = evaluate(request_of("identity", **fields, best_of_references=True, name="again", batch_size=5))
    assert comparable(again) == comparable(best)


def test_the_source_frame_and_late_frames_can_be_left_out(request_of: Any, tmp_path: Path) -> None:
    outcome = evaluate(request_of("identity", max_frames=4, skip_source_frame=True))
    rows = {row["task"]: row for row in read(outcome.leaderboard)}
    assert (rows["reconstruction"]["max_frames"], rows["reconstruction"]["source_frame"]) == ("4", "skipped")
    assert (rows["cross"]["max_frames"], rows["cross"]["source_frame"]) == ("4", "")
    assert rows["reconstruction"]["frames"] == str(sum(min(4, length) - 1 for length in LENGTHS.values()))
    expected = [np.abs(clip[1:4] - clip[0]).mean() for clip in clips(tmp_path).values()]
    assert float(rows["reconstruction"]["l1"]) == pytest.approx(np.mean(expected), rel=1e-5)


def test_relative_transfer_begins_from_the_frame_most_like_the_source(
    request_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Brightness:
        def __init__(self, subject: str) -> None:
            assert subject == "face"

        def of(self, frame: np.ndarray) -> float:
            return float(frame.mean())

    def nearest(source: float, driving: Sequence[float]) -> int:
        return int(np.abs(np.array(list(driving)) - source).argmin())

    monkeypatch.setattr(plan, "PosePoints", Brightness)
    monkeypatch.setattr(course, "best_match", nearest)
    given = tmp_path / "pairs.csv"
    # A source of the same clip, so that the best start is that very frame.
    given.write_text("source,driving,frame\ncyd#1,cyd#1,5\n")
    fields: dict[str, Any] = {"tasks": ("cross",), "pairs_file": given, "subject": "face", "videos": True}
    outcome = evaluate(request_of("beginning", start="best", **fields))
    row, _ = read(outcome.leaderboard)
    assert (row["start"], row["frames"]) == ("best", str(LENGTHS["cyd#1"]))
    (entry,) = outcome.run.clips
    from lia_bench.core.video import open_video

    with open_video(outcome.report.folder / str(entry.models[0].video)) as reader:
        shown = np.stack(list(reader)).mean() / 255
    assert shown == pytest.approx(clips(tmp_path)["cyd#1"][5].mean(), abs=0.01)


def test_reconstruction_can_take_another_mode_of_models_that_have_it(request_of: Any) -> None:
    outcome = evaluate(
        request_of("beginning", "toy", tasks=("reconstruction",), reconstruction_transfer="reconstruction")
    )
    rows = {row["model"]: row for row in read(outcome.leaderboard)}
    assert {name: row["transfer"] for name, row in rows.items()} == {
        "beginning": "reconstruction",
        "toy": "absolute",
        "identity": "absolute",
    }
    usual = read(evaluate(request_of("beginning", tasks=("reconstruction",))).leaderboard)
    assert [(row["model"], row["transfer"]) for row in usual if row["model"] == "beginning"] == [
        ("beginning", "reconstruction"),
        ("beginning", "absolute"),
    ]


def test_models_may_transfer_each_in_its_own_way(request_of: Any) -> None:
    outcome = evaluate(request_of("beginning", "toy", tasks=("cross",), transfer="absolute,beginning=relative"))
    rows = {row["model"]: row["transfer"] for row in read(outcome.leaderboard)}
    assert rows == {"beginning": "relative", "toy": "absolute", "identity": "absolute"}


def test_sets_can_be_held_against_the_sources(request_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register_toy_metrics(monkeypatch)
    given = tmp_path / "pairs.csv"
    given.write_text("source,driving\nann#2,cyd#1\n")
    fields: dict[str, Any] = {"tasks": ("cross",), "pairs_file": given, "metrics": ("toy_fid",)}
    driving = evaluate(request_of("toy", **fields))
    source = evaluate(request_of("toy", **fields, set_side="source", name="source"))
    (mine, _), (theirs, _) = read(driving.leaderboard), read(source.leaderboard)
    assert (mine.get("set_side", ""), theirs["set_side"]) == ("", "source")
    assert mine["toy_fid"] != theirs["toy_fid"]
    counts = [outcome.run.sets.scores[0].reference for outcome in (driving, source) if outcome.run.sets]
    assert counts == [LENGTHS["cyd#1"], LENGTHS["ann#2"]]
