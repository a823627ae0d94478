"""Pictures of every depth and kind: shown as they are, or refused in one line before they are decoded."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from lia_bench.cli.main import run
from lia_bench.core.errors import InputError, UnreadableVideoError
from lia_bench.core.video import open_video, read_image, read_picture
from lia_bench.core.video.image import LIMIT
from tests.core.videos import encode, moving_picture


def _grey() -> NDArray[np.uint8]:
    return next(moving_picture(1))[..., 0]


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_floating_point_from_0_to_1_is_the_picture(
    kind: str, colour: bool, compression: str | None, tmp_path: Path
) -> None:
    levels = next(moving_picture(1)) if colour else _grey()
    path = tmp_path / "float.tif"
    photometric = "rgb" if colour else "minisblack"
    tifffile.imwrite(path, (levels / 255).astype(kind), photometric=photometric, compression=compression)
    right = levels if colour else np.repeat(levels[..., None], 3, axis=2)
    for read in (read_image, read_picture):
        assert np.array_equal(read(path), right)


def test_planes_apart_and_alpha(tmp_path: Path) -> None:
    levels = next(moving_picture(1))
    values = (levels / 255).astype(np.float32)
    planes = np.ascontiguousarray(values.transpose(2, 0, 1))
    tifffile.imwrite(tmp_path / "planes.tif", planes, photometric="rgb", planarconfig="separate")
    with_alpha = np.dstack([values, np.ones_like(values[..., 0])])
    tifffile.imwrite(tmp_path / "alpha.tif", with_alpha, photometric="rgb", extrasamples=["unassalpha"])
    for name in ("planes.tif", "alpha.tif"):
        assert np.array_equal(read_image(tmp_path / name), levels)


def test_whole_numbers_in_floating_point_are_levels(tmp_path: Path) -> None:
    levels = _grey()
    tifffile.imwrite(tmp_path / "eight.tif", levels.astype(np.float32))
    tifffile.imwrite(tmp_path / "sixteen.tif", levels.astype(np.float32) * 257)
    for name in ("eight.tif", "sixteen.tif"):
        assert np.array_equal(read_image(tmp_path / name)[..., 0], levels)


@pytest.mark.parametrize("value", [3.7, -0.5, 255.5, 1e6, float("nan"), float("inf")])
def test_a_range_that_nobody_knows_is_refused(value: float, tmp_path: Path) -> None:
    path = tmp_path / "odd.tif"
    values = np.full((8, 8), 0.5, np.float32)
    values[3, 4] = value
    tifffile.imwrite(path, values)
    with pytest.raises(InputError, match=r"odd\.tif: floating point from .* scale the picture to 0\.\.1"):
        read_picture(path)


def test_more_than_sixteen_bits_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "deep.tif", np.full((8, 8), 3_000_000, np.uint32))
    with pytest.raises(InputError, match=r"deep\.tif: grey levels of more than 16 bits"):
        read_picture(tmp_path / "deep.tif")


def _claims(path: Path, width: int, height: int) -> Path:
    """A small file that says it holds a picture of this size."""
    if path.suffix == ".png":
        header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
        path.write_bytes(
            b"\x89PNG\r\n\x1a\n"
            + b"".join(
                struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
                for name, data in chunks
            )
        )
    elif path.suffix == ".tif":
        tifffile.imwrite(path, np.zeros((16, 16), np.float32))
        with tifffile.TiffFile(path, mode="r+") as file:
            page = file.pages.first
            page.tags["ImageWidth"].overwrite(width)
            page.tags["ImageLength"].overwrite(height)
    else:
        header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
        path.write_bytes(b"BM" + struct.pack("<IHHI", 2000, 0, 0, 54) + header + bytes(1000))
    return path


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_a_picture_that_claims_too_much_is_refused_before_it_is_decoded(suffix: str, tmp_path: Path) -> None:
    path = _claims(tmp_path / f"huge.{suffix}", 60_000, 60_000)
    for read in (read_image, read_picture):
        with pytest.raises(InputError, match=rf"huge\.{suffix}: the picture is too large.*--largest-picture"):
            read(path)
    with pytest.raises(UnreadableVideoError, match="the picture is too large"):
        open_video(path)


def test_the_limit_can_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "picture.png"
    Image.new("RGB", (200, 100), "red").save(path)
    monkeypatch.setenv(LIMIT, "0.01")
    with pytest.raises(InputError, match=r"too large \(200x100 pixels\).* 0\.01 megapixels"):
        read_image(path)
    monkeypatch.setenv(LIMIT, "0.02")
    assert read_image(path).shape == (100, 200, 3)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    monkeypatch.setenv(LIMIT, "400")
    assert read_image(path).shape == (100, 200, 3)
    monkeypatch.setenv(LIMIT, "many")
    with pytest.raises(InputError, match=f"{LIMIT}=many: not a number"):
        read_image(path)


def test_the_command_has_an_option_for_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Put back at the end of the test.
    monkeypatch.setenv(LIMIT, "178")
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (200, 100), "red").save("face.png")
    encode(Path("talk.mp4"), count=2)
    command = ["animate", "identity", "--source", "face.png", "--driving", "talk.mp4", "--no-crop"]
    assert run(["--largest-picture", "0.01", *command], debug=False) == 1
    assert "face.png: the picture is too large (200x100 pixels)" in capsys.readouterr().err
    assert run(["--largest-picture", "0.02", *command], debug=False) == 0
    assert run(["--largest-picture", "-1", *command], debug=False) == 2


@pytest.mark.parametrize("kind", ["ppm", "tga", "ico", "pcx", "eps", "icns", "sgi", "dds"])
def test_formats_that_are_not_documented_are_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"picture.{kind}"
    Image.new("RGB", (64, 64), "red").save(path)
    with pytest.raises(InputError, match="not an image; give a png or jpg file"):
        read_picture(path)


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "tif", "bmp", "gif"])
def test_formats_that_are_documented_are_read_by_any_name(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"picture.{kind}"
    Image.new("RGB", (64, 64), "red").save(path)
    renamed = path.rename(tmp_path / "picture.dat")
    assert np.abs(read_picture(renamed).astype(int) - (255, 0, 0)).max() < 4


def test_a_picture_of_a_phone_with_two_views_is_a_jpeg(tmp_path: Path) -> None:
    views = [Image.fromarray(frame) for frame in moving_picture(2)]
    views[0].save(tmp_path / "phone.jpg", format="MPO", save_all=True, append_images=views[1:])
    assert read_picture(tmp_path / "phone.jpg").shape == (64, 96, 3)


def test_the_reported_picture(real_data: Path) -> None:
    picture = read_picture(real_data / "reports/pictures/float01.tif")
    assert (int(picture.min()), int(picture.max())) == (2, 217)
    assert picture.mean() > 60
