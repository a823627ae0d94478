"""The videos of one clip: driving, source and every model's, each a file of its own that every browser plays."""

import contextlib
import hashlib
import json
import os
import re
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

import numpy as np

from lia_bench.core.atomic import remove_partial, replacing
from lia_bench.core.video import INDEX_FIRST, VideoWriter
from lia_bench.core.video.reader import Frame
from lia_bench.core.video.stream_copy import copy_video
from lia_bench.leaderboards.results.report import PlannedModel

VIDEOS = "videos"
"""Within a results folder."""

DRIVING = "driving.mp4"
SOURCE = "source.png"

LONGEST_SLUG = 60


class ClipVideos:
    """The files of one clip, below the videos of a results folder; a context manager.

    Videos grow frame by frame, and memory does not grow with their length. All files appear at the end of the
    context; an error within it leaves none.
    """

    def __init__(self, results: Path, place: PurePosixPath, fps: float) -> None:
        """`place`: folder of the clip below that of the videos; `fps`: frames a second of all videos."""
        self._results = results
        self._place = PurePosixPath(VIDEOS) / place
        self._fps = fps
        self._open = ExitStack()
        self._writers: dict[str, VideoWriter] = {}
        self._copies: dict[str, Path] = {}
        self._pictures: dict[str, Frame] = {}

    def add(self, name: str, frame: Frame) -> str:
        """Add a frame, uint8 (H, W, 3), to a video of the clip; returns its path relative to the results folder.

        H.264 needs even sides: the last row or column of odd ones is there twice.
        """
        if name not in self._writers:
            writer = VideoWriter(self._folder / name, self._fps, container=INDEX_FIRST)
            self._writers[name] = self._open.enter_context(writer)
        self._writers[name].write(_even(frame))
        return self.address(name)

    def copy(self, name: str, path: Path) -> str:
        """Take a video as it is, which a browser has to play; returns its path relative to the results folder."""
        self._copies[name] = path
        return self.address(name)

    def set_picture(self, name: str, frame: Frame) -> str:
        """Have a png of uint8 (H, W, 3), as large as the videos; returns its path relative to the results folder."""
        self._pictures[name] = _even(frame)
        return self.address(name)

    def address(self, name: str) -> str:
        """The path of a file relative to the results folder, with slashes."""
        return str(self._place / name)

    @property
    def _folder(self) -> Path:
        return self._results / self._place

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._open.__exit__(kind, error, trace)
            if kind is None:
                self._write_others()
        finally:
            # Only what is empty goes: other runs' videos of the clip may be there.
            with contextlib.suppress(OSError):
                self._folder.rmdir()

    def _write_others(self) -> None:
        from PIL import Image

        for name, path in self._copies.items():
            copy_video(path, self._folder / name)
        for name, frame in self._pictures.items():
            with replacing(self._folder / name) as temporary:
                Image.fromarray(frame).save(temporary)


def remove_unfinished(results: Path) -> None:
    """Remove what killed processes left half-written among the videos; nobody may be writing there."""
    for folder, _, _ in os.walk(results / VIDEOS):
        remove_partial(Path(folder))


def file_stem(model: PlannedModel, transfer: str) -> str:
    """The name of a model's files: its label, the first digits of its checkpoint's hash, and eight that are its own.

    The same model of several runs has one name, and another label, variant, checkpoint or transfer has another.

    Args:
        model: as a report's plan describes it.
        transfer: the mode that it renders the clip with.
    """
    identity = {key: getattr(model, key) for key in ("label", "model", "variant", "checkpoint", "checkpoint_sha256")}
    own = hashlib.sha256(json.dumps([identity, transfer], sort_keys=True).encode()).hexdigest()[:8]
    slug = re.sub(r"[^a-z0-9]+", "-", model.label.lower()).strip("-")[:LONGEST_SLUG] or "model"
    return "-".join(part for part in (slug, model.checkpoint_sha256[:8], own) if part)


def _even(frame: Frame) -> Frame:
    height, width = frame.shape[:2]
    return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
