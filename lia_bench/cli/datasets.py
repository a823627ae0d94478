"""`lia-bench datasets`: what can be prepared, what is here, and whether it is whole."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lia_bench.core.number_types import POOL, count
from lia_bench.core.provenance import usable_cores
from lia_bench.preprocessing.options import parse_shard

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

PIPED_WIDTH = 140
FOLDER = click.Path(path_type=Path)


@click.group()
def command() -> None:
    """The datasets there are: list, inspect, verify, merge, pack and compare them.

    \b
    Examples:
      lia-bench datasets list
      lia-bench datasets verify data/vox-256
    """


@command.command("list")
@click.option(
    "--data",
    "data_folder",
    type=FOLDER,
    default=Path("data"),
    show_default=True,
    help="Folder of prepared datasets.",
)
def list_datasets(data_folder: Path) -> None:
    """Every dataset that `lia-bench preprocess` knows, and the prepared ones under --data.

    \b
    Example:
      lia-bench datasets list
    """
    from lia_bench.core.console import wide_console
    from lia_bench.preprocessing.specification import DATASETS

    console = wide_console(PIPED_WIDTH)
    known = _table("dataset", "what", "source and licence")
    for name, specification in DATASETS.items():
        known.add_row(name, specification.summary, specification.source)
    console.print(known)
    console.print()
    here = _table("prepared", "train clips", "test clips", "hash")
    for description in sorted(data_folder.glob("*/dataset.json")):
        here.add_row(*_prepared(description.parent))
    if here.row_count:
        console.print(here)
    else:
        click.echo(f"nothing is prepared under {data_folder}/ yet")


def _table(*columns: str) -> "Table":
    """A table whose cells are never cut, so that addresses can be copied out of a pipe."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def _prepared(folder: Path) -> "tuple[Text | str, ...]":
    """The row of one folder: its clips and hash, or why it cannot be used, which hides none of the others."""
    from rich.text import Text

    from lia_bench.core.errors import LiaBenchError
    from lia_bench.core.prepared_dataset import PARTITIONS, open_dataset

    name = Text(str(folder))
    try:
        dataset = open_dataset(folder)
    except (LiaBenchError, OSError) as error:
        return name, "-", "-", Text(str(error))
    return name, *(str(sum(clip.partition == part for clip in dataset.clips)) for part in PARTITIONS), dataset.hash[:12]


@command.command()
@click.argument("folder", type=FOLDER)
def show(folder: Path) -> None:
    """What is in a prepared dataset, and which rows of its table are missing for what reason.

    Hours and seconds are those of the rows at the rate of the table.

    \b
    Example:
      lia-bench datasets show data/vox-256
    """
    from lia_bench.preprocessing.prepared.summary import print_details

    print_details(folder)


@command.command()
@click.argument("folder", type=FOLDER)
@click.option(
    "--workers",
    type=POOL,
    default=usable_cores,
    show_default="one a core",
    help="Clips that are read at the same time.",
)
def verify(folder: Path, workers: int) -> None:
    """Compare clips.csv with dataset.json, and decode and hash every clip.

    Names every clip that is missing, unreadable or changed, and fails if there is one.

    \b
    Example:
      lia-bench datasets verify data/vox-256
    """
    from lia_bench.core.errors import InputError
    from lia_bench.preprocessing.prepared.verification import verify as check

    found = check(folder, workers)
    for name in found.unlisted:
        click.echo(f"warning: {name}: clips.csv does not list it as a clip", err=True)
    for problem in found.problems:
        click.echo(f"{problem.clip}: {problem.reason}", err=True)
    if found.problems:
        raise InputError(
            f"{folder}: {len(found.problems)} problem{'s' if len(found.problems) > 1 else ''} among {found.clips} "
            "clips, named above; run the command that prepared the dataset again, it cuts what is missing"
        )
    click.echo(f"{folder}: {found.clips} clips are as they were prepared, hash {found.hash}")


