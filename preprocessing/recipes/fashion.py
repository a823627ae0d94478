"""The Fashion dataset of DwNet: women turning in front of a white wall."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lia_bench.preprocessing.options import preparation_options
from lia_bench.preprocessing.specification import DatasetSpecification

if TYPE_CHECKING:
    from lia_bench.preprocessing.layouts import Layout
    from lia_bench.preprocessing.preparing import PreparationOptions

DATASET = DatasetSpecification(
    name="fashion",
    summary="Fashion (DwNet): models turning before a white wall, whole pictures",
    source="vision.cs.ubc.ca/datasets/fashion: lists of a shop's videos under the terms on its page",
    command="lia_bench.preprocessing.recipes.fashion:command",
    subject="body",
)

TEST_LIST = "fashion_test.txt"


@click.command()
@click.option(
    "--footage",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the mp4 files: with train/ and test/, or all together beside fashion_test.txt.",
)
@preparation_options("fashion")
def command(options: "PreparationOptions", footage: Path) -> None:
    """Bring the videos of the Fashion dataset to one size; every one becomes a clip.

    Its pages give two lists of addresses, fashion_train.txt and fashion_test.txt; the file names in the second make
    the test partition. The pictures are not square, and are made so as FOMM's authors did, without regard to their
    aspect.

    \b
    Example:
      lia-bench preprocess fashion --footage fashion
    """
    from lia_bench.preprocessing.preparing import prepare_from_search
    from lia_bench.preprocessing.report import report
    from lia_bench.preprocessing.whole_clips import plan_whole_clips

    plan = plan_whole_clips(find_videos(footage))
    report(prepare_from_search(plan, options, "fashion", {"footage": footage}))


def find_videos(footage: Path) -> "Layout":
    """The units, by folders or by the list.

    Raises:
        InputError: neither is there, or the list names none of the videos.
    """
    from lia_bench.core.errors import InputError
    from lia_bench.preprocessing.layouts import divide_by_list, find_parts, find_units

    if (footage / "train").is_dir():
        return find_parts(footage, {".mp4"})
    if not (footage / TEST_LIST).is_file():
        raise InputError(
            f"{footage}: neither train/ and test/ nor {TEST_LIST} is there; put the list beside the videos"
        )
    return divide_by_list(find_units(footage, {".mp4"}), footage / TEST_LIST)
