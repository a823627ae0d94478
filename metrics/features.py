"""Features of whole clips: read frame by frame from an extractor, or from files that an earlier reading left."""

import contextlib
import math
import os
import time
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lia_bench.core.weights import weights_home
from lia_bench.metrics.suite import LoadedExtractor

Rows = NDArray[np.float32]

ABANDONED_AFTER = 7 * 24 * 3600.0
"""Seconds without a change after which a half-written file is nobody's."""


class FeatureFile:
    """Features of one clip on disk: float32 rows, one after the other, and nothing else."""

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        self.path = path
        self.shape = shape

    def read(self) -> Rows | None:
        """(rows, *shape), mapped and not loaded; None where there is no such file, or one of another size."""
        row_bytes = math.prod(self.shape) * np.dtype(np.float32).itemsize
        size = self.path.stat().st_size if self.path.is_file() else 0
        if size == 0 or size % row_bytes:
            return None
        rows: Rows = np.memmap(self.path, dtype=np.float32, mode="r").reshape(-1, *self.shape)
        return rows


class FeatureWriter:
    """Writes a `FeatureFile` a few rows at a time; it appears when all of it is there."""

    def __init__(self, file: FeatureFile) -> None:
        self._file = file
        file.path.parent.mkdir(parents=True, exist_ok=True)
        _remove_old_drafts(file.path)
        self._draft = file.path.with_name(f".{file.path.name}.{np.random.default_rng().integers(1 << 48):012x}")
        self._stream: BinaryIO = self._draft.open("wb")

    def write(self, rows: Rows) -> None:
        """Append rows (n, *shape)."""
        self._stream.write(np.ascontiguousarray(rows, dtype=np.float32).tobytes())

    def finish(self) -> None:
        """Put the file in its place."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        self._draft.replace(self._file.path)

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._stream.close()
        self._draft.unlink(missing_ok=True)


def _remove_old_drafts(path: Path) -> None:
    """Remove what killed processes left, but nothing that another process may still be writing."""
    for draft in path.parent.glob(f".{path.name}.*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - draft.stat().st_mtime > ABANDONED_AFTER:
                draft.unlink()


class FeatureStream:
    """Features of a clip whose frames come a batch at a time; kept in a file where one is given."""

    def __init__(self, extractor: LoadedExtractor, file: FeatureFile | None, frames: int) -> None:
        """`frames` is the length of the clip, which says where its middle is."""
        self._extractor = extractor
        window = extractor.specification.window
        only_middle = extractor.window_rule == "middle"
        self._to_skip = max(0, frames // 2 - window // 2) if only_middle else 0
        self._most_windows = 1 if only_middle else frames
        self._writer = FeatureWriter(file) if file is not None else None
        self._waiting: list[Tensor] = []
        self._windows = 0

    def push(self, frames: Tensor) -> Rows:
        """Features of the next frames, uint8 (B, 3, H, W); of windows, those that these frames complete."""
        window = self._extractor.specification.window
        if window == 1:
            return self._keep(self._extractor.extract(frames))
        rows = []
        for frame in frames:
            if self._to_skip:
                self._to_skip -= 1
                continue
            if self._windows == self._most_windows:
                break
            self._waiting.append(frame)
            if len(self._waiting) == window:
                rows.append(self._window(self._waiting))
                self._waiting = []
        return np.concatenate(rows) if rows else np.empty((0, *self._extractor.specification.shape), np.float32)

    def finish(self) -> None:
        """The clip is over. What is left of a window is dropped; a clip shorter than one is repeated to fill it."""
        window = self._extractor.specification.window
        if window > 1 and self._windows == 0 and self._waiting:
            repeats = -(-window // len(self._waiting))
            self._window((self._waiting * repeats)[:window])
        if self._writer is not None:
            self._writer.finish()

    def abandon(self) -> None:
        """The clip cannot be finished."""
        if self._writer is not None:
            self._writer.abandon()

    def _window(self, frames: list[Tensor]) -> Rows:
        self._windows += 1
        return self._keep(self._extractor.extract(torch.stack(frames)[None]))

    def _keep(self, rows: Rows) -> Rows:
        if self._writer is not None:
            self._writer.write(rows)
        return rows


class StoredStream:
    """Stands in for a `FeatureStream` whose features are on disk already."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._place = 0

    def push(self, frames: Tensor) -> Rows:
        """The features of the next frames."""
        begun, self._place = self._place, self._place + len(frames)
        return np.array(self._rows[begun : self._place])

    def finish(self) -> None:
        """Nothing is left to do."""

    def abandon(self) -> None:
        """Nothing is left to undo."""


def cached_features(extractor: LoadedExtractor, height: int, width: int, clip_key: str) -> FeatureFile:
    """Where the features of a stored clip are kept between evaluations, scaled to a size."""
    folder = _features_home() / extractor.identity / f"{height}x{width}"
    return FeatureFile(folder / f"{clip_key}.float32", extractor.specification.shape)


def _features_home() -> Path:
    """Beside the weights; in the user's own cache where others own the weights and have made them read-only."""
    beside = weights_home().parent
    owned = beside if beside.exists() else beside.parent
    if os.access(owned, os.W_OK):
        return beside / "features"
    from platformdirs import user_cache_path

    return user_cache_path("lia-bench") / "features"


def reference_stream(extractor: LoadedExtractor, file: FeatureFile, frames: int) -> FeatureStream | StoredStream:
    """The features of a true clip: from `file` where it is there, else from the extractor, and kept there."""
    rows = file.read()
    whole = rows is not None and (extractor.specification.window > 1 or len(rows) == frames)
    return StoredStream(rows) if rows is not None and whole else FeatureStream(extractor, file, frames)
