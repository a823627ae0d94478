"""Which frames of a video are spoken in and which are silent, from stretches of speech in seconds."""

from collections.abc import Sequence

import numpy as np

from lia_bench.metrics.theval.faces import Marks

Stretch = tuple[float, float]
"""Begin and end in seconds."""

SHORTEST_SILENCE = 0.3
"""In seconds; a pause of fewer frames than that times the rate is none."""


def spoken_frames(speech: Sequence[Stretch], fps: float, frames: int) -> Marks:
    """(frames,) whether a frame is in a stretch of speech, its first and last frame included.

    Seconds become frames by truncation in double precision: 8.2 s at 25 frames a second is frame 204.
    """
    spoken = np.zeros(frames, dtype=bool)
    for begin, end in speech:
        spoken[int(begin * fps) : int(end * fps) + 1] = True
    return spoken


def silent_frames(speech: Sequence[Stretch], fps: float, frames: int) -> Marks:
    """(frames,) whether a frame is in a pause of at least SHORTEST_SILENCE; without any speech all are."""
    spoken = spoken_frames(speech, fps, frames)
    # A change from one frame to the next, borders of the video counted as speech.
    steps = np.diff(np.concatenate([[True], spoken, [True]]).astype(np.int8))
    silent = np.zeros(frames, dtype=bool)
    for begin, end in zip(np.flatnonzero(steps == -1), np.flatnonzero(steps == 1), strict=True):
        if end - begin >= SHORTEST_SILENCE * fps:
            silent[begin:end] = True
    return silent
