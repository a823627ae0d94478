"""An animation as Python code gets it, and what it gave as files."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lia_bench.animation import product
from lia_bench.animation.request import AnimationRequest
from lia_bench.core.errors import InputError
from lia_bench.core.video import open_video, write_png_folder
from lia_bench.core.video.conversion import frame_of, frames_of

if TYPE_CHECKING:
    from lia_bench.core.video.conversion import PictureLike, VideoLike


@dataclass(frozen=True)
class Animation:
    """What `lia_bench.animate` made.

    Attributes:
        paths: the files; none where no output was named.
        rendered: frames and rate where no output was named.
    """

    paths: tuple[Path, ...] = ()
    rendered: tuple[NDArray[np.uint8], float] | None = None

    @property
    def path(self) -> Path:
        """The one file.

        Raises:
            InputError: there are several, or none.
        """
        if len(self.paths) != 1:
            raise InputError(f"the animation is in {len(self.paths)} files: see its paths, or name an output")
        return self.paths[0]

    @property
    def frames(self) -> NDArray[np.uint8]:
        """The frames, uint8 RGB (T, H, W, 3); of one in a file, what is decoded from there.

        Raises:
            InputError: there are several files.
        """
        return self._video[0]

    @property
    def fps(self) -> float:
        """Frames a second.

        Raises:
            InputError: there are several files.
        """
        return self._video[1]

    @cached_property
    def _video(self) -> tuple[NDArray[np.uint8], float]:
        if self.rendered is not None:
            return self.rendered
        with open_video(self.path) as reader:
            return np.stack(list(reader)), reader.properties.fps


@dataclass(frozen=True)
class InputFiles:
    """Pictures and videos as the command takes them."""

    picture: Path
    video: Path
    references: tuple[Path, ...]


@contextmanager
def files_of(picture: "PictureLike", video: "VideoLike", references: "Sequence[PictureLike]") -> Iterator[InputFiles]:
    """Inside, there are files of all that is given: those that are none yet are kept without loss for so long.

    Raises:
        InputError: what is neither a path nor a picture or video of a shape that is known.
    """
    with TemporaryDirectory(prefix="lia-bench-") as name:
        folder = Path(name)
        given = [("picture", picture), *((f"reference-{number}", one) for number, one in enumerate(references, 1))]
        first, *others = [_file_of(one, folder / what, what) for what, one in given]
        yield InputFiles(first, _video_file(video, folder / "video"), tuple(others))


def _file_of(given: "PictureLike", path: Path, what: str) -> Path:
    if isinstance(given, str | PathLike):
        return Path(given)
    from PIL import Image

    file = path.with_suffix(".png")
    Image.fromarray(frame_of(given, what)).save(file, compress_level=1)
    return file


def _video_file(given: "VideoLike", path: Path) -> Path:
    if isinstance(given, str | PathLike):
        return Path(given)
    write_png_folder(path, frames_of(given, "video"))
    return path


def animate(request: AnimationRequest, announce: Callable[[str], None]) -> Animation:
    """Make what is asked for; without an output, frames alone.

    Raises:
        LiaBenchError: of the kind that names the cause; InputError where a result of a folder could not be made.
    """
    if request.output is None:
        with product.animation(request, announce) as film:
            for remark in film.remarks:
                announce(remark)
            return Animation(rendered=(np.stack(list(film.frames)), film.fps))
    outcome = product.animate(request, announce)
    for _, written in outcome.made:
        for remark in written.remarks:
            announce(remark)
    outcome.check()
    return Animation((*outcome.kept, *(path for path, _ in outcome.made)))
