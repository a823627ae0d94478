"""Written videos: faithful, whole or not there, the same bytes every time."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from lia_bench.core.errors import InputError
from lia_bench.core.video import INDEX_FIRST, VideoWriter, open_video, sha256_of_video, write_png_folder, write_video
from lia_bench.core.video.reader import Frame, as_frame
from lia_bench.core.video.scan import scan
from tests.core.videos import moving_picture


@pytest.mark.parametrize("fps", [10, 25, 29.97002997])
def test_a_video_keeps_frames_rate_and_looks(fps: float, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "clip.mp4"
    frames = list(moving_picture(30, width=128, height=128))
    assert write_video(path, iter(frames), fps) == 30
    with open_video(path) as reader:
        assert reader.properties.fps == pytest.approx(fps, abs=1e-5)
        assert (reader.properties.frames, reader.properties.width) == (30, 128)
        errors = [np.abs(a.astype(float) - _at_half_colour(b)).mean() for a, b in zip(reader, frames, strict=True)]
        assert np.mean(errors) < 2.5
    assert scan(path).keyframes == (0, 12, 24)
    assert scan(path).closed_groups


def _at_half_colour(frame: Frame) -> Frame:
    """What is left of a frame when nothing but the resolution of its colours is lost."""
    image = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="yuv420p")
    return as_frame(image.to_ndarray(format="rgb24"))


def test_the_same_frames_make_the_same_file(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        write_video(tmp_path / name, moving_picture(20), 25)
    assert sha256_of_video(tmp_path / "a.mp4") == sha256_of_video(tmp_path / "b.mp4")


def test_frames_may_come_one_by_one(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", moving_picture(20), 25)
    with VideoWriter(tmp_path / "b.mp4", 25) as video, VideoWriter(tmp_path / "c.mp4", 25, container=INDEX_FIRST) as c:
        for frame in moving_picture(20):
            video.write(frame)
            c.write(frame)
        assert not (tmp_path / "b.mp4").exists()
    assert video.count == 20
    whole, pushed, index_first = ((tmp_path / name).read_bytes() for name in ("a.mp4", "b.mp4", "c.mp4"))
    assert pushed == whole
    assert whole.find(b"mdat") < whole.find(b"moov")
    assert index_first.find(b"moov") < index_first.find(b"mdat")
    sizes = [np.zeros((8, 8, 3), np.uint8), np.zeros((8, 10, 3), np.uint8)]
    with pytest.raises(InputError, match="the first was"), VideoWriter(tmp_path / "d.mp4", 25) as video:
        list(map(video.write, sizes))
    assert len(list(tmp_path.iterdir())) == 3


def test_pictures_come_back_without_loss(tmp_path: Path) -> None:
    frames = list(moving_picture(3, width=33, height=21))
    assert write_png_folder(tmp_path / "clip", iter(frames)) == 3
    assert sorted(path.name for path in (tmp_path / "clip").iterdir()) == ["0000000.png", "0000001.png", "0000002.png"]
    with open_video(tmp_path / "clip") as reader:
        assert all(np.array_equal(a, b) for a, b in zip(reader, frames, strict=True))
    before = sha256_of_video(tmp_path / "clip")
    (tmp_path / "clip" / "0000002.png").unlink()
    assert sha256_of_video(tmp_path / "clip") != before


def _broken_off() -> Iterator[Frame]:
    yield from moving_picture(3)
    raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["clip.mp4", "clip"])
def test_nothing_half_written_stays(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    with pytest.raises(KeyboardInterrupt):
        write_video(path, _broken_off(), 25) if path.suffix else write_png_folder(path, _broken_off())
    assert list(tmp_path.iterdir()) == []


def test_frames_that_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with pytest.raises(InputError, match="no frame"):
        write_video(path, iter(()), 25)
    with pytest.raises(InputError, match="even width and height"):
        write_video(path, moving_picture(2, width=33), 25)
    with pytest.raises(InputError, match="the first was"):
        write_video(path, [np.zeros((8, 8, 3), np.uint8), np.zeros((8, 10, 3), np.uint8)], 25)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_an_os_error_and_leaves_nothing(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(OSError, match=r"clip\.mp4"):
            write_video(tmp_path / "clip.mp4", moving_picture(30), 25)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []
