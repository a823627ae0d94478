"""VoxCeleb: from its published table of crops, or from its annotation files by the published procedure."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lia_bench.core.number_types import count
from lia_bench.preprocessing.download.options import download_options
from lia_bench.preprocessing.options import DetectorChoice, detection_options, preparation_options, refuse_given
from lia_bench.preprocessing.specification import DatasetSpecification

if TYPE_CHECKING:
    from lia_bench.preprocessing.download.fetcher import DownloadOptions
    from lia_bench.preprocessing.footage import Footage
    from lia_bench.preprocessing.layouts import Layout, Partition
    from lia_bench.preprocessing.ledger import Outcome
    from lia_bench.preprocessing.plan import Cut, Plan
    from lia_bench.preprocessing.preparing import PreparationOptions
    from lia_bench.preprocessing.search import Finding, Search, SearchPlan, Unit
    from lia_bench.preprocessing.tracking.tubes import TubeRule

DATASET = DatasetSpecification(
    name="vox",
    summary="VoxCeleb: talking faces, by the published table of crops or by the annotation files",
    source=(
        "footage: the YouTube videos of VoxCeleb, under their owners' terms; "
        "table: vox-metadata.csv of github.com/AliaksandrSiarohin/video-preprocessing (no licence stated); "
        "annotations: txt/ of VoxCeleb1 or 2 (robots.ox.ac.uk/~vgg/data/voxceleb), CC BY 4.0"
    ),
    command="lia_bench.preprocessing.recipes.vox:command",
    subject="face",
)


VOXCELEB1_TEST = frozenset(f"id{number}" for number in range(10270, 10310))
"""40 persons, VoxCeleb1's own test set for verification."""

# fmt: off
VOXCELEB2_TEST = frozenset(
    f"id{number:05d}"
    for number in (
        17, 61, 81, 154, 419, 562, 812, 817, 866, 926, 1000, 1041, 1066, 1106, 1224, 1228, 1298, 1333, 1437, 1460,
        1509, 1541, 1567, 1593, 1618, 1822, 1892, 1989, 2019, 2057, 2086, 2181, 2286, 2317, 2445, 2465, 2542, 2548,
        2576, 2577, 2685, 2725, 2745, 3030, 3041, 3127, 3178, 3347, 3382, 3524, 3677, 3789, 3839, 3862, 3969, 3978,
        3980, 3981, 4006, 4030, 4094, 4119, 4232, 4253, 4276, 4295, 4366, 4478, 4536, 4570, 4627, 4656, 4657, 4862,
        4950, 5015, 5055, 5124, 5176, 5202, 5459, 5594, 5654, 5714, 5816, 5850, 5999, 6104, 6209, 6310, 6484, 6692,
        6811, 6816, 6913, 7312, 7354, 7396, 7414, 7426, 7494, 7620, 7621, 7663, 7802, 7868, 7874, 7961, 8149, 8374,
        8392, 8456, 8548, 8552, 8696, 8701, 8911, 9017,
    )
)
# fmt: on
"""118 persons, as many as the official test set has."""


@click.command()
@click.option(
    "--footage", type=click.Path(path_type=Path), required=True, help="Folder of the videos, named <video_id>.mp4."
)
@click.option(
    "--metadata",
    type=click.Path(path_type=Path),
    help="A table in the published columns.  [default: vox-metadata.csv, fetched once]",
)
@click.option(
    "--annotations",
    type=click.Path(path_type=Path),
    help="Instead of a table: folder of VoxCeleb's annotation files, <person>/<video>/<utterance>.txt.",
)
@click.option(
    "--min-size",
    type=count(),
    default=256,
    show_default=True,
    help="With --annotations: smallest larger side of a tube in pixels.",
)
@detection_options("face", default="s3fd")
@download_options(720)
@preparation_options("vox")
def command(
    options: "PreparationOptions",
    footage: Path,
    metadata: Path | None,
    annotations: Path | None,
    min_size: int,
    detector: DetectorChoice,
    download: "DownloadOptions | None",
) -> None:
    """Cut the clips of VoxCeleb out of footage.

    By default every row of the published table whose footage is there becomes a clip, by the published rules. With
    --annotations the faces are found anew: a detector looks at every frame, the face that overlaps most with the
    annotated one is followed, and each tube that is long and large enough becomes a clip (--detector and --device
    count for this alone).

    clips.csv says what became of every row or tube. Started again after an interruption or with more footage, the
    command cuts what is missing.

    \b
    Examples:
      lia-bench preprocess vox --footage videos --metadata vox-metadata.csv
      lia-bench preprocess vox --footage videos --download
      lia-bench preprocess vox --footage videos --annotations txt --detector mediapipe
      lia-bench preprocess vox --footage videos --shard 3/16
    """
    from lia_bench.core.errors import InputError
    from lia_bench.preprocessing.clip_table import read_metadata, table_path
    from lia_bench.preprocessing.detection.detector import check_weights
    from lia_bench.preprocessing.download.batch import fetch_missing
    from lia_bench.preprocessing.preparing import check_output, prepare_from_search, prepare_from_table
    from lia_bench.preprocessing.report import report
    from lia_bench.preprocessing.search import share_of_units

    if annotations is not None and metadata is not None:
        raise InputError("the clips come from a table or from annotations: give --metadata or --annotations, not both")
    if annotations is None:
        refuse_given("counts only with --annotations", "min_size", "detector", "device")
        table = read_metadata(metadata or table_path("vox"))
        arguments = {"footage": footage, "metadata": table.path}
        report(prepare_from_table(table, footage, options, "vox", arguments, divided_by_person, download))
        return
    check_output(options, "vox")
    share = share_of_units(find_utterances(annotations).units, options.shard or (1, 1))
    check_weights(detector.name)
    if download is not None:
        fetch_missing((unit.video_id for _, unit in share), footage, download)
    search = plan_search(footage, annotations, detector, min_size)
    settings = {"footage": footage, "annotations": annotations, **search.settings}
    report(prepare_from_search(search, options, "vox", settings))


