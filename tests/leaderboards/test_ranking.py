"""Mean ranks over metrics and their intervals."""

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lia_bench.leaderboards.board.comparison import compare_models
from lia_bench.leaderboards.board.groups import Group, comparable
from lia_bench.leaderboards.board.ranking import Ranking, fractional_ranks, rank
from lia_bench.leaderboards.printing.ranking import print_ranking
from lia_bench.leaderboards.results.columns import ResultRow, present
from lia_bench.leaderboards.results.csv_reading import read_results
from tests.leaderboards.toy_results import ToyResults, save_report, toy_content

Scores = Mapping[str, Mapping[str, Sequence[float | None]]]
"""Values on each clip, by model and metric."""


def write(folder: Path, scores: Scores, frames: Sequence[int] = ()) -> dict[str, Any]:
    """A results folder with these scores; with `frames`, means are over the frames of all clips."""
    metrics = list(next(iter(scores.values())))
    clips = len(next(iter(scores[next(iter(scores))].values())))
    content = toy_content(
        ToyResults(clips=clips, models=tuple(scores), tasks=("reconstruction",), metrics=metrics, videos=False)
    )
    for metric in metrics:
        content["runs"][0]["plan"]["metrics"][metric]["averaging"] = "frames" if frames else "clips"
    for number, clip in enumerate(content["runs"][0]["clips"]):
        for own, result in zip(scores.values(), clip["models"], strict=True):
            for metric, values in own.items():
                count = frames[number] if frames else 10
                missing = values[number] is None
                result["scores"][metric] = {
                    "value": values[number],
                    "weight": 0.0 if missing else float(count),
                    "valid_frames": 0 if missing else count,
                    "missing_frames": count if missing else 0,
                }
    save_report(folder, content)
    return content


def group_of(folder: Path) -> Group:
    rows, problems = read_results([folder])
    assert not problems
    (group,) = comparable(rows)
    return group


def rank_all(group: Group, seed: int) -> Ranking:
    return rank(group, present(group.rows), seed)


def ranks_of(ranking: Ranking) -> dict[str, float]:
    return {model.label: model.rank for model in ranking.models}


def test_equal_values_share_the_mean_of_their_places() -> None:
    assert fractional_ranks(np.array([0.2, 0.9, 0.1, 0.2])).tolist() == [2.5, 4, 1, 2.5]
    assert fractional_ranks(np.array([0.1 + 0.2, 0.3, 0.0])).tolist() == [2.5, 2.5, 1]
    assert fractional_ranks(np.zeros((2, 3))).tolist() == [[2, 2, 2], [2, 2, 2]]


def test_the_mean_rank_by_hand(tmp_path: Path) -> None:
    """Means: l1 0.2, 0.3, 0.3 (lower is better), psnr 20, 25, 30 (higher is better)."""
    scores = {
        "lia": {"l1": [0.1, 0.3], "psnr": [20.0, 20.0]},
        "fomm": {"l1": [0.2, 0.4], "psnr": [24.0, 26.0]},
        "identity": {"l1": [0.4, 0.2], "psnr": [30.0, 30.0]},
    }
    write(tmp_path, scores)
    ranking = rank_all(group_of(tmp_path), seed=0)
    assert ranks_of(ranking) == {"identity": 1.75, "lia": 2.0, "fomm": 2.25}
    assert [model.label for model in ranking.models] == ["identity", "lia", "fomm"]
    assert ranking.models[0].ranks == {"l1": 2.5, "psnr": 1.0}
    assert (ranking.clips, ranking.problems) == (2, ())


def test_the_interval_is_that_of_all_possible_resamples(tmp_path: Path) -> None:
    """Four clips can be drawn in 256 ways, all of them as likely."""
    random = np.random.default_rng(1)
    frames = [5, 40, 20, 10]
    values = (random.normal(1, 0.3, (3, 2, 4)) / 4).round(4)
    scores = {
        label: {"l1": own[0].tolist(), "akd": own[1].tolist()}
        for label, own in zip(("lia", "fomm", "identity"), values, strict=True)
    }
    write(tmp_path, scores, frames)
    outcomes = []
    for drawn in itertools.product(range(4), repeat=4):
        weights = np.array([frames[clip] for clip in drawn])
        means = [[sum(own[metric][list(drawn)] * weights) / sum(weights) for own in values] for metric in (0, 1)]
        places = [[1 + sum(other < mine for other in column) for mine in column] for column in means]
        outcomes.append(np.mean(places, axis=0))
    expected = np.percentile(outcomes, (2.5, 97.5), axis=0).T
    ranking = rank_all(group_of(tmp_path), seed=3)
    found = {model.label: model.interval for model in ranking.models}
    assert [found[label] for label in scores] == [pytest.approx(interval) for interval in expected]
    assert len({tuple(interval) for interval in expected}) == 3


