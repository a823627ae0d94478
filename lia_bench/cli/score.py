"""`lia-bench score`: the metrics of this project for videos that any program made."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from lia_bench.cli.options import frame_options, metric_options
from lia_bench.core.names import counted, printable
from lia_bench.core.number_types import BATCH_SIZE, LARGEST_SIDE, SEED

FOLDER = click.Path(path_type=Path, file_okay=False)


def _trim(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, int, int, int]:
    """Read four pixel counts separated by commas."""
    try:
        top, right, bottom, left = (int(number) for number in value.split(","))
    except ValueError:
        raise click.BadParameter("give four whole numbers: TOP,RIGHT,BOTTOM,LEFT") from None
    if max(top, right, bottom, left) > LARGEST_SIDE:
        raise click.BadParameter(f"{value}: no picture has so many pixels")
    return top, right, bottom, left


@click.command(name="score")
@click.option("--generated", required=True, type=FOLDER, help="Folder of the videos to score.")
@click.option(
    "--reference",
    type=FOLDER,
    help="Folder of the true videos, of the same names whatever their suffix; or a prepared dataset, whose test clips "
    "are taken. Under theval names do not matter, and without the option there are no scores.",
)
@click.option(
    "--source",
    type=click.Path(path_type=Path),
    help="Folder of the images that were animated, of the same names, or one image for all. The references then show "
    "other persons: identity (csim) is compared with the images, and l1, psnr and the like stay empty.",
)
@click.option(
    "--pairs-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="CSV",
    help="What belongs together, in place of equal names: columns source,driving,generated.  "
    "[default: the pairs.csv that `animate` left among the videos]",
)
@frame_options
@click.option("--model", help="What tables call the program.  [default: name of the folder --generated]")
@click.option(
    "--transfer",
    type=click.Choice(["absolute", "relative"]),
    default=None,
    help="How the program transferred motion: after relative transfer, pose_error and expression_error compare what "
    "changed since the first frame.",
)
@partial(metric_options, protocols=("literature", "strict", "theval"))
@click.option(
    "--trim",
    callback=_trim,
    default="0,0,0,0",
    show_default=True,
    metavar="TOP,RIGHT,BOTTOM,LEFT",
    help="Pixels to leave out of every frame, such as lines that a visualiser drew.",
)
@click.option(
    "--name", help="Folder below --results.  [default: score- or theval- and the name of the folder --reference]"
)
@click.option("--device", help="cpu, cuda, cuda:1, ...  [default: the GPU where there is one]")
@click.option(
    "--batch-size",
    type=BATCH_SIZE,
    default=8,
    show_default=True,
    help="Frames scored together; no number depends on it.",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of the 95 % intervals.")
@click.option(
    "--videos/--no-videos",
    default=True,
    show_default=True,
    help="Put the true and the generated videos beside the numbers, for reports to show; those that browsers play are "
    "copied, the others converted. Not under theval.",
)
@click.option("--results", type=FOLDER, default=Path("results"), show_default=True, help="Folder of results.")
def command(**given: Any) -> None:
    """Score videos that any program made: matched with true ones by name, compared frame by frame.

    Adds a row to leaderboard.csv in RESULTS/NAME. Videos without a counterpart, or with other frame counts or sizes,
    are listed and left out. With --protocol theval each video is looked at alone, with its sound, and the means are
    held against those of the true videos.

    \b
    Example:
      lia-bench score --generated outputs/ours --reference data/vox-256 --subject face
      lia-bench score --generated outputs/ours --reference driving --source portraits --metrics akd_mediapipe_face
      lia-bench score --generated animations --reference videos --source pictures
      lia-bench score --generated outputs/ours --reference driving --protocol theval
    """
    from lia_bench.core.console import say
    from lia_bench.core.errors import InputError
    from lia_bench.core.memory import keep_freed_memory
    from lia_bench.leaderboards.board.evaluation import evaluation_board
    from lia_bench.leaderboards.evaluation.request import ScoreRequest
    from lia_bench.leaderboards.evaluation.score import score
    from lia_bench.leaderboards.printing.terminal import print_board
    from lia_bench.metrics.specification import Protocol

    # The options are the request's fields.
    fields = given | {"protocol": Protocol(given["protocol"]), "transfer": given["transfer"] or ""}
    request = ScoreRequest(**fields)
    keep_freed_memory()
    outcome = score(request, announce=say)
    if not outcome.first:
        return
    print_board(evaluation_board(outcome.report.content))
    click.echo(printable(f"leaderboard: {outcome.leaderboard}"))
    for line in outcome.failures:
        click.echo(printable(f"left out: {line}"), err=True)
    if outcome.failures:
        were = "was" if len(outcome.failures) == 1 else "were"
        raise InputError(f"{counted(len(outcome.failures), 'video')} {were} left out, listed above")
