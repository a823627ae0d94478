"""The raw footage of the sample dataset: wide videos, their metadata in the VoxCeleb columns, and the true marks."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lia_bench.core.atomic import write_json, write_text
from lia_bench.core.console import progress
from lia_bench.core.errors import InputError, LiaBenchError
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.sample_marks import MARKS
from lia_bench.core.video import write_video
from lia_bench.preprocessing.recipes.sample.identities import draw_identity, video_name
from lia_bench.preprocessing.recipes.sample.motion import FRAMES_PER_SECOND, draw_motion
from lia_bench.preprocessing.recipes.sample.renderer import HEIGHT, WIDTH, TalkingHead
from lia_bench.preprocessing.workers.engine import Died, LocalEngine

FORMAT = 1  # raised when the same arguments give other pictures
BOX_INCREASE = 0.1
TEST_EVERY = 4
METADATA_COLUMNS = ("video_id", "start", "end", "bbox", "fps", "width", "height", "partition", "person_id")
MARK_COLUMNS = ("video", "frame", "mark", "x", "y", "visible")


@dataclass(frozen=True)
class Shooting:
    """What decides every pixel of the footage.

    Attributes:
        identities: number of people, one clip each; every fourth is a test person.
        frames: length of each clip.
        seed: of all that is drawn.
    """

    identities: int
    frames: int
    seed: int
    format: int = FORMAT


@dataclass(frozen=True)
class Footage:
    """Where the footage lies.

    Attributes:
        videos: folder of `<video_id>.mp4`.
        metadata: CSV with METADATA_COLUMNS.
        marks: CSV with MARK_COLUMNS: pixels of the raw frame, the centre of its top left pixel at (0, 0).
    """

    videos: Path
    metadata: Path
    marks: Path


def shoot(folder: Path, shooting: Shooting, workers: int) -> Footage:
    """Render the footage into `folder`, or what of it is not there yet.

    Raises:
        InputError: `folder` holds footage of another shooting.
    """
    _claim(folder, shooting)
    footage = Footage(folder / "videos", folder / "metadata.csv", folder / "marks.csv")
    numbers = range(shooting.identities)
    missing = [index for index in numbers if not _is_whole(folder, index)]
    if not missing and footage.marks.is_file() and footage.metadata.is_file():
        return footage
    for partial_file in footage.videos.glob(".*.partial*"):
        partial_file.unlink()
    done = shooting.identities - len(missing)
    with progress(title="rendering sample footage", total=shooting.identities, unit="clip", start=done) as bar:
        for index, result in LocalEngine(workers).run(partial(_shooter, folder, shooting), [missing]):
            if isinstance(result, Died):
                raise LiaBenchError(f"{folder}: the footage of person {index} was not rendered: {result.reason}")
            bar.update()
    truths = [_read_truth(folder, index) for index in numbers]
    write_text(footage.marks, _csv(MARK_COLUMNS, [row for truth in truths for row in truth["marks"]]))
    write_text(footage.metadata, _csv(METADATA_COLUMNS, [truth["metadata"] for truth in truths]))
    return footage


def _shooter(folder: Path, shooting: Shooting) -> Callable[[int], None]:
    return partial(shoot_clip, folder, shooting)


def shoot_clip(folder: Path, shooting: Shooting, index: int) -> None:
    """Render the clip of person `index`: the video first, its truth last, so that a truth stands for a whole clip."""
    identity = draw_identity(shooting.seed, index)
    motion = draw_motion(shooting.seed, index, shooting.frames)
    actor = TalkingHead(identity, shooting.seed, index)
    heads: list[tuple[float, float, float, float]] = []
    marks: list[list[object]] = []

    def frames() -> Iterator[np.ndarray]:
        for moment in range(shooting.frames):
            picture = actor.picture(motion, moment)
            heads.append(picture.head)
            for mark, (x, y), visible in zip(MARKS, picture.marks, picture.visible, strict=True):
                marks.append([identity.name, moment, mark.name, round(float(x), 3), round(float(y), 3), int(visible)])
            yield picture.frame

    video = _video(folder, index)
    write_video(video, frames(), FRAMES_PER_SECOND)
    box = "-".join(str(side) for side in tube_box(np.array(heads)))
    partition = "test" if index % TEST_EVERY == TEST_EVERY - 1 else "train"
    metadata = [
        identity.name, 0, shooting.frames, box, FRAMES_PER_SECOND, WIDTH, HEIGHT, partition, f"person{index:02d}",
    ]  # fmt: skip
    truth = {"sha256": sha256_of_file(video), "metadata": metadata, "marks": marks}
    write_text(_truth(folder, index), json.dumps(truth) + "\n")


def tube_box(heads: np.ndarray) -> tuple[int, int, int, int]:
    """The square around a moving head: left, top, right, bottom, increased by a tenth and inside the frame.

    Args:
        heads: (frames, 4) left, top, right, bottom of the head in each frame.
    """
    left, top = heads[:, :2].min(0)
    right, bottom = heads[:, 2:].max(0)
    side = min(round(max(right - left, bottom - top) * (1 + 2 * BOX_INCREASE)), HEIGHT)
    corner = (round((left + right - side) / 2), round((top + bottom - side) / 2))
    x, y = (min(max(at, 0), limit - side) for at, limit in zip(corner, (WIDTH, HEIGHT), strict=True))
    return x, y, x + side, y + side


def _claim(folder: Path, shooting: Shooting) -> None:
    note = folder / "footage.json"
    wanted = asdict(shooting)
    if not note.is_file():
        write_json(note, wanted)
        return
    found = json.loads(note.read_text(encoding="utf-8"))
    if found != wanted:
        raise InputError(
            f"{folder} holds footage of other arguments ({_spelt(found)}; wanted {_spelt(wanted)}): "
            f"remove that folder or give another --output"
        )


def _spelt(arguments: dict[str, int]) -> str:
    return ", ".join(f"{name} {value}" for name, value in arguments.items())


def _is_whole(folder: Path, index: int) -> bool:
    video = _video(folder, index)
    if not (video.is_file() and _truth(folder, index).is_file()):
        return False
    return bool(_read_truth(folder, index)["sha256"] == sha256_of_file(video))


def _video(folder: Path, index: int) -> Path:
    return folder / "videos" / f"{video_name(index)}.mp4"


def _truth(folder: Path, index: int) -> Path:
    return folder / "truth" / f"{video_name(index)}.json"


def _read_truth(folder: Path, index: int) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads(_truth(folder, index).read_text(encoding="utf-8"))
    return truth


def _csv(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
