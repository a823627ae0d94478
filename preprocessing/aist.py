"""AIST: street dances, one dancer a video."""

import re
from collections.abc import Callable
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
    from lia_bench.preprocessing.layouts import Partition
    from lia_bench.preprocessing.preparing import PreparationOptions

DATASET = DatasetSpecification(
    name="aist",
    summary="AIST Dance: whole bodies of street dancers, found by detection",
    source="aistdancedb.ongaaccel.jp, for academic research under its own terms",
    command="lia_bench.preprocessing.aist:command",
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
    partition_of: "Callable[[str, str | None], Partition]",
) -> None:
    """Cut dancers out of the videos of AIST; no dancer is in both partitions.

    \b
    Example:
      lia-bench preprocess aist --footage aist --device cuda
    """
    from lia_bench.core.prepared_dataset import VIDEO_SUFFIXES
    from lia_bench.preprocessing.layouts import find_units
    from lia_bench.preprocessing.preparing import prepare_from_search
    from lia_bench.preprocessing.report import report
    from lia_bench.preprocessing.subjects import plan_subjects

    layout = find_units(footage, VIDEO_SUFFIXES, partition_of, person_of=dancer_of)
    plan = plan_subjects(layout, detector, min_size, min_frames)
    report(prepare_from_search(plan, options, "aist", {"footage": footage, **plan.settings}))


def dancer_of(name: str) -> str | None:
    """The dancer in a file's name, as "d04"; None where it names none, or several as group dances do."""
    found = re.search(r"_(d\d+)_", name)
    return found.group(1) if found else None
