"""Files of the Hugging Face Hub, Google Drive and Yandex Disk, as their hosts give and refuse them."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lia_bench.core import download_hosts
from lia_bench.core.download_hosts import discard, fetch_file, is_of_file
from lia_bench.core.errors import InputError
from lia_bench.core.http_download import DownloadError, Patience
from tests.two_hosts import TwoHosts, two_hosts

CONTENT = bytes(range(256)) * 4000
QUICK = Patience(timeout=60.0, pauses=())
FILE, FOLDER = "f" * 33, "d" * 33
IN_HUB = "https://huggingface.co/owner/name/resolve/main/inner/net.pt"
IN_SPACE = "https://huggingface.co/spaces/owner/name/resolve/main/net.pt"
AT_DRIVE = f"https://drive.google.com/file/d/{FILE}/view"
IN_FOLDER = f"https://drive.google.com/drive/folders/{FOLDER}"
AT_YANDEX = "https://disk.yandex.com/d/link"


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoHosts]:
    with two_hosts(monkeypatch) as local:
        local.hub = {"owner/name/main/inner/net.pt": CONTENT, "owner/name/main/net.pt": CONTENT}
        local.drive = {FILE: CONTENT, "e" * 33: b"another"}
        local.names = {FILE: "net.pt", "e" * 33: "other.pt"}
        local.folders = {FOLDER: ["e" * 33, FILE]}
        local.yandex = {"https://disk.yandex.com/d/other": b"", AT_YANDEX: CONTENT}
        yield local


def fetched(address: str, place: Path, patience: Patience = QUICK) -> bytes:
    return fetch_file(address, "net.pt", place, patience).read_bytes()


@pytest.mark.parametrize(
    "address",
    [IN_HUB, IN_SPACE, AT_DRIVE, f"https://drive.google.com/open?id={FILE}", IN_FOLDER, AT_YANDEX],
)
def test_a_file_comes_from_every_host(hosts: TwoHosts, address: str, tmp_path: Path) -> None:
    assert not is_of_file(address)
    assert fetched(address, tmp_path / "net") == CONTENT
    discard(tmp_path / "net")
    assert list(tmp_path.iterdir()) == []


def test_the_page_before_a_large_file_is_passed(hosts: TwoHosts, tmp_path: Path) -> None:
    hosts.page = "confirm"
    assert fetched(AT_DRIVE, tmp_path / "net") == CONTENT
    assert hosts.asked("confirm=t") == 1


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("quota", "its quota is exceeded): try again in a day"),
        ("gone", "it is gone, not public, or was asked for too often"),
        ("confirm for ever", "page after page and never the file"),
    ],
)
def test_a_refusal_of_google_drive_is_one_line(
    hosts: TwoHosts, page: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts.page = page  # type: ignore[assignment]
    if page == "confirm for ever":
        monkeypatch.setattr(download_hosts, "_SILENCE", 0.01)
    with pytest.raises(DownloadError) as caught:
        fetched(AT_DRIVE, tmp_path / "net", Patience(timeout=60.0, pauses=()))
    assert str(caught.value).startswith(AT_DRIVE)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_the_file_says_so(hosts: TwoHosts, tmp_path: Path) -> None:
    hosts.names[FILE] = "renamed.pt"
    with pytest.raises(DownloadError, match=r"0 files there are called net\.pt, of 2"):
        fetched(IN_FOLDER, tmp_path / "net")
    hosts.folders.clear()
    with pytest.raises(DownloadError, match="it is gone, not public, or was asked for too often"):
        fetched(IN_FOLDER, tmp_path / "net")


def test_what_was_cut_off_at_google_drive_is_continued(hosts: TwoHosts, tmp_path: Path) -> None:
    hosts.cut = {FILE}
    # The library keeps whole chunks of half a mebibyte.
    hosts.drive[FILE] = bytes(range(256)) * 2**13
    with pytest.raises(DownloadError, match="Google Drive does not give it"):
        fetched(AT_DRIVE, tmp_path / "net")
    assert fetched(AT_DRIVE, tmp_path / "net") == hosts.drive[FILE]
    assert hosts.asked(f"bytes={2**20}-") == 1


def test_a_part_that_cannot_be_continued_is_fetched_anew(hosts: TwoHosts, tmp_path: Path) -> None:
    hosts.cut, hosts.ignores_ranges = {FILE}, True
    hosts.drive[FILE] = bytes(range(256)) * 2**13
    with pytest.raises(DownloadError):
        fetched(AT_DRIVE, tmp_path / "net")
    assert fetched(AT_DRIVE, tmp_path / "net") == hosts.drive[FILE]
    assert hosts.asked("bytes=") == 1


def test_what_was_cut_off_at_the_hub_comes_in_the_end(hosts: TwoHosts, tmp_path: Path) -> None:
    hosts.cut = {"owner/name/main/inner/net.pt"}
    assert fetched(IN_HUB, tmp_path / "net") == CONTENT
    assert hosts.asked("GET") == 2


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (IN_HUB.replace("net.pt", "gone.pt"), "does not give it"),
        (IN_HUB.replace("owner", "nobody"), "no such repository, or keeps it private"),
        (f"{AT_YANDEX}x", "no such file on the server"),
    ],
)
def test_what_is_not_there_is_said(hosts: TwoHosts, address: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        fetched(address, tmp_path / "net")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_gdown_its_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "gdown", None)
    with pytest.raises(InputError, match=r"needs gdown, which is not installed: pip install '\.\[download\]'"):
        fetched(AT_DRIVE, tmp_path / "net")
