"""MediaPipe, kept quiet."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lia_bench.core.errors import DeviceError
from lia_bench.core.video.reader import Frame


def refuse_other_than_cpu(device: str) -> None:
    """MediaPipe's Python wheels run on the CPU.

    Raises:
        DeviceError: another device.
    """
    if device != "cpu":
        raise DeviceError(f"--device {device}: MediaPipe's detectors run on the CPU alone; leave --device out")


def create_task(create: Callable[[], Any]) -> Any:
    """What `create` makes, without the notes for developers that the library prints as it starts and first works.

    The task is not closed before its process ends: the library's destructor closes tasks, and where one is still alive
    when the interpreter shuts down that fails with a traceback on the user's terminal.
    """
    with _silent_standard_error():
        task = create()
        task.detect(as_image(np.zeros((64, 64, 3), dtype=np.uint8)))
    task.close = lambda: None
    return task


@contextlib.contextmanager
def _silent_standard_error() -> Iterator[None]:
    # The notes come from compiled code, which knows nothing of sys.stderr and heeds no log level.
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def as_image(frame: Frame) -> Any:
    """A frame, uint8 RGB (H, W, 3), as MediaPipe takes it."""
    from mediapipe import Image, ImageFormat

    return Image(image_format=ImageFormat.SRGB, data=np.ascontiguousarray(frame))
