"""What an evaluation finds out about its dataset."""

import json
from pathlib import Path

import pytest

from lia_bench.core.prepared_dataset import open_dataset
from lia_bench.leaderboards.evaluation.planning import subject_of
from tests.leaderboards.toys import write_dataset


@pytest.mark.parametrize(
    ("description", "subject"),
    [
        ({"recipe": "vox"}, "face"),
        ({"recipe": "taichi"}, "body"),
        ({"recipe": "sample"}, "sample"),
        ({"recipe": "mgif"}, ""),
        ({"recipe": "folder", "arguments": {"detector": "s3fd"}}, "face"),
        ({"recipe": "folder", "arguments": {"detector": "mediapipe-pose"}}, "body"),
        ({"recipe": "folder", "arguments": {}}, ""),
        ({"recipe": "of-a-package-that-is-elsewhere"}, ""),
    ],
)
def test_what_the_clips_show_follows_from_what_made_them(
    tmp_path: Path, description: dict[str, object], subject: str
) -> None:
    dataset = open_dataset(write_dataset(tmp_path))
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    assert subject_of(dataset) == subject
