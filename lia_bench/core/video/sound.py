"""The sound of a video file."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

LARGEST = 1 << 15
"""Of 16-bit samples, what stands for 1."""


def has_sound(path: Path) -> bool:
    """Whether a file is a video with sound; folders and pictures have none."""
    import av

    if not path.is_file():
        return False
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            return bool(container.streams.audio)
    except (av.FFmpegError, OSError):
        return False


def mono_sound(path: Path, rate: int) -> NDArray[np.float32]:
    """The sound of a file, from its first sample on, all channels in one; (0,) where there is none, or none is whole.

    Rounded to 16 bits, so that it is the sound of a WAV file of that rate. Packets that are damaged are left out.

    Args:
        path: a file with a sound track.
        rate: samples a second.

    Returns:
        (N,) in [-1, 1].
    """
    import av

    parts: list[NDArray[np.int16]] = []
    with av.open(str(path), metadata_errors="replace") as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
        for packet in container.demux(stream):
            try:
                decoded = packet.decode()
            except av.FFmpegError:
                continue
            parts += [part.to_ndarray()[0] for frame in decoded for part in resampler.resample(frame)]
        if parts:
            parts += [part.to_ndarray()[0] for part in resampler.resample(None)]
    samples = np.concatenate(parts) if parts else np.empty(0, np.int16)
    return (samples / np.float32(LARGEST)).astype(np.float32)
