"""VoxCeleb: from its published table of crops, or from its annotation files by the published procedure."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lia_bench.preprocessing.download.options import download_options
from lia_bench.preprocessing.options import DetectorChoice, detection_options, preparation_options, refuse_given
from lia_bench.preprocessing.specification import DatasetSpecification

if TYPE_CHECKING:
    from lia_bench.preprocessing.crops import Cut
    from lia_bench.preprocessing.download.options import DownloadOptions
    from lia_bench.preprocessing.footage import Footage
    from lia_bench.preprocessing.layouts import Layout
    from lia_bench.preprocessing.outcome import Outcome
    from lia_bench.preprocessing.plan import Plan
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
    type=click.IntRange(min=1),
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
    from lia_bench.preprocessing.detection.registry import check_weights
    from lia_bench.preprocessing.download.batch import fetch_missing
    from lia_bench.preprocessing.plan import videos_of_share
    from lia_bench.preprocessing.preparing import check_output, prepare_from_search, prepare_from_table
    from lia_bench.preprocessing.report import report
    from lia_bench.preprocessing.search import share_of_units

    if annotations is not None and metadata is not None:
        raise InputError("the clips come from a table or from annotations: give --metadata or --annotations, not both")
    if annotations is None:
        refuse_given("counts only with --annotations", "min_size", "detector", "device")
    check_output(options, "vox")
    if annotations is not None:
        share = share_of_units(find_utterances(annotations).units, options.shard or (1, 1))
        check_weights(detector.name)
        fetch_missing((unit.video_id for _, unit in share), footage, download)
        search = plan_search(footage, annotations, detector, min_size)
        arguments = {"footage": footage, "annotations": annotations, **search.settings}
        report(prepare_from_search(search, options, "vox", arguments))
        return
    table = read_metadata(metadata or table_path("vox"))
    fetch_missing(videos_of_share(table, options.shard or (1, 1)), footage, download)
    arguments = {"footage": footage, "metadata": table.path}
    report(prepare_from_table(table, footage, options, "vox", arguments, divided_by_person))


def divided_by_person(plan: "Plan") -> "Plan":
    """A plan in which no test person is trained on: all their clips are for testing, wherever a row puts them.

    The published table lists four rows of test persons for training, and the same clips for testing further down.
    """
    from dataclasses import replace

    from lia_bench.preprocessing.plan import Plan
    from lia_bench.preprocessing.recipes.partitions import voxceleb_partition

    def is_tested(item: "Cut | Outcome") -> bool:
        return voxceleb_partition(item.cells["person_id"]) == "test"

    return Plan(
        tuple(replace(cut, partition="test") if is_tested(cut) else cut for cut in plan.cuts),
        tuple(replace(row, partition="test") if is_tested(row) else row for row in plan.decided),
    )


def plan_search(footage: Path, annotations: Path, detector: DetectorChoice, min_size: int) -> "SearchPlan":
    """A search of every annotated utterance, in the order of their names.

    Raises:
        InputError: no footage, or no annotation.
    """
    from dataclasses import replace

    from lia_bench.preprocessing.detection.registry import what_detects
    from lia_bench.preprocessing.plan import videos_in
    from lia_bench.preprocessing.search import SearchPlan, as_settings
    from lia_bench.preprocessing.tracking.tubes import VOXCELEB_CROP, VOXCELEB_TUBES

    videos = videos_in(footage)
    layout = find_utterances(annotations)
    rule = replace(VOXCELEB_TUBES, crop=replace(VOXCELEB_CROP, min_size=min_size))
    return SearchPlan(
        units=tuple(replace(unit, video=videos.get(unit.video_id)) for unit in layout.units),
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
    from lia_bench.preprocessing.annotations import find_annotations
    from lia_bench.preprocessing.clip_table import printable
    from lia_bench.preprocessing.layouts import with_good_names

    files, problems = find_annotations(annotations)
    reasons = (str(problem).replace(f"{annotations}/", "") for problem in problems)
    return with_good_names(
        (_unit(file) for file in files), annotations, (printable(f"unreadable_folder: {reason}") for reason in reasons)
    )


def _unit(file: Path) -> "Unit":
    from lia_bench.preprocessing.recipes.partitions import voxceleb_partition
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
    from lia_bench.preprocessing.annotations import read_utterance
    from lia_bench.preprocessing.detection.registry import build_detector
    from lia_bench.preprocessing.tracking.annotated_tubes import search_utterance

    built = build_detector(detector.name, detector.device)

    def search(footage: "Footage", unit: "Unit") -> "list[Finding]":
        assert unit.annotation is not None
        utterance = read_utterance(unit.annotation, footage.width / footage.height)
        return search_utterance(footage, utterance, built, unit.partition, rule)

    return search
