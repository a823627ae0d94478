"""Where people speak in a sound, by silero-vad: MIT, its network in its package, extra `theval`."""

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.extras import install_command, not_installed
from lia_bench.metrics.specification import ScoringSetting, UnavailableMetricError
from lia_bench.metrics.theval.video_metric import Stretch, VideoMetric, open_video

LIBRARY = "silero-vad"
VERSION = "5.1.2"
"""Others find other stretches in the same sound."""
RATE = 16000
"""Samples a second that the network hears."""


class SpeechDetector:
    """Finds stretches of speech; runs on the CPU."""

    def __init__(self) -> None:
        """Load the network.

        Raises:
            UnavailableMetricError: the package is not installed, or another version of it.
        """
        check_installed()
        import torch

        threads = torch.get_num_threads()
        try:
            import silero_vad
        finally:
            # The package takes all threads but one away from its whole process.
            torch.set_num_threads(threads)
        self._find = silero_vad.get_speech_timestamps
        self._network = silero_vad.load_silero_vad(onnx=True)

    def __call__(self, samples: NDArray[np.float32]) -> list[Stretch]:
        """Begins and ends in seconds, rounded to tenths as the package does, of (N,) samples of RATE a second."""
        import torch

        found = self._find(torch.from_numpy(samples), self._network, sampling_rate=RATE, return_seconds=True)
        return [(float(stretch["start"]), float(stretch["end"])) for stretch in found]


def check_installed() -> None:
    """Raise UnavailableMetricError unless the one version is installed that numbers are comparable with."""
    try:
        installed = version(LIBRARY)
    except PackageNotFoundError:
        raise UnavailableMetricError(not_installed(f"telling speech from silence needs {LIBRARY}", "theval")) from None
    if installed != VERSION:
        raise UnavailableMetricError(
            f"{LIBRARY} {installed} is installed, which finds other speech than {VERSION}, the protocol's: "
            f"{install_command('theval')}"
        )


def open_hearing(reference: str, setting: ScoringSetting) -> Callable[[], VideoMetric]:
    """As `open_video`, where speech can be told from silence.

    Raises:
        UnavailableMetricError: it cannot.
    """
    check_installed()
    return open_video(reference, setting)
