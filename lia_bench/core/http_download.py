"""Files over HTTP that outlast cut connections: what came stays, and the rest is asked for."""

import json
import re
import ssl
import time
from dataclasses import asdict, dataclass
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from socket import gaierror
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import click

from lia_bench.core.atomic import write_json
from lia_bench.core.console import progress
from lia_bench.core.errors import LiaBenchError

BLOCK_BYTES = 2**20

PASSING = frozenset({408, 425, 429})
"""Status codes below 500 that the same request may not meet again."""


class DownloadError(LiaBenchError):
    """A file cannot be fetched; the text says from where, why and what to do."""


class BrokenOffError(Exception):
    """An attempt ended before the file was whole, and another may do better."""


@dataclass(frozen=True)
class Patience:
    """How long a download goes on.

    Attributes:
        timeout: seconds without a byte after which an attempt is given up.
        pauses: seconds before each further attempt; the count starts anew whenever an attempt got further than all
            before it.
    """

    timeout: float = 30.0
    pauses: tuple[float, ...] = (1.0, 4.0, 15.0)


PATIENCE = Patience()


@dataclass(frozen=True)
class Origin:
    """What the bytes of a partial file are from.

    Attributes:
        address: where they were asked for.
        validator: the server's mark of this state of the file, for the header If-Range; empty where it gives none.
        total: bytes of the whole file; None where the server does not say.
    """

    address: str
    validator: str
    total: int | None


class PartialFile:
    """The first bytes of a file, and beside them a note of their origin; both outlast the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._note = path.with_name(f"{path.name}.json")

    @property
    def size(self) -> int:
        """Bytes that are here."""
        return self.path.stat().st_size if self.path.exists() else 0

    def origin(self) -> Origin | None:
        """Where the bytes are from; None where that is not known, so that nothing may be added to them."""
        try:
            return Origin(**json.loads(self._note.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError, RecursionError):
            return None

    def begin(self, origin: Origin) -> None:
        """Start from nothing."""
        # In this order a kill in between leaves no bytes of one origin with the note of another.
        self.path.write_bytes(b"")
        write_json(self._note, asdict(origin))

    def discard(self) -> None:
        """Leave nothing behind."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


def download(address: str, partial: PartialFile, patience: Patience) -> None:
    """Complete `partial` from `address`, with a progress bar on standard error.

    What an earlier call left is continued if the server can do that and still has the same file.

    Raises:
        DownloadError: the server does not give the file, or all attempts broke off; `partial` stays.
        OSError: `partial` cannot be written.
    """
    furthest = partial.size
    failures = 0
    while True:
        try:
            return _attempt(address, partial, patience.timeout)
        except BrokenOffError as error:
            if partial.size > furthest:
                furthest, failures = partial.size, 0
            if failures == len(patience.pauses):
                kept = "; the same command goes on where it stopped" if partial.size else ""
                raise DownloadError(f"{address}: {error}{kept}") from error
            pause = patience.pauses[failures]
            failures += 1
            click.echo(f"{partial.path.stem}: {error}; trying again in {pause:g} s", err=True)
            time.sleep(pause)


def _attempt(address: str, partial: PartialFile, timeout: float) -> None:
    origin = partial.origin()
    if origin is None or origin.address != address:
        origin = None
        partial.discard()
    start = partial.size
    if origin is not None and origin.total == start:
        return
    request = Request(address, headers={"User-Agent": "lia-bench"})
    if origin is not None and start:
        request.add_header("Range", f"bytes={start}-")
        if origin.validator:
            request.add_header("If-Range", origin.validator)
    with _open(request, partial, timeout) as answer:
        if answer.headers.get_content_type() == "text/html":
            raise DownloadError(f"{address}: a web page came instead of the file: look at it in a browser")
        first, total = _extent(answer.status, answer.headers)
        if first == 0:
            partial.begin(Origin(address, _validator(answer.headers), total))
        elif origin is None or first != start or origin.total not in (None, total):
            partial.discard()
            raise BrokenOffError("the file has changed on the server since its first part came")
        _receive(answer, partial, first, total, timeout)


def _open(request: Request, partial: PartialFile, timeout: float) -> Any:
    address = request.full_url
    try:
        return urlopen(request, timeout=timeout)
    except HTTPError as error:
        error.close()
        if error.code == 416:
            partial.discard()
            raise BrokenOffError("the file has become shorter on the server since its first part came") from error
        if error.code >= 500 or error.code in PASSING:
            raise BrokenOffError(f"the server answers HTTP {error.code}") from error
        raise DownloadError(_refusal(error.code, address)) from error
    except URLError as error:
        reason = error.reason
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise DownloadError(f"{address}: its certificate cannot be verified ({reason.verify_message})") from error
        if isinstance(reason, gaierror) and not partial.size:
            raise DownloadError(
                f"{address}: the server's name cannot be found ({reason.strerror}): is there a network here?"
            ) from error
        raise BrokenOffError(f"the server cannot be reached ({_text(reason)})") from error
    except (OSError, HTTPException) as error:
        raise _broken_off(error, timeout) from error


def _refusal(code: int, address: str) -> str:
    match code:
        case 404 | 410:
            return f"{address}: there is no such file on the server (HTTP {code})"
        case 401 | 403:
            return f"{address}: the server does not give this file out (HTTP {code})"
    return f"{address}: the server answers HTTP {code}"


def _extent(status: int, headers: HTTPMessage) -> tuple[int, int | None]:
    """The place in the file where an answer begins, and the size of the file."""
    if status == 206:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", "").strip())
        if found is None:
            raise BrokenOffError("the server does not say which part of the file it gives")
        return int(found[1]), None if found[2] == "*" else int(found[2])
    length = headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None


def _validator(headers: HTTPMessage) -> str:
    tag = headers.get("ETag", "")
    # Weak tags promise the same meaning and not the same bytes.
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")


def _receive(answer: Any, partial: PartialFile, first: int, total: int | None, timeout: float) -> None:
    with (
        partial.path.open("ab") as file,
        progress(title=partial.path.stem, total=total, unit="B", start=first) as bar,
    ):
        while block := _read(answer, timeout):
            file.write(block)
            bar.update(len(block))
    if total is not None and partial.size != total:
        raise BrokenOffError(f"the connection was cut after {partial.size / 1e6:.1f} of {total / 1e6:.1f} MB")


def _read(answer: Any, timeout: float) -> bytes:
    try:
        # Returns what has come; a whole block would be lost with the connection.
        block: bytes = answer.read1(BLOCK_BYTES)
    except (OSError, HTTPException) as error:
        raise _broken_off(error, timeout) from error
    return block


def _broken_off(error: OSError | HTTPException, timeout: float) -> BrokenOffError:
    if isinstance(error, TimeoutError):
        return BrokenOffError(f"nothing came for {timeout:g} s")
    return BrokenOffError(f"the connection was cut ({_text(error)})")


def _text(reason: object) -> str:
    return " ".join(str(reason).split()) or type(reason).__name__
