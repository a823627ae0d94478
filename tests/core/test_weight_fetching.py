"""Weights from a server: only true files get their place, and nothing else is left behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.core.http_download import DownloadError, Patience
from lia_bench.core.weight_delivery import fetch
from lia_bench.core.weights import weights_home
from tests.core.published import packed, publish, publish_archive, publish_by_hand
from tests.local_server import LocalServer, serve

CONTENT = bytes(range(256)) * 400
QUICK = Patience(timeout=60.0, pauses=(0.0,))


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    with serve() as local:
        yield local


def _files() -> set[str]:
    """What is in the weights folder, locks and hashes of first files left out."""
    paths = (path.relative_to(weights_home()) for path in weights_home().rglob("*") if path.is_file())
    return {str(path) for path in paths if path.suffix not in (".lock", ".sha256")}


def test_a_file_is_fetched_once(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    file = publish(server, monkeypatch, "toy", CONTENT)
    assert fetch(file, QUICK) == [file]
    assert file.path.read_bytes() == CONTENT
    assert _files() == {file.file_name}
    assert fetch(file, QUICK) == []
    assert server.count(file.file_name) == 1


def test_what_a_killed_run_left_is_continued(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    file = publish(server, monkeypatch, "toy", CONTENT)
    server.faults[file.file_name] = ["cut", 503, 503]
    with pytest.raises(DownloadError, match="'toy' from http"):
        fetch(file, QUICK)
    assert not file.path.exists()
    assert f".fetching/{file.file_name}.part" in _files()
    fetch(file, QUICK)
    assert server.ranges(file.file_name)[-1] == f"bytes={len(CONTENT) // 2}-"
    assert _files() == {file.file_name}


def test_another_file_is_refused_and_removed(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    file = publish(server, monkeypatch, "toy", CONTENT)
    server.files[file.file_name] = b"something else"
    with pytest.raises(CheckpointError, match=f"'toy'.*not the published {file.file_name}.*removed") as caught:
        fetch(file, QUICK)
    assert "\n" not in str(caught.value)
    assert _files() == set()


def test_a_wrong_file_is_replaced_and_stays_until_then(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    file = publish(server, monkeypatch, "toy", CONTENT)
    file.path.parent.mkdir()
    file.path.write_bytes(b"wrong")
    server.faults[file.file_name] = [404]
    with pytest.raises(DownloadError):
        fetch(file, QUICK)
    assert file.path.read_bytes() == b"wrong"
    fetch(file, QUICK)
    assert file.status() == "verified"


def test_all_weights_of_an_archive_come_at_once(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = publish_archive(server, monkeypatch, "pack.zip", {"first.onnx": CONTENT, "second.onnx": b"2"})
    assert fetch(first, QUICK) == [first, second]
    assert (first.path.read_bytes(), second.path.read_bytes()) == (CONTENT, b"2")
    assert _files() == {"first.onnx", "second.onnx"}
    second.path.unlink()
    first.path.write_bytes(b"kept as it is")
    assert fetch(second, QUICK) == [second]
    assert first.path.read_bytes() == b"kept as it is"


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (b"no archive", "not a whole zip archive"),
        (packed({"first.onnx": CONTENT}).replace(CONTENT[:256], CONTENT[1:257], 1), "not a whole zip archive"),
        (packed({"third.onnx": b""}), "does not hold first.onnx"),
        (packed({"a/first.onnx": b"", "b/first.onnx": b""}), "does not hold first.onnx"),
    ],
)
def test_a_bad_archive_is_refused_and_removed(
    archive: bytes, reason: str, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = publish_archive(server, monkeypatch, "pack.zip", {"first.onnx": CONTENT})
    server.files["pack.zip"] = archive
    with pytest.raises(CheckpointError, match=reason):
        fetch(file, QUICK)
    assert _files() == set()


def test_a_page_for_people_is_named_and_not_asked(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    file = publish_by_hand(monkeypatch, "toy")
    with pytest.raises(MissingWeightsError, match="lia-bench weights add FILE --as toy") as caught:
        fetch(file, QUICK)
    assert file.address in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_second_process_is_sent_away(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    file = publish(server, monkeypatch, "toy", CONTENT)
    folder = weights_home() / ".fetching"
    folder.mkdir(parents=True)
    with (
        FileLock(folder / f"{file.file_name}.lock"),
        pytest.raises(DownloadError, match="another process"),
    ):
        fetch(file, QUICK)
    fetch(file, QUICK)


def test_a_full_disk_is_named(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    file = publish(server, monkeypatch, "toy", CONTENT)
    part = weights_home() / ".fetching" / f"{file.file_name}.part"
    part.parent.mkdir(parents=True)
    part.with_name(f"{part.name}.json").write_text(
        f'{{"address": "{file.address}", "validator": "", "total": {len(CONTENT)}}}'
    )
    part.symlink_to("/dev/full")
    with pytest.raises(DownloadError, match="the disk is full"):
        fetch(file, QUICK)


def test_a_folder_that_cannot_be_made_is_named(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    file = publish(server, monkeypatch, "toy", CONTENT)
    weights_home().write_text("a file in its place")
    with pytest.raises(DownloadError, match=str(weights_home())):
        fetch(file, QUICK)
