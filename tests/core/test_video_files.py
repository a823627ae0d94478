"""Video files: both readers give the same frames, at any index, and nothing of a broken file that is not sound."""

import os
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from lia_bench.core.errors import UnreadableVideoError
from lia_bench.core.video import open_footage, open_video
from lia_bench.core.video.decoders import DecordReader, PyAVReader, reads_soundly
from lia_bench.core.video.scan import scan
from tests.core.videos import damage, encode, open_files

KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "b-frames": {"options": {"bf": "6", "g": "20"}},
    "full colour, odd size": {"pixel_format": "yuv444p", "width": 97, "height": 61},
    "variable rate": {"times": [40 * index + 15 * (index % 3) for index in range(48)]},
    "open groups": {"options": {"x264-params": "open-gop=1:keyint=12:bframes=4"}},
    "intra refresh": {"options": {"x264-params": "intra-refresh=1:keyint=16"}},
    "ten bits": {"pixel_format": "yuv420p10le"},
    "mpeg4": {"codec": "mpeg4"},
}
FOR_PYAV = {"open groups", "intra refresh", "ten bits", "mpeg4"}


@pytest.mark.parametrize("kind", KINDS)
def test_any_order_gives_the_frames_of_the_sequence(kind: str, tmp_path: Path) -> None:
    path = encode(tmp_path / "video.mp4", **KINDS[kind])
    found = scan(path)
    with PyAVReader(path, found) as reader:
        sequence = list(reader)
    assert len(sequence) == 48
    assert all(not np.array_equal(a, b) for a, b in pairwise(sequence))
    order = random.Random(0).sample(range(48), 30)
    with open_video(path) as opened, PyAVReader(path, found) as reader:
        for index in order:
            assert np.array_equal(opened.frame(index), sequence[index])
            assert np.array_equal(reader.frame(index), sequence[index])
        assert all(np.array_equal(a, b) for a, b in zip(opened, sequence, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_decord_reads_what_it_reads_soundly(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("decord")
    path = encode(tmp_path / "video.mp4", **KINDS[kind])
    with open_video(path) as reader:
        assert isinstance(reader, PyAVReader if kind in FOR_PYAV else DecordReader)


def test_decord_still_errs_where_it_is_not_used(tmp_path: Path) -> None:
    """The reason for the second reader; when this fails, decord may be asked for more."""
    decord = pytest.importorskip("decord")
    path = encode(tmp_path / "video.mp4", **KINDS["open groups"])
    with open_video(path) as reader:
        video = decord.VideoReader(str(path), num_threads=1)
        wrong = [i for i in random.Random(0).sample(range(48), 48) if (video[i].asnumpy() != reader.frame(i)).any()]
    assert wrong


def test_properties_are_counted_and_upright(tmp_path: Path) -> None:
    with open_video(encode(tmp_path / "video.mp4", count=30)) as reader:
        properties = reader.properties
        frame = reader.frame(29)
    assert (properties.frames, properties.width, properties.height, properties.fps) == (30, 96, 64, 25.0)
    assert frame.shape == (64, 96, 3)
    assert frame.dtype == np.uint8


def test_no_frame_beyond_the_ends(tmp_path: Path) -> None:
    with open_video(encode(tmp_path / "video.mp4", count=5)) as reader:
        for index in (-1, 5):
            with pytest.raises(IndexError):
                reader.frame(index)


@pytest.mark.parametrize("kind", ["plain", "b-frames", "open groups", "variable rate"])
@pytest.mark.parametrize("at", [0.4, 0.6, 0.9])
def test_damage_is_refused_and_what_lies_before_it_is_right(kind: str, at: float, tmp_path: Path) -> None:
    whole = encode(tmp_path / "whole.mp4", index_first=True, **KINDS[kind])
    broken = damage(whole, tmp_path / "broken.mp4", at)
    with pytest.raises(UnreadableVideoError, match=r"broken\.mp4: the video breaks after frame \d+ .*fetch it again"):
        open_video(broken)
    footage = open_footage(broken)
    with footage.reader as sound, open_video(whole) as reader:
        assert 0 < len(sound) < 48
        assert footage.defect is not None
        assert all(np.array_equal(sound.frame(index), reader.frame(index)) for index in range(len(sound)))


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("share", [0.5, 0.75])
def test_a_file_cut_short_is_refused(suffix: str, share: float, tmp_path: Path) -> None:
    whole = encode(tmp_path / f"whole.{suffix}", index_first=suffix == "mp4")
    broken = tmp_path / f"broken.{suffix}"
    content = whole.read_bytes()
    broken.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UnreadableVideoError, match="cut short"):
        open_video(broken)
    footage = open_footage(broken)
    with footage.reader as sound, open_video(whole) as reader:
        assert 0 < len(sound) < 48
        assert all(np.array_equal(sound.frame(index), reader.frame(index)) for index in range(len(sound)))


def test_a_file_that_ends_between_two_packets_is_refused(tmp_path: Path) -> None:
    whole = encode(tmp_path / "whole.mp4", index_first=True)
    with av.open(str(whole)) as container:
        position = next(packet.pos for number, packet in enumerate(container.demux(video=0)) if number == 30)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(whole.read_bytes()[:position])
    with pytest.raises(UnreadableVideoError, match="cut short"):
        open_video(broken)


def test_what_is_no_video_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("This is not a video.\n" * 9)
    lost = tmp_path / "lost.mp4"
    whole = encode(tmp_path / "whole.mp4").read_bytes()
    lost.write_bytes(whole[: len(whole) * 6 // 10])
    for name, reason in (
        ("gone.mp4", "no such file"),
        ("empty.mp4", "the file is empty"),
        ("text.mp4", "not readable as a video"),
        ("lost.mp4", "its index is lost"),
    ):
        with pytest.raises(UnreadableVideoError, match=f"{name}: .*{reason}") as error:
            open_video(tmp_path / name)
        assert "\n" not in str(error.value)


def test_a_file_that_changed_is_scanned_again(tmp_path: Path) -> None:
    path = encode(tmp_path / "video.mp4", count=10)
    assert scan(path).frames == 10
    encode(path, count=20)
    assert scan(path).frames == 20


@pytest.mark.parametrize("reader", [PyAVReader, DecordReader])
def test_nothing_stays_open(reader: type[PyAVReader | DecordReader], tmp_path: Path) -> None:
    if reader is DecordReader:
        pytest.importorskip("decord")
    path = encode(tmp_path / "video.mp4", count=5)
    found = scan(path)
    descriptors = []
    for _ in range(3):
        for _ in range(20):
            with reader(path, found) as video:
                video.frame(4)
        assert open_files(tmp_path) == 0
        descriptors.append(sum(1 for _ in Path("/proc/self/fd").iterdir()))
    # Of forty readers; others of this process come and go.
    assert descriptors[-1] - descriptors[0] < 20


def test_a_long_video_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = encode(tmp_path / "video.mp4", count=100, width=480, height=360)
    found = scan(path)
    with PyAVReader(path, found) as reader:
        reader.frame(0)
        before = _resident_megabytes()
        assert sum(1 for _ in reader) == 100
    # All frames together would take 52 MB.
    assert _resident_megabytes() - before < 25


def _resident_megabytes() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


REAL = ["real/vox/driving2.mp4", "real/vox/driving3.mov", "real/ted/driving1.mp4", "raw/videos/raw-vox-005.mp4"]
ODD = ["raw/videos/raw-rot-001.mp4", "raw/videos/raw-odd-001.mp4", "raw/videos/raw-vfr-001.mp4"]


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL + ODD)
def test_both_readers_agree_on_real_footage(name: str, real_data: Path) -> None:
    pytest.importorskip("decord")
    found = scan(real_data / name)
    assert reads_soundly(found)
    with DecordReader(real_data / name, found) as decord, PyAVReader(real_data / name, found) as reader:
        assert len(decord) == len(reader)
        assert all(np.array_equal(a, b) for a, b in zip(decord, reader, strict=True))
        for index in random.Random(0).sample(range(len(reader)), 6):
            assert np.array_equal(decord.frame(index), reader.frame(index))


def test_rotated_footage_stands_upright(real_data: Path) -> None:
    with open_video(real_data / "raw/videos/raw-rot-001.mp4") as reader:
        assert (reader.properties.width, reader.properties.height) == (854, 480)
        assert reader.frame(0).shape == (480, 854, 3)


def test_real_damage(real_data: Path) -> None:
    videos = real_data / "raw/videos"
    for name in ("raw-bad-001.mp4", "raw-bad-002.mp4", "raw-bad-003.mp4", "raw-bad-004.mp4"):
        with pytest.raises(UnreadableVideoError, match=name):
            open_video(videos / name)
    with open_footage(videos / "raw-bad-002.mp4").reader as sound, open_video(videos / "raw-vox-001.mp4") as whole:
        assert len(sound) == 117
        for index in (0, 60, 116):
            assert np.array_equal(sound.frame(index), whole.frame(index))
