"""Videos kept as pictures, still images, and resizing."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from lia_bench.core.errors import InputError, UnreadableVideoError
from lia_bench.core.video import open_video, read_image, resize, to_frame, to_tensor
from tests.core.videos import moving_picture


def test_a_folder_is_read_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    frames = list(moving_picture(12))
    for index, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / f"frame{index}.png")
    (tmp_path / "notes.txt").write_text("no frame")
    with open_video(tmp_path) as reader:
        assert len(reader) == 12
        assert all(np.array_equal(a, b) for a, b in zip(reader, frames, strict=True))


def test_folders_that_are_no_video(tmp_path: Path) -> None:
    with pytest.raises(UnreadableVideoError, match="holds no frame"):
        open_video(tmp_path)
    Image.new("RGB", (8, 8)).save(tmp_path / "0.png")
    Image.new("RGB", (8, 9)).save(tmp_path / "1.png")
    with open_video(tmp_path) as reader, pytest.raises(UnreadableVideoError, match=r"1\.png: the frame is 8x9"):
        reader.frame(1)
    (tmp_path / "0.png").write_bytes(b"broken")
    with pytest.raises(UnreadableVideoError, match=r"0\.png: not an image"):
        open_video(tmp_path)


@pytest.mark.parametrize("name", ["strip.png", "strip.jpg"])
def test_a_strip_is_cut_into_squares_without_its_alpha(name: str, tmp_path: Path) -> None:
    frames = list(moving_picture(5, width=16, height=16))
    picture = np.concatenate(frames, axis=1)
    rgba = np.dstack([picture, np.zeros(picture.shape[:2], np.uint8)])
    # A png whatever the name says, as in the actions data set.
    Image.fromarray(rgba).save(tmp_path / name, format="PNG")
    with open_video(tmp_path / name) as reader:
        assert (len(reader), reader.properties.width, reader.properties.height) == (5, 16, 16)
        assert all(np.array_equal(a, b) for a, b in zip(reader, frames, strict=True))


@pytest.mark.parametrize(("width", "height"), [(16, 16), (40, 16), (16, 32)])
def test_a_still_image_is_no_video(width: int, height: int, tmp_path: Path) -> None:
    Image.new("RGB", (width, height)).save(tmp_path / "still.png")
    with pytest.raises(UnreadableVideoError, match="a still image"):
        open_video(tmp_path / "still.png")


def test_a_gif_in_any_order(tmp_path: Path) -> None:
    shades = [np.full((8, 10, 3), 20 * index, np.uint8) for index in range(6)]
    images = [Image.fromarray(shade) for shade in shades]
    images[0].save(tmp_path / "moving.gif", save_all=True, append_images=images[1:], duration=50)
    with open_video(tmp_path / "moving.gif") as reader:
        assert len(reader) == 6
        assert reader.properties.fps == pytest.approx(20)
        for index in (5, 0, 3, 2):
            assert np.array_equal(reader.frame(index), shades[index])


def test_a_gif_cut_short_is_refused(tmp_path: Path) -> None:
    images = [Image.fromarray(frame) for frame in moving_picture(6)]
    path = tmp_path / "moving.gif"
    images[0].save(path, save_all=True, append_images=images[1:])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnreadableVideoError, match="damaged"):
        open_video(path)


@pytest.mark.parametrize("suffix", ["png", "gif"])
def test_a_picture_of_too_many_pixels(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow refuses what may be a small file that fills the memory."""
    path = tmp_path / f"large.{suffix}"
    Image.new("RGB", (300, 100)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    with pytest.raises(UnreadableVideoError, match=r"large\.\w+: the picture is too large"):
        open_video(path)


def test_still_images(tmp_path: Path) -> None:
    frame = next(moving_picture(1))
    image = Image.fromarray(frame)
    image.save(tmp_path / "upright.png")
    turned = Image.fromarray(np.rot90(frame))
    turned.save(tmp_path / "camera.png", exif=_orientation(6))
    assert np.array_equal(read_image(tmp_path / "upright.png"), frame)
    assert np.array_equal(read_image(tmp_path / "camera.png"), frame)
    (tmp_path / "text.png").write_text("no image")
    for name, reason in (("gone.png", "no such image"), ("text.png", "not an image")):
        with pytest.raises(InputError, match=reason):
            read_image(tmp_path / name)


def _orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def test_resize_blurs_before_it_shrinks() -> None:
    """Against the rule written out: a Gaussian of sigma (s - 1) / 2, then bilinear at the pixels' centres."""
    frame = next(moving_picture(1, width=90, height=60))
    factors = np.array([60 / 24, 90 / 32])
    blurred = ndimage.gaussian_filter(frame.astype(float), [*(factors - 1) / 2, 0], mode="mirror")
    y, x = np.meshgrid(*[(np.arange(n) + 0.5) * s - 0.5 for n, s in zip((24, 32), factors, strict=True)], indexing="ij")
    expected = [ndimage.map_coordinates(blurred[..., c], [y, x], order=1, mode="mirror") for c in range(3)]
    assert np.abs(resize(frame, (24, 32)) - np.stack(expected, axis=2)).max() < 0.51


def test_resize_to_the_same_size_changes_nothing() -> None:
    frame = next(moving_picture(1))
    assert np.array_equal(resize(frame, frame.shape[:2]), frame)


def test_photographs_of_any_size_are_shrunk_within_moments() -> None:
    line = np.linspace(0, 255, 9000)
    frame = np.broadcast_to(np.rint(line)[None, :, None], (128, 9000, 3)).astype(np.uint8)
    shrunk = resize(frame, (64, 256)).astype(float)
    assert shrunk.shape == (64, 256, 3)
    assert np.abs(shrunk - np.linspace(0.5, 254.5, 256)[None, :, None]).max() < 1.5


def test_tensors_and_back() -> None:
    frame = next(moving_picture(1))
    tensor = to_tensor(frame)
    assert tuple(tensor.shape) == (3, 64, 96)
    assert float(tensor[0, 0, 0]) == pytest.approx(frame[0, 0, 0] / 255)
    assert np.array_equal(to_frame(tensor), frame)
    assert to_frame(tensor * 2 - 0.5).max() == 255


def test_the_data_sets_of_strips(real_data: Path) -> None:
    shape = sorted((real_data / "shapes/test").iterdir())[0]
    action = sorted((real_data / "actions/test").iterdir())[0]
    for path, frames in ((shape, 32), (action, Image.open(action).width // 64)):
        with open_video(path) as reader:
            assert len(reader) == frames
            expected = np.asarray(Image.open(path))[:, 64 * 7 : 64 * 8, :3]
            assert np.array_equal(reader.frame(7), expected)
