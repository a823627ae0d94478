"""Prepared datasets made by hand, in the format that `preprocess` writes."""

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.video import sha256_of_video, write_png_folder, write_video
from tests.core.videos import moving_picture

COLUMNS = (
    *("clip", "partition", "video_id", "person_id", "start", "end", "bbox", "fps", "width", "height"),
    *("frames", "sha256", "status", "reason"),
)
SIZE = 32


def good_row(
    folder: Path, clip: str, partition: str = "train", frames: int = 4, clip_format: str = "mp4", **cells: Any
) -> dict[str, Any]:
    """A clip in its place, and its row; the name is <person>#<video>."""
    place = folder / partition / clip
    # Clips of one length differ.
    pictures = list(moving_picture(frames + len(clip), width=SIZE, height=SIZE))[-frames:]
    if clip_format == "png":
        write_png_folder(place, pictures)
    else:
        place = place.with_name(f"{clip}.mp4")
        write_video(place, pictures, 25)
    person, video = clip.split("#")[:2]
    row = {"clip": clip, "partition": partition, "video_id": video, "person_id": person, "start": 0, "end": frames}
    row |= {"bbox": "0-0-40-50", "fps": 25, "width": 96, "height": 64, "frames": frames}
    return row | {"sha256": sha256_of_video(place), "status": "ok", "reason": ""} | cells


def lost_row(clip: str, status: str, reason: str, partition: str = "train") -> dict[str, Any]:
    """The row of a clip that is not there."""
    person, video = clip.split("#")[:2]
    row = {"clip": clip, "partition": partition, "video_id": video, "person_id": person, "start": 0, "end": 4}
    row |= {"bbox": "0-0-40-50", "fps": 25, "width": 96, "height": 64}
    return row | {"frames": "", "sha256": "", "status": status, "reason": reason}


def describe(folder: Path, rows: Iterable[Mapping[str, Any]], **more: Any) -> Path:
    """Write clips.csv and dataset.json; returns the folder."""
    rows = list(rows)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    good = [row for row in rows if row["status"] == "ok"]
    statuses = [row["status"] for row in rows]
    content = {
        "schema": 2,
        "recipe": "vox",
        "subject": "face",
        "arguments": {"size": SIZE, "format": "mp4", "footage": "videos"},
        "versions": {"lia-bench": "0.1.0", "system": "here"},
        "counts": {
            "rows": len(rows),
            **{status: statuses.count(status) for status in ("ok", "dropped", "failed", "unavailable")},
            "clips": {name: sum(row["partition"] == name for row in good) for name in ("train", "test")},
            "frames": sum(int(row["frames"]) for row in good),
        },
        "hash": sha256_of_file(folder / "clips.csv"),
    }
    (folder / "dataset.json").write_text(json.dumps(content | more), encoding="utf-8")
    return folder


def small_dataset(folder: Path, clip_format: str = "mp4") -> Path:
    """Three clips, one of them for testing, and a row for each of the other statuses."""
    rows = [
        good_row(folder, "p#a#0", clip_format=clip_format),
        good_row(folder, "p#a#100", frames=6, clip_format=clip_format, reason='note: it "ends", early\nor late'),
        good_row(folder, "q#b#0", "test", clip_format=clip_format),
        lost_row("p#a#0", "dropped", "duplicate_row: the row says the same as line 2"),
        lost_row("r#c#0", "failed", "damaged_video: c.mp4: the data is damaged"),
        lost_row("r#d#0", "unavailable", "missing_video: there is no d.mp4", "test"),
    ]
    return describe(folder, rows)
