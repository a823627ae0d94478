"""AIST: street dances, most of them by one dancer."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lia_bench.preprocessing.options import (
    DetectorChoice,
    detection_options,
    preparation_options,
    split_options,
    tube_options,
)
from lia_bench.preprocessing.specification import DatasetSpecification

if TYPE_CHECKING:
    from lia_bench.preprocessing.layouts import Layout
    from lia_bench.preprocessing.preparing import PreparationOptions

DATASET = DatasetSpecification(
    name="aist",
    summary="AIST Dance: whole bodies of street dancers, found by detection",
    source="aistdancedb.ongaaccel.jp, for academic research under its own terms",
    command="lia_bench.preprocessing.recipes.aist:command",
    subject="body",
)


@click.command()
@click.option(
    "--footage",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the videos, g<genre>_s<situation>_c<camera>_d<dancer>_m<music>_ch<choreography>.mp4.",
)
@detection_options("person", default="keypoint-rcnn")
@tube_options(min_size=256)
@split_options("dancers")
@preparation_options("aist")
def command(
    options: "PreparationOptions",
    footage: Path,
    detector: DetectorChoice,
    min_size: int,
    min_frames: int,
    division: "Callable[[Layout], Layout]",
) -> None:
    """Cut dancers out of the videos of AIST.

    No dancer of a video of one is in both partitions. Videos of groups are divided by their own names, and may show
    dancers of the other partition; leave them out of the footage where that matters.

    \b
    Example:
      lia-bench preprocess aist --footage aist --device cuda
    """
    from lia_bench.core.prepared_dataset import VIDEO_SUFFIXES
    from lia_bench.preprocessing.layouts import find_units
    from lia_bench.preprocessing.preparing import prepare_from_search
    from lia_bench.preprocessing.report import report
    from lia_bench.preprocessing.tracking.tubes import VOXCELEB_CROP
    from lia_bench.preprocessing.tracking.unannotated import plan_subjects

    layout = division(find_units(footage, VIDEO_SUFFIXES, person_of=dancer_of))
    plan = plan_subjects(layout, detector, replace(VOXCELEB_CROP, min_size=min_size, min_frames=min_frames))
    report(prepare_from_search(plan, options, "aist", {"footage": footage, **plan.settings}))


def dancer_of(name: str) -> str | None:
    """The dancer in a file's name, as "d04"; None where it names none, or several as group dances do."""
    found = re.findall(r"_(d\d+)(?=_)", name)
    return found[0] if len(found) == 1 else None
