"""What every reader of frames offers, whatever the frames are stored in."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
"""One picture: uint8 RGB, (height, width, 3)."""

NOMINAL_FPS = 25.0
"""Rate of frames that are stored as pictures, which carry none."""


@dataclass(frozen=True)
class VideoProperties:
    """What is known of a video before its frames are read.

    Attributes:
        path: file or folder.
        frames: number of frames that can be read, counted and not taken from a header.
        width: pixels, after the display rotation.
        height: pixels, after the display rotation.
        fps: mean frames a second.
        remarks: what should be known of the video, each as "code: sentence".
    """

    path: Path
    frames: int
    width: int
    height: int
    fps: float
    remarks: tuple[str, ...] = ()


class FrameReader(ABC):
    """Frames of one open video, in display order; a context manager that closes itself.

    Attributes:
        properties: size, rate and number of frames.
    """

    properties: VideoProperties

    def __len__(self) -> int:
        return self.properties.frames

    @abstractmethod
    def frame(self, index: int) -> Frame:
        """Frame `index`, counted from 0: uint8 RGB (height, width, 3), the caller's own copy.

        Raises:
            IndexError: no such frame.
            UnreadableVideoError: the file broke since it was opened.
        """

    def __iter__(self) -> Iterator[Frame]:
        """All frames from the first to the last, one in memory at a time."""
        return (self.frame(index) for index in range(len(self)))

    @abstractmethod
    def close(self) -> None:
        """Give back what the reader holds; it reads nothing after that."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def check(self, index: int) -> None:
        """Raise IndexError unless frame `index` is there."""
        if not 0 <= index < len(self):
            raise IndexError(f"{self.properties.path}: frame {index} of {len(self)}")


def as_frame(values: Any) -> Frame:
    """An array or image as a contiguous uint8 frame."""
    return np.ascontiguousarray(values, dtype=np.uint8)