@command.command()
@click.argument("shards", type=FOLDER, nargs=-1, required=True)
@click.option("--output", type=FOLDER, required=True, help="Folder of the whole dataset.")
def merge(shards: tuple[Path, ...], output: Path) -> None:
    """Put the shards of a dataset together, as one run without shards would have made it.

    The clips are hard links to those of the shards, or copies on another file system; the shards stay whole and can be
    removed afterwards. Started again after an interruption, the command goes on.

    \b
    Example:
      lia-bench datasets merge shards/vox-* --output data/vox-256
    """
    from lia_bench.preprocessing.prepared.contact_sheet import write_contact_sheet
    from lia_bench.preprocessing.prepared.shards import merge as put_together
    from lia_bench.preprocessing.prepared.summary import print_summary

    put_together(shards, output)
    sheet = write_contact_sheet(output)
    print_summary(output)
    click.echo(f"contact sheet: {sheet}")


@command.command()
@click.argument("folder", type=FOLDER)
@click.option("--output", type=FOLDER, help="Folder of the packed dataset.  [default: FOLDER-packed]")
@click.option(
    "--quality",
    type=count(1, 100),
    default=95,
    show_default=True,
    help="Of the JPEG pictures; colours have half the resolution (4:2:0).",
)
@click.option(
    "--frames", type=count(), default=50_000, show_default=True, help="Of a tar file, about: clips stay whole."
)
@click.option(
    "--shard",
    callback=parse_shard,
    metavar="N/COUNT",
    help="Write this share of the tar files, as 3/16 in an array job; who finds all there writes the tables.",
)
@click.option(
    "--workers",
    type=POOL,
    default=usable_cores,
    show_default="one a core",
    help="Clips that are read at the same time.",
)
def pack(
    folder: Path, output: Path | None, quality: int, frames: int, shard: tuple[int, int] | None, workers: int
) -> None:
    """Write the frames of a prepared dataset as JPEG pictures into tar files, which training reads fastest.

    The tar files have webdataset's layout, and an index beside each by which any frame is found; `lia-bench train`
    takes the folder as it takes every dataset. Started again after an interruption, the command goes on. Measure on
    the dataset itself: JPEG is not without loss.

    \b
    Examples:
      lia-bench datasets pack data/vox-256
      lia-bench train lia --dataset vox-256-packed
    """
    from lia_bench.core.names import counted
    from lia_bench.preprocessing.prepared.tar_files import PackingOptions
    from lia_bench.preprocessing.prepared.tar_files import pack as write_tars

    target = output or folder.with_name(f"{folder.absolute().name}-packed")
    packed = write_tars(folder, target, PackingOptions(quality, frames, shard or (1, 1), workers))
    if packed.missing:
        there = f"{packed.tars - len(packed.missing)} of {counted(packed.tars, 'tar file')}"
        click.echo(f"{target}: {there} are there; the run that finds all of them writes the tables")
    else:
        click.echo(f"{target}: {counted(packed.tars, 'tar file')}, hash {packed.hash}")


@command.command()
@click.argument("datasets", nargs=-1, required=True)
@click.option("--output", type=FOLDER, help="File to write.  [default: standard output]")
def common(datasets: tuple[str, ...], output: Path | None) -> None:
    """The clips that all of several datasets have, for `lia-bench evaluate --clips`.

    DATASETS are prepared datasets, by name or folder, or the clips.csv of datasets that are elsewhere. The list has a
    line 'partition/clip' for each clip that is ok in all of them.

    \b
    Example:
      lia-bench datasets common data/vox-256 theirs/clips.csv --output common.txt
    """
    from lia_bench.core.atomic import write_text
    from lia_bench.core.errors import InputError
    from lia_bench.core.prepared_dataset import good_clips

    if len(datasets) < 2:
        raise InputError("give at least two datasets or clips.csv files to compare")
    if output is not None and output.is_dir():
        raise InputError(f"{output}: a folder; name a file with --output")
    clips = {name: good_clips(name) for name in datasets}
    shared = sorted(set.intersection(*clips.values()))
    for name, own in clips.items():
        click.echo(f"{len(own):>8} clips in {name}", err=True)
    click.echo(f"{len(shared):>8} clips in all of them", err=True)
    if not shared:
        raise InputError("the datasets have no clip in common")
    text = "".join(f"{key}\n" for key in shared)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_text(output, text)
