"""LIA-Bench: data, benchmark and model zoo for image animation.

`import lia_bench` is quick: what a function needs is imported where it is called.
"""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lia_bench.commands import animate, preprocess, train
from lia_bench.evaluations import evaluate, score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lia_bench.core.video.conversion import VideoLike
    from lia_bench.models.animator import Animator
    from lia_bench.models.export.exported_model import ExportedModel
    from lia_bench.outcomes import Results

    __version__: str
else:

    def __getattr__(name: str) -> str:
        """The version, when it is asked for: it takes longer than all else that `import lia_bench` does."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from lia_bench.core.provenance import VERSION

        return VERSION


def load_model(
    name: str,
    checkpoint: str | Path | None = None,
    variant: str | None = None,
    device: str | None = None,
    **overrides: Any,
) -> "Animator":
    """A model of the zoo, ready to `animate`; see `lia_bench.models.loading.load_model`.

    >>> import torch
    >>> import lia_bench
    >>> model = lia_bench.load_model("lia", "untrained", variant="demo-64", device="cpu")
    >>> source, driving = torch.rand(3, 64, 64), torch.rand(2, 3, 64, 64)
    >>> model.animate(source, driving, transfer="relative").shape
    torch.Size([2, 3, 64, 64])
    """
    # Imported here, so that `import lia_bench` and the command's --help do not wait for torch.
    from lia_bench.models.loading import load_model as load

    return load(name, checkpoint=checkpoint, variant=variant, device=device, **overrides)


def open_exported(folder: str | PathLike[str], runtime: str = "onnx") -> "ExportedModel":
    """A model as `lia-bench models export` wrote it, without torch: `animate` takes and gives uint8 arrays.

    Args:
        folder: of the two graphs and their card.
        runtime: "onnx" for ONNX Runtime, or "openvino", where that is installed.

    Raises:
        UnknownNameError: no such runtime.
        InputError: the runtime is not installed.
        CheckpointError: the folder is damaged, or the runtime cannot read its graphs.
    """
    from lia_bench.models.export.exported_model import ExportedModel

    return ExportedModel(Path(folder), runtime)


def read_picture(path: str | PathLike[str], size: int | None = None) -> "NDArray[np.uint8]":
    """A picture as uint8 RGB (H, W, 3): upright, transparent parts white, told by content and not by suffix.

    Args:
        path: of a PNG, JPEG, WebP, TIFF, BMP or GIF file.
        size: side in pixels that it is scaled to, as models take it, whatever its aspect; None leaves it as it is.
            `lia_bench.animate` cuts a square around the face instead.

    Raises:
        InputError: no such file, or one that is no picture.
    """
    from lia_bench.core.video import read_picture as read
    from lia_bench.core.video import resize

    picture = read(Path(path))
    return picture if size is None else resize(picture, (size, size))


def read_video(path: str | PathLike[str], size: int | None = None) -> "tuple[NDArray[np.uint8], float]":
    """All frames of a video, uint8 RGB (T, H, W, 3), and how many are shown a second.

    Args:
        path: of a file of any container that FFmpeg knows, an animated picture, or a folder of png or jpg frames.
        size: side in pixels that frames are scaled to, as `read_picture` does.

    Raises:
        UnreadableVideoError: no such file, no video, or one that breaks before its end.
    """
    import numpy as np

    from lia_bench.core.video import open_video, resize

    with open_video(Path(path)) as reader:
        frames = (frame if size is None else resize(frame, (size, size)) for frame in reader)
        return np.stack(list(frames)), reader.properties.fps


def write_video(path: str | PathLike[str], frames: "VideoLike", fps: float = 25.0) -> int:
    """Write frames as an mp4 (H.264) or, by its suffix, a gif; returns how many there were.

    Args:
        path: the file; it appears only when it is whole, and its folder is made.
        frames: what `model.animate` gave, uint8 (T, H, W, 3), or single pictures, one after the other; of one even
            size.
        fps: frames a second.

    Raises:
        InputError: no frame, another suffix, an odd size or one that changes.
    """
    from lia_bench.animation.output import check_film_name
    from lia_bench.core.video import write_gif
    from lia_bench.core.video import write_video as write
    from lia_bench.core.video.conversion import frames_of

    film = Path(path)
    check_film_name(film)
    return (write_gif if film.suffix.lower() == ".gif" else write)(film, frames_of(frames, "video"), fps)


def read_results(folder: str | PathLike[str]) -> "Results":
    """What `evaluate` and `score` left in a folder of results, or in the folders in it: `table()`, `clips()`.

    Raises:
        InputError: there is no row that can be read.
    """
    from lia_bench.outcomes import Results

    return Results.read(Path(folder))


__all__ = [
    "__version__",
    "animate",
    "evaluate",
    "load_model",
    "open_exported",
    "preprocess",
    "read_picture",
    "read_results",
    "read_video",
    "score",
    "train",
    "write_video",
]
