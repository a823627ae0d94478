"""Tai-Chi-HD: from its published table of crops, or from footage by the published search for persons."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lia_bench.preprocessing.download.options import download_options
from lia_bench.preprocessing.options import DetectorChoice, detection_options, preparation_options, refuse_given
from lia_bench.preprocessing.specification import DatasetSpecification

if TYPE_CHECKING:
    from lia_bench.preprocessing.download.fetcher import DownloadOptions
    from lia_bench.preprocessing.footage import Footage
    from lia_bench.preprocessing.preparing import PreparationOptions
    from lia_bench.preprocessing.search import Finding, Search, SearchPlan, Unit

DATASET = DatasetSpecification(
    name="taichi",
    summary="Tai-Chi-HD: whole bodies, by the published table of crops or by the published search",
    source=(
        "footage: YouTube videos, under their owners' terms; "
        "table: taichi-metadata.csv of github.com/AliaksandrSiarohin/video-preprocessing (no licence stated)"
    ),
    command="lia_bench.preprocessing.recipes.taichi:command",
    subject="body",
)


@click.command()
@click.option(
    "--footage", type=click.Path(path_type=Path), required=True, help="Folder of the videos, named <video_id>.mp4."
)
@click.option(
    "--metadata",
    type=click.Path(path_type=Path),
    help="A table in the published columns.  [default: taichi-metadata.csv, fetched once]",
)
@click.option("--search", is_flag=True, help="Instead of a table: find the persons anew, by the published procedure.")
@click.option(
    "--test-videos",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --search: a text file with the video ids of the test partition, one a line.",
)
@detection_options("person", default="keypoint-rcnn")
@download_options(1080)
@preparation_options("taichi")
def command(
    options: "PreparationOptions",
    footage: Path,
    metadata: Path | None,
    search: bool,
    test_videos: Path | None,
    detector: DetectorChoice,
    download: "DownloadOptions | None",
) -> None:
    """Cut the clips of Tai-Chi-HD out of footage.

    By default every row of the published table whose footage is there becomes a clip. With --search persons are
    found anew in every video (--detector and --device count for this alone): a clip is a stretch in which one whole
    person stays in one square, alone in it, before a camera that stands still.

    \b
    Examples:
      lia-bench preprocess taichi --footage videos
      lia-bench preprocess taichi --footage videos --search --detector mediapipe-pose
    """
    from lia_bench.core.errors import InputError
    from lia_bench.preprocessing.clip_table import read_metadata, table_path
    from lia_bench.preprocessing.preparing import prepare_from_search, prepare_from_table
    from lia_bench.preprocessing.report import report

    if search and metadata is not None:
        raise InputError("the clips come from a table or from a search: give --metadata or --search, not both")
    if search and download is not None:
        raise InputError("--search takes the videos that are there: --download them first, by a table")
    if search:
        plan = plan_search(footage, test_videos, detector)
        report(prepare_from_search(plan, options, "taichi", {"footage": footage, **plan.settings}))
        return
    refuse_given("counts only with --search", "test_videos", "detector", "device")
    table = read_metadata(metadata or table_path("taichi"))
    arguments = {"footage": footage, "metadata": table.path}
    report(prepare_from_table(table, footage, options, "taichi", arguments, download=download))


def plan_search(footage: Path, test_videos: Path | None, detector: DetectorChoice) -> "SearchPlan":
    """A unit for every video, by name.

    Raises:
        InputError: no footage, no such list, or one that names none of the videos.
    """
    from lia_bench.preprocessing.detection.detector import what_detects
    from lia_bench.preprocessing.layouts import divide_by_list, with_good_names
    from lia_bench.preprocessing.plan import videos_in
    from lia_bench.preprocessing.search import SearchPlan, Unit, as_settings
    from lia_bench.preprocessing.tracking.persons import TAICHI

    videos = sorted(videos_in(footage).items())
    layout = with_good_names((Unit(name, path, name, None, "train") for name, path in videos), footage)
    if test_videos is not None:
        layout = divide_by_list(layout, test_videos)
    settings = {"detector": detector.name, "rule": as_settings(TAICHI)}
    search = partial(make_search, detector)
    return SearchPlan(layout.units, search, settings, layout.decided, what_detects(detector.name))


def make_search(detector: DetectorChoice) -> "Search":
    """The search of one video, with the detector loaded."""
    from lia_bench.preprocessing.detection.detector import build_detector
    from lia_bench.preprocessing.tracking.persons import search_persons

    built = build_detector(detector.name, detector.device)

    def search(footage: "Footage", unit: "Unit") -> "list[Finding]":
        return search_persons(footage, unit.video_id, built, unit.partition)

    return search
