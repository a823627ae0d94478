"""What a run tells of itself on the way: the progress bar, metrics.csv, TensorBoard logs, sample pictures."""

import csv
import io
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from lia_bench.core.atomic import replacing, write_text
from lia_bench.core.console import progress
from lia_bench.core.errors import InputError
from lia_bench.core.video import write_video
from lia_bench.core.video.reader import NOMINAL_FPS
from lia_bench.models.training.run_folder import RunFolder

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class Journal:
    """Opened at the step a run goes on from: what was noted after it is dropped."""

    def __init__(self, run: RunFolder, title: str, last_step: int, total: int) -> None:
        """`total`: iterations of the whole run."""
        self._pictures = run.pictures
        self._bar = progress(title=title, total=total, start=last_step, unit="step")
        self._table = MetricsTable(run.metrics, last_step)
        self._board = _tensorboard(run, last_step)

    def advance(self, words: str) -> None:
        """Move the progress bar by an iteration."""
        self._bar.set_postfix_str(words, refresh=False)
        self._bar.update()

    def note(self, step: int, epoch: float, values: dict[str, float]) -> None:
        """A row of metrics.csv, and the same values for TensorBoard."""
        numbers = {name: f"{value:.6g}" for name, value in values.items()}
        self._table.append({"step": step, "epoch": f"{epoch:.6g}", **numbers})
        if self._board is None:
            return
        for name, value in values.items():
            self._board.add_scalar(name, value, step)

    def show(self, step: int, picture: np.ndarray) -> None:
        """A sample picture, uint8 (H, W, 3)."""
        with replacing(self._pictures / f"{step:08d}.png") as temporary:
            Image.fromarray(picture).save(temporary)
        if self._board is not None:
            self._board.add_image("source, driving, result", picture, step, dataformats="HWC")

    def play(self, step: int, frames: Iterable[np.ndarray]) -> None:
        """A sample video, frames uint8 (H, W, 3) with even sides, at 25 a second."""
        write_video(self._pictures / f"{step:08d}.mp4", frames, NOMINAL_FPS)

    def close(self) -> None:
        """End the progress bar and the logs."""
        self._bar.close()
        if self._board is not None:
            self._board.close()


@contextmanager
def opened_journal(run: RunFolder, title: str, last_step: int, total: int) -> Iterator[Journal]:
    """A run's journal, closed at the end; as `Journal` is made."""
    journal = Journal(run, title, last_step, total)
    try:
        yield journal
    except BaseException:
        # On a full disk the logs cannot be ended either; the first error is the one to show.
        with suppress(OSError):
            journal.close()
        raise
    journal.close()


class Meter:
    """Means over the iterations since it was made."""

    def __init__(self) -> None:
        self._losses: defaultdict[str, list[float]] = defaultdict(list)
        self._gradient_norms: defaultdict[str, list[float]] = defaultdict(list)
        self._images = 0
        self._seconds = 0.0
        self._waiting = 0.0

    def add(self, losses: Mapping[str, float], gradient_norms: Mapping[str, float]) -> None:
        """What one iteration gave."""
        for name, value in losses.items():
            self._losses[name].append(value)
        for name, value in gradient_norms.items():
            self._gradient_norms[name].append(value)

    def add_time(self, images: int, seconds: float, waiting: float) -> None:
        """What one iteration took: `images` pairs on all devices, `seconds` in all, `waiting` of them for data."""
        self._images += images
        self._seconds += seconds
        self._waiting += waiting

    def losses(self) -> dict[str, float]:
        """Mean of each loss over the iterations that had it."""
        return _means(self._losses)

    def gradient_norms(self) -> dict[str, float]:
        """Mean 2-norm of each network's gradient."""
        return _means(self._gradient_norms)

    def images_per_second(self) -> float:
        """Pairs trained on in a second, over all devices."""
        return self._images / max(self._seconds, 1e-9)

    def data_wait(self) -> float:
        """Share of the time, 0 to 1, in which training waited for frames."""
        return self._waiting / max(self._seconds, 1e-9)

    def summary(self) -> str:
        """A few words for the progress bar."""
        losses = " ".join(f"{name} {value:.4g}" for name, value in self.losses().items())
        return f"{losses} | {self.images_per_second():.1f} images/s, data wait {self.data_wait():.0%}"


def _means(lists: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: sum(values) / len(values) for name, values in lists.items()}


Row = Mapping[str, float | int | str]
STEP = "step"
"""The first column."""


def _tensorboard(run: RunFolder, last_step: int) -> "SummaryWriter | None":
    """None, with a line, where TensorBoard cannot be imported: metrics.csv and the pictures say the same."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except Exception as error:
        print(f"no TensorBoard log is written: {type(error).__name__}: {error}", file=sys.stderr)
        return None
    return SummaryWriter(str(run.tensorboard), purge_step=last_step + 1)


class MetricsTable:
    """A CSV file that starts with the column `step`; a row may leave cells empty or bring new columns."""

    def __init__(self, path: Path, last_step: int) -> None:
        """Open the table at `path`, dropping every row after `last_step`.

        Raises:
            InputError: the table is damaged; nothing has changed.
        """
        self._path = path
        self._columns, rows = _read(path) if path.is_file() else ([], [])
        kept = [row for row in rows if int(row[STEP]) <= last_step]
        write_text(path, _text(self._columns, kept))

    def append(self, row: Row) -> None:
        """Add `row`; a new column widens the table."""
        known = self._columns
        self._columns = [*known, *(name for name in row if name not in known)]
        if len(self._columns) > len(known):
            write_text(self._path, _text(self._columns, [*_read(self._path)[1], row]))
            return
        with self._path.open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, self._columns, lineterminator="\n").writerow(row)


def _read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            columns, *rows = [row for row in csv.reader(file) if row] or [[]]
    except (UnicodeDecodeError, csv.Error):
        columns, rows = [""], []
    # A killed run may leave half a row at the end.
    if rows and len(rows[-1]) < len(columns):
        rows.pop()
    if (
        (rows and not columns)
        or (columns and columns[0] != STEP)
        or any(len(row) != len(columns) or not row[0].isdecimal() for row in rows)
    ):
        raise InputError(f"{path}: damaged, or no table of losses: put back what was there, or move it elsewhere")
    return columns, [dict(zip(columns, row, strict=True)) for row in rows]


def _text(columns: list[str], rows: Iterable[Row]) -> str:
    buffer = io.StringIO(newline="")
    if columns:
        writer = csv.DictWriter(buffer, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return buffer.getvalue()


MEBIBYTE = 2**20


def peak_memory(device: torch.device) -> float:
    """MiB: of tensors on a GPU; on the CPU of the whole process, without those that decode frames."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / MEBIBYTE
    import resource

    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MEBIBYTE
