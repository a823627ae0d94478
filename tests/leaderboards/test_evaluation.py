"""Evaluations as users run them: values, tables, interruptions, clips that cannot be read."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lia_bench.core.errors import InputError, LiaBenchError, UnknownNameError
from lia_bench.core.video import open_video
from lia_bench.core.video.image import at_sizes
from lia_bench.leaderboards.board.evaluation import evaluation_board
from lia_bench.leaderboards.evaluation.evaluate import evaluate
from lia_bench.leaderboards.evaluation.request import EvaluationOutcome, EvaluationRequest
from lia_bench.leaderboards.printing.terminal import print_board
from lia_bench.leaderboards.results.csv_writing import rebuild
from lia_bench.leaderboards.results.report_file import read_report
from tests.forked import ForkServer
from tests.leaderboards.toys import LENGTHS, Toy, register, specification, write_dataset, write_run

WHO = ["model", "variant", "checkpoint", "dataset", "split", "task", "transfer"]
WHERE = ["protocol", "extractors", "dataset_hash", "checkpoint_sha256", "seed", "device", "version", "date", "origin"]


@pytest.fixture
def request_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes requests about the toy dataset, on the CPU, without videos."""
    register(monkeypatch, toy=specification("toy"))
    folder = write_dataset(tmp_path / "data" / "toys")

    def make(*models: str, **fields: Any) -> EvaluationRequest:
        usual: dict[str, Any] = {
            "models": models or ("toy",),
            "dataset": str(folder),
            "metrics": ("l1", "psnr", "ssim"),
            "name": "table",
            "device": "cpu",
            "videos": False,
            "runs": tmp_path / "runs",
            "results": tmp_path / "results",
        }
        return EvaluationRequest(**(usual | fields))

    return make


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def comparable(outcome: EvaluationOutcome) -> list[dict[str, str]]:
    """Both tables without what differs from run to run."""
    rows = read(outcome.leaderboard) + read(outcome.per_clip)
    return [{key: value for key, value in row.items() if key not in ("fps", "date")} for row in rows]


def frames_of(dataset: Path, clip: str) -> np.ndarray:
    with open_video(dataset / "test" / clip) as reader:
        return np.stack(list(reader)).astype(np.float64) / 255


def done_again(*arguments: Any, **named: Any) -> None:
    """Stands where no clip is to be evaluated."""
    raise AssertionError("a finished clip is done again")


def test_the_table_has_the_columns_of_the_contract(request_of: Any) -> None:
    outcome = evaluate(request_of())
    metrics = ["l1", "psnr", "ssim"]
    intervals = [f"{name}_{end}" for name in metrics for end in ("low", "high")]
    counts = [f"{name}_{kind}" for name in metrics for kind in ("frames", "missing")]
    rows = read(outcome.leaderboard)
    assert list(rows[0]) == [*WHO, "clips", "frames", *metrics, *intervals, *counts, "fps", *WHERE]
    assert [(row["model"], row["task"], row["transfer"]) for row in rows] == [
        ("toy", "reconstruction", "absolute"),
        ("identity", "reconstruction", "absolute"),
        ("toy", "cross", "relative"),
        ("identity", "cross", "relative"),
    ]
    assert {row["origin"] for row in rows} == {"measured"}
    assert list(read(outcome.per_clip)[0]) == [
        *WHO,
        "clip",
        "source",
        "frames",
        "start_pose_gap",
        *metrics,
        "fps",
        *WHERE,
    ]


def test_values_are_means_over_frames_then_clips(request_of: Any, tmp_path: Path) -> None:
    outcome = evaluate(request_of(tasks=("reconstruction",)))
    toy, identity = read(outcome.leaderboard)
    clips = [frames_of(tmp_path / "data" / "toys", name) for name in LENGTHS]
    assert float(toy["l1"]) == pytest.approx(np.mean([np.abs(clip / 2).mean() for clip in clips]), rel=1e-5)
    assert float(identity["l1"]) == pytest.approx(np.mean([np.abs(clip - clip[0]).mean() for clip in clips]), rel=1e-5)
    errors = [np.square(clip - clip[0]).mean() for clip in clips]
    assert float(identity["psnr"]) == pytest.approx(np.mean(-10 * np.log10(errors)), rel=1e-5)
    assert (int(toy["clips"]), int(toy["frames"])) == (4, sum(LENGTHS.values()))
    assert float(toy["l1_low"]) < float(toy["l1"]) < float(toy["l1_high"])
    assert float(toy["fps"]) > 0
    per_clip = {row["clip"]: row for row in read(outcome.per_clip) if row["model"] == "toy"}
    assert float(per_clip["bob#1"]["l1"]) == pytest.approx(np.abs(clips[2] / 2).mean(), rel=1e-5)


