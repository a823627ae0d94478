"""`lia-bench weights`."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from lia_bench.cli.main import run
from lia_bench.core import console, http_download
from lia_bench.core.http_download import Patience
from lia_bench.core.weights import WEIGHTS
from lia_bench.models.specification import MODELS
from tests.core.published import publish, publish_archive, publish_by_hand
from tests.local_server import LocalServer, serve

CONTENT = bytes(range(256)) * 400


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(http_download, "PATIENCE", Patience(timeout=60.0, pauses=(0.0,)))
    with serve() as local:
        yield local


def _errors(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("error: ")]


def _weights(*words: str) -> int:
    return run(["weights", *words], debug=False)


def test_list_says_what_is_here(server: LocalServer, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = WEIGHTS["vgg19"].path
    wrong.parent.mkdir(parents=True)
    wrong.write_bytes(b"not it")
    assert _weights("list") == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert set(WEIGHTS) <= set(rows)
    assert "missing" in rows["alexnet"]
    assert "244.4 MB" in rows["alexnet"]
    assert "wrong hash" in rows["vgg19"]


@pytest.mark.parametrize(("words", "names"), [(["weights", "list"], WEIGHTS), (["models", "list"], MODELS)])
def test_a_narrow_terminal_gets_parts_that_begin_with_the_names(
    words: list[str], names: Iterable[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "wide_console", lambda width: Console(width=80))
    assert run(words, debug=False) == 0
    lines = capsys.readouterr().out.partition("\nThey belong")[0].splitlines()
    first = [line.split(" ")[0] for line in lines]
    (parts,) = {first.count(name) for name in names}
    assert parts >= 2
    assert all(len(line) <= 80 and "…" not in line for line in lines)


def test_list_of_a_name_says_all(server: LocalServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert _weights("list", "alexnet") == 0
    printed = capsys.readouterr().out
    file = WEIGHTS["alexnet"]
    assert all(text in printed for text in (str(file.path), file.address, file.licence, file.used_by, "missing"))
    assert "vgg19" not in printed


def test_fetch_twice(server: LocalServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    file = publish(server, monkeypatch, "toy", CONTENT)
    server.faults[file.file_name] = ["cut"]
    assert _weights("fetch", "toy") == 0
    captured = capsys.readouterr()
    assert f"toy: now at {file.path}" in captured.out
    assert hashlib.sha256(CONTENT).hexdigest() in captured.out
    assert "the connection was cut after 0.1 of 0.1 MB; trying again" in captured.err
    assert _weights("fetch", "toy") == 0
    assert "toy: already here" in capsys.readouterr().out
    assert server.count(file.file_name) == 2


def test_one_failure_is_one_line(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = publish(server, monkeypatch, "toy", CONTENT)
    server.faults[file.file_name] = [404]
    assert _weights("fetch", "toy") == 1
    assert capsys.readouterr().err.splitlines() == [
        "toy: licence: none",
        f"error: 'toy' from {file.address}: there is no such file on the server (HTTP 404)",
    ]


def test_after_failures_the_others_are_fetched(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = publish(server, monkeypatch, "gone", CONTENT + b"1")
    false = publish(server, monkeypatch, "false", CONTENT + b"2")
    publish_by_hand(monkeypatch, "page")
    there = publish(server, monkeypatch, "there", CONTENT)
    server.faults[gone.file_name] = [403]
    server.files[false.file_name] = CONTENT
    assert _weights("fetch", "gone", "false", "page", "there") == 1
    captured = capsys.readouterr()
    assert there.status() == "verified"
    assert f"there: now at {there.path}" in captured.out
    errors = _errors(captured.err)
    assert ["'gone'" in errors[0], "'false'" in errors[1], "'page'" in errors[2]] == [True] * 3
    assert errors[3:] == ["error: 3 of 4 files are not as they should be: the lines above say why"]


def test_fetch_all(server: LocalServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in list(WEIGHTS):
        monkeypatch.delitem(WEIGHTS._load(), name)
    publish_archive(server, monkeypatch, "pack.zip", {"first.onnx": CONTENT, "second.onnx": b"2"})
    publish(server, monkeypatch, "toy", CONTENT)
    assert _weights("fetch", "--all") == 0
    assert server.count("pack.zip") == 1
    assert all(file.path.is_file() for file in WEIGHTS.values())


def test_fetch_by_metric(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = publish(server, monkeypatch, "alexnet", CONTENT)
    assert _weights("fetch", "lpips", "alexnet", "psnr") == 0
    assert file.status() == "verified"
    printed = capsys.readouterr().out
    assert "psnr: this metric needs no weights" in printed
    assert "already here" not in printed


def test_an_unknown_name_is_refused_before_anything_is_fetched(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(server, monkeypatch, "toy", CONTENT)
    assert _weights("fetch", "toy", "vgg91") == 1
    assert "did you mean 'vgg19'" in capsys.readouterr().err
    assert not server.requests


@pytest.mark.parametrize("words", [[], ["vgg19", "--all"]])
def test_fetch_wants_names_or_all(words: list[str], server: LocalServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert _weights("fetch", *words) == 1
    assert "--all" in capsys.readouterr().err


def test_add(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = publish(server, monkeypatch, "toy", CONTENT)
    brought = tmp_path / "download"
    brought.write_bytes(CONTENT)
    assert _weights("add", str(brought)) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert _weights("add", str(brought), "--as", "toy") == 0
    assert f"toy: now at {file.path}" in capsys.readouterr().out
    brought.write_bytes(b"something else")
    assert _weights("add", str(brought), "--as", "toy") == 1
    assert str(brought) in capsys.readouterr().err
    assert file.path.read_bytes() == CONTENT


def test_verify(server: LocalServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert _weights("verify") == 0
    assert "none of the weights" in capsys.readouterr().out
    true, missing = (publish(server, monkeypatch, name, CONTENT) for name in ("true", "missing"))
    unhashed = publish_by_hand(monkeypatch, "page")
    true.path.parent.mkdir(parents=True, exist_ok=True)
    true.path.write_bytes(CONTENT)
    unhashed.path.write_bytes(b"network")
    assert _weights("verify") == 0
    printed = capsys.readouterr().out.splitlines()
    assert f"true: SHA-256 {hashlib.sha256(CONTENT).hexdigest()} (as published)" in printed
    assert f"page: SHA-256 {hashlib.sha256(b'network').hexdigest()} (none is published to compare with)" in printed
    assert _weights("verify", "missing") == 1
    assert str(missing.path) in capsys.readouterr().err
    true.path.write_bytes(b"spoilt")
    assert _weights("verify") == 1
    assert str(true.path) in capsys.readouterr().err
