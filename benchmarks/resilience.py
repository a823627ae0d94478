"""Commands killed, run twice at once, and on a full disk: `PYTHONPATH=. python benchmarks/resilience.py`.

`preprocess vox`, `train`, `evaluate` and `leaderboard html` are killed (SIGKILL) at random moments and run again, until
they end; what they leave is compared with what an undisturbed run leaves. One that ends before its kill is compared as
well, and begins anew. They are forked from this process, which has loaded the libraries, so that kills fall on the
work. Then two of each run in one folder, and each runs on disks (tmpfs, which root alone can mount) of a part of the
room that it needs, and again with room. Raters answer while `study serve` is killed: what was acknowledged has to be
there.
"""

import importlib
import random
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
from resilience_commands import PATIENCE, Command, Result, finished, kill, prepare, said, start

from lia_bench.leaderboards.study.creation import StudyRequest, create_study
from tests.leaderboards.study_server import Load, rate_at_once, serving
from tests.leaderboards.toy_results import ToyResults, write_results

DISKS = (0.1, 0.4, 0.7, 0.95)
"""Sizes of the full disks, as parts of what an undisturbed run leaves."""
LIBRARIES = (
    "torch",
    "torchmetrics",
    "lightning_fabric",
    "lia_bench.models.training.trainer",
    "lia_bench.metrics.suite",
)
WAY_OUT = "make room"
"""What a command on a full disk has to say."""


@dataclass
class Outcome:
    """What became of a command's trials.

    Attributes:
        kills: how many kills, or full disks, hit a run at work.
        ended: how many runs ended after them, or before one could hit them.
        same: how many of them left what an undisturbed run leaves.
        complaints: what went wrong, a line each.
    """

    kills: int = 0
    ended: int = 0
    same: int = 0
    complaints: list[str] = field(default_factory=list)


@click.command()
@click.option("--kills", default=20, show_default=True, help="Of each command.")
@click.option("--seed", default=0, show_default=True, help="Of the moments.")
@click.option("--only", default="", help="Commands to try, separated by commas.  [default: all]")
def main(kills: int, seed: int, only: str) -> None:
    """Print a line for each command and kind of trial; exit code 1 where any left something else."""
    for library in LIBRARIES:
        importlib.import_module(library)
    moments = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        commands = prepare(place / "inputs")
        wanted = set(only.split(",")) if only else {*(command.name for command in commands), "study serve"}
        complaints: list[str] = []
        for command in commands:
            if command.name in wanted:
                complaints += try_command(command, place / command.name.replace(" ", "-"), kills, moments)
        if "study serve" in wanted:
            complaints += try_server(place / "study", kills, moments)
    for line in complaints:
        click.echo(f"  {line}")
    raise SystemExit(1 if complaints else 0)


def try_command(command: Command, place: Path, kills: int, moments: random.Random) -> list[str]:
    """All trials of a command."""
    begun = time.monotonic()
    process = start(command.words, place / "undisturbed")
    assert finished(process) == 0, said(process, place / "undisturbed")
    seconds, expected = time.monotonic() - begun, command.result(place / "undisturbed")
    complaints = []
    for kind, outcome in (
        (f"{kills} kills", killed(command, place, kills, seconds, expected, moments)),
        ("two at once", twice(command, place / "twice", expected)),
        ("full disk", on_full_disks(command, place, expected)),
    ):
        click.echo(f"{command.name}, {kind}: {outcome.same} of {outcome.ended} ended the same, {outcome.kills} hit")
        complaints += [f"{command.name}, {kind}: {line}" for line in outcome.complaints]
    return complaints


def killed(
    command: Command, place: Path, kills: int, seconds: float, expected: Result, moments: random.Random
) -> Outcome:
    """Kill it at random moments of the time that it needs, until it was hit that often; then let it end."""
    outcome, number = Outcome(), 0
    while True:
        folder = place / f"killed-{number}"
        process = start(command.words, folder)
        last = outcome.kills == kills
        code = finished(process, PATIENCE if last else moments.uniform(0, seconds))
        if code is None and not last:
            kill(process)
            outcome.kills += 1
            continue
        compare(command, folder, code, said(process, folder), expected, outcome)
        if last:
            return outcome
        number += 1


def twice(command: Command, folder: Path, expected: Result) -> Outcome:
    """Start it twice at once: one ends well, and the other one, too, or in a line that says who is at work."""
    outcome = Outcome()
    processes = [start(command.words, folder), start(command.words, folder)]
    codes = [finished(process) for process in processes]
    if 0 not in codes:
        outcome.complaints.append(f"neither of two ended well: {codes}")
    for process, code in zip(processes, codes, strict=True):
        text = said(process, folder)
        if code != 0 and (code != 1 or "Traceback" in text or "process" not in text):
            outcome.complaints.append(f"exit code {code}: {text[-300:]}")
    compare(command, folder, 0, "", expected, outcome)
    return outcome


