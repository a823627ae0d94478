"""Videos of an evaluation and of a scoring: one of each model, playable, whole, and the right one."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from lia_bench.core.errors import InputError, LiaBenchError
from lia_bench.core.video import open_video, write_png_folder, write_video
from lia_bench.core.video.panels import DIMMEST, GAP, STRIP, dimmed, flow_picture, keypoint_colours, marked
from lia_bench.leaderboards.evaluation.evaluate import evaluate
from lia_bench.leaderboards.evaluation.films import LONGEST_FLOW, file_stem
from lia_bench.leaderboards.evaluation.request import EvaluationOutcome, EvaluationRequest, ScoreRequest
from lia_bench.leaderboards.evaluation.score import score
from lia_bench.leaderboards.results.report import PlannedModel
from lia_bench.models.blocks.motion_marks import record_flow, record_keypoints, record_masks
from lia_bench.models.blocks.warping import coordinate_grid
from tests.leaderboards.test_evaluation import request_of as request_of
from tests.leaderboards.test_scoring import drifting
from tests.leaderboards.toys import LENGTHS, SIZE, Toy, register, specification, write_dataset, write_run


@pytest.fixture
def filmed(request_of: Any) -> Any:
    """Makes requests with videos."""

    def make(*models: str, **fields: Any) -> EvaluationRequest:
        request: EvaluationRequest = request_of(*models, **{"videos": True, "metrics": ("l1",), **fields})
        return request

    return make


def clips_of(outcome: EvaluationOutcome) -> list[dict[str, Any]]:
    """The clips of all runs, as report.json has them."""
    report = json.loads((outcome.report.folder / "report.json").read_text())
    return [clip for run in report["runs"] for clip in run["clips"]]


def files_of(clip: dict[str, Any]) -> list[str]:
    return [
        clip["driving_video"],
        *(result[key] for result in clip["models"] for key in ("video", "flow_video") if key in result),
    ]


def mean_of(path: Path, frame: int) -> float:
    with open_video(path) as reader:
        return float(reader.frame(frame).mean())


def check_plays(path: Path, frames: int, size: tuple[int, int], fps: float = 25) -> None:
    """It is what every browser plays, and starts before all of it is there."""
    content = path.read_bytes()
    assert 0 < content.find(b"moov") < content.find(b"mdat")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.frames, (stream.height, stream.width)) == (frames, size)
        assert float(stream.average_rate or 0) == pytest.approx(fps)


def test_driving_source_and_every_model_have_files_of_their_own(filmed: Any, tmp_path: Path) -> None:
    outcome = evaluate(filmed(pairs=2))
    folder = outcome.report.folder
    clips = clips_of(outcome)
    assert len(clips) == len(LENGTHS) + 2
    everything = [path for clip in clips for path in (*files_of(clip), clip["source_picture"])]
    assert len(set(everything)) == len(clips) * 4
    assert {str(path.relative_to(folder)) for path in (folder / "videos").glob("*/*/*")} == set(everything)
    for clip in clips:
        assert clip["driving_video"].startswith(f"videos/{clip['task']}/")
        for path in files_of(clip):
            check_plays(folder / path, LENGTHS[clip["clip"]], (SIZE, SIZE))
        first = tmp_path / "data" / "toys" / "test" / clip["source"] / "0000000.png"
        assert np.array_equal(np.asarray(Image.open(folder / clip["source_picture"])), np.asarray(Image.open(first)))
        toy, identity = (folder / result["video"] for result in clip["models"])
        assert mean_of(toy, clip["frames"] - 1) == pytest.approx(
            mean_of(folder / clip["driving_video"], clip["frames"] - 1) / 2, abs=4
        )
        assert mean_of(identity, 0) == pytest.approx(np.asarray(Image.open(first)).mean(), abs=4)
    assert (folder / "videos" / "reconstruction" / "cyd#1.mp4").is_file()


@pytest.mark.parametrize(("size", "shown"), [(15, (16, 16)), (17, (18, 18))])
def test_odd_sides_are_padded(size: int, shown: tuple[int, int], filmed: Any, tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "data" / "odd", {"ann#1": 3}, size=size)
    outcome = evaluate(filmed(dataset=str(dataset), tasks=("reconstruction",)))
    (clip,) = clips_of(outcome)
    for path in files_of(clip):
        check_plays(outcome.report.folder / path, 3, shown)
    picture = np.asarray(Image.open(outcome.report.folder / clip["source_picture"]))
    assert picture.shape[:2] == shown
    assert np.array_equal(picture[:, -1], picture[:, -2])


def test_runs_of_a_folder_keep_their_videos(filmed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, toy=specification("toy", recipe="none:none"))
    for name, gain in (("dark", 0.25), ("bright", 1.0)):
        write_run(tmp_path / "runs", "toy", name, gain, dataset_name="toys")
        outcome = evaluate(filmed("toy", tasks=("reconstruction",), limit=1))
    first, second = clips_of(outcome)
    toys = [outcome.report.folder / clip["models"][0]["video"] for clip in (first, second)]
    assert mean_of(toys[0], 0) == pytest.approx(mean_of(toys[1], 0) / 4, abs=4)
    assert first["models"][1]["video"] == second["models"][1]["video"]
    sha = outcome.run.plan.models[0].checkpoint_sha256
    assert toys[1].name.startswith(f"toy-{sha[:8]}-")


def test_no_two_models_share_a_name() -> None:
    model = {"label": "lia@a/b", "model": "lia", "variant": "x", "checkpoint": "a/b", "checkpoint_sha256": "0" * 64}
    others = [model | {"label": label} for label in ("lia@a-b", "LIA@a/b", "lia:a/b", "../lia", "模型", "l" * 300)]
    others += [model | {"variant": "y"}, model | {"checkpoint_sha256": ""}, model | {"checkpoint_sha256": "0" * 63}]
    models = [PlannedModel(**each) for each in (model, *others)]
    names = [file_stem(each, "relative") for each in models] + [file_stem(models[0], "absolute")]
    assert len({name.lower() for name in names}) == len(names)
    assert all(name.replace("-", "").isalnum() and name.isascii() and len(name) < 100 for name in names)
    assert file_stem(PlannedModel(**model), "relative") == names[0]


def test_a_clip_that_fails_leaves_no_video_and_is_filmed_again(filmed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, toy=specification("toy", configuration="BreakConfiguration"))
    with pytest.raises(LiaBenchError, match="bob#1"):
        evaluate(filmed())
    folder = filmed().results / "table" / "videos" / "reconstruction"
    assert sorted(path.name for path in folder.iterdir()) == ["ann#1", "ann#1.mp4", "ann#2", "ann#2.mp4"]
    (folder / "ann#1" / ".driving.0000.partial.mp4").write_bytes(b"killed")
    (folder / ".cyd#1.0000.partial.mp4").write_bytes(b"killed")
    register(monkeypatch, toy=specification("toy"))
    outcome = evaluate(filmed())
    assert all((outcome.report.folder / path).is_file() for clip in clips_of(outcome) for path in files_of(clip))
    assert not list(folder.rglob("*.partial*"))


def test_without_videos_nothing_is_named_and_later_it_is_said(filmed: Any) -> None:
    outcome = evaluate(filmed(videos=False, tasks=("reconstruction",)))
    assert not (outcome.report.folder / "videos").exists()
    for clip in clips_of(outcome):
        assert not {"driving_video", "source_picture"} & set(clip)
        assert all(set(result) == {"seconds", "scores"} for result in clip["models"])
    lines: list[str] = []
    evaluate(filmed(tasks=("reconstruction",)), lines.append)
    assert lines == ["4 finished clips have no videos, and are not done again: take another --name to have them"]
    with pytest.raises(InputError, match="--flow-videos and --no-videos"):
        evaluate(filmed(videos=False, flow_videos=True))


class ShiftingToy(Toy):
    """Says that each frame shows what lies right of it in the source, the farther the brighter the frame."""

    def render(self, encoded: Tensor, driving: Tensor) -> Tensor:
        grid = coordinate_grid(4, 4, like=driving).expand(len(driving), -1, -1, -1)
        record_flow(grid + torch.tensor([1.0, 0.0]) * driving.mean(dim=(1, 2, 3))[:, None, None, None], True)
        return super().render(encoded, driving)


def test_flows_are_shown_of_models_that_have_one(filmed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, shifting=replace(specification("shifting"), animator=f"{__name__}:ShiftingToy"))
    lines: list[str] = []
    request = filmed("toy", "shifting", tasks=("reconstruction",), flow_videos=True, batch_size=2)
    outcome = evaluate(request, lines.append)
    assert lines == ["without a dense flow, so without a flow video: toy, identity"]
    for clip in clips_of(outcome):
        toy, shifting, identity = clip["models"]
        assert "flow_video" not in toy | identity
        path = outcome.report.folder / shifting["flow_video"]
        check_plays(path, clip["frames"], (SIZE, SIZE))
        with open_video(path) as flows:
            for number, picture in enumerate(flows):
                frame = np.asarray(Image.open(tmp_path / f"data/toys/test/{clip['clip']}/{number:07d}.png"))
                # In the grid of 4 pixels a unit is 1.5 of them, each of them 4 of the frame's.
                flow = torch.zeros(2, SIZE, SIZE)
                flow[0] = 6 * frame.mean() / 255
                expected = flow_picture(flow, SIZE * LONGEST_FLOW)
                assert picture.mean(axis=(0, 1)) == pytest.approx(expected.mean(axis=(0, 1)), abs=4)
    plain = evaluate(replace(request, flow_videos=False, name="plain"))
    assert all("flow_video" not in result for clip in clips_of(plain) for result in clip["models"])


class MarkingToy(Toy):
    """Has two keypoints at places that are known, a third far outside, and a mask of the result's left half."""

    PLACES = (((-0.5, -0.5), (0.5, 0.5)), ((-0.5, 0.5), (0.0, 0.0)), ((0.5, -0.5), (-0.2, 0.6)))

    def render(self, encoded: Tensor, driving: Tensor) -> Tensor:
        source, seen, moved = (torch.tensor([[*place, (9.0, 0.0)]]) for place in self.PLACES)
        record_keypoints(source, seen.expand(len(driving), -1, -1), moved.expand(len(driving), -1, -1))
        record_masks(torch.tensor([1.0, 0.0]).repeat_interleave(2).expand(len(driving), 1, 4, 4))
        return super().render(encoded, driving)


