"""The videos of an evaluation or a scoring: a strip of all models side by side, and every one a file of its own."""

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

import numpy as np
from torch import Tensor

from lia_bench.core.atomic import replacing
from lia_bench.core.video import INDEX_FIRST, VideoWriter, to_frame
from lia_bench.core.video.panels import SideBySide, blended, dimmed, enlarged, flow_picture, keypoint_colours, marked
from lia_bench.core.video.reader import Frame
from lia_bench.core.video.writer import copy_video, plays_in_browsers
from lia_bench.leaderboards.evaluation.request import FLOWS, KEYPOINTS, MASKS
from lia_bench.leaderboards.evaluation.video_folders import VideoPair
from lia_bench.leaderboards.results.report import PlannedModel
from lia_bench.models.blocks.motion_marks import Marks

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


LONGEST_FLOW = 1 / 8
"""The offset, in sides of the frame, at which a flow's colour is full; the same in all videos."""


@dataclass(frozen=True)
class Rendered:
    """What a model made of a driving frame.

    Attributes:
        frame: (3, H, W) in [0, 1].
        flow: (2, H, W) in pixels, x before y, from each pixel to the place in the source that it shows; None of a model
            that has none, and where none was asked for.
        marks: its keypoints and masks, likewise.
    """

    frame: Tensor
    flow: Tensor | None
    marks: Marks | None = None


class Overlay:
    """What a model sees of motion, over source, driving frame and result side by side (FOMM, figure 3)."""

    def __init__(self, source: Frame, label: str, show: Sequence[str]) -> None:
        """`source`: uint8 (H, W, 3); `show`: of `request.KINDS`, what is drawn."""
        self._source = source
        self._show = show
        self._longest = max(source.shape[:2]) * LONGEST_FLOW
        self._layout = SideBySide(["source", "driving", label], *enlarged(source).shape[:2])

    def picture(self, driving: Frame, result: Frame, rendered: Rendered) -> Frame | None:
        """All three, uint8; None of a model that has nothing of what is to be shown."""
        marks = rendered.marks or Marks()
        flow = rendered.flow if FLOWS in self._show else None
        if flow is None and not any(marks.has(kind) for kind in self._show):
            return None
        frames = [self._source, driving, result]
        if MASKS in self._show and marks.masks:
            masks = zip(frames, marks.masks, strict=True)
            frames = [frame if mask is None else dimmed(frame, mask[0].numpy()) for frame, mask in masks]
        if flow is not None:
            frames[-1] = blended(frames[-1], flow_picture(flow, self._longest))
        frames = [enlarged(frame) for frame in frames]
        if KEYPOINTS in self._show and marks.positions:
            colours = keypoint_colours(len(marks.positions[0]), marks.together)
            axes: Sequence[Tensor | None] = marks.axes or [None] * len(frames)
            places = zip(frames, marks.positions, axes, strict=True)
            frames = [
                marked(frame, positions.numpy(), colours, None if own is None else own.numpy())
                for frame, positions, own in places
            ]
        return self._layout.picture(frames)


class Camera:
    """Films one clip; `filmed` opens it.

    Attributes:
        source_picture, driving_video: files, relative to the results folder; the video of one frame or more.
        models: what each model's entry says: 'video' and, where they are wanted and the model has what they show,
            'flow_video' and 'overlay_video'.
    """

    def __init__(
        self,
        strip: VideoWriter,
        alone: ClipVideos,
        source: Tensor,
        models: Sequence[PlannedModel],
        task: str,
        flow_videos: bool,
        show: Sequence[str],
    ) -> None:
        """`strip`: of all side by side; `alone`: every one by itself; others as of `filmed`."""
        self._stems = [file_stem(model, model.transfers[task]) for model in models]
        captions = ["source", "driving", *(model.label for model in models)]
        self._layout = SideBySide(captions, *source.shape[1:])
        self._source = to_frame(source)
        self._longest = max(source.shape[1:]) * LONGEST_FLOW
        self._flow_videos = flow_videos
        self._overlays = [Overlay(self._source, model.label, show) for model in models]
        self._strip = strip
        self._alone = alone
        self.source_picture = alone.set_picture(SOURCE, self._source)
        self.driving_video: str | None = None
        self.models: list[dict[str, str]] = [{} for _ in models]

    def take(self, driving: Tensor, rendered: Sequence[Rendered]) -> None:
        """Add a driving frame, (3, H, W) in [0, 1], and what every model made of it."""
        shown, *generated = (to_frame(frame) for frame in (driving, *(one.frame for one in rendered)))
        self._strip.write(self._layout.picture([self._source, shown, *generated]))
        self.driving_video = self._alone.add(DRIVING, shown)
        films = zip(self._stems, generated, rendered, self.models, self._overlays, strict=True)
        for stem, frame, one, files, overlay in films:
            files["video"] = self._alone.add(f"{stem}.mp4", frame)
            if one.flow is not None and self._flow_videos:
                files["flow_video"] = self._alone.add(f"{stem}-flow.mp4", flow_picture(one.flow, self._longest))
            if (picture := overlay.picture(shown, frame, one)) is not None:
                files["overlay_video"] = self._alone.add(f"{stem}-overlay.mp4", picture)


@contextmanager
def filmed(
    results: Path,
    strip: PurePosixPath,
    place: PurePosixPath,
    source: Tensor,
    models: Sequence[PlannedModel],
    task: str,
    fps: float,
    flow_videos: bool = False,
    show: Sequence[str] = (),
) -> Iterator[Camera]:
    """A camera for one clip, at the end of whose context all files appear, unless there was an error.

    Args:
        results: the results folder.
        strip, place: the video of all side by side, and the folder of the others, below that of all videos.
        source: (3, H, W) in [0, 1].
        models: in the order in which they are shown.
        task: which animation it is.
        fps: frames a second of all videos.
        flow_videos: whether flows are filmed.
        show: of `request.KINDS`, what is drawn over frames in a further video.
    """
    side_by_side = VideoWriter(results / VIDEOS / strip, fps, container=INDEX_FIRST)
    alone = ClipVideos(results, place, fps)
    with side_by_side, alone:
        yield Camera(side_by_side, alone, source, models, task, flow_videos, show)


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
        self._files = ClipVideos(results, pair.place, fps)
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
