"""BAIR robot pushing: a robot arm moves things about, in the records that its owners distribute."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lia_bench.preprocessing.options import preparation_options
from lia_bench.preprocessing.specification import DatasetSpecification

if TYPE_CHECKING:
    from lia_bench.core.video.reader import Frame
    from lia_bench.preprocessing.layouts import Layout
    from lia_bench.preprocessing.preparing import PreparationOptions

DATASET = DatasetSpecification(
    name="bair",
    summary="BAIR robot pushing (softmotion30_44k): a robot arm, whole pictures",
    source="rail.eecs.berkeley.edu/datasets/bair_robot_pushing_dataset_v0.tar (no licence stated)",
    command="lia_bench.preprocessing.recipes.bair:command",
)

FRAMES = 30
SIDE = 64
CAMERA = "image_aux1"
"""The camera that sees the arm from the front, which work on video takes."""


@click.command()
@click.option(
    "--footage",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder softmotion30_44k with train/ and test/, full of .tfrecords files.",
)
@preparation_options("bair")
def command(options: "PreparationOptions", footage: Path) -> None:
    """Unpack the trajectories of BAIR and bring them to one size; every one becomes a clip of 30 frames.

    The pictures of 64x64 stay in <output>/footage. Started again, the command unpacks and cuts what is missing.

    \b
    Example:
      lia-bench preprocess bair --footage softmotion30_44k
    """
    from lia_bench.preprocessing.ledger import alone_in
    from lia_bench.preprocessing.preparing import check_output, prepare_from_search
    from lia_bench.preprocessing.report import report
    from lia_bench.preprocessing.whole_clips import plan_whole_clips

    check_output(options, "bair")
    with alone_in(options.output):
        layout = unpack(footage, options.output / "footage")
    report(prepare_from_search(plan_whole_clips(layout), options, "bair", {"footage": footage}))


def unpack(footage: Path, target: Path) -> "Layout":
    """Every trajectory as a folder of pictures in `target`, and a unit for each.

    What a killed run left half-written there is removed, so nobody else may be unpacking.

    Raises:
        InputError: no records, or the package that reads them is missing.
    """
    from lia_bench.core.atomic import remove_partial
    from lia_bench.core.console import progress
    from lia_bench.core.errors import InputError
    from lia_bench.core.names import printable
    from lia_bench.core.prepared_dataset import PARTITIONS
    from lia_bench.preprocessing.layouts import Partition, with_good_names
    from lia_bench.preprocessing.search import Unit

    files = [file for part in PARTITIONS for file in sorted((footage / part).glob("*.tfrecords"))]
    if not files:
        raise InputError(f"{footage}: no .tfrecords file in train/ or test/; name the folder softmotion30_44k")
    for part in PARTITIONS:
        remove_partial(target / part)
    units: list[Unit] = []
    problems: list[str] = []
    for file in progress(files, title="unpacking", unit="file"):
        partition: Partition = "test" if file.parent.name == "test" else "train"
        try:
            for folder in _unpack_file(file, target / partition):
                units.append(Unit(folder.name, folder, folder.name, None, partition))
        except InputError as error:
            problems.append(printable(f"unreadable_records: {str(error).replace(f'{file}', file.name)}"))
    return with_good_names(units, target, problems)


def _unpack_file(file: Path, target: Path) -> Iterator[Path]:
    """The folder of each trajectory of a file, in its order.

    Raises:
        InputError: the file is cut short or holds something else.
    """
    from lia_bench.core.errors import InputError
    from lia_bench.core.video import write_png_folder

    for number, record in enumerate(_records(file)):
        folder = target / f"{file.stem}--{number:03d}"
        if not folder.is_dir():
            try:
                frames = [_picture(record[f"{index}/{CAMERA}/encoded"]) for index in range(FRAMES)]
            except (KeyError, ValueError) as error:
                raise InputError(f"{file}: record {number} holds no trajectory of BAIR ({error})") from error
            write_png_folder(folder, frames)
        yield folder


def _picture(values: Any) -> "Frame":
    import numpy as np

    return np.frombuffer(bytes(values), dtype=np.uint8).reshape(SIDE, SIDE, 3)


def _records(file: Path) -> Iterator[dict[str, Any]]:
    from lia_bench.core.errors import InputError
    from lia_bench.core.extras import not_installed

    try:
        from tfrecord.reader import tfrecord_loader
    except ImportError:
        raise InputError(not_installed("BAIR's records need tfrecord", "bair")) from None
    names = {f"{index}/{CAMERA}/encoded": "byte" for index in range(FRAMES)}
    try:
        yield from tfrecord_loader(str(file), None, names)
    except Exception as error:
        # The package raises whatever its parser meets in a damaged file.
        raise InputError(
            f"{file}: the records end or break before the end of the file ({error}); fetch it again"
        ) from error
