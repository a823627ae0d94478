"""A study server under many raters at once: `python -m benchmarks.study`, in the checkout.

The raters are threads of this process, so that they and the server share the machine; all traffic is on loopback. Each
answers as fast as it can, which people do not, and loads the four files of every question. Then the same again, and the
server is killed in the middle. `--idle` holds connections that ask for nothing beside them.
"""

import signal
import socket
import sqlite3
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

import click
import numpy as np

from lia_bench.leaderboards.study.creation import StudyRequest, create_study
from tests.leaderboards.study_server import Load, rate_at_once, serving
from tests.leaderboards.toy_results import ToyResults, write_results


@click.command()
@click.option("--raters", default=50, show_default=True, help="At once.")
@click.option("--seconds", default=60.0, show_default=True, help="How long they answer; killed after half of it.")
@click.option("--pairs", default=50, show_default=True, help="Questions a rater has, without attention checks.")
@click.option("--idle", default=0, show_default=True, help="Connections that send half a request, or nothing.")
def main(raters: int, seconds: float, pairs: int, idle: int) -> None:
    """Print answers a second, how long an acknowledgement takes, and how many acknowledged answers were lost."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        toy = ToyResults(clips=pairs, models=("lia", "fomm"), tasks=("reconstruction",), side=128, different_videos=5)
        results = write_results(place / "results" / "toy", toy)
        for title, killed in (("ended", False), ("killed in the middle", True)):
            folder = place / title.replace(" ", "-")
            create_study(StudyRequest((results,), folder, pairs=pairs), lambda line: None)
            describe(title, folder, under_load(folder, raters, seconds, killed, idle))


def under_load(folder: Path, raters: int, seconds: float, killed: bool, idle: int) -> Load:
    """Serve a study to raters, to the end or until it is killed."""
    with serving(folder) as server, ExitStack() as stack:
        hold_idle(stack, server.address, idle)
        killer = threading.Timer(seconds / 2, server.process.kill)
        if killed:
            killer.start()
        load = rate_at_once(server.address, raters, seconds, watch=True)
        killer.cancel()
        if not killed:
            server.end(signal.SIGINT)
    return load


def hold_idle(stack: ExitStack, address: str, count: int) -> None:
    """Open connections until the stack is left, every other one with half a request; the server may close them."""
    port = int(address.rstrip("/").rpartition(":")[2])
    for number in range(count):
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
        if number % 2:
            connection.sendall(b"POST /api/answers HTTP/1.1\r\n")


def describe(title: str, folder: Path, load: Load) -> None:
    """Print what happened."""
    with sqlite3.connect(folder / "answers.sqlite") as database:
        there = set(database.execute("SELECT rater, question, side FROM answers"))
    median, late = np.percentile(load.seconds, (50, 99))
    lost = len(set(load.acknowledged) - there)
    print(
        f"{title}: {len(load.acknowledged)} answers acknowledged of {load.sent} sent by "
        f"{len({rater for rater, _, _ in load.acknowledged})} raters, {lost} lost, "
        f"{len(load.problems)} refused; acknowledged after {1000 * median:.0f} ms (median), {1000 * late:.0f} ms (99%)",
        flush=True,
    )


if __name__ == "__main__":
    main()
