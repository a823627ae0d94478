"""The report's folder: what is in it, and what becomes of bad input."""

import json
import math
import os
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lia_bench.cli.leaderboard import command
from lia_bench.core.errors import InputError
from lia_bench.leaderboards.html import report as html_report
from lia_bench.leaderboards.html.report import write_report
from lia_bench.leaderboards.results.published import published_rows
from tests.leaderboards.toy_results import ToyResults, write_results

STILL = ToyResults(videos=False)


def data(index: Path) -> dict[str, Any]:
    """The data of a page."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', index.read_text(encoding="utf-8"))
    assert found
    content: dict[str, Any] = json.loads(found.group(1))
    return content


def change_report(folder: Path, change: Any) -> None:
    """Rewrite report.json of a results folder, as one of a former version, which has no sum of itself."""
    path = folder / "report.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    del content["sha256"]
    path.write_text(json.dumps(content), encoding="utf-8")


def change_clip(folder: Path, change: Any) -> None:
    """Rewrite the first clip's entry in report.json of a results folder."""
    change_report(folder, lambda content: change(content["runs"][0]["clips"][0]))


def test_every_number_of_the_results_is_on_the_page(tmp_path: Path) -> None:
    folder = write_results(tmp_path / "toy", STILL)
    page = data(write_report([folder]).index)
    table = page["tables"][0]
    assert [row["label"] for row in table["rows"]] == ["lia", "fomm", "identity"]
    l1 = [column["name"] for column in table["columns"]].index("l1")
    low, high = table["rows"][0]["intervals"][l1]
    assert low < table["rows"][0]["values"][l1] < high
    facts = dict(table["rows"][0]["provenance"])
    assert {"checkpoint SHA-256", "protocol", "dataset hash", "date", "version", "device", "extractors"} <= facts.keys()
    assert [len(values) for values in table["clips"]["values"][0]] == [3, 3, 3]


def test_videos_are_linked_and_a_second_report_takes_the_place_of_the_first(tmp_path: Path) -> None:
    folder = write_results(tmp_path / "toy", ToyResults(clips=2, tasks=("reconstruction",), frames=2))
    first = write_report([folder])
    assert first.index == folder / "report" / "index.html"
    assert first.videos == 2 * (2 + 3)
    clip = data(first.index)["tables"][0]["clips"]["clips"][0]
    driving = first.index.parent / clip[4] / "driving.mp4"
    assert driving.stat().st_ino == next(folder.glob("videos/reconstruction/person000*/driving.mp4")).stat().st_ino
    write_report([folder])
    assert not driving.exists()
    assert len(list(first.index.parent.glob("media-*"))) == 1


def test_copies_where_the_disk_knows_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_results(tmp_path / "toy", ToyResults(clips=1, tasks=("reconstruction",), frames=2))

    def refuse(*paths: Path) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    index = write_report([folder]).index
    assert len(list(index.parent.rglob("*.mp4"))) == 4


def test_the_former_report_stays_when_writing_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_results(tmp_path / "toy", ToyResults(clips=1, tasks=("reconstruction",), frames=2))
    index = write_report([folder]).index
    before = sorted(path for path in index.parent.rglob("*"))

    def stop(content: Any) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(html_report, "render_page", stop)
    with pytest.raises(KeyboardInterrupt):
        write_report([folder])
    assert sorted(path for path in index.parent.rglob("*")) == before


def test_what_a_killed_writer_left_goes_with_the_next_report_and_nothing_else(tmp_path: Path) -> None:
    folder = write_results(tmp_path / "toy", STILL)
    report = folder / "report"
    (report / "media-0123abcd").mkdir(parents=True)
    (report / "media-of-mine").mkdir()
    (report / "notes.txt").write_text("mine", encoding="utf-8")
    write_report([folder])
    assert {path.name for path in report.iterdir()} >= {"index.html", "media-of-mine", "notes.txt"}
    assert not (report / "media-0123abcd").exists()


def test_results_of_several_folders_share_their_clips(tmp_path: Path) -> None:
    one = write_results(tmp_path / "one", ToyResults(models=("lia",), frames=2))
    two = write_results(tmp_path / "two", ToyResults(models=("fomm",), frames=2))
    written = write_report([one, two])
    assert written.index == tmp_path / "report" / "index.html"
    table = data(written.index)["tables"][0]
    assert [row["label"] for row in table["rows"]] == ["lia", "fomm"]
    assert len(table["clips"]["clips"]) == 3
    assert table["clips"]["has"] == ["111", "111"]


def test_tables_that_are_not_one_ranking_have_the_numbers_that_say_why(tmp_path: Path) -> None:
    folders = [
        write_results(tmp_path / str(clips), ToyResults(clips=clips, tasks=("reconstruction",), videos=False))
        for clips in (2, 3)
    ]
    page = data(write_report(folders).index)
    assert [table["title"] for table in page["tables"]] == [
        "1. toy, test: reconstruction",
        "2. toy, test: reconstruction",
    ]
    assert "tables 1, 2 are not one ranking, clips differs: 2 (table 1); 3 (table 2)" in page["differences"][0]
    (table,) = data(write_report(folders[:1]).index)["tables"]
    assert table["title"] == "toy, test: reconstruction"


def test_published_rows_stand_apart(tmp_path: Path) -> None:
    folder = write_results(tmp_path / "toy", STILL)
    tables = data(write_report([folder], published=published_rows()).index)["tables"]
    assert [table["origin"] for table in tables[:2]] == ["measured", "measured"]
    assert {table["origin"] for table in tables[2:]} == {"published"}
    assert "LIA" in tables[2]["note"]