def test_numbers_do_not_depend_on_the_batch_size(request_of: Any) -> None:
    one = evaluate(request_of(batch_size=1, name="one"))
    many = evaluate(request_of(batch_size=4, name="many"))
    assert comparable(one) == comparable(many)


def test_cross_pairs_show_two_persons_and_have_no_scores_but_a_reason(request_of: Any) -> None:
    outcome = evaluate(request_of(tasks=("cross",), pairs=6, videos=True))
    pairs = read(outcome.report.folder / "pairs.csv")
    assert len({(pair["source"], pair["driving"]) for pair in pairs}) == 6
    assert all(pair["source"].split("#")[0] != pair["driving"].split("#")[0] for pair in pairs)
    assert {pair["driving"] for pair in pairs} == set(LENGTHS)
    for row in read(outcome.leaderboard):
        assert (row["l1"], row["l1_low"], row["psnr"], row["clips"]) == ("", "", "", "6")
        assert float(row["fps"]) > 0
    cells = json.loads((outcome.report.folder / "report.json").read_text())["cells"]
    assert all("no true frame" in cell["reason"] for cell in cells)
    assert len(list((outcome.report.folder / "videos" / "cross").glob("*.mp4"))) == 6


def test_one_person_is_reconstructed_alone_unless_pairs_were_asked_for(request_of: Any, tmp_path: Path) -> None:
    only = tmp_path / "only.txt"
    only.write_text(f"{sorted(LENGTHS)[0]}\n", encoding="utf-8")
    said: list[str] = []
    outcome = evaluate(request_of("identity", clips=only), announce=said.append)
    assert {row["task"] for row in read(outcome.leaderboard)} == {"reconstruction"}
    assert "reconstruction alone: the cross task takes test clips of two persons, and there are none" in said
    for asked in ({"tasks": ("reconstruction", "cross")}, {"pairs": 1}):
        with pytest.raises(InputError, match="there are 0"):
            evaluate(request_of("identity", clips=only, **asked))


