"""Colours: HDR and wide gamut against the picture they were made of, tags obeyed, and files that say what they are."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from lia_bench.core.errors import UnreadableVideoError
from lia_bench.core.video import open_indexed, open_video, read_image, write_video
from lia_bench.core.video.colour import KNEE
from lia_bench.core.video.reader import Frame
from tests.core.videos import moving_picture

Values = NDArray[np.float64]
# Of each set of primaries: red, green, blue as (x, y); white is D65.
PRIMARIES = {
    1: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 9: (0.2627, 0.0593)}


def _to_xyz(primaries: int) -> Values:
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in PRIMARIES[primaries]]).T
    white = np.array([0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290])
    scaled: Values = columns * np.linalg.solve(columns, white)
    return scaled


def _light(values: Values) -> Values:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _coded(light: Values, transfer: int) -> Values:
    """BT.2100's curves, light in shares of a reference white of 203 cd/m2."""
    if transfer == 16:
        power = (light * 203 / 10000) ** (2610 / 16384)
        coded: Values = ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
        return coded
    if transfer == 18:
        display = light * 203 / 1000
        luminance = display @ np.array([0.2627, 0.6780, 0.0593])
        scene = display * np.where(luminance > 0, luminance, 1)[..., None] ** (1 / 1.2 - 1)
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        return np.where(scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def _film(
    path: Path, picture: Frame, transfer: int, primaries: int, matrix: int, full: bool = False, bits: int = 10
) -> Path:
    """A lossless video of `picture`, whose own values are sRGB, coded as the tags say."""
    light = _light(picture / 255.0) @ (np.linalg.inv(_to_xyz(primaries)) @ _to_xyz(1)).T
    red, green, blue = np.moveaxis(_coded(np.maximum(light, 0), transfer), 2, 0)
    of_red, of_blue = WEIGHTS[matrix if matrix in WEIGHTS else 9]
    luma = of_red * red + (1 - of_red - of_blue) * green + of_blue * blue
    chroma = [(blue - luma) / (2 - 2 * of_blue), (red - luma) / (2 - 2 * of_red)]
    scale, zero = 1 << bits - 8, (0, 255) if full else (16, 219)
    planes = [luma * zero[1] + zero[0], *(plane * (255 if full else 224) + 128 for plane in chroma)]
    levels = [np.rint(values * scale).clip(0, 256 * scale - 1) for values in planes]
    return _film_of_planes(path, levels, transfer, primaries, matrix, full, bits)


def _film_of_planes(
    path: Path, planes: list[Values], transfer: int, primaries: int, matrix: int, full: bool, bits: int
) -> Path:
    """A lossless video of three frames, each of these levels of luma and chroma."""
    kind, coder = ("yuv444p10le", "libx265") if bits == 10 else ("yuv444p", "libx264")
    height, width = planes[0].shape
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(coder, rate=25)
        stream.height, stream.width, stream.pix_fmt = height, width, kind
        lossless = {"x265-params": "lossless=1:bframes=0:log-level=none:pools=none"} if bits == 10 else {"crf": "0"}
        stream.options = lossless
        context = stream.codec_context
        context.color_trc, context.color_primaries, context.colorspace = transfer, primaries, matrix
        context.color_range = 2 if full else 1
        for number in range(3):
            frame = av.VideoFrame(width, height, kind)
            # Without a time of its own, a frame gets one of the coder's making, which the container may refuse.
            frame.pts, frame.time_base = number, Fraction(1, 25)
            frame.colorspace, frame.color_range = matrix, context.color_range
            for plane, levels in zip(frame.planes, planes, strict=True):
                kept = np.uint16 if bits == 10 else np.uint8
                rows = np.zeros((plane.height, plane.line_size // np.dtype(kept).itemsize), kept)
                rows[:, : plane.width] = levels
                plane.update(rows.tobytes())
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _patches() -> Frame:
    """Greys and colours of all brightnesses, in squares."""
    colours = np.random.default_rng(0).integers(0, 256, (8, 8, 3))
    colours[0] = np.linspace(0, 255, 8)[:, None]
    patches: Frame = colours.repeat(8, 0).repeat(8, 1).astype(np.uint8)
    return patches


@pytest.mark.parametrize("picture", [_patches(), next(moving_picture(1, 96, 64))], ids=["patches", "waves"])
@pytest.mark.parametrize(
    ("transfer", "primaries", "matrix", "bits"),
    [
        (16, 9, 9, 10),
        (18, 9, 9, 10),
        (14, 9, 9, 10),
        (1, 9, 9, 8),
        (1, 12, 1, 8),
        (16, 12, 9, 10),
        (16, 1, 9, 10),
    ],
)
@pytest.mark.parametrize("full", [False, True])
def test_hdr_and_wide_colour_against_the_truth(
    picture: Frame, transfer: int, primaries: int, matrix: int, bits: int, full: bool, tmp_path: Path
) -> None:
    path = _film(tmp_path / "film.mp4", picture, transfer, primaries, matrix, full, bits)
    for opened in (open_video, open_indexed):
        with opened(path) as reader:
            found = reader.frame(1).astype(int)
    dull = _light(picture / 255.0).max(axis=2) <= KNEE
    assert np.abs(found - picture).mean() < 6
    # Near black, ten bits of PQ and eight bits of anything are coarse.
    assert np.abs(found - picture)[dull].max() <= (10 if bits == 10 else 20)
    assert np.abs(found - picture)[dull].mean() < 1.5


@pytest.mark.parametrize("matrix", [1, 5, 9])
@pytest.mark.parametrize("full", [False, True])
def test_matrix_and_range_are_taken_as_tagged(matrix: int, full: bool, tmp_path: Path) -> None:
    picture = _patches()
    with open_video(_film(tmp_path / "film.mp4", picture, 13, 1, matrix, full, bits=8)) as reader:
        assert np.abs(reader.frame(2).astype(int) - picture).mean() < 1


def test_highlights_keep_their_order_and_hue(tmp_path: Path) -> None:
    """A ramp up to five times reference white."""
    ramp = np.linspace(0, 5, 64)
    light = np.stack([ramp, ramp * 0.5, ramp * 0.25], axis=1)[None].repeat(64, 0)
    coded = _coded(np.maximum(light @ (np.linalg.inv(_to_xyz(9)) @ _to_xyz(1)).T, 0), 16)
    path = _film_of_coded(tmp_path / "ramp.mp4", coded)
    with open_video(path) as reader:
        row = reader.frame(0)[32].astype(int)
    assert (np.diff(row[:, 0]) >= -1).all()
    bright = _light(row[40:] / 255.0)
    assert np.abs(bright[:, 1] / bright[:, 0] - 0.5).max() < 0.05
    assert row[:, 0].max() >= 253


def _film_of_coded(path: Path, coded: Values) -> Path:
    red, green, blue = np.moveaxis(coded, 2, 0)
    luma = 0.2627 * red + 0.6780 * green + 0.0593 * blue
    planes = [luma * 876 + 64, (blue - luma) / 1.8814 * 896 + 512, (red - luma) / 1.4746 * 896 + 512]
    return _film_of_planes(path, [np.rint(plane).clip(0, 1023) for plane in planes], 16, 9, 9, False, 10)


@pytest.mark.parametrize(("matrix", "transfer", "named"), [(14, 16, "ICtCp"), (8, 1, "YCgCo"), (9, 8, "linear light")])
def test_what_cannot_be_converted_is_refused_by_name(matrix: int, transfer: int, named: str, tmp_path: Path) -> None:
    path = _film(tmp_path / "film.mp4", _patches(), transfer, 9, matrix)
    for opened in (open_video, open_indexed):
        with pytest.raises(UnreadableVideoError, match=rf"film\.mp4: .*{named}.* convert it to BT\.709"):
            opened(path)


def test_files_say_their_colours(tmp_path: Path) -> None:
    picture = np.asarray(_patches())
    write_video(tmp_path / "film.mp4", [picture] * 3, 25, quality=4)
    with av.open(str(tmp_path / "film.mp4")) as container:
        stream = container.streams.video[0]
        tags = (stream.colorspace, stream.color_range, stream.color_trc, stream.color_primaries)
        assert tags == (1, 1, 1, 1)
    with open_video(tmp_path / "film.mp4") as reader:
        centres = reader.frame(1)[4::8, 4::8].astype(int)
    assert np.abs(centres - picture[4::8, 4::8]).mean() < 3


def test_the_reported_film(real_data: Path) -> None:
    folder = real_data / "reports/hdr"
    true = read_image(folder / "true.png").astype(int)
    for opened in (open_video, open_indexed):
        with opened(folder / "pq.mp4") as reader:
            assert all(np.abs(frame - true).mean() < 6 for frame in reader)
