"""Still images, the one way frames are resized, and frames as the images of a model."""

import os
import struct
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.errors import InputError
from lia_bench.core.video.reader import Frame, as_frame

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from PIL.ImageFile import ImageFile
    from scipy.sparse import csr_array
    from torch import Tensor

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")
"""All that is read as a picture, by Pillow's names; its other decoders are seldom used and seldom looked after."""

TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", *TIFF)

LIMIT = "LIA_BENCH_LARGEST_PICTURE"
"""The environment variable that raises `largest_picture`, so that it counts in workers, too."""

LARGEST_PICTURE = 178.0
"""Megapixels, which fill half a gigabyte when they are decoded."""

USUAL_SIDE = 4096
"""Pixels of the longest side that is resized at once."""

NEGLIGIBLE = 1e-9
"""Weights below this cannot move a level of 0..255."""

SIXTEEN_BITS = 257
"""Sixteen-bit levels from one eight-bit level to the next: 65535 / 255."""


def read_image(path: Path) -> Frame:
    """A still image as uint8 RGB (height, width, 3): upright, alpha dropped, told by content and not by suffix.

    Raises:
        InputError: no such file, not readable as an image, larger than `largest_picture`, or of values whose range
            is not known.
    """
    return _read(path, lambda image: image.convert("RGB"))


def read_picture(path: Path) -> Frame:
    """As `read_image`, but as viewers show it: transparent parts are white, whatever colour lies hidden there.

    Raises:
        InputError: as `read_image`.
    """
    return _read(path, _on_white)


def holds_picture(path: Path) -> bool:
    """Whether a file is of one of `FORMATS`, still or animated; by its first bytes."""
    start = first_bytes(path, 12)
    return start.startswith(STARTS) or (start[:4], start[8:]) == (b"RIFF", b"WEBP")


def first_bytes(path: Path, count: int) -> bytes:
    """The first `count` bytes of a file, or all of them; none where there is no file to be read."""
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError:
        return b""


def open_picture(path: Path) -> "ImageFile":
    """A picture of one of `FORMATS` by Pillow; nothing of it is decoded yet.

    Raises:
        InputError: no such file, not readable as an image, or larger than `largest_picture`.
    """
    # Pillow takes a while to import and the command line has no need of it to start.
    from PIL import Image, UnidentifiedImageError

    largest = largest_picture()
    if Image.MAX_IMAGE_PIXELS is not None and largest > LARGEST_PICTURE:
        Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, int(largest * 1e6))
    try:
        with warnings.catch_warnings(), damage_named(path):
            # Its own warning comes at half of its own limit.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(path, formats=FORMATS)
    except FileNotFoundError:
        raise InputError(f"{path}: no such image") from None
    except UnidentifiedImageError:
        if holds_picture(path):
            raise InputError(f"{path}: the image is damaged or of a rare kind; give another copy, as png") from None
        raise InputError(f"{path}: not an image; give a png or jpg file") from None
    except Image.DecompressionBombError:
        raise InputError(f"{path}: the picture is too large; {_way_out(largest)}") from None
    if image.width * image.height > largest * 1e6:
        size = f"{image.width}x{image.height}"
        image.close()
        raise InputError(f"{path}: the picture is too large ({size} pixels); {_way_out(largest)}")
    return image


def largest_picture() -> float:
    """How many million pixels a picture may have; a small file may claim more than fits the memory.

    Raises:
        InputError: the environment variable that raises it is no number.
    """
    given = os.environ.get(LIMIT, "")
    try:
        return float(given) if given else LARGEST_PICTURE
    except ValueError:
        raise InputError(f"{LIMIT}={given}: not a number of megapixels") from None


