"""Downloads from a server that fails, stalls and cuts connections: every video ends whole, listed, or tried again."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event, Thread
from typing import Any

import pytest

from lia_bench.core.errors import InputError
from lia_bench.preprocessing.download.batch import DownloadReport, download
from lia_bench.preprocessing.download.fetcher import DownloadOptions
from lia_bench.preprocessing.download.unavailable import UnavailableVideos, read_unavailable
from tests.core.videos import encode
from tests.local_server import LocalServer, serve

pytest.importorskip("yt_dlp")

SECONDS = 120
"""What is waited for on a busy machine."""


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return encode(tmp_path_factory.mktemp("video") / "video.mp4").read_bytes()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve() as local:
        yield local


def _options(server: LocalServer, **changes: Any) -> DownloadOptions:
    quick: dict[str, Any] = {"back_off": 0.01, "pause": 0.0, "timeout": 60.0}
    return DownloadOptions(**{"address": server.address + "/{video_id}.mp4", **quick, **changes})


def _fetch(server: LocalServer, folder: Path, *video_ids: str, **changes: Any) -> DownloadReport:
    return download(video_ids, folder, _options(server, **changes))


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {".download/.lock"}


def _listed(folder: Path) -> list[str]:
    with (folder / "unavailable.csv").open(newline="", encoding="utf-8") as file:
        return [row["video_id"] for row in csv.DictReader(file)]


def test_videos_land_under_their_names_and_are_fetched_once(server: LocalServer, video: bytes, tmp_path: Path) -> None:
    names = ["abc", "-xyz", "a b", "ü日本", "$HOME%s", "a.b#c", "abc"]
    server.files = {f"{name}.mp4": video for name in names}
    (tmp_path / "there.webm").write_bytes(b"of another origin")
    report = _fetch(server, tmp_path, "there", *names)
    assert sorted(report.fetched) == sorted(set(names))
    assert report.present == ["there"]
    assert not report.failed
    assert not report.unavailable
    assert _files(tmp_path) == {"there.webm", *(f"{name}.mp4" for name in names)}
    assert all((tmp_path / f"{name}.mp4").read_bytes() == video for name in names)

    asked = len(server.requests)
    again = _fetch(server, tmp_path, "there", *names)
    assert len(again.present) == 7
    assert len(server.requests) == asked


@pytest.mark.parametrize(
    "faults", [[500, 503], [429], ["ok", 404], ["ok", 403], ["ok", "cut"], ["ok", "cut", "ok", "cut"]]
)
def test_failures_that_pass(faults: list[int | str], server: LocalServer, video: bytes, tmp_path: Path) -> None:
    server.files, server.faults = {"abc.mp4": video}, {"abc.mp4": list(faults)}
    assert _fetch(server, tmp_path, "abc").fetched == ["abc"]
    assert (tmp_path / "abc.mp4").read_bytes() == video
    assert len(server.ranges("abc.mp4")) == faults.count("cut")
    assert _files(tmp_path) == {"abc.mp4"}


def test_a_video_that_is_refused_though_its_page_is_there(server: LocalServer, video: bytes, tmp_path: Path) -> None:
    server.files, server.faults = {"abc.mp4": video}, {"abc.mp4": ["ok", 403] * 2}
    with pytest.raises(InputError, match=r"the site refuses the videos of pages that it shows; .*--download-workers"):
        _fetch(server, tmp_path, "abc", retries=1, give_up_after=1)


def test_a_server_that_stalls(server: LocalServer, video: bytes, tmp_path: Path) -> None:
    server.files, server.faults = {"abc.mp4": video}, {"abc.mp4": ["ok", "stall", "stall"]}
    # A busy machine may seem to stall, too.
    assert _fetch(server, tmp_path, "abc", timeout=1.0, retries=20).fetched == ["abc"]
    assert (tmp_path / "abc.mp4").read_bytes() == video
    assert server.ranges("abc.mp4")


def test_the_next_run_continues_what_this_one_left(server: LocalServer, video: bytes, tmp_path: Path) -> None:
    server.files = {"abc.mp4": video, "def.mp4": video}
    server.faults = {"abc.mp4": ["ok", "cut"]}
    report = _fetch(server, tmp_path, "abc", "def", retries=0)
    assert report.fetched == ["def"]
    assert list(report.failed) == ["abc"]
    assert not (tmp_path / "abc.mp4").exists()
    assert not (tmp_path / "unavailable.csv").exists()

    assert _fetch(server, tmp_path, "abc", "def").fetched == ["abc"]
    assert (tmp_path / "abc.mp4").read_bytes() == video
    (part,) = server.ranges("abc.mp4")
    assert int(part.removeprefix("bytes=").rstrip("-")) > 0


def test_gone_videos_are_listed_once(server: LocalServer, video: bytes, tmp_path: Path) -> None:
    server.files, server.faults = {"abc.mp4": video}, {"late.mp4": [410, "..."]}
    report = _fetch(server, tmp_path, "gone", "late", "abc")
    assert report.fetched == ["abc"]
    assert set(report.unavailable) == {"gone", "late"}
    assert "404" in report.unavailable["gone"]
    assert "\n" not in str(report)
    assert sorted(_listed(tmp_path)) == ["gone", "late"]

    assert set(_fetch(server, tmp_path, "gone", "late", "abc").unavailable) == {"gone", "late"}
    assert server.count("gone.mp4") == 1

    server.files["gone.mp4"] = video
    report = _fetch(server, tmp_path, "gone", "late", "abc", retry_unavailable=True)
    assert report.fetched == ["gone"]
    assert _listed(tmp_path) == ["late"]


def test_the_list_is_the_users_to_edit(tmp_path: Path) -> None:
    videos = UnavailableVideos(tmp_path)
    videos.add("-abc", 'removed, "by the uploader"')
    videos.add("def", "private")
    videos.add("def", "private")
    path = tmp_path / "unavailable.csv"
    assert path.read_text().splitlines() == ["video_id,reason", '-abc,"removed, ""by the uploader"""', "def,private"]
    assert read_unavailable(tmp_path) == {"-abc": 'removed, "by the uploader"', "def": "private"}

    path.write_text("video_id,reason\ndef,priv")
    torn = UnavailableVideos(tmp_path)
    torn.add("ghi", "gone")
    assert read_unavailable(tmp_path) == {"def": "priv", "ghi": "gone"}


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        (429, "limits how much this machine may fetch"),
        (401, "--cookies"),
        (403, "the site has probably changed"),
        (500, "answers with errors"),
        (404, "the site says that these videos are gone"),
    ],
)
def test_it_stops_when_the_first_videos_all_fail(
    fault: int, advice: str, server: LocalServer, video: bytes, tmp_path: Path
) -> None:
    names = [f"v{number:02}" for number in range(40)]
    server.files = {f"{name}.mp4": video for name in names}
    server.faults = {f"{name}.mp4": [fault, "..."] for name in names}
    with pytest.raises(InputError, match=rf"the first 4 videos all failed: .*{advice}.*{fault}") as error:
        _fetch(server, tmp_path, *names, retries=1, give_up_after=4, workers=2)
    assert "\n" not in str(error.value)
    # Those that were begun while the first four were looked at.
    assert len({name for name, _ in server.requests}) < len(names)
    # A wrong address says 404 of every video: nothing is written down before one was there.
    assert _files(tmp_path) == set()


