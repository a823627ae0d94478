"""MediaPipe, kept quiet."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lia_bench.core.errors import CheckpointError, DeviceError
from lia_bench.core.video.reader import Frame

_LOCK = threading.Lock()
"""Standard error belongs to the whole process: of two threads that silence it at once, one would leave it silent."""


def refuse_other_than_cpu(device: str) -> None:
    """MediaPipe's Python wheels run on the CPU.

    Raises:
        DeviceError: another device.
    """
    if device != "cpu":
        raise DeviceError(f"--device {device}: MediaPipe's detectors run on the CPU alone; leave --device out")


class ImageTask:
    """A task of MediaPipe that looks at single images."""

    def __init__(self, create: Callable[[], Any], weights: Path) -> None:
        """Make the task.

        It is not closed before its process ends: the library's destructor closes tasks, and where one is still alive
        when the interpreter shuts down that fails with a traceback on the user's terminal.

        Args:
            create: makes the library's own task of the file `weights`.
            weights: named in the error.

        Raises:
            CheckpointError: the library refuses the file.
        """
        try:
            with _LOCK, _silent_standard_error():
                self._task = create()
        except (RuntimeError, ValueError, OSError) as error:
            reason = str(error).partition("\n")[0]
            raise CheckpointError(f"{weights}: MediaPipe refuses this file ({reason}): fetch it again") from error
        self._task.close = lambda: None

    def detect(self, frame: Frame) -> Any:
        """What the library finds in a frame, uint8 RGB (H, W, 3)."""
        from mediapipe import Image, ImageFormat

        image = Image(image_format=ImageFormat.SRGB, data=np.ascontiguousarray(frame))
        with _LOCK, _silent_standard_error():
            return self._task.detect(image)


@contextlib.contextmanager
def _silent_standard_error() -> Iterator[None]:
    # Compiled code writes notes for developers there; it knows nothing of sys.stderr and heeds no log level.
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
