"""Any frame in any order is that frame of the sequence, whatever the file was encoded and stored as."""

import gc
import multiprocessing
import random
import weakref
from pathlib import Path

import av
import numpy as np
import pytest

from lia_bench.core.video import FrameReader, open_indexed, open_video
from lia_bench.core.video.decoders import DecordReader
from lia_bench.core.video.reader import Frame
from lia_bench.core.video.readers import OpenReaders
from tests.core.videos import encode, open_files


def _x264(keyframes: int, b_frames: int, open_groups: int) -> dict[str, str]:
    parameters = f"keyint={keyframes}:min-keyint=2:open-gop={open_groups}:bframes={b_frames}"
    return {"preset": "ultrafast", "x264-params": parameters}


def _x265(keyframes: int, open_groups: int) -> dict[str, str]:
    parameters = f"keyint={keyframes}:min-keyint=2:open-gop={open_groups}:log-level=none:pools=none"
    return {"preset": "ultrafast", "x265-params": parameters}


ENCODES = [
    ("mkv", "libx264", _x264(8, 3, 1)),
    ("mkv", "libx264", _x264(4, 2, 0)),
    ("mp4", "libx264", _x264(8, 3, 1)),
    ("mp4", "libx264", _x264(12, 0, 0)),
    ("mp4", "libx264", _x264(4, 3, 0)),
    ("mp4", "libx264", _x264(250, 3, 0)),
    ("mov", "libx264", _x264(5, 2, 0)),
    ("flv", "libx264", _x264(8, 3, 1)),
    ("ts", "libx264", _x264(8, 3, 1)),
    ("avi", "libx264", _x264(8, 0, 0)),
    ("avi", "libx264", _x264(12, 3, 1)),
    ("mkv", "libx265", _x265(8, 1)),
    ("mp4", "libx265", _x265(4, 0)),
    ("ts", "libx265", _x265(12, 1)),
    ("webm", "libvpx-vp9", {"g": "12", "auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "8"}),
    ("mp4", "libvpx-vp9", {"g": "8", "deadline": "realtime", "cpu-used": "8"}),
    ("mkv", "libsvtav1", {"g": "12", "preset": "11"}),
    ("mp4", "libsvtav1", {"g": "250", "preset": "11"}),
    ("avi", "mpeg4", {"g": "10", "bf": "2"}),
    ("mov", "mpeg4", {"g": "4"}),
    ("mpg", "mpeg2video", {"g": "10", "bf": "2"}),
    ("wmv", "wmv2", {"g": "10"}),
]


@pytest.mark.parametrize(("suffix", "codec", "options"), ENCODES, ids=str)
def test_random_order_gives_the_frames_of_the_sequence(
    suffix: str, codec: str, options: dict[str, str], tmp_path: Path
) -> None:
    path = encode(tmp_path / f"video.{suffix}", codec=codec, options=options)
    sequence = _decoded(path)
    assert len(sequence) == 48
    for opened in (open_video, open_indexed):
        with opened(path) as reader:
            _check(reader, sequence)


def test_decord_is_kept_where_its_times_prove_its_frames(tmp_path: Path) -> None:
    pytest.importorskip("decord")
    with open_video(encode(tmp_path / "a.mp4", options=_x264(4, 3, 0))) as reader:
        assert isinstance(reader, DecordReader)
    for name, options in (("open.mp4", _x264(8, 3, 1)), ("a.avi", _x264(8, 0, 0)), ("a.mkv", _x264(8, 0, 0))):
        with open_video(encode(tmp_path / name, options=options)) as reader:
            assert not isinstance(reader, DecordReader), name


def _check(reader: FrameReader, sequence: list[Frame]) -> None:
    assert len(reader) == len(sequence)
    for index in random.Random(0).sample(range(len(sequence)), len(sequence)):
        assert np.array_equal(reader.frame(index), sequence[index]), f"{type(reader).__name__}: {index}"


def _decoded(path: Path) -> list[Frame]:
    """By FFmpeg from the first packet to the last, without any seeking."""
    with av.open(str(path)) as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


def test_open_readers_are_bounded_in_files_and_memory(tmp_path: Path) -> None:
    paths = [encode(tmp_path / f"{number}.mp4", count=6) for number in range(6)]
    for readers, most in ((OpenReaders(files=2), 2), (OpenReaders(files=9, megapixels=3.5 * 96 * 64 / 1e6), 3)):
        for path in [*paths, *paths]:
            with readers.reader(path) as reader:
                assert reader.frame(5).shape == (64, 96, 3)
            assert open_files(tmp_path) <= most
        assert open_files(tmp_path) == most
        readers.close()
        assert open_files(tmp_path) == 0


def test_a_closed_reader_leaves_nothing_in_memory(tmp_path: Path) -> None:
    """An evaluation of thousands of clips held decoders until Python looked for circles of references."""
    encode(tmp_path / "a.mp4", count=6)
    gc.disable()
    try:
        with open_indexed(tmp_path / "a.mp4") as reader:
            reader.frame(0)
            left = weakref.ref(reader)
        del reader
        assert left() is None
    finally:
        gc.enable()


def test_an_open_reader_sees_that_its_file_changed(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", count=6)
    readers = OpenReaders()
    with readers.reader(path) as reader:
        assert len(reader) == 6
    encode(path, count=9)
    with readers.reader(path) as reader:
        assert len(reader) == 9
        assert np.array_equal(reader.frame(8), _decoded(path)[8])
    readers.close()


def test_open_readers_go_to_no_other_process(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", count=30)
    sequence = _decoded(path)
    readers = OpenReaders()
    with readers.reader(path) as reader:
        reader.frame(3)
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            found = [pool.apply_async(_frame_of, (readers, path, index)) for index in (20, 4, 29)]
            for index, frame in zip((20, 4, 29), found, strict=True):
                with readers.reader(path) as reader:
                    assert np.array_equal(reader.frame(index - 1), sequence[index - 1])
                assert np.array_equal(frame.get(300), sequence[index])
    readers.close()


def _frame_of(readers: OpenReaders, path: Path, index: int) -> Frame:
    with readers.reader(path) as reader:
        return reader.frame(index)


@pytest.mark.parametrize("name", ["clip.mkv", "clip.mp4"])
def test_the_reported_clips(name: str, real_data: Path) -> None:
    path = real_data / "reports/open_gop" / name
    sequence = _decoded(path)
    assert len(sequence) == 20
    for opened in (open_video, open_indexed):
        with opened(path) as reader:
            _check(reader, sequence)
