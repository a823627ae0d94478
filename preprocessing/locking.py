"""One run at a time in a dataset's folder."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from lia_bench.core.atomic import remove_partial
from lia_bench.core.locking import alone_in_folder
from lia_bench.core.prepared_dataset import FINISHED_FOLDER, PARTITIONS


def remove_partial_clips(output: Path) -> None:
    """Remove what killed processes left half-written in the folders of a dataset."""
    for folder in (*PARTITIONS, FINISHED_FOLDER):
        remove_partial(output / folder)


@contextlib.contextmanager
def alone_in(output: Path) -> Iterator[None]:
    """Keep other runs out of `output`, which is made where it is not there; the system frees it when a run is killed.

    What a killed run left half-written in it and in its folders is removed.

    Raises:
        InputError: another run is at work there, or it is no folder that can be written.
    """
    busy = "another run is preparing this dataset; wait for it, or give this one another --output"
    with alone_in_folder(output, busy, "name another --output"):
        remove_partial_clips(output)
        remove_partial(output)
        yield
