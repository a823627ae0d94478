"""What yt-dlp and YouTube say, and what is made of it; whether this machine can run YouTube's player."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lia_bench.core.errors import InputError
from lia_bench.preprocessing.download.batch import download
from lia_bench.preprocessing.download.fetcher import (
    GONE,
    NETWORK,
    OUTDATED,
    RATE_LIMIT,
    RUNTIME,
    SERVER,
    SIGN_IN,
    STORAGE,
    UNKNOWN,
    YOUTUBE,
    Cause,
    DownloadOptions,
    FetchError,
    cause_of,
    check_runtime,
    usable_runtimes,
)

pytest.importorskip("yt_dlp")

COOKIES = "Use --cookies-from-browser or --cookies for the authentication. See  https://github.com/yt-dlp/yt-dlp/wiki"


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("Video unavailable", GONE),
        ("Video unavailable. This video has been removed by the uploader", GONE),
        ("Video unavailable. This video is no longer available because the uploader has closed their account", GONE),
        ("This video is no longer available because the YouTube account associated with it has been terminated.", GONE),
        (f"Private video. Sign in if you've been granted access to this video. {COOKIES}", GONE),
        ("This video has been removed for violating YouTube's Terms of Service", GONE),
        ("Video unavailable. This video contains content from X, who has blocked it in your country", GONE),
        ("The uploader has not made this video available in your country", GONE),
        (f"Join this channel to get access to members-only content like this video. {COOKIES}", GONE),
        ("Unable to download webpage: HTTP Error 410: Gone (caused by <HTTPError 410: Gone>)", GONE),
        (f"Sign in to confirm you\N{RIGHT SINGLE QUOTATION MARK}re not a bot. {COOKIES}", SIGN_IN),
        (f"Sign in to confirm you're not a bot. {COOKIES}", SIGN_IN),
        (f"Sign in to confirm your age. This video may be inappropriate for some users. {COOKIES}", SIGN_IN),
        (
            "Video unavailable. This content isn't available, try again later. The current session has been "
            "rate-limited by YouTube for up to an hour. It is recommended to use `-t sleep`",
            RATE_LIMIT,
        ),
        ("Unable to download API page: HTTP Error 429: Too Many Requests", RATE_LIMIT),
        ("Unable to download webpage: [Errno -3] Temporary failure in name resolution", NETWORK),
        (
            "Unable to download webpage: Failed to resolve 'www.youtube.com' ([Errno -2] Name or service not known)",
            NETWORK,
        ),
        ("[Errno 101] Network is unreachable", NETWORK),
        ("HTTPSConnectionPool(host='www.youtube.com', port=443): Read timed out. (read timeout=20.0)", NETWORK),
        ("('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))", NETWORK),
        ("HTTP Error 503: Service Unavailable", SERVER),
        ("content too short (expected 10286 bytes and served 5143)", SERVER),
        ("5143 bytes read, 5143 more expected", SERVER),
        ("unable to write data: [Errno 28] No space left on device", STORAGE),
        ("No supported JavaScript runtime could be found. Only deno is enabled by default", RUNTIME),
        (
            "Requested format is not available. Use --list-formats for a list of available formats "
            "(n challenge solving failed: Some formats may be missing)",
            RUNTIME,
        ),
        ("Requested format is not available. Use --list-formats for a list of available formats", OUTDATED),
        ("Unable to extract yt initial data; please report this issue on  https://github.com/yt-dlp", OUTDATED),
        ("unable to download video data: HTTP Error 403: Forbidden", OUTDATED),
        ("something else altogether", UNKNOWN),
    ],
)
def test_causes(message: str, cause: Cause) -> None:
    assert cause_of(f"ERROR: [youtube] dQw4w9WgXcQ: {message}") is cause


def test_messages_are_one_line_without_hints_for_another_command_line() -> None:
    failure = FetchError(GONE, f"\x1b[0;31mERROR:\x1b[0m [youtube] abc: Private\nvideo. {COOKIES}")
    assert str(failure) == "[youtube] abc: Private video"
    assert len(str(FetchError(GONE, "very " * 1000))) < 400


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """A machine without any program, and a way to put one there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sysconfig.get_path", lambda *_: str(tmp_path / "scripts"))

    def put(name: str, says: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{says}'\n")
        (tmp_path / name).chmod(0o755)

    return put


def test_without_a_javascript_runtime(programs: Callable[[str, str], None], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="need a JavaScript runtime and there is none: pip install") as error:
        download(["abc"], tmp_path / "footage", DownloadOptions())
    assert "\n" not in str(error.value)
    check_runtime("https://example.org/{video_id}.mp4")
    programs("node", "v12.0.0")
    with pytest.raises(InputError, match=r"there is none \(node 12.0.0 is too old\)"):
        check_runtime(YOUTUBE)


@pytest.mark.parametrize(("name", "says"), [("deno", "deno 2.9.8"), ("node", "v25.1.0"), ("bun", "1.3.0")])
def test_each_runtime_will_do(name: str, says: str, programs: Callable[[str, str], None]) -> None:
    programs(name, says)
    check_runtime(YOUTUBE)
    assert usable_runtimes() == {name: {}}