def test_gone_videos_are_not_written_down_while_no_video_was_there(
    server: LocalServer, video: bytes, tmp_path: Path
) -> None:
    report = _fetch(server, tmp_path, "abc", "def", workers=1)
    assert list(report.unavailable) == ["abc", "def"]
    assert _files(tmp_path) == set()
    assert "404" in str(report)
    assert str(report).endswith("not written down, since no video was there and --address may be wrong)")
    server.files = {"abc.mp4": video}
    report = _fetch(server, tmp_path, "abc", "def")
    assert report.fetched == ["abc"]
    assert str(report).endswith("1 unavailable (unavailable.csv says why)")
    assert _listed(tmp_path) == ["def"]


def test_gone_videos_stop_nothing_once_one_was_there(server: LocalServer, video: bytes, tmp_path: Path) -> None:
    server.files = {"v0.mp4": video, "v9.mp4": video}
    report = _fetch(server, tmp_path, *(f"v{number}" for number in range(10)), give_up_after=3, workers=1)
    assert report.fetched == ["v0", "v9"]
    assert _listed(tmp_path) == [f"v{number}" for number in range(1, 9)]


def test_it_stops_as_well_when_everything_fails_from_some_moment(
    server: LocalServer, video: bytes, tmp_path: Path
) -> None:
    names = [f"v{number:02}" for number in range(20)]
    server.files = {f"{name}.mp4": video for name in names}
    server.faults = {f"{name}.mp4": [429, "..."] for name in names[3:]}
    with pytest.raises(InputError, match="the last 4 videos all failed"):
        _fetch(server, tmp_path, *names, retries=0, give_up_after=4, workers=1)
    assert _files(tmp_path) == {"v00.mp4", "v01.mp4", "v02.mp4"}


