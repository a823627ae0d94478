"""Animated GIF, PNG and WebP: every frame, for as long as browsers show it, and nothing of a file cut short."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lia_bench.core.errors import UnreadableVideoError
from lia_bench.core.video import open_indexed, open_video, write_gif
from lia_bench.core.video.animated_pictures import AnimatedReader, is_animated
from lia_bench.preprocessing.footage import open_carefully
from tests.core.videos import animation, moving_picture

SUFFIXES = ["gif", "png", "webp"]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("width", "height"), [(64, 64), (128, 64), (64, 96)])
def test_frames_in_any_order(suffix: str, width: int, height: int, tmp_path: Path) -> None:
    path = animation(tmp_path / f"moving.{suffix}", [40] * 12, width, height)
    assert is_animated(path)
    with Image.open(path) as image:
        sequence = []
        for index in range(12):
            image.seek(index)
            sequence.append(np.asarray(image.convert("RGB")))
    for opened in (open_video, open_indexed):
        with opened(path) as reader:
            assert (len(reader), reader.properties.width, reader.properties.height) == (12, width, height)
            assert reader.properties.fps == pytest.approx(25)
            for index in (11, 0, 5, 4, 7):
                assert np.array_equal(reader.frame(index), sequence[index])
    if suffix != "gif":
        assert all(np.array_equal(a, b) for a, b in zip(sequence, moving_picture(12, width, height), strict=True))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_still_picture_is_not_animated(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"still.{suffix}"
    Image.new("RGB", (24, 24)).save(path)
    if suffix != "gif":
        assert not is_animated(path)
        with pytest.raises(UnreadableVideoError, match="a still image of 24x24"):
            open_video(path)


def test_a_png_may_have_a_picture_for_viewers_that_know_no_animation(tmp_path: Path) -> None:
    title, *frames = (Image.fromarray(frame) for frame in moving_picture(6))
    path = tmp_path / "moving.png"
    title.save(path, save_all=True, append_images=frames, default_image=True, duration=50)
    with open_video(path) as reader:
        assert len(reader) == 5
        assert np.array_equal(reader.frame(0), np.asarray(frames[0]))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("delays", "order", "fps"),
    [
        ([40] * 5, [0, 1, 2, 3, 4], 25),
        ([40, 40, 1000, 40], [0, 1, *[2] * 25, 3], 25),
        ([100, 300, 200], [0, 1, 1, 1, 2, 2], 10),
        ([30, 50, 100, 30], [0, 0, 1, 1, 2, 2, 2, 2, 2, 3], 50),
        # Thirty frames a second in whole hundredths.
        ([30, 30, 40, 30, 30, 40], [0, 1, 2, 3, 4, 5], 30),
        # Browsers show what says 0 or 10 for 100.
        ([10, 10, 50], [0, 0, 1, 1, 2], 20),
    ],
)
def test_uneven_frames_are_made_even_in_time(
    suffix: str, delays: list[int], order: list[int], fps: float, tmp_path: Path
) -> None:
    path = animation(tmp_path / f"moving.{suffix}", delays)
    if suffix != "gif" and delays[0] == 30 and order == list(range(6)):
        pytest.skip("these count in thousandths, so that the frames are meant to be uneven")
    with open_video(path) as reader, open_carefully(path) as footage:
        assert footage.clip_fps == pytest.approx(fps)
        assert footage.frames == len(order)
        assert all(np.array_equal(footage.frame(tick), reader.frame(stored)) for tick, stored in enumerate(order))
        shown = sum(delay if delay >= 20 else 100 for delay in delays) / 1000
        assert footage.frames / footage.clip_fps == pytest.approx(shown, abs=0.02)
        assert bool(footage.remarks) == (order != list(range(len(delays))))


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_sixty_frames_a_second_stay_sixty(suffix: str, tmp_path: Path) -> None:
    path = animation(tmp_path / f"moving.{suffix}", [16, 17, 17, 16, 17, 17])
    with open_carefully(path) as footage:
        assert (footage.frames, footage.remarks) == (6, ())
        assert footage.clip_fps == pytest.approx(60)


def test_the_gifs_that_are_written_are_even(tmp_path: Path) -> None:
    for fps in (25, 30, 23.976, 50):
        write_gif(tmp_path / "moving.gif", moving_picture(40), fps)
        with open_carefully(tmp_path / "moving.gif") as footage:
            assert (footage.frames, footage.remarks) == (40, ())
            assert footage.clip_fps == pytest.approx(fps, rel=0.01)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_cut_anywhere_is_one_clear_line(suffix: str, tmp_path: Path) -> None:
    whole = animation(tmp_path / f"whole.{suffix}", [40] * 6).read_bytes()
    path = tmp_path / f"cut.{suffix}"
    for cut in range(64, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:cut])
        with pytest.raises(UnreadableVideoError, match=rf"cut\.{suffix}: .*(damaged|cut short|no video)") as error:
            open_video(path)
        assert "\n" not in str(error.value)


def test_a_gif_cut_between_two_frames_is_refused(tmp_path: Path) -> None:
    path = animation(tmp_path / "moving.gif", [40] * 6)
    content = path.read_bytes()
    # Each frame begins with its graphic control extension.
    fourth = [place for place in range(len(content)) if content.startswith(b"\x21\xf9\x04", place)][3]
    path.write_bytes(content[:fourth])
    with pytest.raises(UnreadableVideoError, match="cut short after frame 2; fetch it again"):
        open_video(path)


def test_the_reported_animations(real_data: Path) -> None:
    reports = real_data / "reports"
    for name, frames, size in (("wide.png", 10, (128, 64)), ("anim.webp", 20, (64, 64))):
        with open_video(reports / "animated_pictures" / name) as reader:
            assert isinstance(reader, AnimatedReader)
            assert (len(reader), reader.properties.width, reader.properties.height) == (frames, *size)
            assert reader.properties.fps == pytest.approx(25)
    with open_carefully(reports / "gif_delays/uneven.gif") as footage:
        assert footage.frames / footage.clip_fps == pytest.approx(1.28)
        assert sum(bool((footage.frame(tick) == footage.frame(10)).all()) for tick in range(footage.frames)) == 25


def test_a_gif_whose_frame_claims_any_size_is_one_line(tmp_path: Path) -> None:
    path = animation(tmp_path / "a.gif", [40, 40, 40])
    content = bytearray(path.read_bytes())
    # The last image descriptor (GIF89a specification, section 20): left, top, width and height in 16 bits each.
    place = content.rindex(b"\x2c\x00\x00\x00\x00")
    content[place + 1 : place + 9] = b"\xff" * 8
    path.write_bytes(content)
    with pytest.raises(UnreadableVideoError, match=r"a\.gif: the gif is damaged or cut short"):
        open_video(path)
