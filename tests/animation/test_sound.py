"""The driving video's sound under the result."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from lia_bench.animation.output import write_film as write_result
from lia_bench.core.video import open_video
from tests.animation.toys import decoded_sound, grey_frames, write_film


def _click(seconds: float, at: float, rate: int, channels: int = 1) -> np.ndarray:
    """Faint noise with a loud tone of a twentieth of a second at a time."""
    random = np.random.default_rng(1)
    sound = random.normal(0, 0.001, (channels, round(seconds * rate))).astype(np.float32)
    tone = np.arange(round(at * rate), round((at + 0.05) * rate))
    sound[:, tone] += 0.8 * np.sin(2 * np.pi * 1000 * tone / rate).astype(np.float32)
    return sound


def _seconds(stream: av.VideoStream | av.AudioStream) -> float:
    assert stream.duration is not None
    assert stream.time_base is not None
    return float(stream.duration * stream.time_base)


def _heard_at(path: Path) -> float:
    sound, rate = decoded_sound(path)
    return float(np.argmax(np.abs(sound) > 0.3) / rate)


@pytest.mark.parametrize(
    ("rate", "samples", "channels", "suffix", "codec"),
    [
        (Fraction(25), 16000, 1, ".mp4", "aac"),
        (Fraction(30000, 1001), 44100, 2, ".mov", "aac"),
        (Fraction(50), 48000, 2, ".mkv", "flac"),
        (Fraction(12), 8000, 1, ".mkv", "pcm_s16le"),
    ],
)
def test_it_is_as_long_as_the_frames_and_in_time(
    rate: Fraction, samples: int, channels: int, suffix: str, codec: str, tmp_path: Path
) -> None:
    # The sound is longer than the frames, as of most cameras.
    frames = grey_frames(range(10, 10 + 2 * int(rate)))
    seconds = len(frames) / float(rate)
    sound = _click(seconds + 0.4, 1.3, samples, channels)
    driving = write_film(tmp_path / f"driving{suffix}", frames, rate, sound, codec, samples)
    written = write_result(tmp_path / "result.mp4", frames, float(rate), driving)
    assert written.with_sound
    assert written.frames == len(frames)
    with av.open(str(tmp_path / "result.mp4")) as container:
        (shown,), (heard,) = container.streams.video, container.streams.audio
        assert shown.average_rate == rate
        lengths = [_seconds(stream) for stream in (shown, heard)]
    assert lengths[0] == pytest.approx(seconds, abs=1e-3)
    assert abs(lengths[1] - lengths[0]) < 1 / float(rate)
    assert _heard_at(tmp_path / "result.mp4") == pytest.approx(1.3, abs=0.01)
    assert len(list(tmp_path.iterdir())) == 2


def test_sound_that_begins_before_the_frames_is_cut_there(tmp_path: Path) -> None:
    frames = grey_frames(range(50))
    whole = write_film(tmp_path / "whole.mkv", frames, sound=_click(2.0, 1.3, 16000))
    late = tmp_path / "late.mkv"
    with av.open(str(whole)) as origin, av.open(str(late), "w") as container:
        streams = {stream: container.add_stream_from_template(stream) for stream in origin.streams}
        for packet in origin.demux():
            if packet.pts is None or packet.dts is None:
                continue
            if packet.stream.type == "video":
                packet.pts += round(0.5 / packet.time_base)
                packet.dts += round(0.5 / packet.time_base)
            packet.stream = streams[packet.stream]
            container.mux(packet)
    write_result(tmp_path / "result.mp4", frames, 25.0, late)
    assert _heard_at(tmp_path / "result.mp4") == pytest.approx(0.8, abs=0.01)


def test_a_video_without_sound_gives_a_silent_result(tmp_path: Path) -> None:
    frames = grey_frames([1, 2, 3])
    driving = write_film(tmp_path / "driving.mp4", frames)
    assert not write_result(tmp_path / "result.mp4", frames, 25.0, driving).with_sound
    with av.open(str(tmp_path / "result.mp4")) as container:
        assert not container.streams.audio


def test_a_gif_is_silent_and_as_long_as_the_video(tmp_path: Path) -> None:
    frames = grey_frames(range(0, 240, 4))
    driving = write_film(tmp_path / "driving.mp4", frames, Fraction(24), _click(2.5, 1, 16000))
    assert write_result(tmp_path / "result.gif", frames, 24.0, driving).frames == 60
    with open_video(tmp_path / "result.gif") as reader:
        assert len(reader) == 60
        assert len(reader) / reader.properties.fps == pytest.approx(2.5, abs=0.02)
        for index in (0, 30, 59):
            assert np.abs(reader.frame(index).astype(int) - frames[index]).max() <= 6
