"""Weights published on a server of this machine."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace

import pytest

from lia_bench.core.weights import WEIGHTS, WeightFile
from tests.local_server import LocalServer


def publish(server: LocalServer, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes) -> WeightFile:
    """Weights under a name that carries their hash."""
    file_name = f"{name}-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    server.files[file_name] = content
    return _enter(monkeypatch, WeightFile(name, file_name, f"{server.address}/{file_name}", "a test", "none"))


def publish_archive(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch, name: str, members: Mapping[str, bytes]
) -> list[WeightFile]:
    """Weights without hashes in a zip archive, each called by its file name without the suffix."""
    server.files[name] = packed(members)
    return [
        _enter(
            monkeypatch,
            WeightFile(member.partition(".")[0], member, f"{server.address}/{name}", "a test", "none", member=member),
        )
        for member in members
    ]


def publish_by_hand(monkeypatch: pytest.MonkeyPatch, name: str) -> WeightFile:
    """Weights without a hash behind a page for people."""
    page = "https://drive.example.org/file/d/1"
    return _enter(monkeypatch, WeightFile(name, f"{name}.pth", page, "a test", "none", by_hand=True))


def take_any(monkeypatch: pytest.MonkeyPatch, name: str) -> WeightFile:
    """Let every file be the weights called `name`, as if nobody had published a hash of them."""
    return _enter(monkeypatch, replace(WEIGHTS[name], sha256="", git_blob="", size=None))


def packed(members: Mapping[str, bytes]) -> bytes:
    """A zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return buffer.getvalue()


def _enter(monkeypatch: pytest.MonkeyPatch, file: WeightFile) -> WeightFile:
    monkeypatch.setitem(WEIGHTS._load(), file.name, file)
    return file
