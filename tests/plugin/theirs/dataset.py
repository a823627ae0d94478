"""The dataset: clips that lie in train/ and test/ already, brought to one size."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lia_bench.preprocessing.options import preparation_options
from lia_bench.preprocessing.specification import DatasetSpecification

if TYPE_CHECKING:
    from lia_bench.preprocessing.preparing import PreparationOptions

DATASET = DatasetSpecification(
    name="theirs",
    summary="clips of faces, whole pictures",
    source="your own clips",
    command="theirs.dataset:command",
    subject="face",
)


@click.command()
@click.option("--footage", type=click.Path(path_type=Path), required=True, help="Folder with train/ and test/.")
@preparation_options("theirs", size=64)
def command(options: "PreparationOptions", footage: Path) -> None:
    """Make a clip of every video.

    \b
    Example:
      lia-bench preprocess theirs --footage clips
    """
    from lia_bench.core.prepared_dataset import VIDEO_SUFFIXES
    from lia_bench.preprocessing.layouts import find_parts
    from lia_bench.preprocessing.preparing import prepare_from_search
    from lia_bench.preprocessing.report import report
    from lia_bench.preprocessing.whole_clips import plan_whole_clips

    plan = plan_whole_clips(find_parts(footage, VIDEO_SUFFIXES))
    report(prepare_from_search(plan, options, "theirs", {"footage": footage}))
