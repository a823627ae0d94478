"""A row of a leaderboard: what a model scored on a dataset, measured here, judged by raters or printed in a paper."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Origin = Literal["measured", "published"]

USER_STUDY = "user-study"
"""The task of rows whose columns are preferences of raters, `preference_vs_<model>_percent` and the like."""


@dataclass(frozen=True)
class ResultRow:
    """One line of a `leaderboard.csv`, or of the published results, which have the same columns and three more.

    Attributes:
        model: its name; what a paper calls it where it is published.
        variant, checkpoint, dataset, split, task, transfer: as in the columns; empty where nothing is said.
        values: column to number, only where there is one.
        intervals: column to the 95 % interval of the number, only where there is one.
        printed: column to the number's text in the file, so that a paper's 0.120 stays 0.120.
        counts: metric to the frames that were scored and those that were left out since nothing was found there.
        clips, frames: how many are behind the numbers; None where nothing is said.
        fps: rendered frames a second; None where nothing is said.
        protocol, extractors, dataset_hash, checkpoint_sha256, seed, device, version, date: provenance.
        origin: 'measured' or 'published'.
        paper, table, note: of a published row; empty otherwise.
        file: the file that it was read from.
    """

    model: str
    variant: str
    checkpoint: str
    dataset: str
    split: str
    task: str
    transfer: str
    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    printed: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    clips: int | None = None
    frames: int | None = None
    fps: float | None = None
    protocol: str = ""
    extractors: str = ""
    dataset_hash: str = ""
    checkpoint_sha256: str = ""
    seed: str = ""
    device: str = ""
    version: str = ""
    date: str = ""
    origin: Origin = "measured"
    paper: str = ""
    table: str = ""
    note: str = ""
    file: Path | None = None
