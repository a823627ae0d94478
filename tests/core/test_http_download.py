"""Downloads from a server that fails, stalls, cuts connections and changes its files: whole, or one clear reason."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lia_bench.core.http_download import DownloadError, Origin, PartialFile, Patience, download
from tests.local_server import LocalServer, serve

CONTENT = bytes(range(256)) * 2000
OTHER = CONTENT[::-1]
QUICK = Patience(timeout=60.0, pauses=(0.0, 0.0))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve() as local:
        local.files = {"a.pth": CONTENT}
        yield local


@pytest.fixture
def partial(tmp_path: Path) -> PartialFile:
    return PartialFile(tmp_path / "a.pth.part")


def _download(server: LocalServer, partial: PartialFile, patience: Patience = QUICK) -> None:
    download(f"{server.address}/a.pth", partial, patience)


def _broken_off(server: LocalServer, partial: PartialFile) -> None:
    """Leave the first half of the file, as a run does that meets nothing but failures afterwards."""
    server.faults["a.pth"] = ["cut", 503, 503]
    with pytest.raises(DownloadError, match="goes on where it stopped"):
        _download(server, partial)
    assert partial.path.read_bytes() == CONTENT[: len(CONTENT) // 2]
    server.requests.clear()


@pytest.mark.parametrize("faults", [[], [500, 503], [429], ["cut"], ["cut", 503, "cut", 503, "cut"]])
@pytest.mark.parametrize("tag", ["", '"v1"', 'W/"v1"'])
def test_failures_that_pass(faults: list[int | str], tag: str, server: LocalServer, partial: PartialFile) -> None:
    server.tags["a.pth"] = tag
    server.faults["a.pth"] = list(faults)
    _download(server, partial)
    assert partial.path.read_bytes() == CONTENT
    assert server.count("a.pth") == len(faults) + 1


def test_after_a_cut_only_the_rest_is_asked_for(server: LocalServer, partial: PartialFile) -> None:
    server.faults["a.pth"] = ["cut"]
    _download(server, partial)
    assert server.ranges("a.pth") == [f"bytes={len(CONTENT) // 2}-"]
    assert partial.path.read_bytes() == CONTENT


def test_a_stall_is_given_up_and_continued(server: LocalServer, partial: PartialFile) -> None:
    server.faults["a.pth"] = ["stall"]
    _download(server, partial, Patience(timeout=2.0, pauses=(0.0,)))
    assert partial.path.read_bytes() == CONTENT
    assert len(server.ranges("a.pth")) == 1


def test_a_later_run_goes_on(server: LocalServer, partial: PartialFile) -> None:
    _broken_off(server, partial)
    _download(server, partial)
    assert partial.path.read_bytes() == CONTENT
    assert server.requests == [("a.pth", f"bytes={len(CONTENT) // 2}-")]


def test_a_whole_file_is_not_asked_for_again(server: LocalServer, partial: PartialFile) -> None:
    _download(server, partial)
    _download(server, partial)
    assert server.count("a.pth") == 1


def test_a_server_that_ignores_ranges_gives_the_whole_file(server: LocalServer, partial: PartialFile) -> None:
    server.whole = {"a.pth"}
    server.faults["a.pth"] = ["cut"]
    _download(server, partial)
    assert partial.path.read_bytes() == CONTENT


def test_a_server_that_always_cuts_at_the_same_place_is_given_up(server: LocalServer, partial: PartialFile) -> None:
    server.whole = {"a.pth"}
    server.faults["a.pth"] = ["cut", "..."]
    with pytest.raises(DownloadError, match="the connection was cut"):
        _download(server, partial)
    assert server.count("a.pth") == 3


@pytest.mark.parametrize(
    ("tags", "changed"),
    [
        (('"v1"', '"v2"'), OTHER),
        (('"v1"', '"v2"'), CONTENT[:100]),
        (("", ""), CONTENT[:100]),
        (("", ""), OTHER + CONTENT),
    ],
)
def test_a_file_that_changes_meanwhile_is_not_mixed(
    tags: tuple[str, str], changed: bytes, server: LocalServer, partial: PartialFile
) -> None:
    server.tags["a.pth"] = tags[0]
    _broken_off(server, partial)
    server.tags["a.pth"], server.files["a.pth"] = tags[1], changed
    _download(server, partial)
    assert partial.path.read_bytes() == changed


@pytest.mark.parametrize(
    "note", ["{", "[]", "[" * 100_000, '{"address": "http://127.0.0.1/other.pth", "validator": "", "total": 9}']
)
def test_bytes_of_unknown_origin_are_thrown_away(note: str, server: LocalServer, partial: PartialFile) -> None:
    partial.path.write_bytes(OTHER[:1000])
    partial.path.with_name("a.pth.part.json").write_text(note)
    _download(server, partial)
    assert partial.path.read_bytes() == CONTENT
    assert server.ranges("a.pth") == []


@pytest.mark.parametrize(
    ("status", "reason"),
    [(404, "no such file on the server"), (403, "does not give this file out"), (400, "answers HTTP 400")],
)
def test_a_refusal_is_final(status: int, reason: str, server: LocalServer, partial: PartialFile) -> None:
    server.faults["a.pth"] = [status, "..."]
    with pytest.raises(DownloadError, match=reason) as caught:
        _download(server, partial)
    assert server.count("a.pth") == 1
    assert f"{server.address}/a.pth" in str(caught.value)


def test_a_web_page_is_no_file(server: LocalServer, partial: PartialFile) -> None:
    server.files["page"] = b"<html>Sign in</html>"
    with pytest.raises(DownloadError, match="a web page came"):
        download(f"{server.address}/page", partial, QUICK)
    assert partial.size == 0


def test_no_server(partial: PartialFile) -> None:
    with pytest.raises(DownloadError, match="cannot be reached") as caught:
        download("http://127.0.0.1:9/a.pth", partial, QUICK)
    assert "\n" not in str(caught.value)


def test_no_network(partial: PartialFile) -> None:
    with pytest.raises(DownloadError, match="is there a network here"):
        download("http://nowhere.invalid/a.pth", partial, Patience(pauses=(60.0,)))


def test_a_full_disk_is_no_failure_of_the_server(server: LocalServer, partial: PartialFile) -> None:
    partial.begin(Origin(f"{server.address}/a.pth", "", len(CONTENT)))
    partial.path.unlink()
    partial.path.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        _download(server, partial)
    assert server.count("a.pth") == 1
