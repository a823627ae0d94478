"""One evaluation at a time in a results folder."""

from contextlib import AbstractContextManager
from pathlib import Path

from lia_bench.core.processes import alone_in_folder


def alone_in_results(folder: Path) -> AbstractContextManager[None]:
    """Keep every other process out of a results folder; the operating system frees it when this one dies.

    Raises:
        InputError: another process is at work there, or it is no folder that can be written.
    """
    return alone_in_folder(
        folder,
        "another evaluation is writing into this folder; wait until it is over, or take another --name",
        "take another --name or --results",
    )
