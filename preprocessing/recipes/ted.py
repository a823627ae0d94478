"""TED-talks: from a table of crops in the published columns."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lia_bench.preprocessing.download.options import download_options
from lia_bench.preprocessing.options import preparation_options
from lia_bench.preprocessing.specification import DatasetSpecification

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lia_bench.preprocessing.clip_table import MetadataTable
    from lia_bench.preprocessing.download.fetcher import DownloadOptions
    from lia_bench.preprocessing.plan import Plan
    from lia_bench.preprocessing.preparing import PreparationOptions

DATASET = DatasetSpecification(
    name="ted",
    summary="TED-talks: upper bodies of speakers, by a table of crops",
    source=(
        "footage: TED's YouTube videos, under their owners' terms; "
        "table: ted-metadata.csv of github.com/snap-research/articulated-animation (no licence granted)"
    ),
    command="lia_bench.preprocessing.recipes.ted:command",
    subject="body",
)


@click.command()
@click.option(
    "--footage",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the videos, named <video_id>.mp4; with --whole-clips of clips, named as the table's ids.",
)
@click.option(
    "--metadata",
    type=click.Path(path_type=Path),
    help="A table in the published columns.  [default: ted-metadata.csv, fetched once]",
)
@click.option(
    "--whole-clips",
    is_flag=True,
    help="The footage holds a clip for every row, <youtube id>#<start>#<end>.mp4: take each from end to end.",
)
@download_options(1080)
@preparation_options("ted", size=384)
def command(
    options: "PreparationOptions",
    footage: Path,
    metadata: Path | None,
    whole_clips: bool,
    download: "DownloadOptions | None",
) -> None:
    """Cut the clips of TED-talks out of footage, at 384 pixels as MRAA or at 256 as LIA.

    The table that MRAA's repository holds has start = end = 0 in every row, and its boxes belong to square crops
    whose own place in the video was not published: it cannot be applied to TED's videos and is refused. Who has those
    square clips gives --whole-clips.

    \b
    Examples:
      lia-bench preprocess ted --footage videos --metadata ted384-metadata.csv
      lia-bench preprocess ted --footage squares --whole-clips --size 256
    """
    from lia_bench.core.errors import InputError
    from lia_bench.preprocessing.clip_table import read_metadata, table_path
    from lia_bench.preprocessing.preparing import prepare_from_table
    from lia_bench.preprocessing.report import report

    if whole_clips and download is not None:
        raise InputError("--download fetches whole talks and --whole-clips takes clips: leave one of them out")
    table = read_metadata(metadata or table_path("ted"))
    arguments = {"footage": footage, "metadata": table.path, "whole_clips": whole_clips}
    if whole_clips:
        report(prepare_from_table(table, footage, options, "ted", arguments, from_end_to_end))
        return
    check_ranges(table)
    report(prepare_from_table(table, footage, options, "ted", arguments, download=download))


def check_ranges(table: "MetadataTable") -> None:
    """Refuse a table that says of no row which frames it means.

    Raises:
        InputError: start = end in every row.
    """
    from lia_bench.core.errors import InputError

    if all(row.start == row.end for row in table.rows):
        raise InputError(
            f"{table.path}: start = end in all {len(table.rows)} rows, so the table selects no frame, as the one in "
            "MRAA's repository; give the corrected table, or --whole-clips if the footage is the clips themselves"
        )


def from_end_to_end(plan: "Plan") -> "Plan":
    """A plan whose clips are as long as their footage, each named by its whole id: a talk is not the clip of a row."""
    from lia_bench.preprocessing.plan import Plan

    whole = tuple(replace(cut, end=None) for cut in plan.cuts if cut.video.stem == cut.cells["video_id"])
    talks = tuple(
        cut.outcome("unavailable", _missing(cut.cells)) for cut in plan.cuts if cut.video.stem != cut.cells["video_id"]
    )
    decided = tuple(
        replace(one, reason=_missing(one.cells)) if one.reason.startswith("missing_video") else one
        for one in plan.decided
    )
    return Plan(whole, decided + talks)


def _missing(cells: "Mapping[str, str]") -> str:
    return f"missing_clip: there is no {cells['video_id']}.mp4 in the footage folder"
