"""The commands as functions of Python.

Every function fills the request that its command fills, which says what the options mean and checks them. Options have
the same names and defaults here and there, but that a flag of the command line is a truth value here (`crop=False`).
"""

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from lia_bench.animation.animated import Animation
    from lia_bench.core.video.conversion import PictureLike, VideoLike

Say = Callable[[str], None]
"""Takes the lines that a command would print."""


def animate(
    picture: "PictureLike",
    video: "VideoLike",
    output: str | PathLike[str] | None = None,
    *,
    model: str | Sequence[str],
    references: "Sequence[PictureLike]" = (),
    format: Literal["mp4", "gif"] | None = None,
    transfer: str | None = None,
    start: Literal["first", "best"] = "first",
    subject: Literal["face", "body"] = "face",
    crop: bool = True,
    paste_back: bool = False,
    side_by_side: bool = False,
    fps: float | None = None,
    device: str | None = None,
    batch_size: int = 8,
    runs: str | PathLike[str] = "runs",
    say: Say = print,
) -> "Animation":
    """Move the subject of a picture as a video moves, as `lia-bench animate` does.

    The face is found in both and cropped as training data is. The other options are those of the command, as
    `lia_bench.animation.request.AnimationRequest` explains them.

    >>> import lia_bench
    >>> animation = lia_bench.animate("me.png", "talk.mp4", model="lia")     # doctest: +SKIP
    >>> animation.frames.shape                                               # doctest: +SKIP
    (221, 256, 256, 3)

    Args:
        picture: a path, or a folder of pictures; a PIL picture; an array (H, W, 3) of uint8 or of floats in [0, 1]; a
            tensor (3, H, W) of such floats.
        video: a path, or a folder of videos; an array (T, H, W, 3), a tensor (T, 3, H, W), or pictures one after the
            other, with `fps` their rate.
        output: the .mp4 or .gif file, or of several results the folder; None writes nothing.
        model: as the command names it, such as "lia" (its newest run) or "lia:vox-256@vox.pt"; several give one strip.
        say: takes lines for the user.

    Raises:
        LiaBenchError: of the kind that names the cause, with the way out.
    """
    from lia_bench.animation.animated import animate as make
    from lia_bench.animation.animated import files_of
    from lia_bench.animation.request import AnimationRequest
    from lia_bench.core.memory import keep_freed_memory

    keep_freed_memory()
    with files_of(picture, video, references) as files:
        request = AnimationRequest(
            models=(model,) if isinstance(model, str) else tuple(model),
            source=files.picture,
            driving=files.video,
            references=files.references,
            output=None if output is None else Path(output),
            format=format,
            transfer=transfer,
            start=start,
            subject=subject,
            crop=crop,
            paste_back=paste_back,
            side_by_side=side_by_side,
            fps=fps,
            batch_size=batch_size,
            device=device,
            runs=Path(runs),
        )
        return make(request, say)