def test_clips_weigh_as_the_metric_averages_them(tmp_path: Path) -> None:
    scores = {"lia": {"l1": [0.1, 0.5]}, "fomm": {"l1": [0.3, 0.2]}}
    write(tmp_path / "clips", scores)
    write(tmp_path / "frames", scores, frames=[90, 10])
    assert ranks_of(rank_all(group_of(tmp_path / "clips"), seed=0)) == {"fomm": 1, "lia": 2}
    assert ranks_of(rank_all(group_of(tmp_path / "frames"), seed=0)) == {"lia": 1, "fomm": 2}


def test_the_seed_decides(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    scores = {label: {"l1": random.uniform(0, 1, 9).tolist()} for label in ("lia", "fomm", "identity")}
    write(tmp_path, scores)
    assert rank_all(group_of(tmp_path), seed=4) == rank_all(group_of(tmp_path), seed=4)


def test_models_with_the_same_numbers_tie_in_every_resample(tmp_path: Path) -> None:
    values = np.random.default_rng(5).uniform(0, 0.4, 50).tolist()
    write(
        tmp_path, {"lia": {"l1": values}, "fomm": {"l1": values}, "identity": {"l1": [value + 0.5 for value in values]}}
    )
    ranking = rank_all(group_of(tmp_path), seed=0)
    lia, fomm, identity = ranking.models
    assert lia.interval == fomm.interval == (1.5, 1.5)
    assert lia.overlaps(fomm)
    assert identity.interval == (3.0, 3.0)
    assert not identity.overlaps(lia)


def test_a_damaged_report_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"lia": {"l1": [0.1, 0.2]}, "fomm": {"l1": [0.2, 0.3]}})
    group = group_of(tmp_path)
    report = tmp_path / "report.json"
    content = json.loads(report.read_text())
    del content["runs"][0]["clips"][0]["models"]
    report.write_text(json.dumps(content))
    ranking = rank_all(group, seed=0)
    assert ranking.models == ()
    assert ranking.problems[0] == (
        f"lia: not ranked, {report}: not readable as a report ('runs.0.clips.0.models' is missing): evaluate again "
        "under another --name, or put back what `lia-bench evaluate` wrote"
    )


def test_what_is_left_out_is_named(tmp_path: Path) -> None:
    scores: Scores = {
        "lia": {"l1": [0.1, 0.2, 0.1], "akd": [1.0, 1.0, 1.0], "psnr": [20.0, 20.0, None]},
        "fomm": {"l1": [0.2, 0.3, 0.3], "akd": [None, None, None], "psnr": [22.0, 20.0, 5.0]},
        "identity": {"l1": [None, None, None], "akd": [None, None, None], "psnr": [None, None, None]},
    }
    write(tmp_path, scores)
    group = group_of(tmp_path)
    published = ResultRow("x2face", "", "", "vox", "", "reconstruction", "", {"l1": 0.078}, origin="published")
    elsewhere = ResultRow("tpsmm", "", "", "vox", "", "reconstruction", "", {"l1": 0.1}, file=tmp_path / "no" / "a.csv")
    ranking = rank_all(Group((*group.rows, published, elsewhere)), seed=0)
    no_report = f"there is no report.json beside its table in {tmp_path / 'no'}; copy the whole folder of results"
    assert ranking.metrics == ("l1", "psnr")
    assert ranking.problems == (
        "x2face: not ranked, a published number has no clips",
        f"tpsmm: not ranked, {no_report}",
        "left out, without any value: identity",
        "akd: left out, no value of fomm",
    )
    # The third clip, which would make fomm the worse one, has no value of lia.
    psnr = {model.label: model.ranks["psnr"] for model in ranking.models}
    assert psnr == {"lia": 2, "fomm": 1}


def test_a_metric_that_is_not_installed_is_left_out(tmp_path: Path) -> None:
    content = write(tmp_path, {"lia": {"l1": [0.1, 0.2], "akd": [1.0, 1.0]}, "fomm": {"l1": [0.2, 0.3], "akd": [2, 2]}})
    content["runs"][0]["plan"]["metrics"]["akd"]["definition"] = "akd_of_a_plug_in"
    save_report(tmp_path, content)
    ranking = rank_all(group_of(tmp_path), seed=0)
    assert ranking.metrics == ("l1",)
    assert ranking.problems == ("akd: left out, there is no metric 'akd_of_a_plug_in' here; is a plug-in missing?",)


def test_only_the_metrics_asked_for_count(tmp_path: Path) -> None:
    write(tmp_path, {"lia": {"l1": [0.1, 0.2], "akd": [3.0, 3.0]}, "fomm": {"l1": [0.2, 0.3], "akd": [2.0, 2.0]}})
    ranking = rank(group_of(tmp_path), ["akd", "fps"], seed=0)
    assert ranking.metrics == ("akd",)
    assert ranks_of(ranking) == {"fomm": 1, "lia": 2}


