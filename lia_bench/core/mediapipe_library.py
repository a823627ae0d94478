"""MediaPipe's tasks on single images, kept quiet."""

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lia_bench.core.errors import CheckpointError, DeviceError
from lia_bench.core.video.reader import Frame
from lia_bench.core.weights import locate

MOST_PERSONS = 4
MOST_FACES = 4
"""Enough that the largest is among them; more do not change which face is listed first."""


def refuse_other_than_cpu(device: str) -> None:
    """MediaPipe's Python wheels run on the CPU.

    Raises:
        DeviceError: another device.
    """
    if device != "cpu":
        raise DeviceError(f"--device {device}: MediaPipe's detectors run on the CPU alone; leave --device out")


def open_face_detector() -> "ImageTask":
    """BlazeFace, for faces near the camera.

    Raises:
        MissingWeightsError: the weights are not here.
        CheckpointError: MediaPipe refuses them.
    """
    return _open(
        "blazeface",
        lambda vision, base: vision.FaceDetector.create_from_options(vision.FaceDetectorOptions(base_options=base)),
    )


def open_face_landmarker() -> "ImageTask":
    """478 points of each of up to four faces, 52 blendshapes and a pose; raises as `open_face_detector`."""
    return _open(
        "face-landmarker",
        lambda vision, base: vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=base,
                num_faces=MOST_FACES,
                output_face_blendshapes=True,
                output_facial_transformation_matrixes=True,
            )
        ),
    )


def open_pose_landmarker() -> "ImageTask":
    """33 points of each of up to four persons; raises as `open_face_detector`."""
    return _open(
        "mediapipe-pose",
        lambda vision, base: vision.PoseLandmarker.create_from_options(
            vision.PoseLandmarkerOptions(base_options=base, num_poses=MOST_PERSONS)
        ),
    )


def _open(name: str, create: Callable[[Any, Any], Any]) -> "ImageTask":
    """The task that `create` makes of the library's module `vision` and of options that name the weights.

    It looks at single images and not at a video, so that no frame depends on those before it.
    """
    weights = locate(name)
    from mediapipe.tasks.python import BaseOptions, vision

    return ImageTask(lambda: create(vision, BaseOptions(model_asset_path=str(weights))), weights)


class ImageTask:
    """A task of MediaPipe that looks at single images."""

    def __init__(self, create: Callable[[], Any], weights: Path) -> None:
        """Make the task, to know at once that it can be made.

        It is not closed before its process ends: the library's destructor closes tasks, and where one is still alive
        when the interpreter shuts down that fails with a traceback on the user's terminal.

        Args:
            create: makes the library's own task of the file `weights`.
            weights: named in the error.

        Raises:
            CheckpointError: the library refuses the file.
        """
        self._create = create
        self._weights = weights
        self._idle = [self._made()]

    def detect(self, frame: Frame) -> Any:
        """What the library finds in a frame, uint8 RGB (H, W, 3). Threads that call at once work side by side."""
        from mediapipe import Image, ImageFormat

        image = Image(image_format=ImageFormat.SRGB, data=np.ascontiguousarray(frame))
        # One of the library's own tasks looks at one image at a time.
        try:
            task = self._idle.pop()
        except IndexError:
            task = self._made()
        with _SILENCE:
            found = task.detect(image)
        self._idle.append(task)
        return found

    def _made(self) -> Any:
        try:
            with _SILENCE:
                task = self._create()
        except (RuntimeError, ValueError, OSError) as error:
            reason = str(error).partition("\n")[0]
            raise CheckpointError(f"{self._weights}: MediaPipe refuses this file ({reason}): fetch it again") from error
        task.close = lambda: None
        return task


class _SilentStandardError:
    """Standard error of the whole process led to nowhere, from the first thread that asks to the last that leaves.

    Compiled code writes notes for developers there; it knows nothing of sys.stderr and heeds no log level.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._kept = -1

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                sys.stderr.flush()
                self._kept = os.dup(2)
                with Path(os.devnull).open("wb") as nowhere:
                    os.dup2(nowhere.fileno(), 2)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                os.dup2(self._kept, 2)
                os.close(self._kept)


_SILENCE = _SilentStandardError()
