"""What became of each clip that was tried, for clips.csv, and the finished ones, which no later run cuts again.

No two runs are in one folder.
"""

import contextlib
import csv
import io
import json
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from lia_bench.core.atomic import remove_partial, write_text
from lia_bench.core.prepared_dataset import FINISHED_FOLDER, PARTITIONS
from lia_bench.core.processes import LOCK, alone_in_folder
from lia_bench.core.video import sha256_of_video

FOUND_TABLE = "metadata.csv"
"""The clips that a search found, as a table that others can cut by.

Within the limits of the published columns and names: the footage has to lie in one folder as <video_id>.mp4, also where
the search knew sub-folders, and of two people in the very same frames of a video the first alone is cut.
"""

Status = Literal["ok", "dropped", "failed", "unavailable"]
Position = tuple[int, ...]
COLUMNS = (
    *("clip", "partition", "video_id", "person_id", "start", "end", "bbox", "fps", "width", "height"),
    *("frames", "sha256", "status", "reason"),
)

OWN_FILE = secrets.token_hex(8)
"""Of this process, on whatever machine it runs."""


@dataclass(frozen=True)
class Outcome:
    """One clip that was tried.

    Attributes:
        position: its place in clips.csv; compared from left to right.
        clip: name of the clip, free of the suffix.
        partition: folder it lies in.
        cells: the columns from `video_id` to `height`, as the table or the search wrote them.
        status: ok, dropped by a rule, failed, or unavailable (its footage is not there).
        reason: a short code and a sentence; of a good clip, what should be known about it, or empty.
        frames: frames written.
        sha256: of the file; of a png folder, over its pictures.
    """

    position: Position
    clip: str
    partition: str
    cells: Mapping[str, str]
    status: Status
    reason: str = ""
    frames: int = 0
    sha256: str = ""


def write_clips_table(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Write clips.csv, atomically.

    bbox, fps, width, height, start and end are the table's own, which the box is measured in. Nothing in it
    depends on the machine: no path, no date, and the order of the positions.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for outcome in sorted(outcomes, key=lambda outcome: outcome.position):
        cells = {**outcome.cells, **vars(outcome), "frames": outcome.frames or ""}
        table.writerow([cells.get(column, "") for column in COLUMNS])
    write_text(path, text.getvalue())


@dataclass(frozen=True)
class Entry:
    """A finished clip; or a finished tar of packed clips.

    Attributes:
        clip: path within the dataset.
        made_from: everything the clip depends on; another footage, box or size gives another text.
        frames: frames written.
        sha256: of the file; of a png folder, over its pictures.
        note: the outcome's reason; of a tar the SHA-256 of its index.
    """

    clip: str
    made_from: str
    frames: int
    sha256: str
    note: str


class Ledger:
    """The entries in a hidden folder of the dataset."""

    def __init__(self, output: Path) -> None:
        """Read what earlier runs have noted; a line that a kill cut short is left out."""
        self._output = output
        self._folder = output / FINISHED_FOLDER
        self._entries = self._read()

    def begin(self) -> None:
        """Mark the dataset as unfinished, until clips.csv lies beside the entries."""
        self._folder.mkdir(parents=True, exist_ok=True)

    @property
    def is_empty(self) -> bool:
        """Whether no earlier run has finished a clip."""
        return not self._entries

    def find(self, clip: str, made_from: str) -> Entry | None:
        """The entry of a clip that was made from `made_from` and is still in its place, byte for byte."""
        entry = self._entries.get(clip)
        path = self._output / clip
        if entry is None or entry.made_from != made_from or not path.exists():
            return None
        return entry if sha256_of_video(path) == entry.sha256 else None

    def compact(self, clips: Iterable[str]) -> None:
        """Leave one file, with what is noted of these clips by now."""
        entries = self._read()
        old = list(self._folder.glob("clips-*.jsonl"))
        own = _new_file(self._output)
        write_text(own, "".join(_line(entries[clip]) for clip in clips if clip in entries))
        for file in old:
            file.unlink()

    def _read(self) -> dict[str, Entry]:
        entries = {}
        for file in sorted(self._folder.glob("clips-*.jsonl"), key=lambda file: file.stat().st_mtime_ns):
            for line in file.read_text(encoding="utf-8").splitlines():
                with contextlib.suppress(json.JSONDecodeError, TypeError):
                    entry = Entry(**json.loads(line))
                    entries[entry.clip] = entry
        return entries


class Notes:
    """The entries that one process adds, to a file of its own, so that none waits for another."""

    def __init__(self, output: Path) -> None:
        self._file = output / FINISHED_FOLDER / f"clips-{OWN_FILE}.jsonl"

    def add(self, entry: Entry) -> None:
        """Write down a clip that is in its place."""
        with self._file.open("a", encoding="utf-8") as file:
            file.write(_line(entry))


def _new_file(output: Path) -> Path:
    return output / FINISHED_FOLDER / f"clips-{secrets.token_hex(8)}.jsonl"


def _line(entry: Entry) -> str:
    return json.dumps(asdict(entry)) + "\n"


def remove_partial_clips(output: Path) -> None:
    """Remove what killed processes left half-written in the folders of a dataset."""
    for folder in (*PARTITIONS, FINISHED_FOLDER):
        remove_partial(output / folder)


@contextlib.contextmanager
def alone_in(output: Path) -> Iterator[None]:
    """Keep other runs out of `output`, which is made where it is not there; the system frees it when a run is killed.

    What a killed run left half-written in it and in its folders is removed. So is a folder that was made here and that
    nothing came to: after an error none that notes work to go on with, otherwise none that holds more than notes.

    Raises:
        InputError: another run is at work there, or it is no folder that can be written.
    """
    busy = "another run is preparing this dataset; wait for it, or give this one another --output"
    made = [folder for folder in (output, *output.parents) if not folder.exists()]
    with alone_in_folder(output, busy, "name another --output"):
        remove_partial_clips(output)
        remove_partial(output)
        try:
            yield
        except BaseException:
            _remove_empty(made, worth=lambda file: file.stat().st_size > 0)
            raise
        _remove_empty(made, worth=lambda file: file.parent.name != FINISHED_FOLDER)


def _remove_empty(made: Sequence[Path], worth: Callable[[Path], bool]) -> None:
    """Remove the first of some folders, and those around it, unless a file of it is worth keeping."""
    if not made or any(
        file.is_file() and not file.name.startswith(LOCK) and worth(file) for file in made[0].rglob("*")
    ):
        return
    shutil.rmtree(made[0])
    for folder in made[1:]:
        with contextlib.suppress(OSError):  # somebody else has put something there
            folder.rmdir()
