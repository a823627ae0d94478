"""Still images, the one way frames are resized, and frames as the images of a model."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.errors import InputError
from lia_bench.core.video.reader import Frame, as_frame

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from scipy.sparse import csr_array
    from torch import Tensor

NEGLIGIBLE = 1e-9
"""Weights below this cannot move a level of 0..255."""


SIXTEEN_BITS = 257
"""Sixteen-bit levels from one eight-bit level to the next: 65535 / 255."""


def read_image(path: Path) -> Frame:
    """A still image as uint8 RGB (height, width, 3): upright, alpha dropped, told by content and not by suffix.

    Raises:
        InputError: no such file, or not readable as an image.
    """
    return _read(path, lambda image: image.convert("RGB"))


def read_picture(path: Path) -> Frame:
    """As `read_image`, but as viewers show it: transparent parts are white, whatever colour lies hidden there.

    Raises:
        InputError: as `read_image`.
    """
    return _read(path, _on_white)


def _read(path: Path, to_rgb: "Callable[[Picture], Picture]") -> Frame:
    # Pillow takes a while to import and the command line has no need of it to start.
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            return as_frame(to_rgb(_eight_bits(ImageOps.exif_transpose(image))))
    except FileNotFoundError:
        raise InputError(f"{path}: no such image") from None
    except UnidentifiedImageError:
        raise InputError(f"{path}: not an image; give a png or jpg file") from None
    except Image.DecompressionBombError as error:
        raise InputError(f"{path}: the picture is too large ({error}); give a smaller one") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{path}: the image is damaged ({error}); give another copy") from error


def _eight_bits(image: "Picture") -> "Picture":
    """A grey image of 16 bits at 8: Pillow's own conversion cuts off all that is brighter than 255 of 65535."""
    from PIL import Image

    # Older Pillows open such png files as "I".
    if not image.mode.startswith("I"):
        return image
    levels = np.rint(np.asarray(image).astype(np.float32) / SIXTEEN_BITS)
    return Image.fromarray(levels.clip(0, 255).astype(np.uint8))


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
    of its time.
    """
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
