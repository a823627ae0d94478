"""Datasets that were written before dataset.json had a version: they open, go on and are merged.

`written_before` holds a dataset of vox at 4 pixels, its two shards, and their footage and table.
"""

import json
import os
import shutil
from pathlib import Path

import av
import pytest

from lia_bench.core.dataset_description import read_description
from lia_bench.core.prepared_dataset import open_dataset, subject_of
from lia_bench.preprocessing.clip_table import read_metadata
from lia_bench.preprocessing.prepared.shards import merge
from lia_bench.preprocessing.prepared.summary import print_details
from lia_bench.preprocessing.prepared.verification import verify
from lia_bench.preprocessing.preparing import PreparationOptions, prepare_from_table
from tests.preprocessing.serial_engine import SerialEngine

WRITTEN = Path(__file__).parent / "written_before"
HASH = "43734cff7d67a4ff3bafe617fba35f85c2d6fb5c2885f30f01a8ad7a478ec5f5"


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """A copy whose footage has the times that the ledgers noted."""
    folder = Path(shutil.copytree(WRITTEN, tmp_path / "before"))
    for file in (folder / "whole" / ".finished").glob("*.jsonl"):
        for entry in map(json.loads, file.read_text().splitlines()):
            video = folder / "footage" / f"{entry['clip'].split('#')[1]}.mp4"
            time = json.loads(entry["made_from"])[1]
            os.utime(video, ns=(time, time))
    return folder


def test_it_opens_and_is_sound(before: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = open_dataset(before / "whole")
    assert (dataset.hash, len(dataset.clips), subject_of(dataset)) == (HASH, 3, "face")
    assert verify(before / "whole", 1).problems == ()
    print_details(before / "whole")
    printed = capsys.readouterr().out
    assert "vox, 4 pixels, hash 43734cff7d67" in printed
    assert "clips show: face\n" in printed


def test_it_goes_on_with_what_is_finished(before: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What the clips were encoded with: another version would cut them anew.
    monkeypatch.setattr(av, "__version__", "18.1.0")
    output = before / "whole"
    (output / "test" / "q#b#000001#000003" / "0000000.png").unlink()
    pictures = sorted(output.glob("*/*/*.png"))
    kept = {picture: picture.stat().st_mtime_ns for picture in pictures if "#000001#" not in str(picture)}
    options = PreparationOptions(output, 4, "png", SerialEngine(), SerialEngine())
    again = prepare_from_table(read_metadata(before / "table.csv"), before / "footage", options, "vox", {})
    assert again.hash == open_dataset(output).hash == HASH
    assert {picture: picture.stat().st_mtime_ns for picture in kept} == kept
    description = read_description(output)
    assert (description.subject, json.loads((output / "dataset.json").read_text())["schema"]) == ("face", 2)


def test_its_shards_are_merged(before: Path) -> None:
    shards = [before / "shard-1", before / "shard-2"]
    assert merge(shards, before / "merged") == HASH
    whole, merged = read_description(before / "whole"), read_description(before / "merged")
    assert merged == whole


def test_a_shard_of_then_and_one_of_now(before: Path) -> None:
    options = PreparationOptions(before / "now", 4, "png", SerialEngine(), SerialEngine(), (2, 2))
    table = before / "table.csv"
    prepare_from_table(read_metadata(table), before / "footage", options, "vox", {"metadata": "table.csv"})
    assert merge([before / "shard-1", before / "now"], before / "merged") == HASH
    assert read_description(before / "merged").subject == "face"
