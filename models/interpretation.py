"""What a LIA has learned, as files to look at: its directions swept, ranked, and followed through a video."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from lia_bench.core.atomic import replacing, write_text
from lia_bench.core.errors import InputError
from lia_bench.core.video import to_frame, write_video
from lia_bench.models.blocks.direction_probe import DirectionEffect, DirectionProbe

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Slow enough to follow by eye; the published sweep lasts two seconds.
SWEEP_RATE = 8.0
GRID_COLUMNS = 8
CAPTION = 18
"""Height in pixels of the strip above each picture of a grid."""
SMALLEST_CELL = 128
"""Smaller frames are enlarged by a whole factor in grids, so that captions fit and eyes see something."""


@dataclass(frozen=True)
class Sweep:
    """Amounts that a direction's magnitude is changed by: evenly from `lowest`, `highest` itself left out.

    As the authors' script sweeps, -3 to 3 in 16 steps: the source's own pose, 0, is among an even number of steps.

    Raises:
        InputError: fewer than two steps, or a range that is empty or not finite.
    """

    lowest: float = -3.0
    highest: float = 3.0
    steps: int = 16

    def __post_init__(self) -> None:
        if self.steps < 2:
            raise InputError(f"a sweep of {self.steps} steps moves nothing: give at least 2")
        if not (np.isfinite([self.lowest, self.highest]).all() and self.lowest < self.highest):
            raise InputError(f"a sweep from {self.lowest:g} to {self.highest:g} is none: give the lower end first")

    def amounts(self) -> list[float]:
        """The `steps` amounts, in rising order."""
        step = (self.highest - self.lowest) / self.steps
        return [self.lowest + step * index for index in range(self.steps)]


class DirectionFolder:
    """The files of one source's interpretation; each is whole or not there, and written anew replaces the old.

    `reference.png`, `directions/d01.mp4` and `.png` ..., `directions.csv`, `magnitudes.csv` and `.png`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reference = path / "reference.png"
        self.ranking = path / "directions.csv"
        self.magnitudes = path / "magnitudes.csv"
        self.plot = path / "magnitudes.png"

    def write_reference(self, probe: DirectionProbe) -> None:
        """The reference image x_r."""
        _write_picture(self.reference, to_frame(probe.reference_image()))

    def write_sweeps(self, probe: DirectionProbe, sweep: Sweep, batch_size: int = 8) -> Iterator[DirectionEffect]:
        """A video and a captioned grid of pictures a direction; gives the direction's effect when both are there."""
        amounts = sweep.amounts()
        digits = len(str(probe.count))
        for direction in range(1, probe.count + 1):
            frames = [to_frame(picture) for picture in probe.sweep(direction, amounts, batch_size)]
            stem = self.path / "directions" / f"d{direction:0{digits}d}"
            write_video(stem.with_suffix(".mp4"), frames, SWEEP_RATE)
            _write_picture(stem.with_suffix(".png"), _grid(frames, [f"{amount:+.4g}" for amount in amounts]))
            yield probe.effect(direction)

    def write_ranking(
        self, effects: Sequence[DirectionEffect], probe: DirectionProbe, driven: Tensor | None
    ) -> pd.DataFrame:
        """The directions by their effect, the largest first, and where source and driving video lie along them.

        Args:
            driven: magnitudes (T, motion_dim) of a driving video, if there is one.

        Returns:
            What directions.csv holds: rank, direction, flow (pixels a unit), flow_8, flow_16, ..., picture (a unit),
            source_magnitude and, with a driving video, driving_lowest and driving_highest.
        """
        rows = []
        for rank, effect in enumerate(sorted(effects, key=lambda effect: -effect.flow), start=1):
            column = effect.direction - 1
            row = {
                "rank": rank,
                "direction": effect.direction,
                "flow": effect.flow,
                **{f"flow_{resolution}": flow for resolution, flow in effect.flow_by_resolution.items()},
                "picture": effect.picture,
                "source_magnitude": float(probe.magnitudes[column]),
            }
            if driven is not None:
                row["driving_lowest"], row["driving_highest"] = (float(end) for end in driven[:, column].aminmax())
            rows.append(row)
        table = pd.DataFrame(rows)
        write_text(self.ranking, table.to_csv(index=False, float_format="%.6g"))
        return table

    def write_magnitudes(self, driven: Tensor, fps: float) -> None:
        """The magnitudes (T, motion_dim) of a driving video over time, as a table and as a plot."""
        names = [f"d_{direction}" for direction in range(1, driven.shape[1] + 1)]
        table = pd.DataFrame(driven.numpy(), columns=names)
        table.insert(0, "seconds", table.index / fps)
        table.index.name = "frame"
        write_text(self.magnitudes, table.to_csv(float_format="%.6g"))
        with replacing(self.plot) as temporary:
            _plot(table["seconds"].to_numpy(), driven.numpy()).savefig(temporary)


def _plot(seconds: "np.ndarray", magnitudes: "np.ndarray") -> "Figure":
    """A small panel a direction, all on the same scales, so that a glance tells which ones the video uses."""
    # The figure is built without pyplot, which would look for a screen.
    from matplotlib.figure import Figure

    count = magnitudes.shape[1]
    columns = min(4, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(3 * columns, 1.2 * rows + 0.5), dpi=120, layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for column, panel in enumerate(panels.flat):
        if column >= count:
            panel.set_axis_off()
            continue
        # A marker as well, since a line through one frame shows nothing.
        panel.plot(seconds, magnitudes[:, column], linewidth=1, marker="." if len(seconds) == 1 else None)
        panel.set_title(f"d_{column + 1}", fontsize=8, pad=2)
        panel.tick_params(labelsize=7)
        panel.grid(linewidth=0.3)
    figure.supxlabel("seconds", fontsize=9)
    figure.supylabel("magnitude", fontsize=9)
    return figure


def _grid(frames: "Sequence[np.ndarray]", captions: Sequence[str]) -> "np.ndarray":
    """Frames, uint8 (H, W, 3), in rows, each below its caption."""
    height, width = frames[0].shape[:2]
    factor = max(1, SMALLEST_CELL // width)
    height, width = height * factor, width * factor
    columns = min(GRID_COLUMNS, len(frames))
    rows = -(-len(frames) // columns)
    canvas = Image.new("RGB", (columns * width, rows * (height + CAPTION)), (24, 24, 24))
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size=14)
    for index, (frame, caption) in enumerate(zip(frames, captions, strict=True)):
        left, top = index % columns * width, index // columns * (height + CAPTION)
        draw.text((left + width / 2, top + CAPTION / 2), caption, fill=(235, 235, 235), font=font, anchor="mm")
        cell = Image.fromarray(frame).resize((width, height), Image.Resampling.NEAREST)
        canvas.paste(cell, (left, top + CAPTION))
    return np.asarray(canvas)


def _write_picture(path: Path, picture: "np.ndarray") -> None:
    with replacing(path) as temporary:
        Image.fromarray(picture).save(temporary)
