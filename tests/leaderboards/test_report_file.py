"""report.json: what another version or a hand left in it is read, or refused in one line."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from lia_bench.core.errors import InputError
from lia_bench.leaderboards.results.csv_writing import rebuild
from lia_bench.leaderboards.results.measurement import measurements
from lia_bench.leaderboards.results.report import Failure
from lia_bench.leaderboards.results.report_file import ReportFile, read_report
from tests.leaderboards.toy_results import ToyResults, toy_content, write_results

TOY = ToyResults(clips=2, videos=False)

DATA = Path(__file__).parent / "data"
"""What `lia-bench evaluate` left in a folder when the schema came: two clips, three models, both tasks."""


def spoilt(folder: Path, *place: str | int, value: Any) -> Path:
    """A report in which one value is another."""
    content: Any = toy_content(TOY)
    part = content
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    (folder / "report.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize(
    ("place", "value", "line"),
    [
        (("setting",), None, "setting"),
        (("setting", "kind"), "other", "setting: Input tag 'other'"),
        (("setting", "seed"), "0", "setting.evaluation.seed: "),
        (("setting", "metrics"), "l1", "setting.evaluation.metrics: "),
        (("pairs", 0), ["a", "b"], "pairs.0: "),
        (("pairs", 0, "source"), 1, "pairs.0.source: "),
        (("runs",), {}, "runs: "),
        (("runs", 0, "plan"), [], "runs.0.plan: "),
        (("runs", 0, "plan", "models", 0, "label"), None, "runs.0.plan.models.0.label: "),
        (("runs", 0, "plan", "metrics", "l1", "of_sets"), 1, "runs.0.plan.metrics.l1.of_sets: "),
        (("runs", 0, "clips", 1, "models", 0, "seconds"), True, "runs.0.clips.1.models.0.seconds: "),
        (("runs", 0, "clips", 1, "models", 0, "scores", "l1"), 0.1, "runs.0.clips.1.models.0.scores.l1: "),
        (("runs", 0, "sets"), {"clips": 2, "scores": [{}]}, "'runs.0.sets.scores.0.task' is missing"),
        (("schema",), 1, "schema: Input should be 2"),
    ],
)
def test_a_damaged_value_is_named_with_its_file(
    tmp_path: Path, place: tuple[str | int, ...], value: Any, line: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_report(spoilt(tmp_path, *place, value=value))
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / 'report.json'}: not readable as a report (")
    assert line in said
    assert "--name" in said
    assert "\n" not in said


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, "\x00", '{"schema": 2, "runs": 1e999}'])
def test_a_file_of_another_kind_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(InputError, match=r"report\.json: not readable as a report") as caught:
        read_report(tmp_path)
    assert len(str(caught.value)) < 600


def known_before(after: Any, before: Any) -> Any:
    """`after` without the keys that `before` does not know: settings that came later, as they are by themselves."""
    if isinstance(after, dict) and isinstance(before, dict):
        return {key: known_before(value, before[key]) for key, value in after.items() if key in before}
    if isinstance(after, list) and isinstance(before, list) and len(after) == len(before):
        return [known_before(*both) for both in zip(after, before, strict=True)]
    return after


def test_a_report_of_the_first_version_still_gives_its_tables_and_is_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes((DATA / "report.json").read_bytes())
    for table in rebuild(tmp_path):
        assert table.read_text() == (DATA / table.name).read_text()
    file = ReportFile(tmp_path)
    run = file.content.runs[0]
    assert [clip.task for clip in run.clips] == ["reconstruction"] * 2 + ["cross"] * 2
    assert len(file.content.pairs or []) == 2
    assert file.begin(file.content.setting, run.plan, run.unavailable, run.missing_weights, {}, []) == 0
    before = json.loads((DATA / "report.json").read_text())
    after = json.loads((tmp_path / "report.json").read_text())
    after["runs"][0]["sessions"].pop()
    assert re.fullmatch("[0-9a-f]{64}", after.pop("sha256"))
    assert after.pop("tables") == {}
    assert known_before(after, before) == before


def test_what_another_version_added_stays(tmp_path: Path) -> None:
    folder = spoilt(tmp_path, "runs", 0, "clips", 0, "mood", value="good")
    file = ReportFile(folder)
    file.save()
    assert json.loads((folder / "report.json").read_text())["runs"][0]["clips"][0]["mood"] == "good"


def test_a_number_that_was_changed_in_a_report_is_told(tmp_path: Path) -> None:
    folder = write_results(tmp_path / "toy", ToyResults(clips=2, tasks=("reconstruction",), videos=False))
    path = folder / "report.json"
    content = json.loads(path.read_text())
    content["runs"][0]["clips"][0]["models"][0]["scores"]["l1"]["value"] *= 10
    path.write_text(json.dumps(content))
    with pytest.raises(
        InputError, match=r"report\.json: not readable as a report \(it was changed since it was written"
    ):
        ReportFile(folder)


def test_saving_writes_what_was_read(tmp_path: Path) -> None:
    folder = write_results(tmp_path / "toy", ToyResults(clips=2, flow_videos=True, frames=2))
    before = (folder / "report.json").read_bytes()
    ReportFile(folder).save()
    assert (folder / "report.json").read_bytes() == before
    clip = json.loads(before)["runs"][0]["clips"][0]
    assert [set(result) - {"seconds", "scores"} for result in clip["models"]] == [
        {"video", "flow_video"},
        {"video"},
        {"video"},
    ]


def test_a_report_of_a_killed_evaluation_has_what_its_journals_hold(tmp_path: Path) -> None:
    content = toy_content(TOY)
    clips = content["runs"][0]["clips"]
    content["runs"][0]["clips"] = clips[:1]
    (tmp_path / "report.json").write_text(json.dumps(content))
    failure = {"task": "cross", "clip": "a", "source": "b", "reason": "broken", "date": "2026-01-02T03:04:05Z"}
    lines = [{"run": 0, "kind": "clips", "entry": clip} for clip in clips] * 2
    lines += [{"run": 0, "kind": "failures", "entry": failure}] * 2
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "unfinished-0.jsonl").write_text(text + '{"run": 0, "kin')
    report = read_report(tmp_path)
    assert [clip.key for clip in report.runs[0].clips] == [(c["task"], c["source"], c["clip"]) for c in clips]
    assert report.runs[0].failures == [Failure(**failure)]
    assert len(measurements(report)) == 6


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"run": 0, "kind": "clips", "entry": {"number": 0}}', r"line 1: 'clips\.entry\.task' is missing: remove"),
        ('{"run": 0, "kind": "else", "entry": {}}', "line 1: Input tag 'else'"),
        (
            '{"run": 1, "kind": "failures", "entry": {"task": "", "clip": "", "source": "", "reason": "", "date": ""}}',
            "belongs to a report that is not there any more",
        ),
    ],
)
def test_a_damaged_journal_is_named_with_its_line(tmp_path: Path, line: str, reason: str) -> None:
    (tmp_path / "report.json").write_text(json.dumps(toy_content(TOY)))
    (tmp_path / "unfinished-3.jsonl").write_text(line + "\n")
    with pytest.raises(InputError, match=rf"unfinished-3\.jsonl: .*{reason}"):
        read_report(tmp_path)


def test_names_that_are_not_utf8_are_kept(tmp_path: Path) -> None:
    folder = write_results(tmp_path / "toy", TOY)
    file = ReportFile(folder)
    entry = file.content.runs[0].clips[0].model_copy(update={"clip": "caf\udce9"})
    file.add_clip(0, entry)
    assert read_report(folder).runs[0].clips[-1] == entry
    file.save()
    assert read_report(folder).runs[0].clips[-1] == entry


def test_a_folder_without_a_report_says_what_writes_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no report\.json; `lia-bench evaluate` and `score` write it"):
        read_report(tmp_path)
