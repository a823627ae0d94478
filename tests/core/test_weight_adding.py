"""Weights that were brought by hand: told by name or archive, checked, and copied whole."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lia_bench.core.errors import CheckpointError, InputError, UnknownNameError
from lia_bench.core.weight_delivery import add
from lia_bench.core.weights import WEIGHTS, weights_home
from tests.core.published import packed, publish, publish_archive, publish_by_hand
from tests.local_server import LocalServer, serve

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path / "home"))
    with serve() as local:
        yield local
        assert not local.requests


def _brought(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_a_file_is_told_by_its_name(server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = publish(server, monkeypatch, "toy", CONTENT)
    brought = _brought(tmp_path, file.file_name, CONTENT)
    assert add(brought, None) == [file]
    assert file.status() == "verified"
    assert brought.read_bytes() == CONTENT
    assert add(file.path, None) == [file]
    assert file.status() == "verified"


def test_a_renamed_file_is_told_by_hand(server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = publish(server, monkeypatch, "toy", CONTENT)
    brought = _brought(tmp_path, "download (1)", CONTENT)
    with pytest.raises(InputError, match="--as NAME"):
        add(brought, None)
    with pytest.raises(UnknownNameError, match="toy"):
        add(brought, "toi")
    assert add(brought, "toy") == [file]
    assert file.status() == "verified"


def test_a_file_without_a_published_hash_is_taken(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = publish_by_hand(monkeypatch, "toy")
    assert add(_brought(tmp_path, "toy.pth", CONTENT), None) == [file]
    assert file.path.read_bytes() == CONTENT


def test_a_wrong_file_is_refused_and_named(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = publish(server, monkeypatch, "toy", CONTENT)
    brought = _brought(tmp_path, file.file_name, CONTENT[:-1])
    with pytest.raises(CheckpointError, match="not the published") as caught:
        add(brought, None)
    assert str(brought) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(weights_home().iterdir()) == []


def test_a_file_that_was_cut_short_is_told_by_its_size(server: LocalServer, tmp_path: Path) -> None:
    brought = _brought(tmp_path, WEIGHTS["alexnet"].file_name, CONTENT)
    with pytest.raises(CheckpointError, match=r"it has 0\.010 MB and the published file 244\.4"):
        add(brought, None)


@pytest.mark.parametrize("folder", ["", "pack/"])
def test_an_archive_gives_all_its_weights(
    folder: str, server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = {"first.onnx": CONTENT, "second.onnx": b"2"}
    first, second = publish_archive(server, monkeypatch, "pack.zip", members)
    brought = _brought(tmp_path, "again.zip", packed({f"{folder}{name}": content for name, content in members.items()}))
    assert add(brought, None) == [first, second]
    assert (first.path.read_bytes(), second.path.read_bytes()) == (CONTENT, b"2")


def test_of_an_archive_one_may_be_wanted(server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    members = {"first.onnx": CONTENT, "second.onnx": b"2"}
    first, second = publish_archive(server, monkeypatch, "pack.zip", members)
    assert add(_brought(tmp_path, "pack.zip", packed(members)), "second") == [second]
    assert not first.path.exists()


def test_what_was_unpacked_already_is_taken(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = publish_archive(server, monkeypatch, "pack.zip", {"first.onnx": CONTENT})
    assert add(_brought(tmp_path, "first.onnx", CONTENT), None) == [file]
    assert file.path.read_bytes() == CONTENT


def test_a_damaged_archive_is_refused(server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_archive(server, monkeypatch, "pack.zip", {"first.onnx": CONTENT})
    brought = _brought(tmp_path, "pack.zip", packed({"first.onnx": CONTENT})[:-30])
    with pytest.raises(InputError, match=r"pack\.zip"):
        add(brought, None)
    with pytest.raises(CheckpointError, match=r"pack\.zip: not a whole zip archive"):
        add(brought, "first")


def test_a_file_that_is_not_there(server: LocalServer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.pth: there is no such file"):
        add(tmp_path / "nothing.pth", None)
