"""What a run says at its end, and whether it worked."""

from collections import Counter
from pathlib import Path

import click

from lia_bench.core.errors import InputError
from lia_bench.core.names import printable
from lia_bench.core.prepared_dataset import table_of
from lia_bench.preprocessing.outcome import Outcome
from lia_bench.preprocessing.prepared.contact_sheet import SHEET
from lia_bench.preprocessing.prepared.summary import print_summary
from lia_bench.preprocessing.prepared.verification import unlisted
from lia_bench.preprocessing.preparing import Preparation

EXAMPLES = 3
"""Names printed of what an earlier run left."""

LINES = 12
"""Remarks printed of one kind; clips.csv has them all."""


def report(preparation: Preparation) -> None:
    """Print what is there now and, on standard error, everything that was not or that is worth knowing.

    Raises:
        InputError: some clip failed or had no footage.
    """
    print_summary(preparation.output)
    good = [outcome for outcome in preparation.outcomes if outcome.status == "ok"]
    partitions = Counter(outcome.partition for outcome in good)
    shares = ", ".join(f"{partitions[name]} {name}" for name in sorted(partitions)) or "none"
    click.echo(f"clips: {len(good)} ({shares}), {sum(clip.frames for clip in good)} frames, in {preparation.output}")
    click.echo(f"to look at: {preparation.output / SHEET}")
    _left_over(preparation.output)
    for kind in ("note", "failed", "unavailable"):
        _remarks(kind, [outcome for outcome in preparation.outcomes if outcome.reason and _kind(outcome) == kind])
    lost = sum(outcome.status in ("failed", "unavailable") for outcome in preparation.outcomes)
    if lost:
        raise InputError(
            f"{lost} of {len(preparation.outcomes)} clips were not cut, for the reasons above and in "
            f"{preparation.output / 'clips.csv'}; mend the footage and run the command again: it cuts what is missing"
        )


def _left_over(output: Path) -> None:
    others = unlisted(output, table_of(output))
    if others:
        examples = printable(", ".join(others[:EXAMPLES])) + (", ..." if len(others) > EXAMPLES else "")
        click.echo(
            f"note: {output} still holds what an earlier run left and clips.csv does not list, {len(others)} in all: "
            f"{examples}",
            err=True,
        )


def _kind(outcome: Outcome) -> str:
    return "note" if outcome.status == "ok" else outcome.status


def _remarks(kind: str, outcomes: list[Outcome]) -> None:
    remarks = Counter((outcome.cells.get("video_id", outcome.clip), outcome.reason) for outcome in outcomes)
    for (video, reason), rows in list(remarks.items())[:LINES]:
        click.echo(f"{kind}: {video}, {rows} row{'s' if rows > 1 else ''}: {reason}", err=True)
    if len(remarks) > LINES:
        rest = sum(list(remarks.values())[LINES:])
        click.echo(f"{kind}: and {rest} more rows of {len(remarks) - LINES} kinds, all in clips.csv", err=True)
