"""A server of files on this machine, which can also fail, stall and cut connections."""

import contextlib
import re
import select
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Barrier, BrokenBarrierError, Event, Lock, Thread
from typing import Any
from urllib.parse import unquote

PATIENCE_SECONDS = 120

TYPES = {"mp4": "video/mp4", "webm": "video/webm", "pth": "application/octet-stream", "zip": "application/zip"}
"""Of contents, by suffix; others are pages."""


@dataclass
class LocalServer:
    """What the server does with each file.

    Attributes:
        files: content by name.
        tags: header ETag by name; a request with another one in If-Range gets the whole file.
        whole: names that are given whole whatever part is asked for.
        faults: what happens to the first requests for a name, in their order: a status code, "cut" (after half of
            what was asked for), "stall" (so, too, but the rest is waited for in vain), "meet", or "ok" for nothing.
            [fault, "..."] happens to every request.
        released: once it is set, stalled connections are cut.
        meeting: where requests with the fault "meet" wait for each other before they are answered.
        requests: the names asked for, with the header Range, in order.
        cookies: the header Cookie of each request that had one.
        address: where the server is.
        most_at_once: requests that were being answered at the same time.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    faults: dict[str, list[int | str]] = field(default_factory=dict)
    released: Event = field(default_factory=Event)
    meeting: Barrier = field(default_factory=lambda: Barrier(1))
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)
    address: str = ""
    most_at_once: int = 0
    _at_once: int = 0
    _lock: Lock = field(default_factory=Lock)

    def count(self, name: str) -> int:
        """Requests for a name."""
        return Counter(asked for asked, _ in self.requests)[name]

    def ranges(self, name: str) -> Sequence[str]:
        """What was asked for in the middle of a file."""
        return [part for asked, part in self.requests if asked == name and part]

    def begin(self, name: str, part: str | None) -> int | str:
        """Note a request, and say what happens to it."""
        with self._lock:
            self.requests.append((name, part))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            faults = self.faults.get(name, [])
            if not faults:
                return "ok"
            return faults[0] if faults[1:] == ["..."] else faults.pop(0)

    def end(self) -> None:
        """Note that a request was answered."""
        with self._lock:
            self._at_once -= 1


@contextlib.contextmanager
def serve() -> Iterator[LocalServer]:
    """A server on a free port of 127.0.0.1."""
    local = LocalServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name = unquote(self.path.lstrip("/"))
            local.cookies += self.headers.get_all("Cookie", [])
            fault = local.begin(name, self.headers.get("Range"))
            try:
                self._answer(name, fault)
            except OSError:
                self.close_connection = True
            finally:
                local.end()

        def _answer(self, name: str, fault: int | str) -> None:
            if name not in local.files:
                fault = 404 if fault == "ok" else fault
            if isinstance(fault, int):
                self._head(fault, {"Content-Length": "0"})
                return
            if fault == "meet":
                with contextlib.suppress(BrokenBarrierError):
                    local.meeting.wait(PATIENCE_SECONDS)
            content = local.files[name]
            tag = local.tags.get(name, "")
            whole = name in local.whole or self.headers.get("If-Range", tag) != tag
            found = None if whole else re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            first = int(found[1]) if found else 0
            if first >= len(content) > 0:
                self._head(416, {"Content-Length": "0", "Content-Range": f"bytes */{len(content)}"})
                return
            last = int(found[2]) if found and found[2] else len(content) - 1
            body = content[first : last + 1]
            headers = {"Content-Length": str(len(body)), "Content-Type": self._type(name), "Accept-Ranges": "bytes"}
            if tag:
                headers["ETag"] = tag
            if found:
                headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            self._head(206 if found else 200, headers)
            if fault in ("ok", "meet"):
                self.wfile.write(body)
                return
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            if fault == "stall":
                self._stall()
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        def _stall(self) -> None:
            """Keep the client waiting until it hangs up or the server is told to cut."""
            until = time.monotonic() + PATIENCE_SECONDS
            while not local.released.is_set() and time.monotonic() < until:
                if select.select([self.connection], [], [], 0.02)[0] and not self.connection.recv(1):
                    return

        def _type(self, name: str) -> str:
            return TYPES.get(name.rpartition(".")[2], "text/html")

        def _head(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    local.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield local
    finally:
        local.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
