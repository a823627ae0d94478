"""From a row of a published table to frames, a box and a name: the rules of the published cropping code."""

import math
from collections.abc import Sequence

from lia_bench.core.video.scan import Scan
from lia_bench.preprocessing.boxes import Box

LATE = 1.1
"""Ticks by which a frame may miss its place before FFmpeg repeats or drops one."""


def frames_of_row(start: int, end: int, reference_fps: float, file_fps: float) -> range:
    """Indices of the frames of a file at `file_fps` that a row at `reference_fps` asks for.

    Frame i belongs to it when i reference_fps >= start file_fps and i reference_fps < end file_fps. Nothing is
    resampled: of a file at 50 frames a second, a row at 25 takes twice as many frames as it says. The range does
    not know where the file ends.
    """
    return range(_first_at(start, reference_fps, file_fps), _first_at(end, reference_fps, file_fps))


def _first_at(frame: int, reference_fps: float, file_fps: float) -> int:
    index = math.floor(frame * file_fps / reference_fps)
    # The products are compared as the rule says, since the quotient may round to the other side of a whole number.
    while index > 0 and (index - 1) * reference_fps >= frame * file_fps:
        index -= 1
    while index * reference_fps < frame * file_fps:
        index += 1
    return index


def scale_box(box: Box, reference: tuple[float, float], file: tuple[int, int]) -> Box:
    """A box measured in a frame of `reference` (width, height), in a frame of `file` (width, height); truncated.

    It may leave the frame, where a crop is cut off without notice.
    """
    across, down = reference[0] / file[0], reference[1] / file[1]
    return Box(int(box.left / across), int(box.top / down), int(box.right / across), int(box.bottom / down))


def stated_rate(fps: float) -> float:
    """The rate as FFmpeg prints it, with two decimals, where the published code reads it: 29.97, not 30000/1001.

    One that would be printed as 0, of minutes a frame, is left as it is.
    """
    return round(fps, 2) or fps


def constant_rate_order(scan: Scan) -> Sequence[int] | None:
    """For a file of variable rate, the stored frame that FFmpeg shows at each tick of a constant rate.

    The published code lets FFmpeg put frames on an even grid, of the stream's nominal rate (`scan.grid_rate`),
    before it counts them: a frame fills the ticks from the first free one to its own end (time + duration), one
    that would end before the first free tick is dropped. A long gap before a frame is filled with the frame
    before it. The code then counts ticks by the file's *mean* rate, so that a row ends up with other moments than
    it names where the two rates differ. None for a file whose frames already come at an even pace.
    """
    times = scan.times
    if times is None or isinstance(times, range):
        return None
    per_tick = scan.time_base * scan.grid_rate
    order: list[int] = []
    for index, (time, duration) in enumerate(zip(times, scan.durations, strict=True)):
        gap = (time - times[0]) * per_tick - len(order)
        filled = gap + duration * per_tick
        if filled < -LATE:
            continue
        count = round(filled) if filled > LATE else 1
        before = round(gap - 0.6) if gap > LATE and count > 1 else 0
        order += [max(index - 1, 0)] * before + [index] * (count - before)
    return None if order == list(range(len(times))) else order


def clip_name(video_id: str, person_id: str | None, start: int, end: int) -> str:
    """The published file name without its suffix: person, parts of the video id in reverse order, start, end."""
    parts = [person_id] if person_id else []
    return "#".join([*parts, *reversed(video_id.split("#")), f"{start:06d}", f"{end:06d}"])
