"""VoxCeleb from its published table of crops."""

import os
from pathlib import Path
from typing import Literal

import click

from lia_bench.preprocessing.specification import DatasetSpecification

DATASET = DatasetSpecification(
    name="vox",
    summary="VoxCeleb: talking faces, cut out of footage by the published table of crops",
    source=(
        "footage: the YouTube videos of VoxCeleb, under their owners' terms; "
        "table: vox-metadata.csv of github.com/AliaksandrSiarohin/video-preprocessing (no licence stated)"
    ),
    command="lia_bench.preprocessing.vox:command",
)


@click.command()
@click.option(
    "--footage", type=click.Path(path_type=Path), required=True, help="Folder of the videos, named <video_id>.mp4."
)
@click.option(
    "--metadata", type=click.Path(path_type=Path), required=True, help="The published table, vox-metadata.csv."
)
@click.option("--output", type=click.Path(path_type=Path), help="Folder of the dataset.  [default: data/vox-<size>]")
@click.option("--size", type=click.IntRange(min=2), default=256, show_default=True, help="Side of the clips in pixels.")
@click.option(
    "--format",
    "clip_format",
    type=click.Choice(["mp4", "png"]),
    default="mp4",
    show_default=True,
    help="H.264 files, or folders of pictures without loss.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=os.cpu_count(),
    show_default="one a core",
    help="Processes that cut.",
)
def command(
    footage: Path, metadata: Path, output: Path | None, size: int, clip_format: Literal["mp4", "png"], workers: int
) -> None:
    """Cut the clips of VoxCeleb out of footage, by the published table and the published rules.

    Every row of the table whose footage is there becomes a clip; clips.csv says what became of each row. Started
    again after an interruption or with more footage, the command cuts what is missing.

    \b
    Example:
      lia-bench preprocess vox --footage videos --metadata vox-metadata.csv
    """
    from lia_bench.preprocessing.cutting import prepare_by_metadata
    from lia_bench.preprocessing.outcome import report

    report(
        prepare_by_metadata(
            footage,
            metadata,
            output or Path("data") / f"vox-{size}",
            recipe="vox",
            size=size,
            format=clip_format,
            workers=workers,
            arguments={"footage": footage, "metadata": metadata},
        )
    )
