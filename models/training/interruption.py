"""Ctrl-C and termination, put off to the end of an iteration, where the state is whole."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether the run was asked to stop, and whether by termination, as a cluster does, rather than by Ctrl-C."""

    requested = False
    terminated = False


@contextmanager
def deferred_interruption() -> Iterator[Interruption]:
    """Inside, the first Ctrl-C (or SIGTERM, a cluster's warning) sets `requested`; a second Ctrl-C stops at once.

    A second SIGTERM does no more than the first: schedulers and a sweep send it on, and who means it kills.
    """
    interruption = Interruption()
    # Python takes signal handlers in the main thread alone; elsewhere signals keep their meaning.
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    previous = {number: signal.getsignal(number) for number in SIGNALS}

    def put_back() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        interruption.requested = True
        interruption.terminated |= number == signal.SIGTERM
        signal.signal(signal.SIGINT, previous[signal.SIGINT])

    for number in SIGNALS:
        signal.signal(number, note)
    try:
        yield interruption
    finally:
        put_back()
