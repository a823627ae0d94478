"""Ports for processes that are told one before they listen."""

import itertools
import os
import socket

# Below those that systems give to whoever asks for any, so that nobody gets one by chance before it is used.
FIRST, COUNT = 20_000, 10_000
_turns = itertools.count(os.getpid() * 37)


def next_port() -> int:
    """A port on which nobody listens, another one each time."""
    while True:
        port = FIRST + next(_turns) % COUNT
        with socket.socket() as trial:
            try:
                trial.bind(("", port))
            except OSError:
                continue
        return port
