"""Finished frames to a file, with the driving video's sound."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from lia_bench.animation.sound import add_sound, has_sound
from lia_bench.core.atomic import replacing
from lia_bench.core.errors import UnreadableVideoError
from lia_bench.core.video import write_gif, write_video
from lia_bench.core.video.reader import Frame

FORMATS = ("mp4", "gif")


@dataclass(frozen=True)
class Written:
    """What became of a result.

    Attributes:
        frames: how many it has.
        with_sound: whether it can be heard.
        remarks: what the user should know.
    """

    frames: int
    with_sound: bool = False
    remarks: tuple[str, ...] = ()


def write_film(path: Path, frames: Iterable[Frame], fps: float, driving: Path) -> Written:
    """Write `frames`, uint8 RGB (H, W, 3) of one even size, as mp4 or gif by the suffix of `path`.

    An mp4 gets the sound of `driving`, where it has any. The file appears only when it is whole.

    Raises:
        InputError: no frame.
        UnreadableVideoError: a frame of the driving video cannot be decoded.
    """
    if path.suffix.lower() == ".gif":
        return Written(write_gif(path, frames, fps))
    if not has_sound(driving):
        return Written(write_video(path, frames, fps))
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}.", suffix=".partial") as folder,
        replacing(path) as temporary,
    ):
        silent = Path(folder) / "silent.mp4"
        count = write_video(silent, frames, fps)
        try:
            damaged = add_sound(silent, driving, temporary)
        except UnreadableVideoError as error:
            silent.replace(temporary)
            return Written(count, remarks=(f"{path} has no sound: {error}",))
    remark = f"{driving}: {damaged} damaged pieces of its sound are silent in {path}"
    return Written(count, with_sound=True, remarks=(remark,) if damaged else ())
