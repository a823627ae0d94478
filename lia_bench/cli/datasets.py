"""`lia-bench datasets`: what can be prepared, and what is here."""

from pathlib import Path

import click


@click.group()
def command() -> None:
    """The datasets there are.

    \b
    Example:
      lia-bench datasets list
    """


@command.command("list")
@click.option(
    "--data",
    "data_folder",
    type=click.Path(path_type=Path),
    default=Path("data"),
    show_default=True,
    help="Folder of prepared datasets.",
)
def list_datasets(data_folder: Path) -> None:
    """Every dataset that `lia-bench preprocess` knows, and the prepared ones under --data."""
    from rich.console import Console
    from rich.table import Table

    from lia_bench.core.prepared_dataset import open_dataset
    from lia_bench.preprocessing.registry import DATASETS

    console = Console()
    known = Table("dataset", "what", "source and licence", box=None, pad_edge=False)
    for name, specification in DATASETS.items():
        known.add_row(name, specification.summary, specification.source)
    console.print(known)
    console.print()
    here = Table("prepared", "train clips", "test clips", "hash", box=None, pad_edge=False)
    for description in sorted(data_folder.glob("*/dataset.json")):
        dataset = open_dataset(str(description.parent))
        counts = [sum(clip.partition == name for clip in dataset.clips) for name in ("train", "test")]
        here.add_row(str(description.parent), *map(str, counts), dataset.hash[:12])
    console.print(here if here.row_count else f"nothing is prepared under {data_folder}/ yet")
