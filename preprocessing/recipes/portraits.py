"""Still pictures of faces, as sources of the cross-identity task."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lia_bench.core.number_types import Real
from lia_bench.preprocessing.boxes import Box, square_within
from lia_bench.preprocessing.options import DetectorChoice, detection_options, preparation_options, refuse_given
from lia_bench.preprocessing.specification import DatasetSpecification

if TYPE_CHECKING:
    from lia_bench.preprocessing.footage import Footage
    from lia_bench.preprocessing.preparing import PreparationOptions
    from lia_bench.preprocessing.search import Finding, Search, Unit

DATASET = DatasetSpecification(
    name="portraits",
    summary="portraits: a folder of still pictures, cropped to the face; clips of one frame",
    source="your own pictures, FFHQ, frames of GermanPublicTV, each under its own terms",
    command="lia_bench.preprocessing.recipes.portraits:command",
    subject="face",
)


@click.command()
@click.option(
    "--footage", type=click.Path(path_type=Path), required=True, help="Folder of pictures, sub-folders included."
)
@click.option("--aligned", is_flag=True, help="The faces are in place, as in FFHQ: take the middle square.")
@click.option(
    "--increase",
    type=Real(0, 100),
    default=0.4,
    show_default=True,
    help="How far the crop reaches beyond the face on each side, in sizes of the face.",
)
@detection_options("face", default="mediapipe")
@preparation_options("portraits")
def command(
    options: "PreparationOptions", footage: Path, aligned: bool, increase: float, detector: DetectorChoice
) -> None:
    """Cut the largest face out of every picture; each becomes a clip of one frame in test/.

    The square is moved, and made smaller where it has to be, so that it lies in the picture.

    \b
    Examples:
      lia-bench preprocess portraits --footage pictures
      lia-bench preprocess portraits --footage ffhq/images1024x1024 --aligned --format png
    """
    from lia_bench.core.video.picture_readers import PICTURE_SUFFIXES
    from lia_bench.preprocessing.detection.detector import what_detects
    from lia_bench.preprocessing.layouts import find_units
    from lia_bench.preprocessing.preparing import prepare_from_search
    from lia_bench.preprocessing.report import report
    from lia_bench.preprocessing.search import SearchPlan

    if aligned:
        refuse_given("does not count with --aligned", "increase", "detector", "device")
    layout = find_units(footage, PICTURE_SUFFIXES, "test")
    if aligned:
        plan = SearchPlan(
            layout.units, make_middle_search, {"search": "middle square"}, layout.decided, counted="picture"
        )
    else:
        settings = {"detector": detector.name, "increase": increase}
        search = partial(make_face_search, detector, increase)
        plan = SearchPlan(layout.units, search, settings, layout.decided, what_detects(detector.name), "picture")
    report(prepare_from_search(plan, options, "portraits", {"footage": footage, **plan.settings}))


def make_face_search(detector: DetectorChoice, increase: float) -> "Search":
    """The search of one picture, with the detector loaded."""
    from lia_bench.preprocessing.detection.detector import build_detector

    built = build_detector(detector.name, detector.device)

    def search(footage: "Footage", unit: "Unit") -> "list[Finding]":
        (faces,) = built.detect([footage.square_frame(0)])
        if not faces:
            return []
        largest = max((face.box for face in faces), key=lambda box: box.width * box.height)
        return [_finding(square_within(largest, increase, (footage.width, footage.height)), footage, unit)]

    return search


def make_middle_search() -> "Search":
    """The search of one picture of an aligned face."""

    def search(footage: "Footage", unit: "Unit") -> "list[Finding]":
        whole = Box(0, 0, footage.width, footage.height)
        return [_finding(square_within(whole, 0, (footage.width, footage.height)), footage, unit)]

    return search


def _finding(box: Box, footage: "Footage", unit: "Unit") -> "Finding":
    from lia_bench.preprocessing.clip_table import found_row
    from lia_bench.preprocessing.search import Finding

    size = (footage.width, footage.height)
    return Finding(unit.name, found_row(unit.video_id, None, 0, 1, box, footage.fps, size, unit.partition))
