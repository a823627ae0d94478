"""What is filmed of an evaluation: a strip of all side by side, and every one alone."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from torch import Tensor

from lia_bench.core.video import INDEX_FIRST, VideoWriter, to_frame
from lia_bench.core.video.panels import SideBySide, flow_picture
from lia_bench.leaderboards.contestants import Contestant
from lia_bench.leaderboards.evaluation.films import DRIVING, SOURCE, VIDEOS, ClipVideos, file_stem

LONGEST_FLOW = 1 / 8
"""The offset, in sides of the frame, at which a flow's colour is full; the same in all videos."""


@dataclass(frozen=True)
class Rendered:
    """What a model made of a driving frame.

    Attributes:
        frame: (3, H, W) in [0, 1].
        flow: (2, H, W) in pixels, x before y, from each pixel to the place in the source that it shows; None of a model
            that has none, and where none was asked for.
    """

    frame: Tensor
    flow: Tensor | None


class Camera:
    """Films one clip; a context manager at whose end all files appear, unless there was an error.

    Attributes:
        source_picture, driving_video: files, relative to the results folder; the video of one frame or more.
        models: what each model's entry says: 'video' and, of a model with a flow, 'flow_video'.
    """

    def __init__(
        self,
        results: Path,
        place: PurePosixPath,
        source: Tensor,
        contestants: Sequence[Contestant],
        transfer: str,
        fps: float,
    ) -> None:
        """`place`: the clip's, below the folder of videos; `source`: (3, H, W) in [0, 1]; `transfer`: as wanted."""
        self._stems = [file_stem(each.description({}), each.transfer(transfer)) for each in contestants]
        captions = ["source", "driving", *(contestant.label for contestant in contestants)]
        self._layout = SideBySide(captions, *source.shape[1:])
        self._source = to_frame(source)
        self._longest = max(source.shape[1:]) * LONGEST_FLOW
        self._strip = VideoWriter(strip_of(results, place), fps, container=INDEX_FIRST)
        self._alone = ClipVideos(results, place, fps)
        self.source_picture = self._alone.set_picture(SOURCE, self._source)
        self.driving_video: str | None = None
        self.models: list[dict[str, str]] = [{} for _ in contestants]
        self._open = ExitStack()

    def take(self, driving: Tensor, rendered: Sequence[Rendered]) -> None:
        """Add a driving frame, (3, H, W) in [0, 1], and what every model made of it."""
        shown, *generated = (to_frame(frame) for frame in (driving, *(one.frame for one in rendered)))
        self._strip.write(self._layout.picture([self._source, shown, *generated]))
        self.driving_video = self._alone.add(DRIVING, shown)
        for stem, frame, one, files in zip(self._stems, generated, rendered, self.models, strict=True):
            files["video"] = self._alone.add(f"{stem}.mp4", frame)
            if one.flow is not None:
                files["flow_video"] = self._alone.add(f"{stem}-flow.mp4", flow_picture(one.flow, self._longest))

    def __enter__(self) -> Self:
        self._open.enter_context(self._strip)
        self._open.enter_context(self._alone)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)


def strip_of(results: Path, place: PurePosixPath) -> Path:
    """The side-by-side video of a clip, of the models that were evaluated last."""
    return results / VIDEOS / place.with_name(f"{place.name}.mp4")