def test_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    options = DownloadOptions(address="http://127.0.0.1:9/{video_id}", retries=0, pause=0, give_up_after=2)
    with pytest.raises(InputError, match="the site cannot be reached; check the network"):
        download(["a", "b", "c"], tmp_path, options)


def test_several_at_the_same_time(server: LocalServer, video: bytes, tmp_path: Path) -> None:
    names = ["a", "b", "c"]
    server.files = {f"{name}.mp4": video for name in names}
    server.faults = {f"{name}.mp4": ["ok", "meet"] for name in names}
    server.meeting = Barrier(3)
    # On a busy machine they may start seconds apart.
    assert len(_fetch(server, tmp_path, *names, workers=3, timeout=120.0).fetched) == 3
    # A request may count until after its answer has arrived.
    assert server.most_at_once >= 3


def test_the_rate_limit(server: LocalServer, video: bytes, tmp_path: Path) -> None:
    server.files = {"abc.mp4": video}
    began = time.monotonic()
    _fetch(server, tmp_path, "abc", rate_limit=4 * len(video), workers=4)
    assert time.monotonic() - began > 0.8


def test_cookies_are_sent_and_left_alone(server: LocalServer, video: bytes, tmp_path: Path) -> None:
    cookies = tmp_path / "cookies.txt"
    cookies.write_text("# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t4102444800\tsession\t12345\n")
    before = cookies.read_bytes()
    server.files = {"abc.mp4": video}
    _fetch(server, tmp_path / "footage", "abc", cookies=cookies)
    assert set(server.cookies) == {"session=12345"}
    assert cookies.read_bytes() == before

    cookies.write_text('{"session": 12345}')
    for path in (cookies, tmp_path / "none.txt"):
        with pytest.raises(InputError, match=rf"{path.name}: not readable as cookies") as error:
            _fetch(server, tmp_path / "footage", "def", cookies=path)
        assert "\n" not in str(error.value)


def test_what_is_no_mp4_keeps_its_suffix(server: LocalServer, tmp_path: Path) -> None:
    server.files = {"abc.webm": b"webm" * 1000, "page.webm": b""}
    address = server.address + "/{video_id}.webm"
    assert _fetch(server, tmp_path, "abc", address=address).fetched == ["abc"]
    assert (tmp_path / "abc.webm").read_bytes() == b"webm" * 1000


