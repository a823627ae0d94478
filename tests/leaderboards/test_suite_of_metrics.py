"""Metrics of features and of sets as an evaluation computes them: once a frame, cached, resumable, in processes."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lia_bench.core.video import open_video
from lia_bench.core.weights import weights_home
from lia_bench.leaderboards.board.comparison import compare_models
from lia_bench.leaderboards.evaluation.evaluate import evaluate
from lia_bench.leaderboards.evaluation.request import EvaluationRequest
from lia_bench.leaderboards.printing.ranking import print_comparison
from lia_bench.metrics.frechet_metric import frechet_distance
from lia_bench.metrics.specification import Protocol
from tests.forked import ForkServer
from tests.leaderboards.test_evaluation import comparable, read
from tests.leaderboards.toy_metrics import CALLS, register_toy_metrics
from tests.leaderboards.toys import LENGTHS, register, specification, write_dataset
from tests.ports import next_port

METRICS = ("l1", "toy_akd", "toy_fid", "toy_identity", "toy_mkr", "toy_video_fid")


@pytest.fixture
def request_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes requests about the toy dataset and the toy metrics."""
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path / "home"))
    register(monkeypatch, toy=specification("toy"))
    register_toy_metrics(monkeypatch)
    folder = write_dataset(tmp_path / "data" / "toys")

    def make(*models: str, **fields: Any) -> EvaluationRequest:
        usual: dict[str, Any] = {
            "models": models or ("toy",),
            "dataset": str(folder),
            "metrics": METRICS,
            "name": "table",
            "device": "cpu",
            "videos": False,
            "results": tmp_path / "results",
        }
        return EvaluationRequest(**(usual | fields))

    return make


def clip_of(tmp_path: Path, name: str) -> np.ndarray:
    with open_video(tmp_path / "data" / "toys" / "test" / name) as reader:
        return np.stack(list(reader))


