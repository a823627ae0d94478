"""`lia-bench study serve`: the application on a port of this machine."""

import errno
import logging
import socket
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from lia_bench.core.errors import InputError
from lia_bench.core.extras import not_installed
from lia_bench.core.names import counted
from lia_bench.leaderboards.study.answers import AnswerBook
from lia_bench.leaderboards.study.application import BODY_LIMIT, Hosts, create_application, is_loopback
from lia_bench.leaderboards.study.connections import PLACES, Places
from lia_bench.leaderboards.study.document import check_media, read_study

THREADS = 8
HEADER_LIMIT = 16384


def serve_study(folder: Path, host: str, port: int, names: Iterable[str], announce: Callable[[str], None]) -> None:
    """Serve a study until Ctrl-C.

    Args:
        folder: the study's.
        host: address or name to listen on.
        port: 0 takes any that is free.
        names: further names that the server goes by, as behind a proxy.
        announce: gets each line for the user.

    Raises:
        InputError: flask or waitress is missing, the study is damaged, or the port cannot be had.
    """
    waitress = _waitress()
    _allow_files(4 * PLACES)
    study = read_study(folder)
    check_media(folder, study)
    with closing(AnswerBook(folder, study)) as book, listen(host, port) as listening:
        application = create_application(folder, study, book, Hosts(host, names))
        # What it would say of every slow client is nothing that a user can mend.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        server = waitress.create_server(
            application,
            sockets=[listening],
            threads=THREADS,
            # Never reached: no new one would be taken then, whoever holds those that are there.
            connection_limit=2 * PLACES,
            cleanup_interval=1,
            asyncore_use_poll=True,
            max_request_body_size=BODY_LIMIT,
            max_request_header_size=HEADER_LIMIT,
            ident=None,
        )
        Places(server)
        try:
            if not is_loopback(host):
                announce(
                    f"listening on {host}: whoever reaches this machine can take part and see the videos, over a "
                    "connection that is not encrypted"
                )
            announce(f"study: {address_of(host, listening.getsockname()[1])} (Ctrl-C ends it)")
            # Returns at Ctrl-C, after the answers that are being kept.
            server.run()
        except KeyboardInterrupt:
            # Before it ran.
            pass
        finally:
            server.close()
            answers, raters = book.count()
            announce(f"{counted(answers, 'answer')} of {counted(raters, 'rater')} in {book.path}")


def _waitress() -> Any:
    try:
        import flask  # noqa: F401
        import waitress
    except ImportError:
        raise InputError(not_installed("a study server needs flask and waitress", "study")) from None
    return waitress


def _allow_files(count: int) -> None:
    """Let this process have so many files and connections open, as far as it may decide that."""
    try:
        import resource
    except ImportError:
        # Windows has no such limit.
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on a port of an address or name; port 0 takes any that is free.

    Raises:
        InputError: there is no such address, or the port cannot be had.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=PLACES)
    except socket.gaierror as error:
        raise InputError(f"--host {host}: no such address ({error.strerror})") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InputError(f"port {port} on {host} is in use: take another --port, or end what uses it") from None
        raise InputError(f"cannot listen on port {port} of {host}: {error.strerror}") from None


def address_of(host: str, port: int) -> str:
    """What browsers call a server that listens there."""
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
