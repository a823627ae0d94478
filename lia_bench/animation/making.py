"""One animation, from inputs that were looked up to the file."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from lia_bench.animation.best_start import best_match, no_match
from lia_bench.animation.cropping import cut
from lia_bench.animation.driving import open_driving, squares
from lia_bench.animation.inputs import DrivingVideo, SourcePicture
from lia_bench.animation.layout import Layout, alone, panel_scale, strip
from lia_bench.animation.pasting import Pasting, shrunk
from lia_bench.animation.performers import Performer
from lia_bench.animation.rendering import render, sides_of
from lia_bench.animation.request import AnimationRequest
from lia_bench.animation.writing import Written, write_film
from lia_bench.core.console import progress
from lia_bench.core.memory import batch_size_advice
from lia_bench.core.video import read_picture, resize
from lia_bench.core.video.reader import Frame
from lia_bench.preprocessing.footage import Footage

LARGEST_FILM = 4096 * 2176
"""Pixels of a frame: a phone's photograph has more, and hardly a player shows an H.264 film of that."""


def make(
    source: SourcePicture,
    driving: DrivingVideo,
    references: Sequence[Frame],
    performers: Sequence[Performer],
    request: AnimationRequest,
    output: Path,
) -> Written:
    """Animate one picture by one video and write the result; memory does not grow with the video's length.

    Args:
        source: the picture.
        driving: the video.
        references: further views of the source's subject, cut like it.
        performers: the models.
        request: how to animate.
        output: the file.

    Raises:
        InputError: no frame of the video can be compared with the source (`--start best`).
        UnreadableVideoError: the video breaks before its end.
        DeviceError: the GPU is out of memory.
    """
    picture = read_picture(source.path)
    still = cut(picture, source.square)
    layout = _layout(picture, still, source, performers, request)
    title = f"{source.path.name} by {driving.path.name}"
    with open_driving(driving.path) as footage, batch_size_advice(request.batch_size):
        start = _start(source, driving, footage, request)
        frames = progress(squares(footage, driving.square), title=title, total=footage.frames, unit="frame")
        rows = render(performers, still, iter(frames), start, references, request.batch_size)
        with closing(frames):
            return write_film(output, _pictures(rows, layout), footage.clip_fps, driving.path)


def _pictures(rows: Iterator[tuple[Frame, list[Frame]]], layout: Layout) -> Iterator[Frame]:
    return (layout(driving, rendered) for driving, rendered in rows)


def _layout(
    picture: Frame, still: Frame, source: SourcePicture, performers: Sequence[Performer], request: AnimationRequest
) -> Layout:
    if request.paste_back:
        height, width = picture.shape[:2]
        fits = panel_scale(height, width) if request.is_strip else min(1.0, (LARGEST_FILM / (height * width)) ** 0.5)
        shown, square = shrunk(picture, source.square, fits)
        placed = Pasting(shown, square).paste
    else:
        side = max(sides_of(performers, still))
        shown, placed = resize(still, (side, side)), _as_it_is
    labels = [performer.label for performer in performers]
    return strip(shown, labels, placed) if request.is_strip else alone(placed)


def _as_it_is(frame: Frame) -> Frame:
    return frame


def _start(source: SourcePicture, driving: DrivingVideo, footage: Footage, request: AnimationRequest) -> Frame | None:
    if source.points is None:
        return None
    place = best_match(source.points, driving.points.values())
    if place is None:
        raise no_match(source.path, driving.path, request.subject)
    return cut(footage.square_frame(list(driving.points)[place]), driving.square)
