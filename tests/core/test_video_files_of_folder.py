"""Which files of a folder are videos: by content, and what is none of them is counted and named."""

import io
import shutil
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from lia_bench.core.errors import InputError
from lia_bench.core.prepared_dataset import VIDEO_SUFFIXES, open_dataset
from lia_bench.core.video import open_video, write_png_folder
from lia_bench.core.video.files import divide_files, has_one_frame, holds_video, left_out_line
from lia_bench.preprocessing.layouts import find_units
from lia_bench.preprocessing.plan import videos_in
from tests.core.videos import animation, encode, moving_picture

CODECS = {"flv": "flv", "mpg": "mpeg1video", "ts": "libx264", "wmv": "wmv2", "m4v": "libx264", "3gp": "libx264"} | {
    "webm": "libvpx-vp9",
    "nut": "ffv1",
    "mxf": "mpeg2video",
    "vob": "mpeg2video",
}


def _encoded(folder: Path, suffix: str) -> Path:
    options = {"cpu-used": "8"} if suffix == "webm" else {}
    return encode(folder / f"clip-{suffix}.{suffix}", count=6, codec=CODECS[suffix], options=options)


def _no_videos(folder: Path) -> list[Path]:
    """Files that FFmpeg would make a picture of, or go looking for others because of, and some of every day."""
    (folder / "notes.txt").write_text("shot list\n" * 40)
    (folder / "module.ts").write_text("export const a = 1;\n" * 400)
    (folder / "list.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nclip-ts.ts\n")
    (folder / "list.ffconcat").write_text("ffconcat version 1.0\nfile clip-flv.flv\n")
    (folder / "noise.bin").write_bytes(np.random.default_rng(0).bytes(200_000))
    (folder / "subtitles.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n\n")
    for name, size in (("still.png", (8, 8)), ("still.webp", (8, 8)), ("still.jpg", (8, 8)), ("still.avif", (64, 64))):
        Image.new("RGB", size).save(folder / name)
    Image.new("RGB", (64, 64)).save(folder / "icon.ico")
    Image.new("RGB", (64, 64)).save(folder / "paper.pdf")
    jpeg = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(jpeg, "JPEG")
    with zipfile.ZipFile(folder / "letter.docx", "w") as archive:
        for number in range(5):
            archive.writestr(f"{number}.jpg", jpeg.getvalue())
    with zipfile.ZipFile(folder / "weights.pt", "w") as archive:
        archive.writestr("data.pkl", bytes(5000))
    shutil.copy(encode(folder / "whole.mp4", count=3), folder / "video.mp4.part")
    (folder / "whole.mp4").unlink()
    with av.open(str(folder / "speech.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    return sorted(folder.iterdir())


@pytest.mark.parametrize("suffix", CODECS)
def test_whatever_ffmpeg_opens_as_a_video_is_one_by_any_name(suffix: str, tmp_path: Path) -> None:
    path = _encoded(tmp_path, suffix)
    unnamed = tmp_path / "unnamed"
    shutil.copy(path, unnamed)
    assert holds_video(path)
    assert holds_video(unnamed)
    with open_video(unnamed) as reader:
        assert len(reader) == 6


def test_what_is_no_video_is_left_out_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    others = _no_videos(tmp_path)
    videos = [_encoded(tmp_path, suffix) for suffix in ("flv", "mpg", "ts", "wmv")]
    videos.append(animation(tmp_path / "moving.webp", [40] * 6))
    found, left_out = divide_files(sorted(tmp_path.iterdir()))
    assert (found, left_out) == (sorted(videos), others)
    said = f"{tmp_path}: {len(others)} files are no videos and are left out: icon.ico, letter.docx, list.ffconcat, "

    dataset = open_dataset(tmp_path)
    assert sorted({clip.path for clip in dataset.clips}) == sorted(videos)
    assert [line.startswith(said) for line in dataset.remarks] == [True]
    assert {unit.video for unit in find_units(tmp_path, VIDEO_SUFFIXES).units} == set(videos)
    assert set(videos_in(tmp_path).values()) == set(videos)
    assert capsys.readouterr().err.count(said) == 2


def test_a_recipe_that_wants_one_format_names_videos_of_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.mp4", "b.webm", "list.txt"):
        (tmp_path / name).touch()
    assert [unit.name for unit in find_units(tmp_path, {".mp4"}).units] == ["a"]
    assert capsys.readouterr().err == f"{tmp_path}: 1 file is no .mp4 and is left out: b.webm\n"


def test_nothing_is_said_where_nothing_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _encoded(tmp_path, "flv")
    write_png_folder(tmp_path / "frames", moving_picture(3))
    (tmp_path / ".DS_Store").write_bytes(b"\0")
    dataset = open_dataset(tmp_path)
    assert (len(dataset.partition("test")), dataset.remarks) == (2, ())
    find_units(tmp_path, VIDEO_SUFFIXES)
    assert "clip-flv" in videos_in(tmp_path)
    assert "flv" not in capsys.readouterr().err
    assert left_out_line(tmp_path, []) is None


def test_the_reported_folder_holds_four_videos(real_data: Path) -> None:
    folder = real_data / "reports/suffixes"
    dataset = open_dataset(folder)
    assert len(dataset.partition("test")) == 4
    assert len(find_units(folder, VIDEO_SUFFIXES).units) == len(videos_in(folder)) == 4
    for clip in dataset.partition("test"):
        with open_video(clip.path) as reader:
            assert reader.frame(0).shape == (96, 96, 3)


@pytest.mark.parametrize("name", ["one.mp4", "one.mkv", "one.gif", "one.webp", "one", "strip.png"])
@pytest.mark.parametrize("frames", [1, 2])
def test_videos_of_one_frame_are_known_without_decoding(name: str, frames: int, tmp_path: Path) -> None:
    path = tmp_path / name
    if path.suffix in (".mp4", ".mkv"):
        encode(path, count=frames)
    elif path.suffix in (".gif", ".webp"):
        animation(path, [40] * frames)
    elif path.suffix == ".png":
        Image.new("RGB", (8 * frames, 8)).save(path)
    else:
        write_png_folder(path, moving_picture(frames))
    assert has_one_frame(path) == (frames == 1)


def test_a_picture_that_is_none_is_an_error(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", count=3)
    (tmp_path / "strip.png").write_bytes(io.BytesIO(b"no picture").getvalue())
    with pytest.raises(InputError, match=r"strip\.png: not an image"):
        open_dataset(tmp_path)
