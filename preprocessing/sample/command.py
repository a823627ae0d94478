"""`lia-bench preprocess sample`."""

import os
from pathlib import Path
from typing import Literal

import click


@click.command()
@click.option("--output", type=click.Path(path_type=Path), help="Folder of the dataset.  [default: data/sample-<size>]")
@click.option("--size", type=click.IntRange(min=64), default=64, show_default=True, help="Side of the clips in pixels.")
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
    type=click.IntRange(min=4),
    default=32,
    show_default=True,
    help="People, with one clip each; every fourth is a test person.",
)
@click.option("--frames", type=click.IntRange(min=2), default=40, show_default=True, help="Length of each clip.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Of all that is drawn.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=os.cpu_count(),
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
) -> None:
    """Draw talking heads, render them as wide footage and cut the clips out of it.

    The footage, its table and the true positions of the marks stay in <output>/footage. Started again after an
    interruption, the command renders and cuts what is missing.

    \b
    Example:
      lia-bench preprocess sample
    """
    from lia_bench.core.errors import InputError
    from lia_bench.preprocessing.cutting import prepare_by_metadata
    from lia_bench.preprocessing.outcome import report
    from lia_bench.preprocessing.sample.footage import Shooting, shoot

    if clip_format == "mp4" and size % 2:  # before the long part
        raise InputError(f"--size {size}: H.264 needs an even size; give {size + 1}, or --format png")
    folder = output or Path("data") / f"sample-{size}"
    footage = shoot(folder / "footage", Shooting(identities, frames, seed), workers)
    report(
        prepare_by_metadata(
            footage.videos,
            footage.metadata,
            folder,
            recipe="sample",
            size=size,
            format=clip_format,
            workers=workers,
            arguments={"identities": identities, "frames": frames, "seed": seed},
        )
    )
