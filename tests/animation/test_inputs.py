"""Pictures as users have them."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from lia_bench.animation.inputs import open_driving
from lia_bench.core.video import read_picture
from tests.animation.toys import grey_frames

LEVELS = np.linspace(0, 255, 40, dtype=np.uint8)[None].repeat(30, axis=0)


def test_sixteen_bits_of_grey_are_not_cut_off(tmp_path: Path) -> None:
    Image.fromarray(LEVELS.astype(np.uint16) * 257).save(tmp_path / "me.png")
    frame = read_picture(tmp_path / "me.png")
    assert frame.dtype == np.uint8
    assert (frame == LEVELS[..., None]).all()


@pytest.mark.parametrize("mode", ["L", "LA", "P", "CMYK"])
def test_other_kinds_become_rgb(mode: str, tmp_path: Path) -> None:
    path = tmp_path / ("me.tif" if mode == "CMYK" else "me.png")
    Image.fromarray(LEVELS).convert("RGB" if mode == "CMYK" else "L").convert(mode).save(path)
    assert np.abs(read_picture(path).astype(int) - LEVELS[..., None]).max() <= 1


@pytest.mark.parametrize("mode", ["RGBA", "P", "LA"])
def test_what_is_transparent_is_white_whatever_is_hidden_there(mode: str, tmp_path: Path) -> None:
    picture = np.full((8, 8, 4), 60, np.uint8)
    picture[:, :4, 3], picture[:, 4:, 3] = 255, 0
    image = Image.fromarray(picture)
    (image.quantize(16) if mode == "P" else image.convert(mode)).save(tmp_path / "me.png")
    frame = read_picture(tmp_path / "me.png")
    assert (frame[:, :4] == 60).all()
    assert (frame[:, 4:] == 255).all()


def test_a_camera_s_rotation_is_undone(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # To be turned by a quarter to the right.
    picture = np.zeros((20, 40, 3), np.uint8)
    picture[:, :20] = 255
    Image.fromarray(picture).save(tmp_path / "me.jpg", exif=exif, quality=95)
    frame = read_picture(tmp_path / "me.jpg")
    assert frame.shape == (40, 20, 3)
    assert frame[:15].mean() > 240
    assert frame[25:].mean() < 15


def test_a_browsers_recording_has_its_own_rate(tmp_path: Path) -> None:
    path = tmp_path / "recorded.webm"
    with av.open(str(path), "w", format="webm", options={"live": "1"}) as container:
        # Thousandths of a second, in which a camera's frames never come evenly, and no rate.
        stream: Any = container.add_stream("libvpx", rate=1000)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index, frame in enumerate(grey_frames(range(20, 80))):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = 40 * index + index % 3, Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    with open_driving(path) as footage:
        assert footage.clip_fps == pytest.approx(25, abs=0.1)
        assert footage.fps == pytest.approx(25, abs=0.1)
        assert abs(footage.frames - 60) <= 1
