"""What a run tells of itself on the way: the progress bar, the table, TensorBoard logs, sample pictures."""

from collections.abc import Iterable
from types import TracebackType
from typing import Self

import numpy as np
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from lia_bench.core.atomic import replacing
from lia_bench.core.console import progress
from lia_bench.core.video import write_video
from lia_bench.core.video.reader import NOMINAL_FPS
from lia_bench.models.training.metrics_table import MetricsTable
from lia_bench.models.training.run_folder import RunFolder


class Journal:
    """Opened at the step a run goes on from: what was noted after it is dropped."""

    def __init__(self, run: RunFolder, title: str, last_step: int, total: int) -> None:
        """`total`: iterations of the whole run."""
        self._run = run
        self._bar = progress(title=title, total=total, start=last_step, unit="step")
        self._table = MetricsTable(run.metrics, last_step)
        self._board = SummaryWriter(str(run.tensorboard), purge_step=last_step + 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
        try:
            self._board.close()
        except OSError:
            # On a full disk the logs cannot be ended either; the first error is the one to show.
            if error is None:
                raise

    def advance(self, words: str) -> None:
        """Move the progress bar by an iteration."""
        self._bar.set_postfix_str(words, refresh=False)
        self._bar.update()

    def note(self, step: int, epoch: float, values: dict[str, float]) -> None:
        """A row of metrics.csv, and the same values for TensorBoard."""
        numbers = {name: f"{value:.6g}" for name, value in values.items()}
        self._table.append({"step": step, "epoch": f"{epoch:.6g}", **numbers})
        for name, value in values.items():
            self._board.add_scalar(name, value, step)

    def show(self, step: int, picture: np.ndarray) -> None:
        """A sample picture, uint8 (H, W, 3)."""
        with replacing(self._run.pictures / f"{step:08d}.png") as temporary:
            Image.fromarray(picture).save(temporary)
        self._board.add_image("source, driving, result", picture, step, dataformats="HWC")

    def play(self, step: int, frames: Iterable[np.ndarray]) -> None:
        """A sample video, frames uint8 (H, W, 3) with even sides, at 25 a second."""
        write_video(self._run.pictures / f"{step:08d}.mp4", frames, NOMINAL_FPS)