def test_each_task_transfers_motion_its_own_way(request_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    original = Toy.encode_source

    def watching(self: Toy, source: torch.Tensor, first_driving: torch.Tensor, transfer: str) -> torch.Tensor:
        asked.append(transfer)
        return original(self, source, first_driving, transfer)

    monkeypatch.setattr(Toy, "encode_source", watching)
    evaluate(request_of(pairs=2))
    warm_up, clips, pairs = ["absolute", "relative"], len(LENGTHS), 2
    assert asked == [*warm_up, *["absolute"] * clips, *["relative"] * pairs]


class AbsoluteToy(Toy):
    """A method without relative transfer, as X2Face and IAPM are."""

    transfer_modes = ("absolute",)


class RelativeToy(Toy):
    """A method without absolute transfer, as exported graphs of relative transfer are."""

    transfer_modes = ("relative",)
    reconstruction_transfer = "relative"


class AdaptingToy(Toy):
    """A method with a mode of its own."""

    transfer_modes = ("absolute", "relative", "adapted")


def test_a_model_without_relative_transfer_is_in_the_table_and_says_so(
    request_of: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    register(monkeypatch, fixed=replace(specification("fixed"), animator=f"{__name__}:AbsoluteToy"))
    outcome = evaluate(request_of("toy", "fixed", tasks=("cross",), pairs=2))
    rows = {row["model"]: row["transfer"] for row in read(outcome.leaderboard)}
    assert rows == {"toy": "relative", "fixed": "absolute", "identity": "relative"}
    print_board(evaluation_board(outcome.report.content))
    printed = capsys.readouterr().out
    assert printed.count("cross, relative transfer") == 1
    assert "fixed: absolute transfer, not relative" in printed
    with pytest.raises(InputError, match="fixed: unknown transfer mode 'relative'"):
        evaluate(request_of("toy", "fixed", transfer="relative"))


def test_a_model_without_absolute_transfer_is_evaluated_by_what_it_has(
    request_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, moving=replace(specification("moving"), animator=f"{__name__}:RelativeToy"))
    rows = read(evaluate(request_of("moving", pairs=2)).leaderboard)
    assert {row["task"]: row["transfer"] for row in rows if row["model"] == "moving"} == {
        "reconstruction": "relative",
        "cross": "relative",
    }


def test_a_mode_of_one_model_stands_beside_the_floor(request_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, adapting=replace(specification("adapting"), animator=f"{__name__}:AdaptingToy"))
    outcome = evaluate(request_of("adapting", tasks=("cross",), transfer="adapted", pairs=2))
    assert {row["model"]: row["transfer"] for row in read(outcome.leaderboard)} == {
        "adapting": "adapted",
        "identity": "absolute",
    }


def test_an_unavailable_metric_leaves_its_cell_empty_and_says_why(request_of: Any) -> None:
    outcome = evaluate(request_of(tasks=("reconstruction",), metrics=("l1", "lpips", "ms_ssim", "akd")))
    row = read(outcome.leaderboard)[0]
    assert float(row["l1"]) > 0
    assert [row[name] for name in ("lpips", "ms_ssim", "akd", "akd_low")] == [""] * 4
    report = json.loads((outcome.report.folder / "report.json").read_text())
    reasons = {cell["metric"]: cell["reason"] for cell in report["cells"] if cell["model"] == "toy"}
    assert reasons["l1"] is None
    assert "16x16" in reasons["lpips"]
    assert "160" in reasons["ms_ssim"]
    assert "--subject" in reasons["akd"]


def test_the_video_shows_source_driving_and_models(request_of: Any, tmp_path: Path) -> None:
    outcome = evaluate(request_of(tasks=("reconstruction",), videos=True))
    assert outcome.video is not None
    with open_video(outcome.report.folder / "videos" / "reconstruction" / "cyd#1.mp4") as reader:
        assert len(reader) == LENGTHS["cyd#1"]
        columns = np.array_split(reader.frame(8)[24:], 4, axis=1)
    clip = frames_of(tmp_path / "data" / "toys", "cyd#1")
    brightness = [column.mean() / 255 for column in columns]
    expected = [clip[0].mean(), clip[8].mean(), clip[8].mean() / 2, clip[0].mean()]
    assert brightness == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("kind", ["Interrupt", "Break"])
def test_stopped_and_started_again_it_ends_in_the_same_tables(
    kind: str, request_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = evaluate(request_of(name="whole"))
    register(monkeypatch, toy=specification("toy", configuration=f"{kind}Configuration"))
    with pytest.raises((KeyboardInterrupt, LiaBenchError)) as stopped:
        evaluate(request_of(name="stopped"))
    assert stopped.type is KeyboardInterrupt or "toy failed on clip bob#1: RuntimeError: out of memory second" in str(
        stopped.value
    )
    table = whole.report.folder.with_name("stopped") / "leaderboard.csv"
    assert [row["clips"] for row in read(table)] == ["2", "2"]
    register(monkeypatch, toy=specification("toy"))
    assert comparable(evaluate(request_of(name="stopped"))) == comparable(whole)


def test_killed_at_once_it_goes_on_after_the_last_finished_clip(
    fork_server: ForkServer, request_of: Any, tmp_path: Path
) -> None:
    whole = evaluate(request_of(name="whole", pairs=3))
    program = (
        "import sys; from pathlib import Path; from tests.leaderboards import toys\n"
        "from lia_bench.leaderboards.evaluation.evaluate import evaluate\n"
        "from lia_bench.leaderboards.evaluation.request import EvaluationRequest\n"
        "toys.add('toy', toys.specification('toy', configuration='KillConfiguration'))\n"
        "evaluate(EvaluationRequest(('toy',), dataset=sys.argv[1], metrics=('l1', 'psnr', 'ssim'), name='killed',\n"
        "    device='cpu', videos=False, pairs=3, results=Path(sys.argv[2])))"
    )
    arguments = [str(tmp_path / "data" / "toys"), str(tmp_path / "results")]
    assert fork_server.start(arguments, program).wait() == 9
    journal = tmp_path / "results" / "killed" / "unfinished-0.jsonl"
    assert len(journal.read_text().splitlines()) == 2
    with journal.open("a") as file:
        file.write('{"run": 0, "kind": "cl')
    outcome = evaluate(request_of(name="killed", pairs=3))
    assert comparable(outcome) == comparable(whole)
    assert len(outcome.run.sessions) == 2
    assert not journal.exists()


def test_a_finished_evaluation_is_not_done_again(request_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = comparable(evaluate(request_of()))
    monkeypatch.setattr("lia_bench.leaderboards.evaluation.evaluate.evaluate_clip", done_again)
    assert comparable(evaluate(request_of())) == before


def test_a_clip_that_cannot_be_read_is_named_and_left_out(request_of: Any, tmp_path: Path) -> None:
    broken = tmp_path / "data" / "toys" / "test" / "bob#1" / "0000002.png"
    broken.write_bytes(b"no picture")
    outcome = evaluate(request_of(tasks=("reconstruction",)))
    assert [row["clips"] for row in read(outcome.leaderboard)] == ["3", "3"]
    (failure,) = outcome.failures
    assert "bob#1" in failure
    report = json.loads((outcome.report.folder / "report.json").read_text())
    assert report["runs"][0]["failures"][0]["clip"] == "bob#1"


def test_the_tables_can_be_made_again_from_the_report(request_of: Any) -> None:
    outcome = evaluate(request_of())
    before = [path.read_bytes() for path in (outcome.leaderboard, outcome.per_clip)]
    for path in (outcome.leaderboard, outcome.per_clip):
        path.unlink()
    assert [path.read_bytes() for path in rebuild(outcome.report.folder)] == before


def test_another_model_joins_the_table_and_another_setting_does_not(request_of: Any) -> None:
    evaluate(request_of("identity", tasks=("reconstruction",)))
    outcome = evaluate(request_of("toy", tasks=("reconstruction",)))
    assert [row["model"] for row in read(outcome.leaderboard)] == ["toy", "identity"]
    with pytest.raises(InputError, match=r"holds results with limit null, not 2: take another --name"):
        evaluate(request_of("toy", limit=2))


def test_a_list_of_clips_restricts_both_tasks(request_of: Any, tmp_path: Path) -> None:
    names = tmp_path / "common.txt"
    names.write_text("train/ann#1\ntest/ann#2\nbob#1\ntest/gone#1\ntest/cyd#1\n")
    lines: list[str] = []
    whole = read(evaluate(request_of(name="whole")).leaderboard)
    outcome = evaluate(request_of(clips=names, name=None), lines.append)
    assert lines == [f"{names}: 3 of the 4 test clips that it names are in toys; left out: 1"]
    rows = read(outcome.leaderboard)
    assert [row["clips"] for row in rows] == ["3", "3", "3", "3"]
    assert {row["clip"] for row in read(outcome.per_clip)} == {"ann#2", "bob#1", "cyd#1"}
    assert {pair[key] for pair in read(outcome.report.folder / "pairs.csv") for key in pair} <= {
        "ann#2",
        "bob#1",
        "cyd#1",
    }
    (digest,) = {row["dataset_hash"] for row in rows}
    assert digest != whole[0]["dataset_hash"]
    assert outcome.report.folder.name == f"toys-16-clips-{digest[:8]}-l1-psnr-ssim"
    report = json.loads((outcome.report.folder / "report.json").read_text())
    assert report["setting"]["listed_clips"] == 3
    assert report["runs"][0]["sessions"][0]["clip_list"] == str(names)


def test_the_clips_of_a_list_have_one_hash_whatever_else_is_there(request_of: Any, tmp_path: Path) -> None:
    names = tmp_path / "common.txt"
    names.write_text("test/ann#1\ntest/ann#2\n")
    theirs = write_dataset(tmp_path / "theirs" / "toys", {"ann#1": 3, "ann#2": 7})
    whole = evaluate(request_of(tasks=("reconstruction",), dataset=str(theirs), name="theirs"))
    part = evaluate(request_of(tasks=("reconstruction",), clips=names, name="ours"))
    assert comparable(part) == comparable(whole)


def test_clip_sets_do_not_share_a_table(request_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    first.write_text("ann#1\nann#2\nbob#1\n")
    second.write_text("ann#1\nann#2\ncyd#1\n")
    evaluate(request_of(clips=first))
    with pytest.raises(InputError, match=r"holds results with listed_clips 3, not null: take another --name"):
        evaluate(request_of())
    with pytest.raises(InputError, match=r"holds results with dataset_hash .*: take another --name"):
        evaluate(request_of(clips=second))
    same = tmp_path / "same.txt"
    same.write_text("bob#1\nann#2\nann#1\n")
    monkeypatch.setattr("lia_bench.leaderboards.evaluation.evaluate.evaluate_clip", done_again)
    assert len(evaluate(request_of(clips=same)).run.sessions) == 2


def test_a_stopped_evaluation_of_a_list_goes_on(
    request_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = tmp_path / "common.txt"
    names.write_text("ann#2\nbob#1\ncyd#1\n")
    whole = evaluate(request_of(clips=names, name="whole"))
    register(monkeypatch, toy=specification("toy", configuration="InterruptConfiguration"))
    with pytest.raises(KeyboardInterrupt):
        evaluate(request_of(clips=names, name="stopped"))
    register(monkeypatch, toy=specification("toy"))
    assert comparable(evaluate(request_of(clips=names, name="stopped"))) == comparable(whole)


def test_a_list_without_a_clip_that_is_here(request_of: Any, tmp_path: Path) -> None:
    names = tmp_path / "common.txt"
    names.write_text("train/ann#1\ntest/gone#1\n")
    with pytest.raises(InputError, match=r"common\.txt: none of the 1 test clips that it names is in .*toys"):
        evaluate(request_of(clips=names))
    with pytest.raises(InputError, match=r"gone\.txt: no list of clips"):
        evaluate(request_of(clips=tmp_path / "gone.txt"))
    assert not (tmp_path / "results").exists()


def test_a_run_on_the_whole_dataset_serves_its_parts(
    request_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, toy=specification("toy", recipe="none:none"))
    run = write_run(tmp_path / "runs", "toy", "first", gain=0.25, dataset_name="toys")
    names = tmp_path / "common.txt"
    names.write_text("bob#1\n")
    outcome = evaluate(request_of(clips=names, tasks=("reconstruction",)))
    assert read(outcome.leaderboard)[0]["checkpoint"] == str(run)


def test_the_newest_run_is_taken_and_named(request_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, toy=specification("toy", recipe="none:none"))
    with pytest.raises(InputError, match="lia-bench train toy --dataset toys"):
        evaluate(request_of())
    write_run(tmp_path / "runs", "toy", "first", gain=0.25, dataset_name="toys")
    newest = write_run(tmp_path / "runs", "toy", "second", gain=1.0, dataset_name="toys")
    write_run(tmp_path / "runs", "toy", "elsewhere", gain=0.1, dataset_name="others")
    lines: list[str] = []
    outcome = evaluate(request_of(tasks=("reconstruction",)), lines.append)
    row = read(outcome.leaderboard)[0]
    assert lines == [f"toy: {newest}"]
    assert row["checkpoint"] == str(newest)
    assert float(row["l1"]) == 0
    assert len(row["checkpoint_sha256"]) == 64
    older = tmp_path / "runs" / "toy" / "first"
    both = evaluate(request_of("toy", f"toy@{older}", tasks=("reconstruction",), name="both"))
    assert [model.label for model in both.run.plan.models] == ["toy", f"toy@{older}", "identity"]
    # In one folder a row each, called by its run.
    write_run(tmp_path / "runs", "toy", "third", gain=0.5, dataset_name="toys")
    evaluate(request_of(tasks=("reconstruction",)))
    (group,) = evaluation_board(read_report(outcome.report.folder)).groups
    assert group.labels == ("toy@second", "toy@third", "identity")
    # Of equal weights one is kept, and that is said.
    again = write_run(tmp_path / "runs", "toy", "fourth", gain=1.0, dataset_name="toys")
    named = [f"toy@{newest}", f"toy@{again}"]
    evaluate(request_of(*named, tasks=("reconstruction",), name="equal"), lines.append)
    assert f"{', '.join(named)}: equal weights, so that tables keep {named[-1]}; take a --name for each" in lines


def test_models_of_different_sizes_are_compared_at_the_smallest(
    request_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(
        monkeypatch,
        large=specification("large", configuration="LargeConfiguration"),
        small=specification("small", configuration="SmallConfiguration"),
    )
    lines: list[str] = []
    both = evaluate(request_of("large", "small", tasks=("reconstruction",), name="both"), lines.append)
    assert lines == ["large: renders 32x32, compared at 24x24"]
    rows = {row["model"]: row for row in read(both.leaderboard)}
    assert {name: row["rendered"] for name, row in rows.items()} == {
        "large": "32x32, compared at 24x24",
        "small": "",
        "identity": "",
    }
    # Both halve the brightness: what differs is how a frame of 16 pixels comes to 24, straight or by way of 32.
    assert float(rows["large"]["l1"]) == pytest.approx(float(rows["small"]["l1"]), abs=0.02)
    larger = evaluate(request_of("large", "small", tasks=("reconstruction",), name="larger", size=32), lines.append)
    assert lines[1:] == ["small: renders 24x24, compared at 32x32"]
    assert larger.report.content.setting.height == 32
    outcome = evaluate(request_of("large", tasks=("reconstruction",), name=None, metrics=None))
    assert outcome.report.folder.name == "toys-32"


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"models": ("tooy",)}, UnknownNameError, "did you mean 'toy'"),
        ({"models": ("toy", "toy")}, InputError, "twice"),
        ({"metrics": ("l2",)}, UnknownNameError, "did you mean 'l1'"),
        ({"tasks": ("crossing",)}, InputError, "did you mean 'cross'"),
        ({"transfer": "relativ"}, InputError, "did you mean 'relative'"),
        ({"pairs": 100}, InputError, "fewer --pairs"),
        ({"limit": 0}, InputError, "--limit 0"),
        ({"size": 0}, InputError, "--size 0"),
        ({"name": "../up"}, InputError, "--name"),
        ({"dataset": "nothing"}, InputError, "nothing"),
    ],
)
def test_wrong_requests_are_one_clear_line(
    fields: dict[str, Any], error: type[Exception], message: str, request_of: Any
) -> None:
    with pytest.raises(error, match=message) as caught:
        evaluate(request_of(**fields))
    assert "\n" not in str(caught.value)


def test_the_only_dataset_is_taken_and_several_are_listed(request_of: Any, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with pytest.raises(InputError, match="preprocess sample"):
        evaluate(request_of(dataset=None, data=data))
    header = "clip,partition,person_id,status\n"
    table = header + "".join(f"{name},test,{name[:3]},ok\n" for name in LENGTHS)
    (data / "toys" / "clips.csv").write_text(table)
    assert len(read(evaluate(request_of(dataset=None, data=data)).leaderboard)) == 4
    write_dataset(data / "more")
    (data / "more" / "clips.csv").write_text(table)
    with pytest.raises(InputError, match="more, toys"):
        evaluate(request_of(dataset=None, data=data))


def test_frames_are_decoded_once_and_not_kept(request_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = write_dataset(tmp_path / "data" / "long", {"ann#1": 400}, size=12)
    alive: list[int] = []
    references: list[Any] = []
    original = at_sizes

    def watched(*arguments: Any) -> Any:
        import weakref

        for scaled in original(*arguments):
            references.extend(weakref.ref(frame) for frame in scaled.values())
            alive.append(sum(reference() is not None for reference in references))
            yield scaled
            del scaled

    monkeypatch.setattr("lia_bench.leaderboards.evaluation.evaluate.at_sizes", watched)
    evaluate(request_of(dataset=str(dataset), tasks=("reconstruction",), metrics=("l1",)))
    assert len(alive) == 400
    assert max(alive) < 100


def test_a_perfect_clip_has_no_psnr_but_a_reason(request_of: Any, tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "data" / "still", {"ann#1": 1})
    outcome = evaluate(request_of("identity", dataset=str(dataset), tasks=("reconstruction",)))
    row = read(outcome.leaderboard)[0]
    assert (row["l1"], row["psnr"]) == ("0", "")
    cells = {cell.metric: cell for cell in outcome.report.content.cells}
    assert "infinite" in (cells["psnr"].reason or "")
    assert row["l1_low"] == ""


def test_frames_are_scored_as_floats(request_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []
    from lia_bench.metrics.image_similarity import L1

    original = L1.score

    def watching(self: L1, generated: torch.Tensor, reference: torch.Tensor) -> Any:
        seen.append(generated)
        return original(self, generated, reference)

    monkeypatch.setattr(L1, "score", watching)
    evaluate(request_of(tasks=("reconstruction",), metrics=("l1",)))
    levels = seen[0] * 255
    assert float((levels - levels.round()).abs().max()) > 0.1