def _way_out(largest: float) -> str:
    return f"give a smaller one, or raise the limit of {largest:g} megapixels: `lia-bench --largest-picture MEGAPIXELS`"


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Let all that Pillow's decoders raise on damaged files be an InputError of that file.

    Raises:
        InputError: the file is damaged.
    """
    from PIL import UnidentifiedImageError

    try:
        yield
    except (FileNotFoundError, UnidentifiedImageError):
        raise
    except (OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, struct.error) as error:
        raise InputError(f"{path}: the image is damaged ({error}); give another copy") from error


def picture_frame(picture: "Picture", name: str) -> Frame:
    """As `read_picture`, of a picture that Pillow has opened; `name` is what errors call it.

    Raises:
        InputError: it is damaged, or of values whose range is not known.
    """
    from PIL import ImageOps

    path = Path(name)
    with damage_named(path):
        return as_frame(_on_white(_of_eight_bits(path, ImageOps.exif_transpose(picture))))


def _read(path: Path, to_rgb: "Callable[[Picture], Picture]") -> Frame:
    from PIL import ImageOps

    if first_bytes(path, 4) in TIFF:
        values = _floating_tiff(path)
        if values is not None:
            return _levels_of(path, values)
    with open_picture(path) as image, damage_named(path):
        return as_frame(to_rgb(_of_eight_bits(path, ImageOps.exif_transpose(image))))


def _floating_tiff(path: Path) -> NDArray[np.floating] | None:
    """The first picture of a TIFF of floating point, (H, W) or (H, W, C); None of all others.

    Pillow reads such files only where they are grey and of 32 bits.
    """
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            if page.dtype is None or page.dtype.kind != "f":
                return None
            largest = largest_picture()
            if page.imagewidth * page.imagelength > largest * 1e6:
                raise InputError(f"{path}: the picture is too large; {_way_out(largest)}")
            values = np.asarray(page.asarray())
            return np.moveaxis(values, 0, -1) if page.axes.startswith("S") else values
    except InputError:
        raise
    except Exception:
        # What this reader does not understand is Pillow's to name.
        return None


def _levels_of(path: Path, values: NDArray[np.floating]) -> Frame:
    """Floating point in 0..1 as 0..255; whole numbers are levels of 8 or 16 bits.

    Raises:
        InputError: values of another range, which nobody can guess.
    """
    lowest, highest = float(values.min()), float(values.max())
    whole = bool((values == np.rint(values)).all())
    if not np.isfinite([lowest, highest]).all() or lowest < -_SLACK:
        factor = None
    elif highest <= 1 + _SLACK:
        factor = 255.0
    elif whole and highest <= 255:
        factor = 1.0
    elif whole and highest <= 65535:
        factor = 1 / SIXTEEN_BITS
    else:
        factor = None
    if factor is None:
        raise InputError(
            f"{path}: floating point from {lowest:g} to {highest:g} has no known white; scale the picture to 0..1"
        )
    levels = np.rint(values.astype(np.float32) * np.float32(factor)).clip(0, 255).astype(np.uint8)
    if levels.ndim == 2 or levels.shape[2] < 3:
        grey = levels if levels.ndim == 2 else levels[..., 0]
        return as_frame(np.repeat(grey[..., None], 3, axis=2))
    return as_frame(levels[..., :3])


_SLACK = 1e-3
"""How far resampling may have moved a value out of 0..1: a quarter of a level."""


def _of_eight_bits(path: Path, image: "Picture") -> "Picture":
    """A picture of more than 8 bits at 8: Pillow's own conversion cuts off all that is brighter than 255.

    Raises:
        InputError: nobody can tell which of its values is white.
    """
    from PIL import Image

    if image.mode == "F":
        return Image.fromarray(_levels_of(path, np.asarray(image)))
    # Older Pillows open png files of 16 bits as "I".
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise InputError(f"{path}: grey levels of more than 16 bits have no known white; save the picture with 16 bits")
    return Image.fromarray(np.rint(values.astype(np.float32) / SIXTEEN_BITS).astype(np.uint8))


def _on_white(image: "Picture") -> "Picture":
    from PIL import Image

    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def resize(frame: Frame, size: tuple[int, int]) -> Frame:
    """`frame` uint8 (H, W, 3) at `size` (height, width), aspect not kept.

    As scikit-image resizes with anti-aliasing, which the published croppings were made with: bilinear, after
    a Gaussian of sigma (s - 1) / 2 along each side that shrinks by the factor s; rounded to 0..255. Single
    precision moves one value in a hundred thousand by one level against scikit-image's own call, in a tenth
    of its time. Photographs with a side above 4096 pixels are first shrunk to no less than that by averages of squares.
    """
    frame = _of_usual_size(frame, size)
    height, width = frame.shape[:2]
    if (height, width) == tuple(size):
        return frame
    across, down = _weights(width, size[1]), _weights(height, size[0])
    resized = np.empty((*size, 3), dtype=np.uint8)
    # Plane by plane, since turning single planes over is several times faster than turning pixels over.
    for channel, plane in enumerate(np.ascontiguousarray(frame.transpose(2, 0, 1)).astype(np.float32)):
        lines: NDArray[np.float32] = down @ plane
        columns: NDArray[np.float32] = across @ np.ascontiguousarray(lines.T)
        resized[..., channel] = np.rint(columns, out=columns).T
    return resized


def _of_usual_size(frame: Frame, size: tuple[int, int]) -> Frame:
    """`frame`, or squares of its pixels averaged where it is so large that its lines' weights would take a minute."""
    height, width = frame.shape[:2]
    factor = min(max(height, width) // USUAL_SIDE, height // size[0], width // size[1])
    if factor < 2:
        return frame
    from PIL import Image

    return np.asarray(Image.fromarray(frame).reduce(factor))


def at_sizes(frames: Iterable[Frame], sizes: Collection[tuple[int, int]]) -> Iterator[dict[tuple[int, int], Frame]]:
    """Each frame, uint8 (H, W, 3), at all of `sizes` (height, width)."""
    for frame in frames:
        yield {size: resize(frame, size) for size in sizes}


@lru_cache(maxsize=64)
def _weights(length: int, new_length: int) -> "csr_array":
    """What each of `length` pixels of a line adds to each of `new_length`: scikit-image's answer to single pixels."""
    from scipy.sparse import csr_array
    from skimage import transform

    if length == new_length:
        return csr_array(np.eye(length, dtype=np.float32))
    answers: NDArray[np.float64] = transform.resize(np.eye(length), (new_length, length), anti_aliasing=True)
    answers[np.abs(answers) < NEGLIGIBLE] = 0
    return csr_array(answers.astype(np.float32))


def to_tensor(frame: Frame) -> "Tensor":
    """uint8 (H, W, 3) as float32 (3, H, W) in [0, 1]."""
    # Imported here: reading and cutting footage needs no torch.
    import torch

    return torch.from_numpy(np.array(frame)).permute(2, 0, 1).contiguous().to(torch.float32).div_(255)


def to_frame(image: "Tensor") -> Frame:
    """Float (3, H, W), clamped to [0, 1] and rounded, as uint8 (H, W, 3)."""
    levels = image.detach().float().clamp(0, 1).mul(255).round().to("cpu")
    frame: Frame = levels.permute(1, 2, 0).contiguous().numpy().astype(np.uint8)
    return frame
