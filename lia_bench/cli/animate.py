"""`lia-bench animate`: one picture moved by one video."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from lia_bench.core.video import FrameReader


@click.command()
@click.argument("model")
@click.option("--source", type=click.Path(path_type=Path), required=True, help="Image of the subject.")
@click.option("--driving", type=click.Path(path_type=Path), required=True, help="Video of the motion.")
@click.option(
    "--reference",
    "references",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Another image of the subject, for models that take several; give it as often as there are images.",
)
@click.option("--output", type=click.Path(path_type=Path), help="Result [default: <source>-<driving>-<model>.mp4].")
@click.option(
    "--transfer",
    default="relative",
    show_default=True,
    help="relative: the driving video's change since its first frame; absolute: its motion as it is.",
)
@click.option("--side-by-side", is_flag=True, help="Write source, driving and result beside each other.")
@click.option("--device", help="cpu, cuda or cuda:N [default: the GPU where there is one].")
@click.option("--batch-size", type=click.IntRange(min=1), default=8, show_default=True, help="Frames at once.")
@click.option(
    "--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Folder of trained runs."
)
def command(
    model: str,
    source: Path,
    driving: Path,
    references: tuple[Path, ...],
    output: Path | None,
    transfer: str,
    side_by_side: bool,
    device: str | None,
    batch_size: int,
    runs: Path,
) -> None:
    """Move the subject of one image as a driving video moves.

    MODEL is name[:variant][@checkpoint]; without a checkpoint the newest run of that model is taken.
    All inputs are resized to the model's size; crop them to the head first, as the training data is.

    \b
    Example:
      lia-bench animate lia:vox-256@vox.pt --source portrait.png --driving talk.mp4
    """
    from lia_bench.core.errors import InputError
    from lia_bench.core.progress import progress
    from lia_bench.core.video import open_video, read_image, resize, to_frame, to_tensor, write_video
    from lia_bench.models.loading import load_model
    from lia_bench.models.reference import ModelReference
    from lia_bench.models.registry import MODELS

    named = ModelReference.parse(model)
    checkpoint = named.checkpoint
    if checkpoint is None and MODELS[named.name].recipe is not None:
        checkpoint = runs / named.name / "last"
        click.echo(f"no checkpoint was named: taking the newest run, {checkpoint}", err=True)
    animator = load_model(named.name, checkpoint=checkpoint, variant=named.variant, device=device)
    if transfer not in animator.transfer_modes:
        raise InputError(f"{named.name} has no transfer mode '{transfer}': {', '.join(animator.transfer_modes)}")
    result = output or Path(f"{source.stem}-{driving.stem}-{named.name}.mp4")

    picture = read_image(source)
    side = animator.frame_size or min(picture.shape[:2])
    still = resize(picture, (side, side))
    views = [to_tensor(resize(read_image(reference), (side, side))) for reference in references]
    with open_video(driving) as reader:
        frames = progress(_resized(reader, side), title=f"animate {driving.name}", total=len(reader), unit="frame")
        shown: list[np.ndarray] = []
        rendered = animator.animate_stream(
            to_tensor(still), _remembered(iter(frames), shown), transfer, batch_size, references=views
        )
        columns = _columns(rendered, shown, still) if side_by_side else (to_frame(frame) for frame in rendered)
        count = write_video(result, columns, reader.properties.fps)
    click.echo(f"{result}: {count} frames")


def _resized(reader: "FrameReader", side: int) -> "Iterator[np.ndarray]":
    from lia_bench.core.video import resize

    for frame in reader:
        yield resize(frame, (side, side))


def _remembered(frames: "Iterator[np.ndarray]", shown: "list[np.ndarray]") -> "Iterator[Tensor]":
    """Tensors of `frames`; each frame waits in `shown` until its result is there, at most a batch of them."""
    from lia_bench.core.video import to_tensor

    for frame in frames:
        shown.append(frame)
        yield to_tensor(frame)


def _columns(rendered: "Iterator[Tensor]", shown: "list[np.ndarray]", still: "np.ndarray") -> "Iterator[np.ndarray]":
    import numpy as np

    from lia_bench.core.video import to_frame

    for frame in rendered:
        yield np.hstack([still, shown.pop(0), to_frame(frame)])
