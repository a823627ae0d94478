"""DFDC: the untouched videos of the Deepfake Detection Challenge."""

import json
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
    name="dfdc",
    summary="DFDC: faces of the challenge's untouched videos, found by detection",
    source="ai.meta.com/datasets/dfdc, under the dataset's own agreement",
    command="lia_bench.preprocessing.recipes.dfdc:command",
    subject="face",
)


@click.command()
@click.option(
    "--footage",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the parts dfdc_train_part_<n>/, each with its videos and metadata.json.",
)
@detection_options("face", default="s3fd")
@tube_options(min_size=256)
@split_options("videos")
@preparation_options("dfdc")
def command(
    options: "PreparationOptions",
    footage: Path,
    detector: DetectorChoice,
    min_size: int,
    min_frames: int,
    division: "Callable[[Layout], Layout]",
) -> None:
    """Cut faces out of the videos that metadata.json calls REAL; the others are not looked at.

    \b
    Example:
      lia-bench preprocess dfdc --footage dfdc --device cuda
    """
    from lia_bench.preprocessing.preparing import prepare_from_search
    from lia_bench.preprocessing.report import report
    from lia_bench.preprocessing.tracking.tubes import VOXCELEB_CROP
    from lia_bench.preprocessing.tracking.unannotated import plan_subjects

    rule = replace(VOXCELEB_CROP, min_size=min_size, min_frames=min_frames)
    plan = plan_subjects(division(find_real(footage)), detector, rule)
    report(prepare_from_search(plan, options, "dfdc", {"footage": footage, **plan.settings}))


def find_real(footage: Path) -> "Layout":
    """A unit for every video that is called REAL, also for those that are not there.

    Raises:
        InputError: no metadata.json, or one that is damaged.
    """
    from lia_bench.core.errors import InputError
    from lia_bench.core.text_files import read_text
    from lia_bench.preprocessing.layouts import with_good_names
    from lia_bench.preprocessing.search import Unit

    lists = sorted(footage.glob("**/metadata.json"))
    if not lists:
        raise InputError(f"{footage}: no metadata.json in it or its sub-folders; name the folder of the unpacked parts")
    units = []
    for path in lists:
        try:
            labels = {name: entry["label"] for name, entry in json.loads(read_text(path)).items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InputError) as error:
            raise InputError(f"{path}: not a list of labels ({error}); unpack this part again") from error
        for file in sorted(name for name, label in labels.items() if label == "REAL"):
            video = path.parent / Path(file).name
            name = Path(file).stem
            units.append(Unit(name, video if video.is_file() else None, name, None, "train"))
    return with_good_names(units, footage)
