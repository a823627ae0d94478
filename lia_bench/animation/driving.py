"""The driving video as a model is shown it: upright, at an even rate, square by square, one frame at a time."""

from collections.abc import Iterator
from pathlib import Path

from lia_bench.animation.cropping import cut
from lia_bench.core.errors import UnreadableVideoError
from lia_bench.core.video import open_video
from lia_bench.core.video.picture_readers import PICTURE_SUFFIXES
from lia_bench.core.video.reader import Frame
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.footage import Footage, open_quickly


def open_driving(path: Path) -> Footage:
    """A video file, a gif, a folder of png or jpg frames, or a strip of frames.

    Frames of a variable rate are repeated or dropped to an even one, so that they stay with the sound.

    Raises:
        UnreadableVideoError: there is no video, or one that breaks before its end. Where the file allows it to be
            opened without decoding it, the break shows only where frames are read.
    """
    if path.is_dir() or path.suffix.lower() in {".gif", *PICTURE_SUFFIXES}:
        return Footage(path, open_video(path), None)
    footage = open_quickly(path)
    if footage.defect is not None:
        footage.close()
        raise UnreadableVideoError(
            f"{path}: the video breaks after frame {footage.frames - 1} ({footage.defect}); fetch it again, or "
            "cut it off before that"
        )
    return footage


def squares(footage: Footage, square: Box) -> Iterator[Frame]:
    """What every frame shows in `square`, uint8 RGB, in order."""
    return (cut(footage.square_frame(index), square) for index in range(footage.frames))
