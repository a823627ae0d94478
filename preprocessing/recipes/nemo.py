"""UvA-Nemo: smiles, cut by the face in the first frame."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lia_bench.preprocessing.options import DetectorChoice, detection_options, preparation_options
from lia_bench.preprocessing.specification import DatasetSpecification

if TYPE_CHECKING:
    from lia_bench.preprocessing.detection.detector import Detector, UprightFootage
    from lia_bench.preprocessing.footage import Footage
    from lia_bench.preprocessing.layouts import Partition
    from lia_bench.preprocessing.preparing import PreparationOptions
    from lia_bench.preprocessing.search import Finding, Search, Unit

DATASET = DatasetSpecification(
    name="nemo",
    summary="UvA-Nemo: smiling faces, cut by the face in the first frame",
    source="uva-nemo.org, under the dataset's own agreement",
    command="lia_bench.preprocessing.recipes.nemo:command",
    subject="face",
)


DETECTION_SIZE = (640, 360)
"""Width and height that the first frame is shown to the detector at, whatever its aspect."""

INCREASE = 0.1
"""Of the face's box, at each side."""

# fmt: off
NEMO_TEST = frozenset(
    f"{number:03d}"
    for number in (
        4, 71, 93, 105, 112, 116, 133, 141, 148, 155, 162, 166, 172, 174, 176, 201, 205, 213, 215, 225, 263, 265, 270,
        304, 336, 343, 400, 414, 418, 445, 447, 450, 456, 483, 492, 502, 505, 510, 525, 536, 553,
    )
)
# fmt: on
"""41 persons, the published ones."""


@click.command()
@click.option(
    "--footage", type=click.Path(path_type=Path), required=True, help="Folder of the videos, <person>_....mp4."
)
@detection_options("face", default="s3fd")
@preparation_options("nemo")
def command(options: "PreparationOptions", footage: Path, detector: DetectorChoice) -> None:
    """Cut the videos of UvA-Nemo by the face in their first frame; the published 41 persons are for testing.

    \b
    Example:
      lia-bench preprocess nemo --footage UvA-NEMO_SMILE_DATABASE
    """
    from lia_bench.core.prepared_dataset import VIDEO_SUFFIXES
    from lia_bench.preprocessing.detection.detector import what_detects
    from lia_bench.preprocessing.layouts import divide, find_units
    from lia_bench.preprocessing.preparing import prepare_from_search
    from lia_bench.preprocessing.report import report
    from lia_bench.preprocessing.search import SearchPlan

    layout = divide(
        find_units(footage, VIDEO_SUFFIXES, person_of=person_of),
        lambda unit: nemo_partition(unit.person_id or unit.name),
    )
    plan = SearchPlan(
        layout.units,
        partial(make_search, detector),
        {"detector": detector.name},
        layout.decided,
        what_detects(detector.name),
    )
    report(prepare_from_search(plan, options, "nemo", {"footage": footage, **plan.settings}))


def nemo_partition(person_id: str) -> "Partition":
    """Partition of a person of UvA-Nemo: the part of a file's name before the first '_'."""
    return "test" if person_id in NEMO_TEST else "train"


def person_of(name: str) -> str:
    """The person in a file's name: what stands before the first '_'."""
    return name.rsplit("--", 1)[-1].split("_")[0]


def make_search(detector: DetectorChoice) -> "Search":
    """The search of one video, with the detector loaded."""
    from lia_bench.preprocessing.detection.detector import build_detector

    built = build_detector(detector.name, detector.device)

    def search(footage: "Footage", unit: "Unit") -> "list[Finding]":
        finding = search_first_frame(footage, unit.video_id, unit.person_id, built, unit.partition)
        return [finding] if finding else []

    return search


def search_first_frame(
    footage: "UprightFootage", video_id: str, person_id: str | None, detector: "Detector", partition: str
) -> "Finding | None":
    """The whole video, cut by the most certain face of its first frame; None where the detector sees no face there.

    The box is brought back to the footage by its true ratio to the detector's frame, which is the published factor 3
    for 1920x1080. It grows by 0.1 to a square and is rejected where that leaves the frame. The clip is called as
    the video.

    Raises:
        UnreadableVideoError: the first frame cannot be decoded.
    """
    from lia_bench.preprocessing.detection.detector import scaled, scaled_frames
    from lia_bench.preprocessing.tracking.tubes import CropRule, Origin, Tube, judge

    (frame,) = scaled_frames(footage, [0], DETECTION_SIZE)
    (faces,) = detector.detect([frame])
    if not faces:
        return None
    box = scaled(faces[0].box, footage.width / DETECTION_SIZE[0], footage.height / DETECTION_SIZE[1])
    origin = Origin(video_id, person_id, footage.fps, (footage.width, footage.height), partition)
    rule = CropRule(min_frames=0, min_size=0, increase=INCREASE)
    return judge(Tube(0, footage.frames, footage.frames, box), rule, origin, video_id)
