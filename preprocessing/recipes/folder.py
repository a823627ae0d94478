"""Any footage: clips of everyone who is seen in it."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lia_bench.preprocessing.options import (
    DetectorChoice,
    detection_options,
    preparation_options,
    refuse_given,
    split_options,
    tube_options,
)
from lia_bench.preprocessing.specification import DatasetSpecification

if TYPE_CHECKING:
    from lia_bench.preprocessing.layouts import Layout
    from lia_bench.preprocessing.ledger import Outcome
    from lia_bench.preprocessing.preparing import PreparationOptions

DATASET = DatasetSpecification(
    name="folder",
    summary="any footage: clips of every face or person in it, found by detection alone",
    source="your own footage",
    command="lia_bench.preprocessing.recipes.folder:command",
)


@click.command()
@click.option(
    "--footage", type=click.Path(path_type=Path), required=True, help="Folder of videos, sub-folders included."
)
@click.option("--whole-frames", is_flag=True, help="Take every video as one clip, from corner to corner.")
@click.option(
    "--subject",
    type=click.Choice(["face", "body", "sample"]),
    help="What the clips show, for metrics that depend on it.  [default: what the detector looks for]",
)
@detection_options(None, default="mediapipe")
@tube_options(min_size=None)
@click.option(
    "--fit/--strict",
    "fit",
    default=True,
    show_default=True,
    help="Move a square that leaves the frame into it and shrink it where needed, or drop it by the published rule.",
)
@split_options("videos")
@preparation_options("folder")
def command(
    options: "PreparationOptions",
    footage: Path,
    whole_frames: bool,
    subject: str | None,
    detector: DetectorChoice,
    min_size: int | None,
    min_frames: int,
    fit: bool,
    division: "Callable[[Layout], Layout]",
) -> None:
    """Cut clips out of footage that nobody annotated: one a person and shot.

    A clip ends at a cut, when the person is lost or has moved too far, and when somebody else comes into its square.
    Whether faces or persons are looked for is the detector's affair, and what dataset.json says that clips show, too.

    \b
    Examples:
      lia-bench preprocess folder --footage videos --output data/mine-256
      lia-bench preprocess folder --footage dances --detector mediapipe-pose --min-frames 128
      lia-bench preprocess folder --footage squares --whole-frames
    """
    from lia_bench.core.dataset_description import SUBJECTS_OF_DETECTORS
    from lia_bench.core.prepared_dataset import VIDEO_SUFFIXES
    from lia_bench.preprocessing.detection.detector import DETECTORS
    from lia_bench.preprocessing.layouts import find_units
    from lia_bench.preprocessing.preparing import prepare_from_search
    from lia_bench.preprocessing.report import report
    from lia_bench.preprocessing.tracking.tubes import VOXCELEB_CROP, CropRule, FittedCropRule
    from lia_bench.preprocessing.tracking.unannotated import plan_subjects
    from lia_bench.preprocessing.whole_clips import plan_whole_clips

    if whole_frames:
        refuse_given("does not count with --whole-frames", "detector", "device", "min_size", "min_frames", "fit")
    layout = division(find_units(footage, VIDEO_SUFFIXES))
    side = options.size // 2 if min_size is None else min_size
    rule = (FittedCropRule if fit else CropRule)(min_frames, side, VOXCELEB_CROP.increase)
    plan = plan_whole_clips(layout) if whole_frames else plan_subjects(layout, detector, rule)
    if subject is None:
        subject = "" if whole_frames else SUBJECTS_OF_DETECTORS[DETECTORS[detector.name].subject]
    prepared = prepare_from_search(plan, options, "folder", {"footage": footage, **plan.settings}, subject)
    if not whole_frames and are_crops(prepared.outcomes):
        click.echo(
            "note: every square fills its frame: for videos that are crops already, give --whole-frames", err=True
        )
    report(prepared)


def are_crops(outcomes: "Iterable[Outcome]") -> bool:
    """Whether every clip takes up the whole of a square frame: then the footage was cropped before."""
    from lia_bench.preprocessing.clip_table import parse_box

    good = [outcome.cells for outcome in outcomes if outcome.status == "ok"]
    return bool(good) and all(
        cells["width"] == cells["height"] and parse_box(cells["bbox"]).width >= float(cells["width"]) for cells in good
    )
