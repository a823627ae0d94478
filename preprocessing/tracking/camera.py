"""Whether the camera stands still: the published test of Tai-Chi-HD between successive frames."""

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.video.reader import Frame

SIDE = 256
"""Pixels that frames are scaled to before their motion is measured."""


class CameraWatch:
    """Camera moves and changes of light in frames that come one at a time.

    Args:
        motion: pixels, in a frame of 256x256, that the median of the optical flow (Farneback) may have.
        light: grey levels that the median of a colour channel may change by.
    """

    def __init__(self, motion: float, light: float) -> None:
        self._motion = motion
        self._light = light
        self._grey: NDArray[np.uint8] | None = None
        self._medians: NDArray[np.float64] | None = None

    def changed(self, frame: Frame) -> bool:
        """Whether camera or light changed since the frame given before; never true of the first one.

        Args:
            frame: uint8 RGB (H, W, 3).
        """
        import cv2

        small = cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        medians = np.array([np.median(frame[..., channel]) for channel in range(3)])
        grey_before, self._grey = self._grey, grey
        medians_before, self._medians = self._medians, medians
        if grey_before is None or medians_before is None:
            return False
        if float(np.abs(medians - medians_before).max()) > self._light:
            return True
        start = np.zeros((SIDE, SIDE, 2), np.float32)
        flow = cv2.calcOpticalFlowFarneback(grey_before, grey, start, 0.5, 3, 15, 3, 5, 1.2, 0)
        return float(np.median(np.linalg.norm(flow, axis=-1))) > self._motion
