"""Waiting for processes that were started by another one, which is gone."""

import time
from collections.abc import Iterable
from pathlib import Path

SECONDS = 120


def wait_until_ended(processes: Iterable[int]) -> None:
    """Wait until none of them runs; who has ended counts, whether or not somebody asked how."""
    until = time.monotonic() + SECONDS
    while running := [process for process in processes if _runs(process)]:
        assert time.monotonic() < until, running
        time.sleep(0.02)


def _runs(process: int) -> bool:
    try:
        # The name, which may hold anything, is in brackets.
        state = (
            Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
        )
    except OSError:
        return False
    return state not in "ZX"
