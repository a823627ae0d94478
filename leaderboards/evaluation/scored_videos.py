"""The videos of a scored pair, for the eyes: copied where browsers play them as they are, and converted elsewhere."""

from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from torch import Tensor

from lia_bench.core.video import to_frame
from lia_bench.core.video.stream_copy import plays_in_browsers
from lia_bench.leaderboards.evaluation.films import DRIVING, SOURCE, ClipVideos
from lia_bench.leaderboards.evaluation.video_pairs import VideoPair


class ScoredVideos:
    """The true video, the generated one and the source of a pair; a context manager at whose end the files appear.

    Both videos get the true one's rate, so that they stay in step, and lose what is trimmed.

    Attributes:
        source_picture, driving_video, video: the files, relative to the results folder.
    """

    def __init__(
        self, results: Path, pair: VideoPair, stem: str, source: Tensor | None, fps: float, *, trimmed: bool
    ) -> None:
        """`stem`: the generated video's name; `source`: (3, H, W) in [0, 1], None is the first true frame."""
        self._files = ClipVideos(results, PurePosixPath(pair.task) / pair.reference.name.replace("/", "_"), fps)
        self._converted: dict[str, bool] = {}
        self._source = source
        self.source_picture = self._files.address(SOURCE)
        self.driving_video = self._begin(DRIVING, pair.reference.path, fps, trimmed)
        self.video = self._begin(f"{stem}.mp4", pair.generated.path, fps, trimmed)

    def take(self, true: Tensor, generated: Tensor) -> None:
        """Add the next frames, (B, 3, H, W) in [0, 1]."""
        if self._source is None:
            self._source = true[0]
        for (name, converted), frames in zip(self._converted.items(), (true, generated), strict=True):
            for frame in frames if converted else ():
                self._files.add(name, to_frame(frame))

    def _begin(self, name: str, path: Path, fps: float, trimmed: bool) -> str:
        self._converted[name] = trimmed or not plays_in_browsers(path, fps)
        return self._files.address(name) if self._converted[name] else self._files.copy(name, path)

    def __enter__(self) -> Self:
        self._files.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._source is not None:
            self._files.set_picture(SOURCE, to_frame(self._source))
        self._files.__exit__(kind, error, trace)
