"""Names with accents in both forms of Unicode: the same clip, whichever system it came by."""

import json
import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lia_bench.cli.main import run
from lia_bench.core.atomic import write_json
from lia_bench.core.names import is_text, same_name
from lia_bench.core.prepared_dataset import good_clips, open_dataset, read_clip_list
from lia_bench.core.video import write_video
from lia_bench.preprocessing.clip_table import read_metadata
from lia_bench.preprocessing.layouts import divide_by_list, find_units
from lia_bench.preprocessing.plan import plan_from_table

NAMES = ["éclair#1", "한국어", "ångström", "Việt"]
FORMS = ("NFC", "NFD")


def clip(path: Path, frames: int = 2, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    write_video(path, [random.integers(0, 255, (32, 32, 3), dtype=np.uint8) for _ in range(frames)], 25.0)


def in_form(form: str, names: Sequence[str] = NAMES) -> list[str]:
    return [unicodedata.normalize(form, name) for name in names]  # type: ignore[arg-type]


@given(st.text(st.characters()))
def test_both_forms_of_a_name_are_one(name: str) -> None:
    assert same_name(unicodedata.normalize("NFD", name)) == same_name(unicodedata.normalize("NFC", name))
    assert is_text(name) == (name.encode(errors="replace").decode() == name)


@pytest.mark.parametrize(("listed", "lying"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_lists_and_tables_name_what_lies_there(listed: str, lying: str, tmp_path: Path) -> None:
    for name in in_form(lying):
        clip(tmp_path / "footage" / f"{name}.mp4")
    (tmp_path / "list.txt").write_text("\n".join(in_form(listed)), encoding="utf-8")
    layout = divide_by_list(find_units(tmp_path / "footage", {".mp4"}), tmp_path / "list.txt")
    assert {unit.partition for unit in layout.units} == {"test"}

    dataset = open_dataset(tmp_path / "footage")
    assert len(dataset.only(read_clip_list(tmp_path / "list.txt", "test")).clips) == len(NAMES)

    rows = "".join(f"{name},0,2,0-0-32-32,25.0,32,32,test\n" for name in in_form(listed))
    (tmp_path / "table.csv").write_text(f"video_id,start,end,bbox,fps,width,height,partition\n{rows}", encoding="utf-8")
    plan = plan_from_table(read_metadata(tmp_path / "table.csv"), tmp_path / "footage")
    assert (len(plan.cuts), plan.decided) == (len(NAMES), ())


@pytest.mark.parametrize(("written", "lying"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_dataset_that_was_copied_by_another_system_is_the_same(written: str, lying: str, tmp_path: Path) -> None:
    for name in in_form(lying):
        clip(tmp_path / "copy-32" / "test" / f"{name}.mp4")
        clip(tmp_path / "other" / "test" / f"{same_name(name)}.mp4")
    rows = "".join(f"{name},test,ok\n" for name in in_form(written))
    (tmp_path / "copy-32" / "clips.csv").write_text(f"clip,partition,status\n{rows}", encoding="utf-8")
    copy, other = open_dataset(tmp_path / "copy-32"), open_dataset(tmp_path / "other")
    assert len(copy.partition("test")) == len(NAMES)
    keys = good_clips(str(tmp_path / "copy-32"))
    assert keys == good_clips(str(tmp_path / "other")) == {f"test/{name}" for name in in_form("NFC")}
    assert copy.only(keys).hash == other.only(keys).hash


@pytest.mark.parametrize(("generated", "reference"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_generated_videos_are_matched_with_their_references(
    generated: str, reference: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, name in enumerate(NAMES[:2]):
        clip(tmp_path / "gen" / f"{in_form(generated, [name])[0]}.mp4", seed=number)
        clip(tmp_path / "ref" / f"{in_form(reference, [name])[0]}.mp4", seed=number + 9)
    words = f"score --generated {tmp_path}/gen --reference {tmp_path}/ref --results {tmp_path}/res --name t"
    assert run([*words.split(), *["--metrics", "l1", "--device", "cpu", "--no-videos"]], debug=False) == 0
    assert "no video" not in capsys.readouterr().err


NOT_UTF8 = os.fsdecode(b"caf\xe9")


def with_a_name_that_is_no_text(folder: Path) -> None:
    for number, name in enumerate(["a", "b#1", NOT_UTF8]):
        clip(folder / f"{name}.mp4", frames=3, seed=number)


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """odd/train and odd/test with two good names and one in Latin-1; the working directory is the test's own."""
    monkeypatch.chdir(tmp_path)
    with_a_name_that_is_no_text(tmp_path / "odd" / "train")
    with_a_name_that_is_no_text(tmp_path / "odd" / "test")
    return tmp_path


LINE = r"caf\udce9.mp4: its name is no UTF-8 text, so that no table can hold it; rename it"


def test_score_goes_on_without_a_file_whose_name_is_no_text(odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_a_name_that_is_no_text(odd / "gen")
    words = "score --generated gen --reference odd/test --name t --metrics l1 --device cpu --no-videos"
    run(words.split(), debug=False)
    out, err = capsys.readouterr()
    assert out.count(LINE) + err.count(LINE) == 2
    assert "unexpected" not in err
    (row,) = (odd / "results" / "t" / "leaderboard.csv").read_text().splitlines()[1:]
    assert row.startswith("gen,,,test,test,reconstruction,,2,6,")


def test_the_table_of_clips_shows_names_escaped(odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, folder in enumerate(("gen", "ref")):
        clip(odd / folder / "a\x1b[31mb.mp4", frames=3, seed=number)
    words = "score --generated gen --reference ref --name t --metrics l1 --device cpu --no-videos"
    assert run(words.split(), debug=False) == 0
    assert "\x1b" not in "".join(capsys.readouterr())
    assert r"a\x1b[31mb" in (odd / "results" / "t" / "per_clip.csv").read_text(encoding="utf-8")


def test_evaluate_goes_on_without_a_file_whose_name_is_no_text(odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "evaluate --models identity --dataset odd --task reconstruction --metrics l1 --device cpu --no-videos"
    assert run(words.split(), debug=False) == 0
    out, err = capsys.readouterr()
    assert LINE in out + err
    assert "unexpected" not in err


@pytest.mark.slow
def test_train_goes_on_without_a_file_whose_name_is_no_text(odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = ["schedule.iterations=1", "data.workers=0", "data.batch_size=1", "loss.perceptual=0"]
    words = ["train", "lia:demo-64", "--dataset", "odd"]
    assert run([*words, *(word for setting in settings for word in ("--set", setting))], debug=False) == 0
    out, err = capsys.readouterr()
    assert LINE in out + err


def test_preprocess_goes_on_without_a_file_whose_name_is_no_text(odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "preprocess folder --footage odd/train --whole-frames --size 32 --workers 1 --output out"
    assert run(words.split(), debug=False) == 1
    out, err = capsys.readouterr()
    assert r"'caf\udce9.mp4': an identifier becomes a file name" in out + err
    assert len(open_dataset(odd / "out").clips) == 2


def test_a_path_that_is_no_text_is_kept_in_json(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"path": NOT_UTF8, "name": "é"})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"path": NOT_UTF8, "name": "é"}
