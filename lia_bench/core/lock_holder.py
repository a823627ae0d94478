"""Who holds a lock: a record beside it that names host and process, refreshed while they are at work.

The operating system's lock is enough on one machine. On network file systems it may not reach other hosts, or not be
there at all; the record does, and it tells whoever comes second whom to wait for.
"""

import contextlib
import json
import os
import secrets
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Thread

import click

from lia_bench.core.names import printable

REFRESH_SECONDS = 30.0
STALE_SECONDS = 300.0
"""A record of another host that is older than this is of a process that was killed, or whose host is down."""


@dataclass(frozen=True)
class Holder:
    """A process that is at work.

    Attributes:
        host, process: where it runs, and its number there.
        key: drawn anew each time, since numbers of processes come again.
    """

    host: str
    process: int
    key: str

    def __str__(self) -> str:
        return f"process {self.process} on {printable(self.host)}"


class HeldError(Exception):
    """Another process is at work there; the text says which, up to a colon, or is empty where that cannot be told."""


@contextlib.contextmanager
def recorded(lock: Path, what: Path) -> Iterator[None]:
    """Be the one that the record of `lock` names; a record whose process is gone is taken over, with a line.

    Args:
        lock: a file that was touched just now, whose time is what the file system's clock says.
        what: what it locks, for the line.

    Raises:
        HeldError: the record is of a process that is at work.
        OSError: it cannot be written.
    """
    record = _record(lock)
    mine = Holder(socket.gethostname(), os.getpid(), secrets.token_hex(8))
    while not _create(record, mine):
        _make_way(record, lock, what)
    done = Event()
    Thread(target=_refresh, args=(record, mine, done), daemon=True).start()
    try:
        yield
    finally:
        done.set()
        with contextlib.suppress(OSError):
            if _read(record) == mine:
                record.unlink()


def holder_of(lock: Path) -> Holder | None:
    """Whom the record of `lock` names; None where there is none, or none that can be read."""
    return _read(_record(lock))


def _record(lock: Path) -> Path:
    return lock.with_name(f"{lock.name}.holder")


def _create(record: Path, holder: Holder) -> bool:
    # Exclusive creation is one step on network file systems, too.
    try:
        with record.open("x", encoding="utf-8") as file:
            json.dump(asdict(holder), file)
    except FileExistsError:
        return False
    except OSError:
        record.unlink(missing_ok=True)
        raise
    return True


def _read(record: Path) -> Holder | None:
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
        return Holder(str(content["host"]), int(content["process"]), str(content["key"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _make_way(record: Path, lock: Path, what: Path) -> None:
    """Take a stale record away; HeldError where it is none."""
    holder = _read(record)
    try:
        age = lock.stat().st_mtime - record.stat().st_mtime
    except FileNotFoundError:
        return
    if holder is not None and holder.host == socket.gethostname() and not _runs(holder.process):
        reason = "has ended"
    elif age > STALE_SECONDS:
        reason = f"gave no sign for {age / 60:,.0f} minutes"
    else:
        raise HeldError(_at_work(holder))
    aside = record.with_name(f"{record.name}.{secrets.token_hex(4)}")
    try:
        record.rename(aside)
    except FileNotFoundError:
        return
    try:
        # Another may have taken it over in between, and put its own in the place.
        if _read(aside) != holder:
            with contextlib.suppress(FileExistsError):
                os.link(aside, record)
            return
    finally:
        aside.unlink()
    click.echo(printable(f"{what}: {holder or 'a process'}, which was at work here, {reason}: taken over"), err=True)


def _at_work(holder: Holder | None) -> str:
    if holder is None:
        return ""
    gone = f" (if it was killed, try again in {STALE_SECONDS / 60:.0f} minutes)"
    return f"{holder} is at work here{'' if holder.host == socket.gethostname() else gone}: "


def _runs(process: int) -> bool:
    """Whether there is such a process on this host, other than this one, whose record this is not."""
    if process == os.getpid() or process <= 0:
        return False
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _refresh(record: Path, holder: Holder, done: Event) -> None:
    while not done.wait(REFRESH_SECONDS):
        with contextlib.suppress(OSError):
            if _read(record) == holder:
                os.utime(record)
