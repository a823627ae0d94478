"""One animation, from inputs that were looked up to the file: models in step, no more than a batch in memory."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice, tee
from pathlib import Path

import torch
from torch import Tensor

from lia_bench.animation.crop import cut
from lia_bench.animation.inputs import DrivingVideo, SourcePicture, open_driving, squares
from lia_bench.animation.layout import Layout, Pasting, alone, panel_scale, shrunk, strip
from lia_bench.animation.output import Written, write_film
from lia_bench.animation.request import AnimationRequest
from lia_bench.core.console import progress
from lia_bench.core.memory import batch_size_advice
from lia_bench.core.video import read_picture, resize, to_frame, to_tensor
from lia_bench.core.video.reader import Frame
from lia_bench.metrics.best_start import best_match, no_match
from lia_bench.models.acceleration import rounding
from lia_bench.models.animator import numbers_only
from lia_bench.models.lineup import LineupModel
from lia_bench.preprocessing.footage import Footage

LARGEST_FILM = 4096 * 2176
"""Pixels of a frame: a phone's photograph has more, and hardly a player shows an H.264 film of that."""
SMALLEST_SIDE, LARGEST_SIDE = 16, 2984
"""Pixels, for models that take any size; a square of the largest one is a film that need not be shrunk."""


@dataclass(frozen=True)
class Performer:
    """A model that animates, how it transfers motion, and by how much its controls move the source before."""

    model: LineupModel
    transfer: str
    edit: Mapping[str, float]


def sides_of(performers: Sequence[Performer], still: Frame) -> list[int]:
    """The side of each model's frames; of those that take any, the largest of the others', else the source's own."""
    given = [performer.model.animator.frame_size for performer in performers]
    own = min(*still.shape[:2], LARGEST_SIDE)
    usual = max((side for side in given if side is not None), default=max(own - own % 2, SMALLEST_SIDE))
    return [side or usual for side in given]


def render(
    performers: Sequence[Performer],
    still: Frame,
    driving: Iterator[Frame],
    start: Frame | None,
    references: Sequence[Frame],
    batch_size: int,
) -> Iterator[tuple[Frame, list[Frame]]]:
    """For each driving frame: itself, at the side of the largest model, and every model's, uint8 RGB at its own side.

    Args:
        performers: the models.
        still: the source, uint8 RGB (H, W, 3); scaled to each model's side, whatever its aspect.
        driving: frames, likewise.
        start: the frame that relative transfer begins from; None for the first of `driving`.
        references: further views of the source's subject, likewise; none for models that take none.
        batch_size: frames rendered together.

    Raises:
        InputError: there is no driving frame.
    """
    sides = sides_of(performers, still)
    frames = driving if start is None else chain([start], driving)
    shown, *branches = tee(_at_sides(frames, sorted(set(sides))), len(performers) + 1)
    streams = [
        numbers_only(
            performer.model.animator.animate_stream(
                _tensor(still, side),
                _of_side(branch, side),
                performer.transfer,
                batch_size,
                [_tensor(reference, side) for reference in references],
                performer.edit,
            )
        )
        for performer, branch, side in zip(performers, branches, sides, strict=True)
    ]
    # A model begins from the first frame that it is given, so one that is not the first is given twice.
    rows = islice(zip(shown, *streams, strict=True), 0 if start is None else 1, None)
    for scaled, *rendered in rows:
        yield scaled[max(sides)], [to_frame(image) for image in rendered]


def _at_sides(frames: Iterator[Frame], sides: Sequence[int]) -> Iterator[dict[int, Frame]]:
    return ({side: resize(frame, (side, side)) for side in sides} for frame in frames)


def _tensor(frame: Frame, side: int) -> Tensor:
    return to_tensor(resize(frame, (side, side)))


def _of_side(frames: Iterator[Mapping[int, Frame]], side: int) -> Iterator[Frame]:
    return (scaled[side] for scaled in frames)


@dataclass(frozen=True)
class Film:
    """An animation that is rendered while it is read.

    Attributes:
        frames: uint8 RGB (H, W, 3) of one even size.
        fps: frames a second.
        remarks: what the user should know.
    """

    frames: Iterator[Frame]
    fps: float
    remarks: tuple[str, ...] = ()


def make(
    source: SourcePicture | DrivingVideo,
    driving: DrivingVideo,
    references: Sequence[Frame],
    performers: Sequence[Performer],
    request: AnimationRequest,
    output: Path,
) -> Written:
    """Animate one picture by one video and write the result; see `filming`.

    Args:
        output: the file.
    """
    with filming(source, driving, references, performers, request) as film:
        written = write_film(output, film.frames, film.fps, driving.path)
        return replace(written, remarks=(*film.remarks, *written.remarks))