def on_full_disks(command: Command, place: Path, expected: Result) -> Outcome:
    """Run it on disks that are too small, and again once there is room."""
    outcome = Outcome()
    used = sum(path.stat().st_size for path in (place / "undisturbed").rglob("*") if path.is_file())
    for part in DISKS:
        folder = place / f"disk-{part}"
        with disk(folder, int(used * part)) as has_room:
            process = start(command.words, folder)
            code, text = finished(process), said(process, folder)
            if code == 0:
                compare(command, folder, code, text, expected, outcome)
                continue
            outcome.kills += 1
            if code != 1 or "Traceback" in text or WAY_OUT not in text:
                outcome.complaints.append(f"disk of {part} of the room, exit code {code}: {text[-300:]}")
            has_room()
            process = start(command.words, folder)
            compare(command, folder, finished(process), said(process, folder), expected, outcome)
    return outcome


@contextmanager
def disk(folder: Path, size: int) -> Iterator[Callable[[], None]]:
    """Mount a disk of so many bytes at `folder`; gives what makes it large."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={max(size, 4096)}", "tmpfs", str(folder)]
    subprocess.run(mount, check=True)

    def enlarge() -> None:
        subprocess.run(["mount", "-o", "remount,size=512m", str(folder)], check=True)

    try:
        yield enlarge
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def compare(command: Command, folder: Path, code: int | None, text: str, expected: Result, outcome: Outcome) -> None:
    """Add to an outcome whether a run ended well and left what it should have."""
    outcome.ended += 1
    if code != 0:
        outcome.complaints.append(f"exit code {code}: {text[-300:]}")
        return
    found = command.result(folder)
    different = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    outcome.same += not different
    if different:
        outcome.complaints.append(f"{len(different)} things are others, such as {', '.join(different[:3])}")


def try_server(place: Path, kills: int, moments: random.Random) -> list[str]:
    """All trials of `study serve`: every acknowledged answer is there afterwards."""
    toy = ToyResults(clips=10, models=("lia", "fomm"), tasks=("reconstruction",), frames=2)
    results = write_results(place / "results" / "toy", toy)
    study = place / "answered"
    create_study(StudyRequest((results,), study, pairs=10), lambda line: None)
    empty = shutil.copytree(study, place / "empty")
    complaints, acknowledged = [], set()
    for _ in range(kills):
        acknowledged |= set(answers(study, moments.uniform(0.1, 2)).acknowledged)
        if lost := acknowledged - stored(study):
            complaints.append(f"study serve: {len(lost)} acknowledged answers lost")
    click.echo(f"study serve, {kills} kills: {len(acknowledged)} answers acknowledged, all there: {not complaints}")
    both = shutil.copytree(empty, place / "both")
    with serving(both) as first, serving(both) as second:
        loads = [Load(), Load()]

        def rate(number: int) -> None:
            loads[number] = rate_at_once((first, second)[number].address, 5, 2)

        threads = [threading.Thread(target=rate, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    sent = {answer for load in loads for answer in load.acknowledged}
    complaints += [f"study serve: {len(sent - stored(both))} lost with two servers"] if sent - stored(both) else []
    click.echo(f"study serve, two at once: {len(sent)} answers acknowledged, {len(sent - stored(both))} lost")
    folder = place / "disk"
    used = sum(path.stat().st_size for path in empty.rglob("*") if path.is_file())
    with disk(folder, used + 2**19) as has_room:
        shutil.copytree(empty, folder / "study")
        full = answers(folder / "study", 4, raters=20)
        has_room()
        roomy = answers(folder / "study", 2)
        lost = {*full.acknowledged, *roomy.acknowledged} - stored(folder / "study")
        click.echo(
            f"study serve, full disk: {len(full.acknowledged)} acknowledged, {len(full.problems)} refused, "
            f"then {len(roomy.acknowledged)} with room, {len(lost)} lost"
        )
        if lost or not full.problems or not roomy.acknowledged:
            complaints.append(f"study serve, full disk: {len(lost)} lost; {full.problems[:1]}")
    return complaints


def answers(study: Path, seconds: float, raters: int = 5) -> Load:
    """What raters get done until the server is killed."""
    with serving(study) as server:
        killer = threading.Timer(seconds, server.process.kill)
        killer.start()
        return rate_at_once(server.address, raters, seconds + 1)


def stored(study: Path) -> set[tuple[str, str, int]]:
    """Rater, trial and place of every answer that a study keeps."""
    with sqlite3.connect(study / "answers.sqlite") as database:
        return set(database.execute("SELECT rater, trial, place FROM answers"))


if __name__ == "__main__":
    main()
