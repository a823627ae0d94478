"""Preference studies: what is asked, what is kept, and what is made of it."""

import csv
import dataclasses
import json
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from lia_bench.cli.main import run
from lia_bench.core.errors import InputError, UnknownNameError
from lia_bench.core.processes import alone_at
from lia_bench.core.video import open_video
from lia_bench.leaderboards.results.csv_reading import read_results
from lia_bench.leaderboards.study.answers import Answer, AnswerBook
from lia_bench.leaderboards.study.creation import StudyRequest, create_study, questions_of
from lia_bench.leaderboards.study.document import Study, arrange, check_media, media_path, read_study, write_study
from lia_bench.leaderboards.study.preferences import Judgement, preference_interval, wilson
from lia_bench.leaderboards.study.report import print_report, report_study
from tests.leaderboards.toy_results import ToyResults, write_results

BEFORE = Path(__file__).parent / "written_before"
V1 = json.loads((BEFORE / "study.json").read_text())
TOY = ToyResults(clips=3, models=("lia", "fomm", "mraa", "identity"))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder with videos."""
    return write_results(tmp_path_factory.mktemp("results") / "toy", TOY)


def study_of(results: Path, output: Path, **changes: object) -> Study:
    """A study with two attention checks."""
    request = StudyRequest(results=(results,), output=output, attention_checks=2)
    return create_study(dataclasses.replace(request, **changes), lambda line: None)  # type: ignore[arg-type]


def answer_all(folder: Path, rater: str, preferred: str, *, attentive: bool = True, only: int | None = None) -> None:
    """A rater who prefers one model in every question, and takes the first candidate of trials without it."""
    study = read_study(folder)
    book = AnswerBook(folder, study)
    trials = {trial.id: trial for trial in study.trials}
    sequence = arrange(study, rater)
    book.add_rater(rater, sequence)
    for shown in sequence[:only]:
        trial = trials[shown.trial]
        labels = [study.datasets[trial.dataset].models[model].label for model in trial.models]
        chosen = labels.index(preferred) if preferred in labels else 0 if attentive or labels else 1
        video = trial.videos[chosen]
        for question in range(len(study.questions)):
            book.add(Answer(rater, trial.id, question, shown.videos.index(video), video, 1000))
    book.close()


def test_every_pair_is_asked_on_the_same_clips(results: Path, tmp_path: Path) -> None:
    study = study_of(results, tmp_path / "study", pairs=2)
    asked: dict[tuple[int, ...], set[str]] = {}
    for trial in study.of_kind("comparison"):
        asked.setdefault(trial.models, set()).add(trial.clip)
    assert [model.label for model in study.datasets[0].models] == ["lia", "fomm", "mraa"]
    assert list(asked) == [(0, 1), (0, 2), (1, 2)]
    assert len(set(map(frozenset, asked.values()))) == 1
    assert {len(clips) for clips in asked.values()} == {2}
    assert len(list(study.of_kind("attention"))) == 2


def test_one_model_against_every_other(results: Path, tmp_path: Path) -> None:
    study = study_of(results, tmp_path / "study", against="fomm", task="cross")
    assert {trial.models for trial in study.of_kind("comparison")} == {(1, 0), (1, 2)}
    assert all(trial.clip != trial.source_clip for trial in study.of_kind("comparison"))


@pytest.mark.parametrize(("preset", "word"), [("lia", "clip"), ("fomm", "animation")])
def test_a_preset_compares_its_model_with_each_other_in_its_words(
    results: Path, tmp_path: Path, preset: str, word: str
) -> None:
    options = ["study", "create", "--results", str(results), "--pairs", "3", "--attention-checks", "0"]
    assert run([*options, "--preset", preset, "--output", str(tmp_path / "asked")], debug=False) == 0
    study = read_study(tmp_path / "asked")
    (question,) = study.questions
    assert "realistic" in question.text
    assert word in question.text
    labels = [model.label for model in study.datasets[0].models]
    assert {labels[trial.models[0]] for trial in study.trials} == {preset}
    assert len(study.trials) == 3 * (len(labels) - 1)
    own = [*options, "--preset", preset, "--model", "mraa", "--question", "Which?", "--output", str(tmp_path / "own")]
    assert run(own, debug=False) == 0
    assert [question.text for question in read_study(tmp_path / "own").questions] == ["Which?"]


def test_videos_are_the_evaluations_own_under_names_that_tell_nothing(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    study = study_of(results, folder, models=("lia", "fomm"))
    shown = media_path(folder, study, next(study.of_kind("comparison")).videos[0])
    originals = [path for path in results.rglob("lia-*.mp4") if path.read_bytes() == shown.read_bytes()]
    assert originals
    assert any(shown.samefile(path) for path in originals)
    names = " ".join(path.name for path in folder.rglob("media/*"))
    assert not any(label in names for label in TOY.models)
    assert len(set(study.media)) == len(list((folder / "media").iterdir()))


def test_the_same_seed_draws_the_same_trials(results: Path, tmp_path: Path) -> None:
    clips = [
        [trial.clip for trial in study_of(results, tmp_path / name, pairs=1, seed=seed).trials]
        for name, seed in (("a", 3), ("b", 3), ("c", 5), ("d", 6), ("e", 7))
    ]
    assert clips[0] == clips[1]
    assert any(other != clips[0] for other in clips[2:])


def test_an_attention_check_is_the_footage_against_its_scattered_pieces(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    study = study_of(results, folder)
    check = next(study.of_kind("attention"))
    driving, right, wrong = (
        open_video(media_path(folder, study, video)).frame(0) for video in (check.driving, *check.videos)
    )
    assert np.array_equal(driving, right)
    difference = np.abs(right.astype(int) - wrong).reshape(4, 8, 4, 8, 3).mean((1, 3, 4))
    assert difference.min() > 3
    assert wrong.mean() == pytest.approx(right.mean(), abs=3)


def test_what_cannot_be_asked_is_one_clear_line(results: Path, tmp_path: Path) -> None:
    older = write_results(tmp_path / "older", dataclasses.replace(TOY, videos=False))
    with pytest.raises(InputError, match=r"no videos of each model there .* evaluate again"):
        study_of(older, tmp_path / "study")
    with pytest.raises(UnknownNameError, match="did you mean 'fomm'"):
        study_of(results, tmp_path / "study", models=("lia", "fom"))
    with pytest.raises(InputError, match="needs two models"):
        study_of(results, tmp_path / "study", models=("lia",))
    with pytest.raises(InputError, match="no model 'x2face'"):
        study_of(results, tmp_path / "study", against="x2face")
    assert not (tmp_path / "study").exists()
    study_of(results, tmp_path / "study")
    with pytest.raises(InputError, match="holds a study, perhaps with answers"):
        study_of(results, tmp_path / "study")


def test_one_command_at_a_time_writes_a_study(results: Path, tmp_path: Path) -> None:
    said = r"study: process \d+ on .* is at work here: another command is writing this study"
    with alone_at(tmp_path / "study", "busy", "name another"), pytest.raises(InputError, match=said):
        study_of(results, tmp_path / "study")
    assert not (tmp_path / "study").exists()


def test_a_video_that_is_gone_is_named(tmp_path: Path) -> None:
    folder = write_results(tmp_path / "toy", TOY)
    next(folder.rglob("reconstruction/*/fomm-*.mp4")).unlink()
    with pytest.raises(InputError, match=r"fomm-\w+\.mp4: is gone"):
        study_of(folder, tmp_path / "study")


def test_links_out_of_results_and_studies_are_refused(results: Path, tmp_path: Path) -> None:
    folder = write_results(tmp_path / "toy", TOY)
    video = next(folder.rglob("reconstruction/*/fomm-*.mp4"))
    video.rename(tmp_path / "private.mp4")
    video.symlink_to(tmp_path / "private.mp4")
    with pytest.raises(InputError, match="a link that leads out of the folder"):
        study_of(folder, tmp_path / "study")
    assert not (tmp_path / "study").exists()
    study = study_of(results, tmp_path / "study")
    medium = next((tmp_path / "study" / "media").glob("*.mp4"))
    medium.rename(tmp_path / "medium.mp4")
    medium.symlink_to(tmp_path / "medium.mp4")
    with pytest.raises(InputError, match="a link that leads out of the folder"):
        check_media(tmp_path / "study", study)
    (tmp_path / "study" / "study.json").rename(tmp_path / "study.json")
    (tmp_path / "study" / "study.json").symlink_to(tmp_path / "study.json")
    with pytest.raises(InputError, match="a link that leads out of the folder"):
        read_study(tmp_path / "study")


def test_each_rater_has_an_order_and_sides_of_their_own(results: Path, tmp_path: Path) -> None:
    study = study_of(results, tmp_path / "study")
    first, again, other = (arrange(study, rater) for rater in ("ann", "ann", "bob"))
    assert first == again != other
    assert {shown.trial for shown in first} == {trial.id for trial in study.trials}
    firsts = {trial.id: trial.videos[0] for trial in study.trials}
    on_the_left = sum(shown.videos[0] == firsts[shown.trial] for shown in first)
    assert on_the_left in (len(first) // 2, len(first) - len(first) // 2)


def test_attention_checks_are_spread(results: Path, tmp_path: Path) -> None:
    study = study_of(results, tmp_path / "study", attention_checks=3)
    checks = {trial.id for trial in study.of_kind("attention")}
    for rater in range(20):
        places = [place for place, shown in enumerate(arrange(study, str(rater))) if shown.trial in checks]
        assert [place // 4 for place in places] == [0, 1, 2]


def test_an_answer_is_kept_once(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    study = study_of(results, folder)
    book = AnswerBook(folder, study)
    book.add_rater("ann", arrange(study, "ann"))
    answer = Answer("ann", study.trials[0].id, 0, 0, study.trials[0].videos[0], 900)
    assert book.add(answer) == "stored"
    assert book.add(answer) == "repeated"
    assert book.add(dataclasses.replace(answer, place=1)) == "refused"
    assert book.answers() == [answer]
    assert sqlite3.connect(book.path).execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_answers_of_another_study_are_not_taken(results: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    study_of(results, one)
    study = study_of(results, other)
    AnswerBook(other, study).close()
    (other / "answers.sqlite").rename(one / "answers.sqlite")
    with pytest.raises(InputError, match="answers of another study"):
        report_study(one, 0)


def test_report_says_who_is_preferred(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "study"
    study_of(results, folder)
    for number in range(4):
        answer_all(folder, f"good{number}", "lia")
    answer_all(folder, "careless", "fomm", attentive=False)
    answer_all(folder, "hasty", "fomm", only=0)
    report = report_study(folder, 0)
    print_report(report)
    printed = capsys.readouterr().out
    assert "lia is preferred" in printed
    assert "4 raters counted" in printed
    assert "left out: 1 raters who missed more than 0 attention checks" in printed
    assert "fewer than 5 raters" in printed
    path = report.write(tmp_path / "results")
    rows = {row["model"]: row for row in csv.DictReader(path.open())}
    assert path == tmp_path / "results" / "study" / "leaderboard.csv"
    assert rows["lia"]["preference_vs_fomm_percent"] == "100"
    assert rows["fomm"]["preference_vs_lia_percent"] == "0"
    assert float(rows["lia"]["preference_vs_fomm_percent_low"]) > 50
    assert float(rows["fomm"]["preference_vs_lia_percent_high"]) < 50
    assert rows["lia"]["preference_vs_mraa_percent"] == "100"
    assert (rows["lia"]["task"], rows["lia"]["protocol"], rows["lia"]["origin"]) == (
        "user-study",
        "paired-preference",
        "measured",
    )
    assert rows["lia"]["clips"] == "24"


def test_report_is_read_as_rows_of_a_leaderboard(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    study_of(results, folder)
    for number in range(3):
        answer_all(folder, f"good{number}", "lia")
    path = report_study(folder, 0).write(tmp_path / "results")
    rows, problems = read_results([path])
    assert problems == []
    lia = next(row for row in rows if row.model == "lia")
    assert lia.values["preference_vs_fomm_percent"] == 100
    assert lia.intervals["preference_vs_fomm_percent"][0] > 50


def test_no_difference_is_said_where_the_interval_holds_one_half(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "study"
    study_of(results, folder, models=("lia", "fomm"))
    for number, preferred in enumerate(("lia", "fomm", "lia", "fomm", "lia")):
        answer_all(folder, str(number), preferred)
    print_report(report_study(folder, 0))
    printed = capsys.readouterr().out
    assert "60.0 %" in printed
    assert "no difference shown" in printed


def test_one_rater_has_no_interval(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "study"
    study_of(results, folder, models=("lia", "fomm"))
    answer_all(folder, "ann", "lia")
    print_report(report_study(folder, 0))
    assert "no interval" in capsys.readouterr().out


def test_nobody_left_is_an_error_that_says_why(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    study_of(results, folder)
    with pytest.raises(InputError, match="no answers yet"):
        report_study(folder, 0)
    answer_all(folder, "careless", "lia", attentive=False)
    with pytest.raises(InputError, match="nothing to report: left out: 1 raters"):
        report_study(folder, 0)
    assert len(report_study(folder, 2).raters.counted) == 1


def test_attention_checks_alone_are_nothing_to_report(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    study = study_of(results, folder)
    check = next(study.of_kind("attention"))
    book = AnswerBook(folder, study)
    book.add(Answer("ann", check.id, 0, 0, check.videos[0], 1000))
    book.close()
    with pytest.raises(InputError, match="nothing to report"):
        report_study(folder, 0)


def test_results_of_an_evaluation_are_not_overwritten(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "toy"
    study_of(results, folder)
    answer_all(folder, "ann", "lia")
    with pytest.raises(InputError, match="evaluation's results"):
        report_study(folder, 0).write(results.parent)


def test_interval_grows_where_raters_disagree() -> None:
    agree = [Judgement(str(r), str(q), q % 2 == 0) for r in range(10) for q in range(20)]
    by_rater = [Judgement(str(r), str(q), r % 2 == 0) for r in range(10) for q in range(20)]
    apart = random.Random(0)
    independent = [Judgement(str(r), str(q), apart.random() < 0.5) for r in range(10) for q in range(20)]
    widths = []
    for judgements in (agree, by_rater, independent):
        interval = preference_interval(judgements, 0)
        assert interval is not None
        widths.append(interval[1] - interval[0])
    naive = wilson(100, 200)
    assert widths[0] > 2 * (naive[1] - naive[0])
    assert widths[1] > 2 * (naive[1] - naive[0])
    assert widths[2] < widths[0]


def test_wilson_is_what_books_say() -> None:
    low, high = wilson(8, 10)
    assert (round(low, 4), round(high, 4)) == (0.4902, 0.9433)
    assert wilson(0, 10)[0] == 0


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("dataset", 9, "there is no dataset 9"),
        ("candidates", [{"video": "0" * 24, "model": 0}, {"video": "0" * 24, "model": 77}], "no models to compare"),
        ("candidates", [{"video": "0" * 24, "model": 0}] * 5, "at most 4 items"),
        ("source", "0" * 24, "shows a file that is not among the media"),
    ],
)
def test_a_study_that_points_nowhere_is_not_read(
    results: Path, tmp_path: Path, part: str, value: object, said: str
) -> None:
    folder = tmp_path / "study"
    study_of(results, folder)
    content = json.loads((folder / "study.json").read_text())
    content["trials"][0][part] = value
    (folder / "study.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=f"not readable as a study .*{said}"):
        report_study(folder, 0)


def test_answers_that_cannot_be_read_are_one_line(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    study_of(results, folder)
    answer_all(folder, "ann", "lia")
    with sqlite3.connect(folder / "answers.sqlite") as database:
        database.executescript("DROP TABLE answers; CREATE TABLE answers (rater TEXT)")
    with pytest.raises(InputError, match=r"answers.sqlite: cannot be read: no such column"):
        report_study(folder, 0)


def test_a_damaged_page_of_answers_is_told_before_a_rater_comes(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    study = study_of(results, folder)
    answer_all(folder, "ann", "lia")
    path = folder / "answers.sqlite"
    content = path.read_bytes()
    path.write_bytes(content[:4096] + bytes(len(content) - 4096))
    with pytest.raises(InputError, match=r"answers.sqlite: cannot be opened for answers: .*; put back a copy"):
        AnswerBook(folder, study)


def test_a_study_takes_no_root_of_a_disk(results: Path) -> None:
    with pytest.raises(InputError, match=r"/: is the root of a disk; take another --output"):
        study_of(results, Path("/"))


def test_damaged_study_is_one_line(tmp_path: Path, results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "study"
    study_of(results, folder)
    content = json.loads((folder / "study.json").read_text())
    content["media"] = {"../../etc/passwd": {"suffix": ".mp4", "sha256": "0" * 64}}
    (folder / "study.json").write_text(json.dumps(content))
    assert run(["study", "serve", str(folder)], debug=False) == 1
    error = capsys.readouterr().err
    assert "not readable as a study" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[" * 100_000, "it is nested too deeply"),
        ("not JSON", "Expecting value"),
        ("[]", "study.json: not readable as a study"),
        ("{}", "'id' is missing"),
        ('{"schema_version": 3}', "schema_version 3, this version reads 2"),
        ('{"schema_version": "2"}', "schema_version: Input should be 2"),
        ('{"schema_version": 1, "questions": 7}', "'id' is missing"),
        (json.dumps({**V1, "question": 7}), "questions.0.text: Input should be a valid string"),
        (json.dumps({**V1, "questions": [7]}), "trials.0: Input should be an object"),
        (
            json.dumps({**V1, "questions": [{**V1["questions"][0], "first": 7}]}),
            "trials.0.candidates.0: Input should be",
        ),
    ],
)
def test_a_study_of_another_shape_is_one_line(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "study.json").write_text(content)
    with pytest.raises(InputError) as caught:
        read_study(tmp_path)
    line = str(caught.value)
    assert line.startswith(f"{tmp_path / 'study.json'}: ")
    assert said in line
    assert "\n" not in line


def test_a_study_that_was_written_before_goes_on(tmp_path: Path) -> None:
    shutil.copy(BEFORE / "study.json", tmp_path)
    with closing(sqlite3.connect(tmp_path / "answers.sqlite")) as database:
        database.executescript((BEFORE / "answers.sql").read_text())
    study = read_study(tmp_path)
    assert [model.label for model in study.datasets[0].models] == ["lia", "fomm"]
    assert [trial.models for trial in study.of_kind("comparison")] == [(0, 1), (0, 1)]
    assert [(question.aspect, question.text) for question in study.questions] == [("", "Which video is better?")]
    with closing(AnswerBook(tmp_path, study)) as book:
        kept = book.answers()
        (shown, *_, last) = book.sequence("ann") or ()
        assert [(answer.rater, answer.question, answer.place) for answer in kept] == [("ann", 0, 1), ("ann", 0, 0)]
        assert (kept[0].trial, kept[0].video) == (shown.trial, shown.videos[1])
        assert book.answered("ann") == {(answer.trial, 0) for answer in kept}
        assert book.add(Answer("ann", last.trial, 0, 0, last.videos[0], 1000)) == "stored"
    answer_all(tmp_path, "bob", "lia")
    assert len(report_study(tmp_path, 3).raters.counted) == 2


def test_a_study_is_written_as_it_was_read(tmp_path: Path) -> None:
    shutil.copy(BEFORE / "study_2.json", tmp_path / "study.json")
    study = read_study(tmp_path)
    assert [question.aspect for question in study.questions] == ["quality", "motion"]
    write_study(tmp_path, study)
    assert (tmp_path / "study.json").read_bytes() == (BEFORE / "study_2.json").read_bytes()


def test_an_order_that_cannot_be_read_leaves_answers_as_they_were(tmp_path: Path) -> None:
    shutil.copy(BEFORE / "study.json", tmp_path)
    with closing(sqlite3.connect(tmp_path / "answers.sqlite", isolation_level=None)) as database:
        database.executescript((BEFORE / "answers.sql").read_text())
        database.execute("UPDATE raters SET sequence = '[{}]'")
    with pytest.raises(InputError, match="a rater's order is damaged; put back a copy"):
        report_study(tmp_path, 0)
    with closing(sqlite3.connect(tmp_path / "answers.sqlite")) as database:
        assert database.execute("SELECT side FROM answers").fetchall() == [("right",), ("left",)]


IAPM = ("--preset", "iapm", "--models", "lia,fomm,mraa")


def test_the_preset_of_iapm_shows_all_at_once_and_asks_twice(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "all"
    options = ["study", "create", "--results", str(results), "--attention-checks", "1", "--output"]
    assert run([*options, str(folder), *IAPM], debug=False) == 0
    study = read_study(folder)
    assert [question.aspect for question in study.questions] == ["quality", "motion"]
    assert {trial.models for trial in study.of_kind("comparison")} == {(0, 1, 2)}
    (check,) = study.of_kind("attention")
    pictures = [open_video(media_path(folder, study, video)).frame(0).tobytes() for video in check.videos]
    assert len(set(pictures)) == 3
    assert "6 questions and 2 of attention checks a rater" in capsys.readouterr().out
    for number in range(4):
        answer_all(folder, f"good{number}", "lia")
    answer_all(folder, "careless", "fomm", attentive=False)
    assert run(["study", "report", str(folder), "--results", str(tmp_path / "results")], debug=False) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "Which video is the most realistic?" in printed
    assert "lia fomm, mraa 100.0 %" in printed
    assert "above chance (33 %)" in printed
    assert "below chance (33 %)" in printed
    assert "left out: 1 raters who missed more than 0 attention checks" in printed
    (rows, problems) = read_results([tmp_path / "results" / "all" / "leaderboard.csv"])
    assert problems == []
    lia = next(row for row in rows if row.model == "lia")
    assert lia.values == {"selected_best_quality_percent": 100, "selected_best_motion_percent": 100}
    assert lia.protocol == "preference-among-all"
    assert lia.clips == 24


def test_shares_of_all_shown_are_counted_by_question(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    study = study_of(
        results,
        folder,
        models=("lia", "fomm", "mraa"),
        together=True,
        attention_checks=0,
        questions=questions_of(["quality=Which is real?", "motion=Which moves?"]),
    )
    with closing(AnswerBook(folder, study)) as book:
        for rater in range(5):
            for number, trial in enumerate(study.trials):
                chosen = (0, (rater + number) % 3)
                for question, model in enumerate(chosen):
                    video = trial.videos[model]
                    book.add(Answer(str(rater), trial.id, question, 0, video, 1))
    found = {(one.question, one.model): one for one in report_study(folder, 0).preferences}
    assert [found[0, model].share for model in range(3)] == [1, 0, 0]
    assert [found[0, model].above for model in range(3)] == [True, False, False]
    assert [found[1, model].share for model in range(3)] == pytest.approx([1 / 3] * 3, abs=0.01)
    assert [found[1, model].above for model in range(3)] == [None] * 3
    assert found[1, 0].others == (1, 2)


def test_every_place_has_the_first_candidate_equally_often(results: Path, tmp_path: Path) -> None:
    study = study_of(results, tmp_path / "study", models=("lia", "fomm", "mraa"), together=True, attention_checks=3)
    firsts = {trial.id: trial.videos[0] for trial in study.trials}
    shown = arrange(study, "ann")
    assert sorted(each.videos.index(firsts[each.trial]) for each in shown) == [0, 0, 1, 1, 2, 2]
    assert all(
        sorted(each.videos) == sorted(trial.videos)
        for each in shown
        for trial in study.trials
        if trial.id == each.trial
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--question", "real=Which?", "--question", "Which moves?"), "of several, each needs a word"),
        (("--question", "motion= "), "--question: is empty"),
        (("--together", "--model", "lia"), "leave one out"),
    ],
)
def test_what_cannot_be_asked_together_is_one_line(
    results: Path, tmp_path: Path, options: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = ["study", "create", "--results", str(results), "--output", str(tmp_path / "study")]
    assert run([*made, *options], debug=False) != 0
    assert said in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "study").exists()


def test_more_than_a_phone_holds_are_not_shown_at_once(tmp_path: Path) -> None:
    many = ToyResults(clips=1, models=("lia", "fomm", "mraa", "tpsmm", "iapm"), tasks=("reconstruction",), frames=2)
    folder = write_results(tmp_path / "toy", many)
    with pytest.raises(InputError, match=r"at most 4 models are shown at once, and there are 5: choose of lia, fomm"):
        study_of(folder, tmp_path / "study", together=True)