def test_nothing_is_written_outside_the_folder(server: LocalServer, video: bytes, tmp_path: Path) -> None:
    names = ["../up", "/etc/passwd", "..", "", "a/b", ".hidden", "a\nb"]
    server.files = {f"{name}.mp4": video for name in [*names, "abc"]}
    report = _fetch(server, tmp_path / "footage", *names, "abc")
    assert list(report.failed) == names
    assert _files(tmp_path) == {"footage/abc.mp4", "footage/.download/.lock"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
def test_no_space_left(server: LocalServer, video: bytes, tmp_path: Path) -> None:
    server.files = {f"v{number}.mp4": video for number in range(8)}
    for number in range(8):
        working = tmp_path / ".download" / f"v{number}"
        working.mkdir(parents=True)
        (working / "mp4.mp4.part").symlink_to("/dev/full")
    with pytest.raises(InputError, match=r"the folder cannot be written; make room.*No space left"):
        _fetch(server, tmp_path, *(f"v{number}" for number in range(8)), workers=1)
    # The next ones may have begun while the first was looked at.
    assert "v7.mp4" not in {name for name, _ in server.requests}


def test_runs_that_share_a_folder_take_turns(
    server: LocalServer, video: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from filelock import FileLock

    server.files = {"abc.mp4": video, "def.mp4": video}
    (tmp_path / ".download").mkdir()
    held, waiting = Event(), Event()

    def other_run() -> None:
        with FileLock(tmp_path / ".download" / ".lock"):
            held.set()
            waiting.wait(SECONDS)
            (tmp_path / "abc.mp4").write_bytes(video)

    other = Thread(target=other_run)
    other.start()
    held.wait(SECONDS)
    with ThreadPoolExecutor(1) as pool:
        report = pool.submit(_fetch, server, tmp_path, "abc", "def")
        _wait_for(lambda: "another run is downloading into this folder" in capsys.readouterr().err)
        assert not report.done()
        waiting.set()
        assert (report.result().present, report.result().fetched) == (["abc"], ["def"])
    other.join()


def test_folders_that_cannot_be_used(server: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file: the folder cannot be written"):
        _fetch(server, tmp_path / "file", "abc")
    with pytest.raises(InputError, match=r"--address http://x/: it does not say with \{video_id\}"):
        _fetch(server, tmp_path, "abc", address="http://x/")


def test_without_yt_dlp(server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yt_dlp", None)
    with pytest.raises(InputError, match=r"pip install '\.\[download\]'"):
        _fetch(server, tmp_path, "abc")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_a_download_that_is_stopped(sent: signal.Signals, server: LocalServer, video: bytes, tmp_path: Path) -> None:
    server.files = {"abc.mp4": video * 40, "def.mp4": video}
    server.faults = {"abc.mp4": ["ok", *["stall"] * 20]}
    script = (
        "import pathlib, sys\n"
        "from lia_bench.preprocessing.download.batch import download\n"
        "from lia_bench.preprocessing.download.fetcher import DownloadOptions\n"
        "options = DownloadOptions(address=sys.argv[1] + '/{video_id}.mp4', pause=0, timeout=120.0, workers=2)\n"
        "download(['abc', 'def'], pathlib.Path(sys.argv[2]), options)\n"
    )
    command = [sys.executable, "-c", script, server.address, str(tmp_path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ})
    part = tmp_path / ".download" / "abc" / "mp4.mp4.part"
    _wait_for(lambda: part.is_file() and part.stat().st_size > 0 and (tmp_path / "def.mp4").is_file())
    process.send_signal(sent)
    server.released.set()
    _, error = process.communicate(timeout=SECONDS)
    assert process.returncode != 0
    if sent == signal.SIGINT:
        assert error.rstrip().endswith("KeyboardInterrupt")
    assert _files(tmp_path) == {"def.mp4", str(part.relative_to(tmp_path))}

    server.faults.clear()
    assert _fetch(server, tmp_path, "abc", "def").fetched == ["abc"]
    assert (tmp_path / "abc.mp4").read_bytes() == video * 40
    assert server.ranges("abc.mp4")
    assert _files(tmp_path) == {"abc.mp4", "def.mp4"}


def _wait_for(condition: Any) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
