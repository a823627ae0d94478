"""What a run says at its end, and whether it worked."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from lia_bench.core.dataset_description import read_description
from lia_bench.core.errors import InputError
from lia_bench.core.names import counted, printable
from lia_bench.core.prepared_dataset import table_of
from lia_bench.preprocessing.ledger import Outcome
from lia_bench.preprocessing.prepared.contact_sheet import SHEET
from lia_bench.preprocessing.prepared.summary import print_summary
from lia_bench.preprocessing.prepared.verification import unlisted
from lia_bench.preprocessing.preparing import Preparation

EXAMPLES = 3
"""Names printed of what an earlier run left."""

LINES = 12
"""Remarks printed of one kind; clips.csv has them all."""


WAYS_OUT = {
    "too_short": ("min_frames", "a smaller --min-frames keeps them"),
    "too_small": ("min_size", "a smaller --min-size keeps them"),
    "beyond_border": ("fit", "without --strict they are kept"),
    "nothing_found": ("whole_frames", "another --detector may see more, and --whole-frames takes videos as they are"),
}
"""By the code of a rule that drops clips: the parameter of the command without which it has no way out, and that."""


def report(preparation: Preparation) -> None:
    """Print what is there now and, on standard error, everything that was not or that is worth knowing.

    Raises:
        InputError: some clip failed or had no footage, or there is none at all.
    """
    outcomes, output = preparation.outcomes, preparation.output
    good = [outcome for outcome in outcomes if outcome.status == "ok"]
    if preparation.hash:
        _print_kept(output, good)
    for kind in ("note", "failed", "unavailable"):
        _remarks(kind, [outcome for outcome in outcomes if outcome.reason and _kind(outcome) == kind])
    _dropped(outcomes)
    if not preparation.hash:
        raise InputError(
            f"{output}: no clip came of {counted(len(outcomes), 'row')}, for the reasons above; nothing was kept"
        )
    _partitions(good)
    lost = sum(outcome.status in ("failed", "unavailable") for outcome in outcomes)
    if lost:
        raise InputError(
            f"{lost} of {len(outcomes)} clips were not cut, for the reasons above and in "
            f"{output / 'clips.csv'}; mend the footage and run the command again: it cuts what is missing"
        )
    if not good and read_description(output).shard is None:
        raise InputError(f"{output}: no clip is left, for the reasons above")


def _print_kept(output: Path, good: Sequence[Outcome]) -> None:
    print_summary(output)
    partitions = Counter(outcome.partition for outcome in good)
    shares = ", ".join(f"{partitions[name]} {name}" for name in sorted(partitions)) or "none"
    click.echo(f"clips: {len(good)} ({shares}), {counted(sum(clip.frames for clip in good), 'frame')}, in {output}")
    click.echo(f"to look at: {output / SHEET}")
    _left_over(output)


def _dropped(outcomes: Sequence[Outcome]) -> None:
    """Where rules drop more than half: how many each one drops, and how they would be kept."""
    reasons = [outcome.reason.partition(": ") for outcome in outcomes if outcome.status == "dropped"]
    if 2 * len(reasons) <= len(outcomes):
        return
    for code, count in Counter(code for code, _, _ in reasons).most_common():
        example = next(sentence for other, _, sentence in reasons if other == code)
        option, way_out = WAYS_OUT.get(code, ("", ""))
        hint = f"; {way_out}" if option in _parameters() else ""
        click.echo(printable(f"dropped: {count} of {counted(len(outcomes), 'row')}, {code}: {example}{hint}"), err=True)


def _partitions(good: Sequence[Outcome]) -> None:
    """Warn of a division by --test-share that leaves a partition empty."""
    for name, use in (("train", "training"), ("test", "testing")):
        if good and "test_share" in _parameters() and not any(outcome.partition == name for outcome in good):
            click.echo(
                f"warning: no clip is for {use}: give another --test-share, or name those for testing with --test-list",
                err=True,
            )


def _parameters() -> set[str | None]:
    """Those of the command that is running."""
    context = click.get_current_context(silent=True)
    return {parameter.name for parameter in context.command.params} if context else set()


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
        click.echo(printable(f"{kind}: {video}, {rows} row{'s' if rows > 1 else ''}: {reason}"), err=True)
    if len(remarks) > LINES:
        rest = sum(list(remarks.values())[LINES:])
        click.echo(f"{kind}: and {rest} more rows of {len(remarks) - LINES} kinds, all in clips.csv", err=True)
