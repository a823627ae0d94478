"""Pictures and videos as Python code has them: files, PIL's pictures, arrays and tensors."""

from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.errors import InputError
from lia_bench.core.video.image import picture_frame, read_picture, to_frame, to_tensor
from lia_bench.core.video.reader import Frame
from lia_bench.core.video.readers import open_video

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from torch import Tensor

    PictureLike: TypeAlias = str | PathLike[str] | Picture | NDArray[np.generic] | Tensor
    VideoLike: TypeAlias = str | PathLike[str] | NDArray[np.generic] | Tensor | Iterable[PictureLike]

WANTED_PICTURE = (
    "a path, a PIL picture, an array (H, W, 3) of uint8 or of floats in [0, 1], or a tensor (3, H, W) of floats in "
    "[0, 1]"
)
WANTED_VIDEO = "a path, an array (T, H, W, 3), a tensor (T, 3, H, W), or one picture after the other"


def image_of(given: "PictureLike", what: str) -> "Tensor":
    """A picture as a model takes it: float32 (3, H, W) in [0, 1]; a tensor is what it was, and not checked.

    Args:
        given: a path, a PIL picture, or an array (H, W, 3) of uint8 or of floats in [0, 1].
        what: it is, for messages.

    Raises:
        InputError: it is none of these, or a file that cannot be read.
    """
    import torch

    if isinstance(given, torch.Tensor):
        return given
    if isinstance(given, np.ndarray) and given.dtype.kind == "f":
        _check_array(given, what)
        return torch.from_numpy(np.ascontiguousarray(given.transpose(2, 0, 1), dtype=np.float32))
    return to_tensor(frame_of(given, what))


def images_of(given: "VideoLike", what: str) -> "Iterator[Tensor]":
    """As `image_of`, of every frame of a video, one in memory at a time where it comes so."""
    return (image_of(frame, what) for frame in _pictures(given, what))


def levels_of(given: "VideoLike", what: str) -> "Iterator[Tensor]":
    """As `images_of`, but of frames of whole levels these, uint8 (3, H, W); `to_range` makes the others of them."""
    import torch

    for frame in _pictures(given, what):
        if isinstance(frame, torch.Tensor) or (isinstance(frame, np.ndarray) and frame.dtype.kind == "f"):
            yield image_of(frame, what)
        else:
            yield torch.from_numpy(frame_of(frame, what)).permute(2, 0, 1)


def to_range(image: "Tensor") -> "Tensor":
    """Whole levels, uint8, as float32 in [0, 1], on their device; floats as they are."""
    return image if image.is_floating_point() else image.float() / 255


def frame_of(given: "PictureLike", what: str) -> Frame:
    """A picture as it is cut and written: uint8 RGB (H, W, 3).

    Args:
        given: a path, a PIL picture, an array (H, W, 3) of uint8 or of floats in [0, 1], or a tensor (3, H, W) of
            such floats.
        what: it is, for messages.

    Raises:
        InputError: it is none of these, or a file that cannot be read.
    """
    if isinstance(given, str | PathLike):
        return read_picture(Path(given))
    if isinstance(given, np.ndarray):
        _check_array(given, what)
        return _levels(given)
    from PIL import Image

    if isinstance(given, Image.Image):
        return picture_frame(given, what)
    import torch

    if isinstance(given, torch.Tensor) and given.ndim == 3 and given.is_floating_point():
        if given.shape[0] != 3 or not (given.min() >= 0 and given.max() <= 1):
            raise _refused(f"{given.dtype} of shape {tuple(given.shape)}, {_range(given.numpy(force=True))}", what)
        return to_frame(given)
    raise _refused(_described(given), what)


def frames_of(given: "VideoLike", what: str) -> Iterator[Frame]:
    """As `frame_of`, of every frame of a video, one in memory at a time where it comes so."""
    return (frame_of(frame, what) for frame in _pictures(given, what))


def _pictures(given: "VideoLike", what: str) -> "Iterator[PictureLike]":
    if isinstance(given, str | PathLike):
        with open_video(Path(given)) as reader:
            yield from reader
        return
    if getattr(given, "ndim", 4) != 4 or not isinstance(given, Iterable):
        raise InputError(f"the {what} is {_described(given)}: give {WANTED_VIDEO}")
    yield from given


def _check_array(given: NDArray[np.generic], what: str) -> None:
    if given.ndim != 3 or given.shape[2] != 3 or (given.dtype != np.uint8 and given.dtype.kind != "f"):
        raise _refused(_described(given), what)
    if given.dtype.kind == "f" and not (float(given.min()) >= 0 and float(given.max()) <= 1):
        raise _refused(f"{_described(given)}, {_range(given)}", what)


def _levels(given: NDArray[np.generic]) -> Frame:
    if given.dtype == np.uint8:
        return np.array(given, dtype=np.uint8)
    return np.rint(given.astype(np.float32) * 255).astype(np.uint8)


def _described(given: object) -> str:
    if hasattr(given, "dtype") and hasattr(given, "shape"):
        return f"{given.dtype} of shape {tuple(given.shape)}"
    return f"a {type(given).__name__}"


def _range(values: NDArray[np.generic]) -> str:
    return f"from {float(values.min()):.3g} to {float(values.max()):.3g}"


def _refused(described: str, what: str) -> InputError:
    return InputError(f"the {what} is {described}: give {WANTED_PICTURE}")
