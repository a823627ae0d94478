"""How footage is fetched: one video after the other, through yt-dlp."""

import io
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import quote

from lia_bench.core.errors import InputError, UnreadableTextError
from lia_bench.core.extras import install_command
from lia_bench.core.prepared_dataset import VIDEO_SUFFIXES
from lia_bench.core.text_files import read_lines

YOUTUBE = "https://www.youtube.com/watch?v={video_id}"


@dataclass(frozen=True)
class DownloadOptions:
    """How footage is fetched.

    Attributes:
        address: where a video is, with the place of its identifier as {video_id}.
        workers: videos fetched at the same time.
        rate_limit: bytes a second of all workers together; None for no limit.
        retries: further attempts after a failure that may pass.
        back_off: seconds before the first of them; each further one waits twice as long.
        pause: seconds between two requests of a worker.
        timeout: seconds without an answer after which a connection counts as broken.
        cookies: a browser's cookies in Netscape format; the file is read and never written.
        give_up_after: the download stops when so many videos in a row fail.
        height: lines of the largest picture fetched (of its shorter side).
        retry_unavailable: try the videos again that earlier runs found gone.
    """

    address: str = YOUTUBE
    workers: int = 4
    rate_limit: int | None = None
    retries: int = 3
    back_off: float = 5.0
    pause: float = 1.0
    timeout: float = 20.0
    cookies: Path | None = None
    give_up_after: int = 10
    height: int = 1080
    retry_unavailable: bool = False

    def address_of(self, video_id: str) -> str:
        """Where one video is."""
        return self.address.replace("{video_id}", quote(video_id, safe=""))


LONGEST = 300


@dataclass(frozen=True)
class Cause:
    """A kind of failure.

    Attributes:
        advice: what probably holds when every video fails in this way, and the way out.
        passing: whether trying again in a moment may help.
    """

    advice: str
    passing: bool = False


GONE = Cause("the site says that these videos are gone; look at one in a browser, and check --address")
SIGN_IN = Cause(
    "the site takes this machine for a bot or wants a signed-in user; give the cookies of a signed-in browser with "
    "--cookies, exported anew if you did"
)
RATE_LIMIT = Cause(
    "the site limits how much this machine may fetch; wait an hour, then use fewer --download-workers", passing=True
)
NETWORK = Cause("the site cannot be reached; check the network, the proxy and --address", passing=True)
SERVER = Cause("the site answers with errors or breaks off; try again later", passing=True)
REFUSED = Cause(
    "the site refuses the videos of pages that it shows; use fewer --download-workers, wait an hour, or "
    "pip install --upgrade 'yt-dlp[default,deno]'",
    passing=True,
)
RUNTIME = Cause(f"yt-dlp finds no JavaScript runtime that it can use; {install_command('download')} brings one")
OUTDATED = Cause("the site has probably changed; pip install --upgrade 'yt-dlp[default,deno]'")
STORAGE = Cause("the folder cannot be written; make room there or name another with --footage")
UNKNOWN = Cause("the reason is not known; pip install --upgrade 'yt-dlp[default,deno]' and try one in a browser")

# The order counts: what is said about all videos goes before what may be said about one.
SIGNS = tuple(
    (re.compile(pattern, re.IGNORECASE), cause)
    for pattern, cause in (
        (r"no space left|disk quota|read-only file system|permission denied|file too large", STORAGE),
        (r"HTTP Error 429|too many requests|rate.?limit|try again later", RATE_LIMIT),
        (r"not a bot|captcha|cookies are no longer valid", SIGN_IN),
        (r"HTTP Error (404|410)|private video|video is private|video unavailable|does not exist", GONE),
        (r"video (is|has been) (not|no longer) available|has been (terminated|closed|removed)", GONE),
        (r"blocked it|not (made this video )?available (in|from) your (country|location)|DRM protected", GONE),
        (r"members.only|music premium|requires payment|available to this channel's members", GONE),
        (r"confirm your age|sign in|log.?in (is )?required|HTTP Error 401|login details", SIGN_IN),
        (r"javascript runtime|JS runtime|challenge solving failed", RUNTIME),
        (r"HTTP Error (408|5\d\d)|too short|bytes read|more expected|any data blocks|fragment not found", SERVER),
        (
            r"timed out|timeout|resolve|name resolution|name or service|getaddrinfo|nodename|unreachable|no route"
            r"|connection (refused|reset|aborted|broken)|remote end closed|unable to connect|proxy|EOF occurred",
            NETWORK,
        ),
        (r"please report this issue|unable to extract|failed to extract|HTTP Error 403|requested format", OUTDATED),
        (r"unsupported url|no video formats", OUTDATED),
    )
)


def cause_of(message: str) -> Cause:
    """The kind of failure that a message speaks of."""
    message = message.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return next((cause for sign, cause in SIGNS if sign.search(message)), UNKNOWN)


def one_line(message: str) -> str:
    """A message without line breaks, yt-dlp's prefix and its hints for its own command line."""
    text = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", message).split()).removeprefix("ERROR: ")
    text = re.split(r";? please report this issue|\.? Use --cookies|\.? It is recommended to| \(caused by ", text)[0]
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."


class FetchError(Exception):
    """A video could not be fetched; `cause` says of what kind the failure is, the text is one line."""

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(one_line(message))
        self.cause = cause


HOSTS = re.compile(r"https?://([\w-]+\.)*(youtube\.com|youtube-nocookie\.com|youtu\.be)/", re.IGNORECASE)


def usable_runtimes() -> dict[str, dict[str, Any]]:
    """The runtimes that yt-dlp may use here, as its option `js_runtimes` names them."""
    return {name: {} for name, found in _runtimes().items() if found is not None and found.supported}


def check_runtime(address: str) -> None:
    """Refuse a download from YouTube where nothing can run its player.

    Raises:
        InputError: there is no runtime, or only ones that are too old.
    """
    if not HOSTS.match(address) or usable_runtimes():
        return
    old = "".join(f" ({found.name} {found.version} is too old)" for found in _runtimes().values() if found is not None)
    raise InputError(
        f"downloads from YouTube need a JavaScript runtime and there is none{old}: "
        f"{install_command('download')} brings deno; a recent node, bun or quickjs on the PATH will do as well"
    )


def _runtimes() -> Mapping[str, Any]:
    from yt_dlp.globals import supported_js_runtimes

    return {name: runtime().info for name, runtime in supported_js_runtimes.value.items()}


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
        text = "\n".join(read_lines(path))
        YoutubeDLCookieJar(io.StringIO(text)).load()
    except (UnreadableTextError, LoadError) as error:
        raise InputError(
            f"{path}: not readable as cookies in Netscape format ({' '.join(str(error).split())}); "
            "export them with a browser extension such as 'Get cookies.txt'"
        ) from None
    return text
