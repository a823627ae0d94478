"""THEval's synchronization: whether a mouth is open when it is loud, and still while nothing is said.

No search for a lag, no correlation; the only network is silero-vad's, which tells where people speak (MIT, in its
package, extra `theval`). Its stretches of speech come in seconds and become frames here.
"""

from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.extras import install_command, not_installed
from lia_bench.metrics.specification import ScoringSetting, UnavailableMetricError
from lia_bench.metrics.theval.video_metric import (
    LEFT_EYE_CORNERS,
    OUTER_EYE_CORNERS,
    RIGHT_EYE_CORNERS,
    SIDE,
    SMALLEST_DISTANCE,
    FaceMetric,
    Floats,
    Marks,
    Stretch,
    VideoFacts,
    VideoMetric,
    VideoScore,
    counted,
    inner_lips,
    open_video,
    scaled,
)

SHORTEST_SILENCE = 0.3
"""In seconds; a pause of fewer frames than that times the rate is none."""

FEWEST_FRAMES = 2
LEAST_SPEECH = 0.1
"""Share of a video's frames; with less speech nothing is said of its lips."""
NO_DIVISION_BY_ZERO = 1e-8
WINDOW_SECONDS = 0.05


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


def mouth_openings(points: Floats) -> Floats:
    """(T,) gap of the mean upper and lower inner lip over the horizontal distance of the eyes, of points in fractions.

    Height is counted in heights of the picture and width in widths, so that the value depends on its shape, and on
    how far the head is turned. NaN without a face, and where both eyes are at one place.
    """
    upper, lower = (lips[:, :, 1].mean(axis=1) for lips in inner_lips(points))
    left, right = (points[:, corners, 0].mean(axis=1) for corners in (LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS))
    eyes = np.abs(left - right)
    relative: Floats = np.divide(np.abs(upper - lower), eyes, out=np.full(len(points), np.nan), where=eyes > 0)
    return relative


def loudness(samples: NDArray[np.float32], rate: int, times: Floats) -> Floats:
    """Root mean square of a sound in windows of 50 ms, one after the other.

    Args:
        samples: (N,) one channel; zeros stand before and behind it.
        rate: samples a second.
        times: (T,) in seconds.

    Returns:
        (T,) linear between the middles of windows, constant before the first and behind the last.
    """
    window = int(WINDOW_SECONDS * rate)
    half = window // 2
    count = 1 + (len(samples) + 2 * half - window) // window
    padded = np.zeros(max(count * window, half + len(samples)), dtype=np.float64)
    padded[half : half + len(samples)] = samples
    powers = np.square(padded[: count * window]).reshape(count, window).mean(axis=1)
    at_frames: Floats = np.interp(times, np.arange(count) * window / rate, np.sqrt(powers))
    return at_frames


def lip_sync(openings: Floats, volumes: Floats, spoken: Marks) -> float | None:
    """Mean absolute difference of how far the mouth is open and how loud it is, both scaled to 0..1 while it speaks.

    Args:
        openings: (T,) `mouth_openings` of every frame.
        volumes: (T,) `loudness` at every frame.
        spoken: (T,) which frames count.

    Returns:
        the value from 0 to 1; None where less than a tenth of the frames are spoken in, or fewer than two of these
        show a face.
    """
    counts = spoken & np.isfinite(openings)
    if spoken.sum() < LEAST_SPEECH * len(spoken) or counts.sum() < FEWEST_FRAMES:
        return None
    return float(np.abs(_to_unit(openings[counts]) - _to_unit(volumes[counts])).mean())


class LipSync(FaceMetric):
    """Of the frames that are spoken in."""

    def measure(self, points: Floats, rows: NDArray[np.float32], video: VideoFacts) -> VideoScore:
        """See `FaceMetric.measure`."""
        if (speech := video.speech) is None:
            return VideoScore(None, 0, 0, video.silence)
        spoken = spoken_frames(speech.stretches, video.fps, len(points))
        openings = mouth_openings(points)
        volumes = loudness(speech.samples, speech.rate, np.arange(len(points)) / video.fps)
        too_little = spoken.sum() < LEAST_SPEECH * len(spoken)
        reason = (
            "speech in less than a tenth of its frames" if too_little else "fewer than two spoken frames with a face"
        )
        return counted(lip_sync(openings, volumes, spoken), np.isfinite(openings), spoken, reason)


def _to_unit(values: Floats) -> Floats:
    lowest, highest = values.min(), values.max()
    scaled: Floats = (values - lowest) / (highest - lowest + NO_DIVISION_BY_ZERO)
    return scaled


def mouth_gaps(points: Floats) -> Floats:
    """(T,) mean vertical gap of the inner lips over the distance of the outer eye corners, of points in one unit.

    NaN without a face, and where the corners are nearer than SMALLEST_DISTANCE.
    """
    upper, lower = inner_lips(points)
    gaps = np.abs(upper[:, :, 1] - lower[:, :, 1]).mean(axis=1)
    first, second = (points[:, corner] for corner in OUTER_EYE_CORNERS)
    eyes = np.linalg.norm(first - second, axis=1)
    relative: Floats = np.divide(gaps, eyes, out=np.full(len(points), np.nan), where=eyes >= SMALLEST_DISTANCE)
    return relative


def lip_stability(gaps: Floats) -> float | None:
    """Median of the absolute deviations of the gaps from their mean (not from their median).

    Args:
        gaps: (F,) of the silent frames with a face.

    Returns:
        the value in distances of the eyes; None of fewer than two frames.
    """
    return float(np.median(np.abs(gaps - gaps.mean()))) if len(gaps) >= FEWEST_FRAMES else None


class SilentLipStability(FaceMetric):
    """Of the frames in pauses of 0.3 seconds and more; where nobody speaks at all, of all frames."""

    def measure(self, points: Floats, rows: NDArray[np.float32], video: VideoFacts) -> VideoScore:
        """See `FaceMetric.measure`."""
        if video.speech is None:
            return VideoScore(None, 0, 0, video.silence)
        silent = silent_frames(video.speech.stretches, video.fps, len(points))
        gaps = mouth_gaps(scaled(points, SIDE, SIDE))
        faces = np.isfinite(gaps)
        reason = "fewer than two silent frames with a face" if silent.any() else "no pause in its speech"
        return counted(lip_stability(gaps[faces & silent]), faces, silent, reason)


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