def test_keypoints_are_shown_where_they_are_in_source_driving_frame_and_result(
    filmed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(
        monkeypatch,
        marking=replace(specification("marking"), animator=f"{__name__}:MarkingToy"),
        shifting=replace(specification("shifting"), animator=f"{__name__}:ShiftingToy"),
    )
    lines: list[str] = []
    request = filmed(
        "marking", "shifting", tasks=("reconstruction",), limit=2, show=("keypoints", "flows"), batch_size=2
    )
    outcome = evaluate(request, lines.append)
    assert lines == [
        "without keypoints, so that none are shown: shifting, identity",
        "without flows, so that none are shown: marking, identity",
    ]
    side = 192
    colours = keypoint_colours(3)
    for clip in clips_of(outcome):
        marking, shifting, identity = clip["models"]
        assert "overlay_video" not in identity
        assert not any("flow_video" in model for model in clip["models"])
        size = (STRIP + side, 3 * side + 2 * GAP)
        check_plays(outcome.report.folder / shifting["overlay_video"], clip["frames"], size)
        path = outcome.report.folder / marking["overlay_video"]
        check_plays(path, clip["frames"], size)
        with open_video(path) as frames:
            for picture in frames:
                for column, places in enumerate(MarkingToy.PLACES):
                    panel = picture[STRIP:, column * (side + GAP) :][:, :side].astype(float)
                    for (x, y), colour in zip(places, colours, strict=False):
                        across, down = (round((place + 1) / 2 * (side - 1)) for place in (x, y))
                        assert panel[down, across] == pytest.approx(colour, abs=90)
    with pytest.raises(InputError, match="did you mean 'keypoints'"):
        evaluate(replace(request, show=("keypoint",)))
    with pytest.raises(InputError, match="--show and --no-videos"):
        evaluate(replace(request, videos=False))


def test_dots_axes_and_masks_are_drawn_to_scale() -> None:
    grey = np.full((64, 64, 3), 200, np.uint8)
    hidden = dimmed(grey, np.repeat(np.array([[1.0, 0.0]], np.float32), 2, axis=0))
    assert (hidden[:, :10] == 200).all()
    assert (hidden[:, -10:] == 200 * DIMMEST).all()
    # One region in the middle: half axes of a half and a quarter of half the side.
    axes = np.array([[[0.5, 0.0], [0.0, 0.25]]], np.float32)
    red = (marked(grey, np.zeros((1, 2), np.float32), [(255, 0, 0)], axes) == (255, 0, 0)).all(axis=2)
    rows, columns = np.nonzero(red)
    assert (columns.min(), columns.max()) == pytest.approx((31.5 - 15.75, 31.5 + 15.75), abs=1)
    assert (rows.min(), rows.max()) == pytest.approx((31.5 - 7.875, 31.5 + 7.875), abs=1)
    dots = marked(grey, np.array([[-0.5, 0.25], [1.0, 1.0]], np.float32), [(255, 0, 0), (0, 0, 255)])
    rows, columns = np.nonzero((dots == (255, 0, 0)).all(axis=2))
    assert (columns.mean(), rows.mean()) == pytest.approx((0.25 * 63, 0.625 * 63), abs=0.5)
    assert (dots[63, 63] == (0, 0, 255)).all()
    lost = np.array([[np.nan, 0.0], [50.0, 0.0]], np.float32)
    assert np.array_equal(marked(grey, lost, keypoint_colours(2)), grey)
    assert keypoint_colours(50, together=5)[::5] == keypoint_colours(10)


def test_finished_clips_without_flows_are_told_where_there_could_be_some(
    filmed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, shifting=replace(specification("shifting"), animator=f"{__name__}:ShiftingToy"))
    for model, last in (
        ("shifting", "1 finished clips have no flow videos, and are not done again: take another --name to have them"),
        ("toy", "without a dense flow, so without a flow video: toy, identity"),
    ):
        request = filmed(model, tasks=("reconstruction",), limit=1, name=model)
        evaluate(request)
        lines: list[str] = []
        evaluate(replace(request, flow_videos=True), lines.append)
        assert lines[-1] == last
        evaluate(replace(request, show=("flows",)), lines.append)
        said = "1 finished clips have no overlay videos" if model == "shifting" else "without flows, so that none"
        assert lines[-1].startswith(said)


def test_scored_videos_are_copied_where_browsers_play_them(tmp_path: Path) -> None:
    frames = {name: drifting(14, seed) for seed, name in enumerate("abcd")}
    for name in "abc":
        write_video(tmp_path / "true" / f"{name}.mp4", frames[name], 30)
    write_png_folder(tmp_path / "true" / "d", frames["d"])
    write_video(tmp_path / "made" / "a.mp4", frames["a"], 30)
    write_video(tmp_path / "made" / "b.mp4", frames["b"], 10)
    write_png_folder(tmp_path / "made" / "c", frames["c"])
    write_video(tmp_path / "made" / "d.mp4", frames["d"], 25)
    request = ScoreRequest(
        tmp_path / "made", tmp_path / "true", metrics=("l1",), device="cpu", name="table", results=tmp_path / "results"
    )
    outcome = score(request)
    folder = outcome.report.folder
    for clip in clips_of(outcome):
        for path in files_of(clip):
            check_plays(folder / path, 14, (32, 32), 25 if clip["clip"] == "d" else 30)
        assert np.asarray(Image.open(folder / clip["source_picture"])) == pytest.approx(frames[clip["clip"]][0], abs=40)
        assert mean_of(folder / clip["models"][0]["video"], 13) == pytest.approx(frames[clip["clip"]][13].mean(), abs=3)

    def same(clip: dict[str, Any], key: Path) -> bool:
        with open_video(key) as original, open_video(folder / clip["models"][0]["video"]) as shown:
            return all(np.array_equal(a, b) for a, b in zip(original, shown, strict=True))

    assert same(clips_of(outcome)[0], tmp_path / "made" / "a.mp4")
    trimmed = score(replace(request, name="trimmed", trim=(0, 1, 0, 0)))
    check_plays(trimmed.report.folder / clips_of(trimmed)[0]["models"][0]["video"], 14, (32, 32), 30)
    plain = score(replace(request, name="plain", videos=False))
    assert not (plain.report.folder / "videos").exists()
    assert "driving_video" not in clips_of(plain)[0]


def test_a_pair_that_cannot_be_scored_leaves_no_video(tmp_path: Path) -> None:
    for side in ("true", "made"):
        for seed, name in enumerate("ab"):
            write_png_folder(tmp_path / side / name, drifting(5, seed))
    (tmp_path / "made" / "a" / "0000003.png").write_bytes(b"no picture")
    outcome = score(
        ScoreRequest(tmp_path / "made", tmp_path / "true", metrics=("l1",), device="cpu", results=tmp_path / "results")
    )
    assert len(outcome.failures) == 1
    assert [path.name for path in (outcome.report.folder / "videos" / "reconstruction").iterdir()] == ["b"]