def divided_by_person(plan: "Plan") -> "Plan":
    """A plan in which no test person is trained on: all their clips are for testing, wherever a row puts them.

    The published table lists four rows of test persons for training, and the same clips for testing further down.
    """
    from dataclasses import replace

    from lia_bench.preprocessing.plan import Plan

    def is_tested(item: "Cut | Outcome") -> bool:
        return voxceleb_partition(item.cells["person_id"]) == "test"

    return Plan(
        tuple(replace(cut, partition="test") if is_tested(cut) else cut for cut in plan.cuts),
        tuple(replace(row, partition="test") if is_tested(row) else row for row in plan.decided),
    )


def voxceleb_partition(person_id: str) -> "Partition":
    """Partition of a person of VoxCeleb1 or VoxCeleb2, whose identifiers never coincide."""
    return "test" if person_id in VOXCELEB1_TEST or person_id in VOXCELEB2_TEST else "train"


def plan_search(footage: Path, annotations: Path, detector: DetectorChoice, min_size: int) -> "SearchPlan":
    """A search of every annotated utterance, in the order of their names.

    Raises:
        InputError: no footage, or no annotation.
    """
    from dataclasses import replace

    from lia_bench.core.names import same_name
    from lia_bench.preprocessing.detection.detector import what_detects
    from lia_bench.preprocessing.plan import videos_in
    from lia_bench.preprocessing.search import SearchPlan, as_settings
    from lia_bench.preprocessing.tracking.tubes import VOXCELEB_CROP, VOXCELEB_TUBES

    videos = videos_in(footage)
    layout = find_utterances(annotations)
    rule = replace(VOXCELEB_TUBES, crop=replace(VOXCELEB_CROP, min_size=min_size))
    return SearchPlan(
        units=tuple(replace(unit, video=videos.get(same_name(unit.video_id))) for unit in layout.units),
        build=partial(make_search, detector, rule),
        settings={"detector": detector.name, "rule": as_settings(rule)},
        decided=layout.decided,
        made_with=what_detects(detector.name),
        counted="utterance",
    )


def find_utterances(annotations: Path) -> "Layout":
    """A unit for every annotation file, in the order of their names, without its footage.

    Raises:
        InputError: no annotation.
    """
    from lia_bench.core.names import printable
    from lia_bench.preprocessing.layouts import with_good_names
    from lia_bench.preprocessing.tracking.annotated import find_annotations

    files, problems = find_annotations(annotations)
    reasons = (str(problem).replace(f"{annotations}/", "") for problem in problems)
    return with_good_names(
        (_unit(file) for file in files), annotations, (printable(f"unreadable_folder: {reason}") for reason in reasons)
    )


def _unit(file: Path) -> "Unit":
    from lia_bench.preprocessing.search import Unit

    person, video = file.parent.parent.name, file.parent.name
    return Unit(
        name=f"{person}#{video}#{file.stem}",
        video=None,
        video_id=video,
        person_id=person,
        partition=voxceleb_partition(person),
        annotation=file,
    )


def make_search(detector: DetectorChoice, rule: "TubeRule") -> "Search":
    """The search of one utterance, with the detector loaded."""
    from lia_bench.preprocessing.detection.detector import build_detector
    from lia_bench.preprocessing.tracking.annotated import read_utterance, search_utterance

    built = build_detector(detector.name, detector.device)

    def search(footage: "Footage", unit: "Unit") -> "list[Finding]":
        assert unit.annotation is not None
        utterance = read_utterance(unit.annotation, footage.width / footage.height)
        return search_utterance(footage, utterance, built, unit.partition, rule)

    return search
