"""A server of this machine that answers as the Hugging Face Hub, Google Drive and Yandex Disk do, and refuses so."""

import contextlib
import hashlib
import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from lia_bench.core import download_hosts

Page = Literal["", "confirm", "confirm for ever", "quota", "gone"]

QUOTA = (
    '<html><head><title>Google Drive - Quota exceeded</title></head><body><p class="uc-error-caption">Sorry, you '
    "can't view or download this file at this time.</p>"
    '<p class="uc-error-subcaption">Too many users have viewed or downloaded this file recently. Please try accessing '
    "the file again later.</p></body></html>"
)

GOOGLE = re.compile(r"https://(?:drive|docs|drive\.usercontent)\.google\.com")


@dataclass
class TwoHosts:
    """What the server has, and how it gives it.

    Attributes:
        hub: content by 'owner/name/revision/path', of repositories at the Hub.
        drive: content by the id of a file at Google Drive; `names` are what folders call them.
        folders: ids of files by the id of a folder.
        yandex: content by public link.
        page: what Google Drive puts before a file.
        cut: names or ids of files whose connection is cut half-way, once each.
        ignores_ranges: whether Google Drive gives whole files whatever part is asked for.
        requests: method and path of every request, in order; those for a part of a file end in its header.
    """

    hub: dict[str, bytes] = field(default_factory=dict)
    drive: dict[str, bytes] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    folders: dict[str, list[str]] = field(default_factory=dict)
    yandex: dict[str, bytes] = field(default_factory=dict)
    page: Page = ""
    cut: set[str] = field(default_factory=set)
    ignores_ranges: bool = False
    requests: list[str] = field(default_factory=list)
    address: str = ""

    def asked(self, part: str) -> int:
        """Requests whose path holds `part`."""
        return sum(part in request for request in self.requests)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hosts: TwoHosts

    def do_HEAD(self) -> None:
        self._handle()

    def do_GET(self) -> None:
        self._handle()

    def _handle(self) -> None:
        part = self.headers.get("Range")
        self.hosts.requests.append(" ".join(filter(None, (self.command, self.path, part))))
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        with contextlib.suppress(OSError):
            match address.path:
                case "/uc" | "/download":
                    self._drive(query)
                case "/embeddedfolderview":
                    self._folder(query["id"])
                case "/yandex":
                    self._yandex(query["public_key"])
                case path if path.startswith("/yandex-file/"):
                    self._file(list(self.hosts.yandex.values())[int(path.rpartition("/")[2])], path)
                case path:
                    self._hub(path.lstrip("/"))

    def _hub(self, path: str) -> None:
        key = path.replace("spaces/", "").replace("/resolve/", "/")
        content = self.hosts.hub.get(key)
        if content is None:
            repository = "/".join(key.split("/")[:2])
            known = any(other.startswith(f"{repository}/") for other in self.hosts.hub)
            self._answer(404, b"", {"X-Error-Code": "EntryNotFound" if known else "RepoNotFound"})
            return
        tag = f'"{hashlib.sha256(content).hexdigest()}"'
        self._file(content, key, {"ETag": tag, "X-Repo-Commit": "c" * 40, "X-Linked-Etag": tag})

    def _drive(self, query: dict[str, str]) -> None:
        identity, page = query["id"], self.hosts.page
        if page == "gone" or identity not in self.hosts.drive:
            self._answer(404, b"<html><title>Error 404 (Not Found)</title></html>", {"Content-Type": "text/html"})
        elif page == "quota":
            self._answer(200, QUOTA.encode(), {"Content-Type": "text/html; charset=utf-8"})
        elif page == "confirm for ever" or (page == "confirm" and query.get("confirm") != "t"):
            form = (
                "<html><body><p>Google Drive can't scan this file for viruses.</p>"
                '<form id="download-form" action="https://drive.usercontent.google.com/download" method="get">'
                f'<input type="hidden" name="id" value="{html.escape(identity)}"/>'
                '<input type="hidden" name="export" value="download"/>'
                '<input type="hidden" name="confirm" value="t"/></form></body></html>'
            )
            self._answer(200, form.encode(), {"Content-Type": "text/html; charset=utf-8"})
        else:
            name = self.hosts.names.get(identity, identity)
            headers = {"Content-Disposition": f'attachment; filename="{name}"'}
            self._file(self.hosts.drive[identity], identity, headers, whole=self.hosts.ignores_ranges)

    def _folder(self, identity: str) -> None:
        if identity not in self.hosts.folders:
            self._answer(404, b"", {"Content-Type": "text/html"})
            return
        rows = "".join(
            f'<a href="https://drive.google.com/file/d/{one}/view?usp=drive_web">{self.hosts.names[one]}</a>'
            for one in self.hosts.folders[identity]
        )
        page = f"<html><head><title>checkpoints</title></head><body>{rows}</body></html>"
        self._answer(200, page.encode(), {"Content-Type": "text/html; charset=utf-8"})

    def _yandex(self, link: str) -> None:
        if link not in self.hosts.yandex:
            self._answer(404, b'{"error": "DiskNotFoundError"}', {"Content-Type": "application/json"})
            return
        number = list(self.hosts.yandex).index(link)
        answer = json.dumps({"href": f"{self.hosts.address}/yandex-file/{number}"})
        self._answer(200, answer.encode(), {"Content-Type": "application/json"})

    def _file(self, content: bytes, name: str, headers: dict[str, str] | None = None, *, whole: bool = False) -> None:
        found = None if whole else re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        first = int(found[1]) if found else 0
        own = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes", **(headers or {})}
        if found:
            own["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        cut = self.command == "GET" and name in self.hosts.cut
        self.hosts.cut -= {name} if cut else set()
        self._answer(206 if found else 200, content[first:], own, cut=cut)

    def _answer(self, status: int, body: bytes, headers: dict[str, str], *, cut: bool = False) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = self.close_connection or cut

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@contextlib.contextmanager
def two_hosts(monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoHosts]:
    """A server on a free port of 127.0.0.1 in the place of the three hosts, for this process."""
    hosts = TwoHosts()

    class Handler(_Handler):
        pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    Handler.hosts = hosts
    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hosts.address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("HF_ENDPOINT", hosts.address)
    monkeypatch.setattr(download_hosts, "YANDEX", f"{hosts.address}/yandex")
    send = requests.adapters.HTTPAdapter.send

    def redirected(self: Any, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        request.url = GOOGLE.sub(hosts.address, str(request.url))
        return send(self, request, *arguments, **options)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", redirected)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hosts
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
