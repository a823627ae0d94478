"""Still images, and the one way frames are resized."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.errors import InputError
from lia_bench.core.video.reader import Frame, as_frame


def read_image(path: Path) -> Frame:
    """A still image as uint8 RGB (height, width, 3): upright, alpha dropped, told by content and not by suffix.

    Raises:
        InputError: no such file, or not readable as an image.
    """
    # Pillow takes a while to import and the command line has no need of it to start.
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            return as_frame(ImageOps.exif_transpose(image).convert("RGB"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such image") from None
    except UnidentifiedImageError:
        raise InputError(f"{path}: not an image; give a png or jpg file") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{path}: the image is damaged ({error}); give another copy") from error


def resize(frame: Frame, size: tuple[int, int]) -> Frame:
    """`frame` uint8 (H, W, 3) at `size` (height, width), aspect not kept.

    As scikit-image resizes with anti-aliasing, which the published croppings were made with: bilinear, after
    a Gaussian of sigma (s - 1) / 2 along each side that shrinks by the factor s; rounded to 0..255.
    """
    from skimage import transform

    if frame.shape[:2] == tuple(size):
        return frame
    resized: NDArray[np.float64] = transform.resize(frame, size, anti_aliasing=True)
    return np.rint(resized * 255).astype(np.uint8)
