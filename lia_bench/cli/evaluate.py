"""`lia-bench evaluate`: models over a test set, scored, compared and shown side by side."""

from pathlib import Path
from typing import Any

import click

from lia_bench.cli.options import arrangement_options, frame_options, hurry_options, metric_options, names
from lia_bench.core.names import printable
from lia_bench.core.number_types import BATCH_SIZE, LARGEST_SIDE, SEED, count

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(name="evaluate")
@click.option(
    "--models",
    required=True,
    callback=names,
    metavar="NAME[:VARIANT][@CHECKPOINT],...",
    help="Models to compare; identity, the floor, is always added. Without a checkpoint the newest finished run of "
    "`train` on this dataset is taken, else the published checkpoint of the variant, where it was fetched; the file of "
    "a sweep as the checkpoint means all its runs.",
)
@click.option("--dataset", help="Name or folder of a prepared dataset.  [default: the only one in --data]")
@click.option(
    "--task",
    "tasks",
    multiple=True,
    type=click.Choice(["reconstruction", "cross"]),
    help="May be given twice.  [default: both; cross only where test clips show two persons]",
)
@click.option(
    "--transfer",
    metavar="MODE",
    help="How the cross task moves the source: relative, absolute, or another mode of the models; of single models as "
    "relative,mraa=avd. That of reconstruction is --reconstruction-transfer.  "
    "[default: relative; of a model without it, the model's own]",
)
@metric_options
@click.option("--name", help="Folder below --results.  [default: dataset, size, and what is not usual]")
@click.option("--device", help="cpu, cuda, cuda:1, ...  [default: the GPU where there is one]")
@click.option(
    "--batch-size",
    type=BATCH_SIZE,
    default=8,
    show_default=True,
    help="Frames rendered together; no number depends on it.",
)
@click.option(
    "--clips",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="LIST",
    help="Only the test clips that this file names, one a line, or the good ones of a clips.csv. "
    "`lia-bench datasets common` writes such lists.",
)
@click.option(
    "--size",
    type=count(1, LARGEST_SIDE),
    metavar="PIXELS",
    help="Side at which frames are scored; every model renders at its own, and larger or smaller frames are resized.  "
    "[default: that of the model whose frames are smallest]",
)
@click.option("--limit", type=count(), metavar="N", help="Only the first N test clips.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of the pairs and the 95 % intervals.")
@click.option(
    "--pairs", type=count(), metavar="N", help="Animations of the cross task.  [default: one a clip, up to 50]"
)
@click.option(
    "--pairs-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="CSV",
    help="The pairs of the cross task, in place of drawn ones: columns source,driving and perhaps frame, which of the "
    "source's frames is animated.",
)
@hurry_options
@arrangement_options
@frame_options
@click.option(
    "--videos/--no-videos",
    default=True,
    show_default=True,
    help="Write videos: of each clip all models side by side, and the driving clip and every model alone.",
)
@click.option("--flow-videos", is_flag=True, help="Write the models' dense flows as videos, too.")
@click.option(
    "--show",
    callback=names,
    metavar="KIND,...",
    help="Draw keypoints, masks or flows of each model over source, driving frames and result, in a further video.",
)
@click.option("--data", type=FOLDER, default=Path("data"), show_default=True, help="Folder of prepared datasets.")
@click.option("--runs", type=FOLDER, default=Path("runs"), show_default=True, help="Folder of training runs.")
@click.option("--results", type=FOLDER, default=Path("results"), show_default=True, help="Folder of results.")
def command(**given: Any) -> None:
    """Run models over the test clips of a dataset, score them and print the table.

    Writes leaderboard.csv, per_clip.csv, report.json and videos of each clip to RESULTS/NAME. Killed and
    started again, it goes on after the last finished clip. The same dataset and settings with other models add rows
    to the same table. Under torchrun the clips are spread over its processes.

    \b
    Example:
      lia-bench evaluate --models lia,fomm --dataset sample
      lia-bench evaluate --models lia:vox-256 --dataset vox --task reconstruction --metrics l1,lpips
      lia-bench evaluate --models lia --dataset vox --clips common.txt
      lia-bench evaluate --models lia,fomm --dataset sample --show keypoints,masks
      lia-bench evaluate --models lia --dataset vox --task cross --sources portraits --set-side source
      lia-bench evaluate --models lia@runs/lia/vox-256-vox+motion.directions.sweep.json --dataset vox
    """
    from lia_bench.core.console import say
    from lia_bench.core.errors import InputError
    from lia_bench.core.memory import batch_size_advice, keep_freed_memory
    from lia_bench.leaderboards.board.evaluation import evaluation_board
    from lia_bench.leaderboards.evaluation.evaluate import evaluate
    from lia_bench.leaderboards.evaluation.request import EvaluationRequest
    from lia_bench.leaderboards.printing.terminal import print_board
    from lia_bench.metrics.specification import Protocol

    # The options are the request's fields.
    fields = given | {"protocol": Protocol(given["protocol"]), "show": given["show"] or ()}
    request = EvaluationRequest(**fields)
    keep_freed_memory()
    with batch_size_advice(request.batch_size):
        outcome = evaluate(request, announce=say)
    if not outcome.first:
        return
    print_board(evaluation_board(outcome.report.content))
    click.echo(printable(f"leaderboard: {outcome.leaderboard}"))
    if outcome.video is not None:
        click.echo(printable(f"side by side: {outcome.video}"))
    if outcome.failures:
        count = len(outcome.failures)
        more = f" (and {count - 1} more, listed in {outcome.report.folder / 'report.json'})" if count > 1 else ""
        raise InputError(f"a clip was left out: {outcome.failures[0]}{more}")
