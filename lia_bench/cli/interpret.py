"""`lia-bench interpret`: what a model's motion directions do, or what it computes on the way to its frames."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lia_bench.cli.options import crop_options
from lia_bench.core.number_types import BATCH_SIZE, Real, count

if TYPE_CHECKING:
    import pandas as pd

    from lia_bench.animation.inputs import Cropper
    from lia_bench.core.video.reader import Frame
    from lia_bench.models.animator import Animator
    from lia_bench.models.blocks.latent_animator import LatentAnimator
    from lia_bench.models.interpretation import Sweep


@click.command()
@click.argument("model")
@click.option("--image", type=click.Path(path_type=Path), required=True, help="Picture of the subject.")
@click.option("--driving", type=click.Path(path_type=Path), help="Video whose magnitudes are followed over time.")
@click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False), help="Folder of the files [default: <image>-<model>]."
)
@click.option(
    "--range",
    "ends",
    type=Real(-1e6, 1e6),
    nargs=2,
    metavar="LOW HIGH",
    help="What each direction's magnitude is changed by; HIGH itself is left out.  [default: -3 3; of liax -0.5 0.5]",
)
@click.option("--steps", type=count(1, 10_000), default=16, show_default=True, help="Pictures from LOW to HIGH.")
@crop_options
@click.option("--device", help="cpu, cuda or cuda:N [default: the GPU where there is one].")
@click.option("--batch-size", type=BATCH_SIZE, default=8, show_default=True, help="Pictures at once.")
@click.option(
    "--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Folder of trained runs."
)
def command(
    model: str,
    image: Path,
    driving: Path | None,
    output: Path | None,
    ends: tuple[float, float] | None,
    steps: int,
    subject: str,
    no_crop: bool,
    device: str | None,
    batch_size: int,
    runs: Path,
) -> None:
    """Show what LIA or LIA-X has learned: each motion direction on one picture, which matter, and the reference image.

    MODEL is lia, liax or iapm[:variant][@checkpoint]; without a checkpoint the newest run is taken. The face is found
    in picture and driving video and cropped as training data is.

    Writes directions/dNN.mp4 and dNN.png (the direction swept), directions.csv (the directions by their effect),
    reference.png, and with --driving magnitudes.csv and magnitudes.png. Of iapm, with --driving, it writes its masks
    from the source's to the refined one beside the frames, stages.mp4 and stages.png. Run again, it replaces them.

    \b
    Examples:
      lia-bench interpret lia:vox-256@vox.pt --image portrait.png --driving talk.mp4
      lia-bench interpret iapm --image portrait.png --driving talk.mp4
    """
    from lia_bench.animation.inputs import Cropper
    from lia_bench.core.errors import InputError
    from lia_bench.core.memory import keep_freed_memory
    from lia_bench.core.registry import load_attribute
    from lia_bench.models.blocks.latent_animator import LatentAnimator
    from lia_bench.models.interpretation import Sweep
    from lia_bench.models.lineup import load_lineup
    from lia_bench.models.reference import ModelReference, NamedModel
    from lia_bench.models.specification import MODELS

    keep_freed_memory()
    reference = ModelReference.parse(model)
    kind = load_attribute(MODELS[reference.name].animator)
    staged = bool(getattr(kind, "staged", False))
    if not staged and not (isinstance(kind, type) and issubclass(kind, LatentAnimator)):
        raise InputError(f"{reference.name} has no motion directions to interpret: take lia or liax")
    if staged and (driving is None or ends):
        raise InputError(f"{reference.name} has no directions: give a --driving video to see its masks, and no --range")
    low, high = ends or ((0.0, 0.0) if staged else (-kind.furthest, kind.furthest))
    sweep = None if staged else Sweep(low, high, steps)
    cropper = Cropper(None if no_crop else subject, lambda line: click.echo(line, err=True))
    picture = cropper.picture(image)
    lineup = load_lineup([NamedModel(reference, model)], runs, device, lambda line: click.echo(line, err=True))
    animator = lineup.models[0].animator
    folder = output or Path(f"{image.stem}-{reference.name}")
    if sweep is None:
        assert driving is not None
        _write_stages(animator, picture, driving, cropper, folder, batch_size)
    else:
        assert isinstance(animator, LatentAnimator)
        _write_directions(animator, picture, driving, cropper, folder, sweep, batch_size)


def _write_directions(
    animator: "LatentAnimator",
    picture: "Frame",
    driving: Path | None,
    cropper: "Cropper",
    path: Path,
    sweep: "Sweep",
    batch_size: int,
) -> None:
    from lia_bench.animation.inputs import open_driving, squares
    from lia_bench.core.console import progress
    from lia_bench.core.memory import batch_size_advice
    from lia_bench.core.video import resize, to_tensor
    from lia_bench.models.blocks.direction_probe import DirectionProbe
    from lia_bench.models.interpretation import DirectionFolder

    side = animator.frame_size
    folder = DirectionFolder(path)
    driven = None
    if driving is not None:
        with open_driving(driving) as footage:
            shown = squares(footage, cropper.square(footage))
            bar = progress(shown, title=f"magnitudes of {driving.name}", total=footage.frames, unit="frame")
            with batch_size_advice(batch_size):
                driven = animator.magnitudes((to_tensor(resize(frame, (side, side))) for frame in bar), batch_size)
            folder.write_magnitudes(driven, footage.clip_fps)
    probe = DirectionProbe(animator, to_tensor(resize(picture, (side, side))))
    folder.write_reference(probe)
    sweeps = folder.write_sweeps(probe, sweep, batch_size)
    with batch_size_advice(batch_size):
        effects = list(progress(sweeps, title="directions", total=probe.count, unit="direction"))
    _print(folder.write_ranking(effects, probe, driven))
    click.echo(f"{folder.path}: {probe.count} directions in directions/, ranked in {folder.ranking.name}")


def _write_stages(
    animator: "Animator", picture: "Frame", driving: Path, cropper: "Cropper", path: Path, batch_size: int
) -> None:
    from lia_bench.animation.inputs import open_driving, squares
    from lia_bench.animation.stages import StageFolder
    from lia_bench.core.console import progress
    from lia_bench.core.memory import batch_size_advice
    from lia_bench.core.video import resize, to_tensor

    side = animator.frame_size or min(picture.shape[:2])
    folder = StageFolder(path)
    source = to_tensor(resize(picture, (side, side)))
    with open_driving(driving) as footage, batch_size_advice(batch_size):
        shown = squares(footage, cropper.square(footage))
        bar = progress(shown, title=f"stages of {driving.name}", total=footage.frames, unit="frame")
        frames = (to_tensor(resize(frame, (side, side))) for frame in bar)
        names = folder.write(animator, source, frames, footage.frames, footage.clip_fps, batch_size)
    click.echo(f"{folder.path}: {', '.join(names)} in {folder.video.name} and {folder.picture.name}")


def _print(ranking: "pd.DataFrame") -> None:
    from rich.console import Console
    from rich.table import Table

    shown = {
        "rank": "rank",
        "direction": "direction",
        "flow": "flow",
        "picture": "picture",
        "source_magnitude": "source at",
        "driving_lowest": "driving from",
        "driving_highest": "to",
    }
    columns = [column for column in shown if column in ranking]
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(shown[column], justify="right")
    for row in ranking[columns].itertuples(index=False):
        table.add_row(f"{row[0]}", f"d_{row[1]}", *(f"{value:.4g}" for value in row[2:]))
    Console().print(table)
    click.echo("a unit of magnitude moves the picture by `flow` pixels and changes its values, 0 to 1, by `picture`")
