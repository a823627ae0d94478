"""A study server under many raters at once: `python -m benchmarks.study`, in the checkout.

The raters are threads of this process, so that they and the server share the machine; all traffic is on loopback. Each
answers as fast as it can, which people do not, and loads the four files of every question. Then the same again, and the
server is killed in the middle. With `--idle` the raters answer alone, beside that many connections that ask nothing,
beside them again, and alone again, so that what else the machine does falls on both alike; an idle connection that the
server closes is opened anew within a second.
"""

import resource
import select
import signal
import socket
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
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

        def study(number: int) -> Path:
            folder = place / f"study-{number}"
            create_study(StudyRequest((results,), folder, pairs=pairs), lambda line: None)
            return folder

        if not idle:
            for number, (title, killed) in enumerate((("ended", False), ("killed in the middle", True))):
                folder = study(number)
                describe(title, folder, under_load(folder, raters, seconds, killed=killed))
            return
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        medians: dict[int, list[float]] = {0: [], idle: []}
        for number, beside in enumerate((0, idle, idle, 0)):
            folder = study(number)
            load = under_load(folder, raters, seconds, idle=beside)
            describe(f"beside {beside} idle connections", folder, load)
            medians[beside].append(float(np.median(load.seconds)))
        ratio = np.mean(medians[idle]) / np.mean(medians[0])
        print(f"median beside them divided by median alone: {ratio:.2f}")


def under_load(folder: Path, raters: int, seconds: float, killed: bool = False, idle: int = 0) -> Load:
    """Serve a study to raters, to the end or until it is killed."""
    with serving(folder) as server:
        killer = threading.Timer(seconds / 2, server.process.kill)
        if killed:
            killer.start()
        with idle_connections(server.address, idle) if idle else nullcontext():
            load = rate_at_once(server.address, raters, seconds, watch=True)
        killer.cancel()
        if not killed:
            server.end(signal.SIGINT)
    return load


@contextmanager
def idle_connections(address: str, count: int) -> Iterator[None]:
    """Hold so many connections, every other one with half a request, and open those anew that the server closes."""
    port = int(address.rstrip("/").rpartition(":")[2])
    poll, held, over = select.poll(), dict[int, socket.socket](), threading.Event()

    def open_one() -> None:
        connection = socket.create_connection(("127.0.0.1", port), timeout=30)
        if len(held) % 2:
            connection.sendall(b"POST /api/answers HTTP/1.1\r\n")
        poll.register(connection, select.POLLIN)
        held[connection.fileno()] = connection

    def renew() -> None:
        opened = 0
        while not over.wait(1):
            for descriptor, _ in poll.poll(0):
                poll.unregister(descriptor)
                held.pop(descriptor).close()
            while len(held) < count and not over.is_set():
                open_one()
                opened += 1
        print(f"  idle connections opened anew: {opened}", flush=True)

    for _ in range(count):
        open_one()
    thread = threading.Thread(target=renew)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        for connection in held.values():
            connection.close()


def describe(title: str, folder: Path, load: Load) -> None:
    """Print what happened."""
    with sqlite3.connect(folder / "answers.sqlite") as database:
        there = set(database.execute("SELECT rater, question, side FROM answers"))
    median, late = np.percentile(load.seconds, (50, 99))
    lost = len(set(load.acknowledged) - there)
    print(
        f"{title}: {len(load.acknowledged)} answers acknowledged of {load.sent} sent by "
        f"{len({rater for rater, _, _ in load.acknowledged})} raters, {lost} lost, "
        f"{len(load.problems)} refused, {load.cut_off} raters cut off; "
        f"acknowledged after {1000 * median:.0f} ms (median), {1000 * late:.0f} ms (99%)",
        flush=True,
    )


if __name__ == "__main__":
    main()