def test_text_of_data_can_end_no_script(tmp_path: Path) -> None:
    name = '</script><b>&"evil"'
    folder = write_results(tmp_path / "toy", ToyResults(videos=False, models=("lia", name), dataset="<i>data"))
    index = write_report([folder]).index
    text = index.read_text(encoding="utf-8")
    assert "</script><b>" not in text
    assert "<i>data" not in text
    assert data(index)["tables"][0]["rows"][1]["label"] == name


def test_a_report_names_no_file_outside_its_folder(tmp_path: Path) -> None:
    folder = write_results(tmp_path / "toy", ToyResults(clips=1, tasks=("reconstruction",), frames=2))
    (tmp_path / "private.mp4").write_bytes(b"private")

    def steal(content: dict[str, Any]) -> None:
        content["runs"][0]["clips"][0]["driving_video"] = "../private.mp4"
        content["runs"][0]["clips"][0]["models"][0]["video"] = str(tmp_path / "private.mp4")

    change_report(folder, steal)
    index = write_report([folder]).index
    assert all(path.read_bytes() != b"private" for path in index.parent.rglob("*.mp4"))
    assert data(index)["tables"][0]["clips"]["has"] == ["0", "1", "1"]


def test_a_link_pulls_no_file_from_outside_into_the_page(tmp_path: Path) -> None:
    folder = write_results(tmp_path / "toy", ToyResults(clips=1, tasks=("reconstruction",), frames=2))
    (tmp_path / "private.mp4").write_bytes(b"private")
    video = next(folder.rglob("lia-*.mp4"))
    video.unlink()
    video.symlink_to(tmp_path / "private.mp4")
    written = write_report([folder])
    assert all(path.read_bytes() != b"private" for path in written.index.parent.rglob("*.mp4"))
    assert any("1 of 5 videos and pictures are not its own" in line for line in written.problems)


@pytest.mark.parametrize("name", ["report.json", "leaderboard.csv"])
def test_a_linked_report_or_table_is_not_read_and_a_linked_folder_is(tmp_path: Path, name: str) -> None:
    folder = write_results(tmp_path / "toy", STILL)
    (tmp_path / "linked").symlink_to(folder)
    assert not write_report([tmp_path / "linked"]).problems
    (folder / name).rename(tmp_path / name)
    (folder / name).symlink_to(tmp_path / name)
    other = write_results(tmp_path / "other", ToyResults(videos=False, models=("mraa",)))
    problems = write_report([folder, other]).problems
    assert any(f"{name}: a link that leads out of the folder" in line for line in problems)


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (lambda folder: next(folder.rglob("lia-*.mp4")).unlink(), "toy: 1 of 5 videos and pictures are gone: "),
        (lambda folder: (folder / "report.json").unlink(), "there is no report.json beside its table"),
        (
            lambda folder: change_report(folder, lambda content: content.update(schema=9)),
            "schema 9, this version reads",
        ),
        (
            lambda folder: change_report(folder, lambda content: content.pop("runs")),
            "report.json: not readable as a report ('runs' is missing)",
        ),
        (
            lambda folder: change_clip(folder, lambda clip: clip.pop("models")),
            "'runs.0.clips.0.models' is missing",
        ),
        (
            lambda folder: change_clip(folder, lambda clip: clip["models"].pop()),
            "runs.0: clips.0 has 2 results of 3 models",
        ),
        (
            lambda folder: change_clip(folder, lambda clip: clip.update(frames="10")),
            "runs.0.clips.0.frames: Input should be a valid integer",
        ),
        (
            lambda folder: change_clip(folder, lambda clip: clip["models"][0]["scores"]["l1"].update(value=math.nan)),
            "runs.0.clips.0.models.0.scores.l1.value: Input should be a finite number",
        ),
        (
            lambda folder: change_clip(folder, lambda clip: clip["models"][0]["scores"]["l1"].pop("valid_frames")),
            "'runs.0.clips.0.models.0.scores.l1.valid_frames' is missing",
        ),
    ],
)
def test_bad_input_is_one_line_and_the_rest_is_shown(tmp_path: Path, spoil: Any, line: str) -> None:
    folder = write_results(tmp_path / "toy", ToyResults(clips=1, tasks=("reconstruction",), frames=2))
    spoil(folder)
    outcome = CliRunner().invoke(command, ["html", str(folder)])
    assert isinstance(outcome.exception, InputError)
    problems = [text for text in outcome.stderr.splitlines() if text.startswith("problem: ")]
    assert len(problems) == 1
    assert line in problems[0]
    page = data(folder / "report" / "index.html")
    assert [problems[0].removeprefix("problem: ")] == page["problems"]
    assert len(page["tables"][0]["rows"]) == 3


def test_results_without_videos_or_values_are_told_and_are_no_failure(tmp_path: Path) -> None:
    folder = write_results(tmp_path / "toy", ToyResults(videos=False, tasks=("reconstruction",)))

    def lose(content: dict[str, Any]) -> None:
        content["runs"][0]["clips"][1]["models"][0]["scores"]["l1"]["value"] = None

    change_report(folder, lose)
    outcome = CliRunner().invoke(command, ["html", str(folder)])
    assert outcome.exit_code == 0
    assert "no videos of its clips: evaluate again with another --name" in outcome.stderr
    assert "clips without a value of l1: lia on 1 of 3" in outcome.stderr


def test_no_results_are_an_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not there"):
        write_report([tmp_path / "nothing"])
    assert not list(tmp_path.iterdir())
