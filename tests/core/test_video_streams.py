"""Which stream of a file is the video: the same one for every reader and for copies."""

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image

from lia_bench.core.errors import UnreadableVideoError
from lia_bench.core.video import open_footage, open_indexed, open_video
from lia_bench.core.video.reader import Frame
from lia_bench.core.video.writer import copy_video
from tests.core.videos import moving_picture

SOUND = {"mp3": "libmp3lame", "m4a": "aac", "flac": "flac"}
COVER = np.full((96, 96, 3), (200, 0, 0), np.uint8)


def _container(path: Path, films: list[tuple[int, int]], cover: str = "", sound: bool = False) -> Path:
    """Videos of (width, height), of 12 frames each and the last one marked as default, with a `cover` or with sound."""
    # FFmpeg writes no cover into m4a, which is mp4 by another name.
    with av.open(str(path), "w", format="mp4" if path.suffix == ".m4a" else None) as container:
        if cover == "first":
            _add_cover(container)
        streams: list[tuple[Any, list[Frame]]] = []
        for width, height in films:
            stream: Any = container.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.disposition = Disposition.default if (width, height) == films[-1] else Disposition(0)
            streams.append((stream, list(moving_picture(12, width=width, height=height))))
        tone: Any = container.add_stream(SOUND[path.suffix[1:]], rate=44100) if sound else None
        if cover == "last":
            _add_cover(container)
        for stream, frames in streams:
            for frame in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode(None))
        for stream in container.streams:
            if stream.type == "video" and stream.codec_context.name == "png":
                container.mux(stream.encode(av.VideoFrame.from_ndarray(COVER, format="rgb24")))
        if tone is not None:
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 44100), np.int16), format="s16", layout="mono")
            silence.sample_rate = 44100
            container.mux(tone.encode(silence))
            container.mux(tone.encode(None))
    return path


def _add_cover(container: Any) -> None:
    if "matroska" in container.format.name:
        file = io.BytesIO()
        Image.fromarray(COVER).save(file, "png")
        container.add_attachment("cover.png", "image/png", file.getvalue())
        return
    picture = container.add_stream("png", rate=1)
    picture.height, picture.width = COVER.shape[:2]
    picture.pix_fmt = "rgb24"
    picture.disposition = Disposition.attached_pic


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("cover", ["first", "last"])
def test_a_cover_picture_is_no_video(suffix: str, cover: str, tmp_path: Path) -> None:
    path = _container(tmp_path / f"film.{suffix}", [(64, 48)], cover)
    for opened in (open_video, open_indexed):
        with opened(path) as reader:
            found = reader.properties
            assert (found.frames, found.width, found.height, found.fps) == (12, 64, 48, 25.0)
            assert found.remarks == ()
            assert reader.frame(11).shape == (48, 64, 3)


@pytest.mark.parametrize("suffix", ["mp3", "m4a", "flac"])
def test_sound_with_a_cover_holds_no_moving_picture(suffix: str, tmp_path: Path) -> None:
    path = _container(tmp_path / f"song.{suffix}", [], cover="last", sound=True)
    for opened in (open_video, open_indexed, open_footage):
        with pytest.raises(
            UnreadableVideoError, match=rf"song\.{suffix}: the file holds no moving picture but a cover"
        ):
            opened(path)


def test_sound_alone_holds_no_moving_picture(tmp_path: Path) -> None:
    path = _container(tmp_path / "song.mp3", [], sound=True)
    with pytest.raises(UnreadableVideoError, match="holds no moving picture; give a video"):
        open_video(path)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("films", [[(32, 32), (64, 64)], [(64, 64), (32, 48)], [(96, 64), (32, 32), (64, 64)]])
def test_of_several_videos_all_take_the_same_and_say_so(
    suffix: str, films: list[tuple[int, int]], tmp_path: Path
) -> None:
    path = _container(tmp_path / f"several.{suffix}", films)
    with av.open(str(path)) as container:
        best: Any = container.streams.best("video")
        chosen, size = best.index, (best.width, best.height)
        right = [frame.to_ndarray(format="rgb24") for frame in container.decode(best)]
    with open_video(path) as one, open_indexed(path) as two, open_footage(path).reader as three:
        for reader in (one, two, three):
            assert (reader.properties.width, reader.properties.height) == size
            assert all(np.array_equal(reader.frame(index), right[index]) for index in (7, 0, 11))
            (remark,) = reader.properties.remarks
            assert remark.startswith(f"several_videos: of the videos in this file stream {chosen} ")
            for number, (width, height) in enumerate(films):
                assert f"stream {number} ({width}x{height})" in remark


def test_a_copy_is_of_the_stream_that_is_read(tmp_path: Path) -> None:
    path = _container(tmp_path / "several.mp4", [(32, 32), (64, 64)], "first")
    copy_video(path, tmp_path / "copy.mp4")
    with open_video(path) as reader, open_video(tmp_path / "copy.mp4") as copy:
        assert (reader.properties.width, reader.properties.remarks) != (32, ())
        assert copy.properties.remarks == ()
        assert all(np.array_equal(a, b) for a, b in zip(copy, reader, strict=True))


def test_the_reported_files(real_data: Path) -> None:
    reports = real_data / "reports"
    for name in ("cover_picture/covr_udta_first.mp4", "two_video_streams/default_second.mp4"):
        for opened in (open_video, open_indexed):
            with opened(reports / name) as reader:
                found = reader.properties
                assert (found.frames, found.width, found.height, found.fps) == (20, 64, 64, 25.0)
                assert reader.frame(19).shape == (64, 64, 3)
                assert len(found.remarks) == name.startswith("two")
    with open_footage(reports / "two_video_streams/default_second.mp4").reader as reader:
        assert (reader.properties.width, reader.frame(0).shape) == (64, (64, 64, 3))