def test_numbers_are_those_of_a_plain_computation(request_of: Any, tmp_path: Path) -> None:
    toy, identity = read(evaluate(request_of(tasks=("reconstruction",))).leaderboard)
    clips = [clip_of(tmp_path, name) for name in LENGTHS]

    def colours(frames: np.ndarray) -> np.ndarray:
        means: np.ndarray = frames.mean(axis=(1, 2))
        return means

    def distance(generated: list[np.ndarray], reference: list[np.ndarray]) -> float:
        sides = [np.concatenate([colours(clip) for clip in clips]) for clips in (generated, reference)]
        return frechet_distance(*(part for side in sides for part in (side.mean(axis=0), np.cov(side, rowvar=False))))

    stills = [np.repeat(clip[:1], len(clip), axis=0) for clip in clips]
    halves = [clip // 2 for clip in clips]
    assert float(identity["toy_fid"]) == pytest.approx(distance(stills, clips), rel=1e-4)
    # The literature's pictures are cut off to 8 bits, not rounded.
    assert float(toy["toy_fid"]) == pytest.approx(distance(halves, clips), rel=1e-4)
    assert (identity["toy_fid_frames"], identity["toy_fid_low"]) == (str(sum(LENGTHS.values())), "")
    assert identity["toy_video_fid_frames"] == str(sum(max(1, length // 4) for length in LENGTHS.values()))
    points = [[np.unravel_index(f.sum(2, dtype=int).argmax(), f.shape[:2]) for f in clip] for clip in clips]
    moved = [np.abs(np.array(own) - own[0]).mean(axis=1) for own in points]
    assert float(identity["toy_akd"]) == pytest.approx(np.concatenate(moved).mean(), rel=1e-5)
    strict = read(
        evaluate(request_of("identity", tasks=("reconstruction",), protocol=Protocol.STRICT, name="strict")).leaderboard
    )[0]
    assert float(strict["toy_akd"]) == pytest.approx(np.mean([own.mean() for own in moved]), rel=1e-5)
    assert (identity["protocol"], strict["protocol"]) == ("literature", "strict")


def test_what_is_true_is_read_once_for_all_models_and_later_evaluations(request_of: Any) -> None:
    evaluate(request_of("identity", metrics=("toy_akd", "toy_mkr"), tasks=("reconstruction",)))
    frames = sum(LENGTHS.values())
    assert sum(CALLS) == 2 * frames
    CALLS.clear()
    evaluate(request_of("toy", metrics=("toy_akd", "toy_mkr"), tasks=("reconstruction",), name="second"))
    assert sum(CALLS) == 2 * frames
    assert list((weights_home().parent / "features").rglob("*.float32"))


def test_numbers_depend_neither_on_the_batch_nor_on_the_cache(request_of: Any, tmp_path: Path) -> None:
    first = comparable(evaluate(request_of(batch_size=1, name="one")))
    assert comparable(evaluate(request_of(batch_size=4, name="cached"))) == first
    (tmp_path / "home" / "features").rename(tmp_path / "gone")
    assert comparable(evaluate(request_of(batch_size=3, name="anew"))) == first


def test_where_no_true_frame_is_identity_is_compared_with_the_source_and_sets_with_sets(
    request_of: Any, tmp_path: Path
) -> None:
    outcome = evaluate(request_of("identity", tasks=("cross",)))
    (row,) = read(outcome.leaderboard)
    assert (row["l1"], row["toy_akd"]) == ("", "")
    assert float(row["toy_identity"]) == 0
    assert float(row["toy_fid"]) > 0
    reasons = {cell.metric: cell.reason for cell in outcome.report.content.cells}
    assert "no true frame" in str(reasons["l1"])
    assert reasons["toy_identity"] is None


def test_stopped_and_started_again_the_distances_are_the_same(request_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = evaluate(request_of(name="whole"))
    assert not (whole.report.folder / "features").exists() or not list((whole.report.folder / "features").rglob("*.f*"))
    register(monkeypatch, toy=specification("toy", configuration="InterruptConfiguration"))
    with pytest.raises(KeyboardInterrupt):
        evaluate(request_of(name="stopped"))
    partial = read(whole.report.folder.with_name("stopped") / "leaderboard.csv")
    assert partial[0]["toy_fid"] == ""
    register(monkeypatch, toy=specification("toy"))
    assert comparable(evaluate(request_of(name="stopped"))) == comparable(whole)


def test_frames_that_are_no_numbers_empty_the_row_with_the_reason(
    request_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, toy=specification("toy", configuration="NotANumberConfiguration"))
    outcome = evaluate(request_of(tasks=("reconstruction",)))
    toy, identity = read(outcome.leaderboard)
    assert [toy[name] for name in METRICS] == [""] * len(METRICS)
    assert all(identity[name] for name in METRICS)
    reasons = {cell.metric: cell.reason for cell in outcome.report.content.cells if cell.model == "toy"}
    assert "the model failed on bob#1: 5 of 5 frames hold values that are no numbers" in str(reasons["l1"])
    assert "no numbers" in str(reasons["toy_fid"])


def test_a_model_that_failed_is_not_compared(
    request_of: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    register(monkeypatch, toy=specification("toy", configuration="NotANumberConfiguration"))
    outcome = evaluate(request_of(tasks=("reconstruction",)))
    comparison = compare_models("toy", "identity", outcome.report.folder.parent, "table")
    assert comparison.differences == ()
    print_comparison(comparison)
    assert "not compared: reconstruction: toy failed on bob#1" in capsys.readouterr().out


def test_killed_before_the_distances_are_saved_they_are_measured_again(
    request_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = evaluate(request_of(name="whole", tasks=("reconstruction",)))

    def killed(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("lia_bench.leaderboards.evaluation.set_scores._set_score", killed)
        with pytest.raises(KeyboardInterrupt):
            evaluate(request_of(name="killed", tasks=("reconstruction",)))
    assert comparable(evaluate(request_of(name="killed", tasks=("reconstruction",)))) == comparable(whole)
    assert not (whole.report.folder / "features").exists() or not any((whole.report.folder / "features").iterdir())


def test_a_damaged_file_of_the_cache_is_read_anew(request_of: Any) -> None:
    first = comparable(evaluate(request_of(name="first", tasks=("reconstruction",))))
    for file in (weights_home().parent / "features").rglob("*.float32"):
        file.write_bytes(file.read_bytes()[:-4])
    assert comparable(evaluate(request_of(name="second", tasks=("reconstruction",)))) == first


def test_no_subject_in_any_frame_is_an_empty_cell_with_the_reason(request_of: Any, tmp_path: Path) -> None:
    from lia_bench.core.video import write_png_folder

    black = tmp_path / "data" / "black"
    write_png_folder(black / "test" / "a", [np.zeros((16, 16, 3), np.uint8)] * 3)
    write_png_folder(black / "test" / "b", [np.zeros((16, 16, 3), np.uint8)])
    outcome = evaluate(request_of("identity", dataset=str(black), tasks=("reconstruction",), metrics=None))
    (row,) = read(outcome.leaderboard)
    assert (row["l1"], row["psnr"], row["toy_akd"]) == ("0", "", "")
    assert (row["toy_akd_frames"], row["toy_akd_missing"]) == ("0", "4")
    assert row["toy_fid"] == "0"
    reasons = {cell.metric: cell.reason for cell in outcome.report.content.cells}
    assert "nothing was found" in str(reasons["toy_akd"])


@pytest.mark.slow
def test_two_processes_give_the_table_of_one(fork_server: ForkServer, request_of: Any, tmp_path: Path) -> None:
    alone = evaluate(request_of(name="alone", pairs=3))
    program = (
        "import sys; from pathlib import Path; import pytest\n"
        "from tests.leaderboards import toys\n"
        "from tests.leaderboards.test_suite_of_metrics import METRICS\n"
        "from tests.leaderboards.toy_metrics import register_toy_metrics\n"
        "from lia_bench.leaderboards.evaluation.evaluate import evaluate\n"
        "from lia_bench.leaderboards.evaluation.request import EvaluationRequest\n"
        "register_toy_metrics(pytest.MonkeyPatch())\n"
        "toys.add('toy', toys.specification('toy'))\n"
        "evaluate(EvaluationRequest(('toy',), dataset=sys.argv[1], metrics=METRICS, name='together',\n"
        "    device='cpu', videos=False, pairs=3, results=Path(sys.argv[2])))\n"
        "import torch; from lia_bench.metrics.image_similarity import L1\n"
        "rank, metric = torch.distributed.get_rank(), L1()\n"
        "metric.update(torch.full((1 + 2 * rank, 3, 4, 4), float(rank)), torch.zeros(1 + 2 * rank, 3, 4, 4))\n"
        "Path(sys.argv[2], f'l1-{rank}').write_text(str(float(metric.compute())))\n"
    )
    port = next_port()
    processes = [
        fork_server.start(
            [str(tmp_path / "data" / "toys"), str(tmp_path / "results")],
            program,
            # As torchrun starts them.
            os.environ
            | {"LIA_BENCH_HOME": str(tmp_path / "other"), "RANK": str(rank), "LOCAL_RANK": str(rank)}
            | {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)},
        )
        for rank in (0, 1)
    ]
    for process in processes:
        output, errors = process.communicate()
        assert process.returncode == 0, output + errors
    folder = tmp_path / "results" / "together"
    # By itself, a metric is added up over the processes: one frame of 0 and three of 1.
    assert [(tmp_path / "results" / f"l1-{rank}").read_text() for rank in (0, 1)] == ["0.75", "0.75"]
    report = json.loads((folder / "report.json").read_text())
    assert len(report["runs"][0]["clips"]) == len(LENGTHS) + 3
    rows = read(folder / "leaderboard.csv") + read(folder / "per_clip.csv")
    assert [{key: value for key, value in row.items() if key not in ("fps", "date")} for row in rows] == comparable(
        alone
    )