def test_metrics_of_sets_count_with_their_one_rank(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores = {"lia": {"l1": [0.1, 0.2, 0.1]}, "fomm": {"l1": [0.3, 0.4, 0.5]}}
    content = write(tmp_path, scores)
    content["setting"]["metrics"].append("fid")
    run = content["runs"][0]
    meaning = {
        "definition": "fid_inception",
        "description": "fid_inception(toy)",
        "of_sets": True,
        "averaging": "clips",
    }
    run["plan"]["metrics"]["fid"] = meaning
    run["sets"]["scores"] = [
        {"task": "reconstruction", "model": place, "metric": "fid", "value": value, "reason": None, "generated": 30}
        for place, value in enumerate((80.0, 60.0))
    ]
    save_report(tmp_path, content)
    ranking = rank_all(group_of(tmp_path), seed=0)
    assert ranking.of_sets == ("fid",)
    assert [(model.rank, model.interval) for model in ranking.models] == [(1.5, (1.5, 1.5))] * 2
    print_ranking(ranking)
    printed = capsys.readouterr().out
    assert "fid: one value for all clips together; counts with its one rank" in printed
    assert "few clips (3)" in printed
    run["sets"]["scores"][0]["generated"] = 20
    save_report(tmp_path, content)
    ranking = rank_all(group_of(tmp_path), seed=0)
    assert ranking.metrics == ("l1",)
    assert ranking.problems == ("fid: left out, from sets of different sizes, which bias it differently",)


def test_one_clip_shows_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, {"lia": {"l1": [0.1]}, "fomm": {"l1": [0.2]}})
    ranking = rank_all(group_of(tmp_path), seed=0)
    assert [model.interval for model in ranking.models] == [None, None]
    assert ranking.models[0].overlaps(ranking.models[1])
    print_ranking(ranking)
    assert "no interval of ranks" in capsys.readouterr().out


def test_one_model_is_no_ranking(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, {"lia": {"l1": [0.1, 0.2]}})
    print_ranking(rank_all(group_of(tmp_path), seed=0))
    assert capsys.readouterr().out.startswith("fewer than two models")


def test_who_is_better_than_whom_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(6)
    hard = random.uniform(0.1, 0.3, 40)
    scores = {
        "lia": {"l1": (hard + random.normal(0, 0.001, 40)).tolist()},
        "fomm": {"l1": (hard + random.normal(0, 0.001, 40)).tolist()},
        "identity": {"l1": (hard + 0.01).tolist()},
    }
    write(tmp_path / "toy", scores)
    ranking = rank_all(group_of(tmp_path), seed=0)
    print_ranking(ranking)
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    first, second = (model.label for model in ranking.models[:2])
    assert f"1  {first}" in lines[4]
    assert lines[4].split()[-1] == "2"
    assert lines[5].split()[:2] == ["2", second]
    assert lines[6].split() == ["3", "identity", "3.00", "3.00", "to", "3.00", "3"]
    assert "l1: 1 better than 3; 2 better than 3; no difference shown: 1-2" in lines
    (difference,) = compare_models(first, second, tmp_path, "toy").differences
    assert ranking.differences[0, 1] == (difference,)


@pytest.mark.slow
def test_equal_models_are_seldom_told_apart_and_true_ranks_seldom_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulated clips of 40, four metrics; three models are equal, one is far better and one far worse."""
    # Pairs of models, the table of clips and indentation are no part of ranks, and would take most of the time.
    monkeypatch.setattr("lia_bench.leaderboards.board.ranking.metric_differences", lambda *_: [])
    monkeypatch.setattr("lia_bench.leaderboards.results.csv_writing._clip_cells", lambda *_: {})
    monkeypatch.setattr(
        "lia_bench.leaderboards.results.report_file.write_json",
        lambda path, value: path.write_text(json.dumps(value), encoding="utf-8"),
    )
    random = np.random.default_rng(8)
    labels, offsets, truth = ("lia", "fomm", "mraa", "tpsmm", "identity"), np.array([-2, 0, 0, 0, 2]), [1, 3, 3, 3, 5]
    wrong, held = [], []
    for trial in range(150):
        own = random.normal(0, 1, (5, 1, 40)) + random.normal(0, 1, (5, 4, 40)) + random.gamma(3, 1, (1, 1, 40))
        # Scaled into the range that L1 can have.
        values = (10 + offsets[:, None, None] + own) / 50
        scores = {
            label: dict(zip(("l1", "lpips", "akd", "aed"), model.tolist(), strict=True))
            for label, model in zip(labels, values, strict=True)
        }
        write(tmp_path / str(trial), scores)
        found = {model.label: model for model in rank_all(group_of(tmp_path / str(trial)), seed=0).models}
        wrong += [not found[one].overlaps(found[other]) for one, other in itertools.combinations(labels[1:4], 2)]
        intervals = [found[label].interval or (1.0, 5.0) for label in labels]
        held += [low <= place <= high for (low, high), place in zip(intervals, truth, strict=True)]
    assert np.mean(wrong) < 0.05
    assert np.mean(held) > 0.93
