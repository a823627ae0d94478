"""One video after the other, through yt-dlp."""

import io
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

from lia_bench.core.errors import InputError
from lia_bench.core.prepared_dataset import VIDEO_SUFFIXES
from lia_bench.preprocessing.download.causes import (
    GONE,
    OUTDATED,
    REFUSED,
    SERVER,
    UNKNOWN,
    Cause,
    FetchError,
    cause_of,
    one_line,
)
from lia_bench.preprocessing.download.runtimes import usable_runtimes
from lia_bench.preprocessing.download.settings import DownloadOptions


class VideoFetcher:
    """Fetches videos, one at a time; several fetchers may work side by side.

    Raises:
        InputError: the file of cookies cannot be read.
    """

    def __init__(self, options: DownloadOptions, on_bytes: Callable[[int], None], stopping: Event) -> None:
        from yt_dlp import YoutubeDL

        self._options = options
        self._on_bytes = on_bytes
        self._stopping = stopping
        self._received = 0
        self._messages = _Messages()
        self._downloader = YoutubeDL({**yt_dlp_settings(options), "logger": self._messages})
        self._downloader.add_progress_hook(self._progressed)

    def close(self) -> None:
        """Close the connections."""
        self._downloader.close()

    def fetch(self, video_id: str, working: Path, target: Path) -> Path:
        """Fetch one video into the folder `working`, and when it is whole, to `target` plus its suffix.

        What a broken attempt leaves in `working` is taken up again by the next one, in this run or another.

        Raises:
            FetchError: the video is gone, or could not be fetched in all attempts.
        """
        for attempt in range(self._options.retries + 1):
            try:
                file = self._attempt(video_id, working)
                break
            except FetchError as failure:
                last = attempt == self._options.retries
                if failure.cause is GONE:
                    shutil.rmtree(working, ignore_errors=True)
                if last or not failure.cause.passing or self._stopping.wait(self._options.back_off * 2**attempt):
                    raise
        placed = target.with_name(target.name + file.suffix)
        with file.open("rb") as written:
            os.fsync(written.fileno())
        file.replace(placed)
        shutil.rmtree(working)
        return placed

    def _attempt(self, video_id: str, working: Path) -> Path:
        from yt_dlp.utils import DownloadCancelled, YoutubeDLError

        if self._stopping.is_set():
            raise DownloadCancelled
        found: dict[str, Any] = {}
        self._messages.forget()
        self._received = 0
        try:
            found = self._downloader.extract_info(self._options.address_of(video_id), download=False)
            working.mkdir(parents=True, exist_ok=True)
            file = working / _file_name(found)
            self._downloader.dl(str(file), found)
        except (DownloadCancelled, FetchError):
            raise
        except (YoutubeDLError, OSError) as error:
            message = self._messages.explain(str(error))
            raise FetchError(_cause_behind_the_page(message) if found else cause_of(message), message) from error
        except Exception as error:
            # An extractor meets a page that its authors never saw: any error may come out of it.
            raise FetchError(OUTDATED, f"{type(error).__name__}: {error}") from error
        if not file.is_file():
            raise FetchError(UNKNOWN, "yt-dlp wrote no file")
        return file

    def _progressed(self, status: dict[str, Any]) -> None:
        from yt_dlp.utils import DownloadCancelled

        if self._stopping.is_set():
            raise DownloadCancelled
        received = status.get("downloaded_bytes") or 0
        # What an earlier attempt left counts as received before.
        self._on_bytes(max(0, received - self._received) if self._received else 0)
        self._received = received


class _Messages:
    """What yt-dlp would print: nothing is shown, the last warning is kept."""

    def __init__(self) -> None:
        self._warning = ""

    def forget(self) -> None:
        """Begin anew, with the next attempt."""
        self._warning = ""

    def debug(self, message: str) -> None:
        """What yt-dlp is doing."""

    def warning(self, message: str) -> None:
        """What may be the cause of a later error."""
        self._warning = message

    def error(self, message: str) -> None:
        """It is raised as well."""

    def explain(self, error: str) -> str:
        """An error, with the warning before it where the error alone says too little."""
        return f"{one_line(error)} ({self._warning})" if "Requested format is not available" in error else error


def _cause_behind_the_page(message: str) -> Cause:
    # The page was there a moment ago, so it is the address of its video that has expired or was used too often.
    if "HTTP Error 403" in message:
        return REFUSED
    cause = cause_of(message)
    return SERVER if cause is GONE else cause


def _file_name(found: dict[str, Any]) -> str:
    if found.get("_type", "video") != "video":
        raise FetchError(UNKNOWN, f"the address holds no single video ({found['_type']})")
    if found.get("live_status") in ("is_live", "is_upcoming"):
        raise FetchError(UNKNOWN, f"the video is a live stream that has not ended ({found['live_status']})")
    suffix = f".{found.get('ext')}"
    if suffix not in VIDEO_SUFFIXES:
        raise FetchError(UNKNOWN, f"a file of type {suffix} is no video")
    # Each format has its own name, so that a file is never continued with the bytes of another one.
    return re.sub(r"[^\w-]", "_", str(found.get("format_id")))[:50] + suffix


def yt_dlp_settings(options: DownloadOptions) -> dict[str, Any]:
    """The options in yt-dlp's own words.

    Raises:
        InputError: the file of cookies cannot be read.
    """
    settings: dict[str, Any] = {
        # Without sound if it can be had so, H.264 before others, and plain files before streams of pieces.
        "format": "bv/b",
        "format_sort": [f"res:{options.height}", "proto", "vcodec:h264", "ext:mp4"],
        "noplaylist": True,
        "noprogress": True,
        "quiet": True,
        "color": "never",
        "socket_timeout": options.timeout,
        # One loop retries everything; pieces of a stream alone are retried where they fail.
        "retries": 0,
        "extractor_retries": 0,
        "fragment_retries": options.retries,
        "retry_sleep_functions": {"fragment": lambda n: options.back_off * 2**n},
        "skip_unavailable_fragments": False,
        "sleep_interval_requests": options.pause,
        "sleep_interval": options.pause,
        "js_runtimes": usable_runtimes(),
    }
    if options.rate_limit is not None:
        settings["ratelimit"] = options.rate_limit / options.workers
    if options.cookies is not None:
        settings["cookiefile"] = io.StringIO(_read_cookies(options.cookies))
    return settings


def _read_cookies(path: Path) -> str:
    from http.cookiejar import LoadError

    from yt_dlp.cookies import YoutubeDLCookieJar

    try:
        text = path.read_text(encoding="utf-8")
        YoutubeDLCookieJar(io.StringIO(text)).load()
    except (OSError, UnicodeDecodeError, LoadError) as error:
        raise InputError(
            f"{path}: not readable as cookies in Netscape format ({' '.join(str(error).split())}); "
            "export them with a browser extension such as 'Get cookies.txt'"
        ) from None
    return text
