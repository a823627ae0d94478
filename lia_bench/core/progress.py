"""One look for all progress bars."""

import sys
from collections.abc import Iterable
from typing import Any, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def progress(
    items: Iterable[Item] | None = None,
    *,
    title: str,
    total: int | None = None,
    unit: str = "it",
    start: int = 0,
    shown: bool = True,
) -> "tqdm[Any]":
    """A progress bar on standard error, around `items` or moved by hand with `update`.

    A log file gets a line every ten seconds instead of many a second; bytes (unit 'B') are shown in MB.
    Of several processes, one has it `shown`.
    """
    interval = 0.1 if sys.stderr.isatty() else 10.0
    return tqdm(
        items,
        desc=title,
        total=total,
        unit=unit,
        initial=start,
        mininterval=interval,
        dynamic_ncols=True,
        leave=True,
        disable=not shown,
        unit_scale=unit == "B",
    )
