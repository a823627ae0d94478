"""The embedded dataset: procedurally drawn talking heads, rendered as footage and cut like any other."""

from pathlib import Path
from typing import Literal

import click

from lia_bench.core.number_types import LARGEST_SIDE, POOL, SEED, count
from lia_bench.core.provenance import usable_cores
from lia_bench.preprocessing.specification import DatasetSpecification

DATASET = DatasetSpecification(
    name="sample",
    summary="drawn talking heads with marks on their faces; made on this machine, needs no download",
    source="drawn by this program; free to use like the program itself",
    command="lia_bench.preprocessing.recipes.sample:command",
    subject="sample",
)


@click.command()
@click.option("--output", type=click.Path(path_type=Path), help="Folder of the dataset.  [default: data/sample-<size>]")
@click.option(
    "--size", type=count(64, LARGEST_SIDE), default=64, show_default=True, help="Side of the clips in pixels."
)
@click.option(
    "--format",
    "clip_format",
    type=click.Choice(["mp4", "png"]),
    default="mp4",
    show_default=True,
    help="H.264 files, or folders of pictures without loss.",
)
@click.option(
    "--identities",
    type=count(4, 100_000),
    default=32,
    show_default=True,
    help="People, with one clip each; every fourth is a test person.",
)
@click.option("--frames", type=count(2, 100_000), default=40, show_default=True, help="Length of each clip.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of all that is drawn.")
@click.option(
    "--workers",
    type=POOL,
    default=usable_cores,
    show_default="one a core",
    help="Processes that render and cut.",
)
def command(
    output: Path | None,
    size: int,
    clip_format: Literal["mp4", "png"],
    identities: int,
    frames: int,
    seed: int,
    workers: int,
) -> Path:
    """Draw talking heads, render them as wide footage and cut the clips out of it.

    The footage, its table and the true positions of the marks stay in <output>/footage. Started again after an
    interruption, the command renders and cuts what is missing.

    \b
    Example:
      lia-bench preprocess sample
    """
    from lia_bench.preprocessing.clip_table import read_metadata
    from lia_bench.preprocessing.ledger import alone_in
    from lia_bench.preprocessing.options import make_engine
    from lia_bench.preprocessing.preparing import PreparationOptions, check_output, prepare_from_table
    from lia_bench.preprocessing.recipes.sample.footage import Shooting, shoot
    from lia_bench.preprocessing.report import report

    engine = make_engine(workers, None)
    options = PreparationOptions(output or Path("data") / f"sample-{size}", size, clip_format, engine, engine)
    check_output(options, "sample")
    with alone_in(options.output):
        footage = shoot(options.output / "footage", Shooting(identities, frames, seed), workers)
    arguments = {"identities": identities, "frames": frames, "seed": seed}
    report(prepare_from_table(read_metadata(footage.metadata), footage.videos, options, "sample", arguments))
    return options.output