@contextmanager
def filming(
    source: SourcePicture | DrivingVideo,
    driving: DrivingVideo,
    references: Sequence[Frame],
    performers: Sequence[Performer],
    request: AnimationRequest,
) -> Iterator[Film]:
    """Inside, the animation of one picture by one video; memory does not grow with the video's length.

    Args:
        source: the picture, or the video whose frames are moved.
        driving: the video.
        references: further views of the source's subject, cut like it.
        performers: the models.
        request: how to animate.

    Raises:
        InputError: no frame of the video can be compared with the source (`--start best`).
        UnreadableVideoError: the video breaks before its end.
        DeviceError: the GPU is out of memory.
    """
    if isinstance(source, DrivingVideo):
        with _video_filming(source, driving, performers, request) as film:
            yield film
        return
    picture = read_picture(source.path)
    still = cut(picture, source.square)
    layout = layout_of(picture, still, source, performers, request)
    title = f"{source.path.name} by {driving.path.name}"
    with open_driving(driving.path) as footage, batch_size_advice(request.batch_size):
        start = starting_frame(source, driving, footage, request)
        remarks = tuple(_roundings(performers, still, driving, footage)) if request.precision != "32-true" else ()
        frames = progress(squares(footage, driving.square), title=title, total=footage.frames, unit="frame")
        rows = render(performers, still, iter(frames), start, references, request.batch_size)
        with closing(frames):
            yield Film(_pictures(rows, layout), request.fps or footage.clip_fps, remarks)


def _roundings(performers: Sequence[Performer], still: Frame, driving: DrivingVideo, footage: Footage) -> Iterator[str]:
    """What the reduced precision of each model does to the frame in the middle."""
    shown = [cut(footage.square_frame(place), driving.square) for place in (0, footage.frames // 2)]
    for performer, side in zip(performers, sides_of(performers, still), strict=True):
        frames = torch.stack([_tensor(frame, side) for frame in shown])
        price = rounding(performer.model.animator, _tensor(still, side), frames, performer.transfer)
        yield f"{performer.model.label}: bf16-mixed changes a frame by {price}"


@dataclass(frozen=True)
class _Squares:
    """What a video shows in its square, as a model takes it; opened anew each time it is gone through."""

    video: DrivingVideo
    side: int

    def __iter__(self) -> Iterator[Tensor]:
        with open_driving(self.video.path) as footage:
            for frame in squares(footage, self.video.square):
                yield _tensor(frame, self.side)


@contextmanager
def _video_filming(
    source: DrivingVideo, driving: DrivingVideo, performers: Sequence[Performer], request: AnimationRequest
) -> Iterator[Film]:
    """As `filming`; in a strip the source's first frame stands for it."""
    with open_driving(source.path) as footage:
        first = cut(footage.square_frame(0), source.square)
        length = footage.frames
    sides = sides_of(performers, first)
    streams = [
        numbers_only(
            performer.model.animator.animate_video(
                _Squares(source, side), _Squares(driving, side), performer.transfer, request.batch_size
            )
        )
        for performer, side in zip(performers, sides, strict=True)
    ]
    shown = resize(first, (max(sides), max(sides)))
    labels = [performer.model.label for performer in performers]
    layout = strip(shown, labels, _as_it_is) if request.is_strip else alone(_as_it_is)
    title = f"{source.path.name} by {driving.path.name}"
    with open_driving(driving.path) as footage, batch_size_advice(request.batch_size):
        remarks = tuple(_roundings(performers, first, driving, footage)) if request.precision != "32-true" else ()
        total = min(length, footage.frames)
        frames = progress(squares(footage, driving.square), title=title, total=total, unit="frame")
        scaled = (resize(frame, (max(sides), max(sides))) for frame in islice(frames, total))
        rows = ((frame, [to_frame(image) for image in images]) for frame, *images in zip(scaled, *streams, strict=True))
        with closing(frames):
            yield Film(_pictures(rows, layout), request.fps or footage.clip_fps, remarks)


def _pictures(rows: Iterator[tuple[Frame, list[Frame]]], layout: Layout) -> Iterator[Frame]:
    return (layout(driving, rendered) for driving, rendered in rows)


def layout_of(
    picture: Frame, still: Frame, source: SourcePicture, performers: Sequence[Performer], request: AnimationRequest
) -> Layout:
    """What a frame of the result shows, as the request wants it.

    Args:
        picture: the whole source, uint8 RGB (H, W, 3).
        still: its square that is animated.
        source: where that lies in it.
        performers: the models.
        request: whether the result is pasted back, and whether it is a strip.
    """
    if request.paste_back:
        height, width = picture.shape[:2]
        fits = panel_scale(height, width) if request.is_strip else min(1.0, (LARGEST_FILM / (height * width)) ** 0.5)
        shown, square = shrunk(picture, source.square, fits)
        placed = Pasting(shown, square).paste
    else:
        side = max(sides_of(performers, still))
        shown, placed = resize(still, (side, side)), _as_it_is
    labels = [performer.model.label for performer in performers]
    return strip(shown, labels, placed) if request.is_strip else alone(placed)


def _as_it_is(frame: Frame) -> Frame:
    return frame


def starting_frame(
    source: SourcePicture, driving: DrivingVideo, footage: Footage, request: AnimationRequest
) -> Frame | None:
    """The driving frame, uint8 RGB (H, W, 3), that relative transfer begins from; None for the first.

    Raises:
        InputError: the best one was asked for, and no frame can be compared with the source.
    """
    if source.points is None:
        return None
    place = best_match(source.points, driving.points.values())
    if place is None:
        raise no_match(source.path, driving.path, request.subject)
    return cut(footage.square_frame(list(driving.points)[place]), driving.square)
