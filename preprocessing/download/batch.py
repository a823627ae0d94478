"""Many videos at once into one folder: what is there is skipped, what is gone is written down, the rest is fetched."""

import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock

import click

from lia_bench.core.console import progress
from lia_bench.core.errors import InputError
from lia_bench.core.extras import not_installed
from lia_bench.core.prepared_dataset import VIDEO_SUFFIXES
from lia_bench.core.processes import LOCK, held_in_turn
from lia_bench.preprocessing.clip_table import parse_identifier
from lia_bench.preprocessing.download.fetcher import (
    GONE,
    STORAGE,
    Cause,
    DownloadOptions,
    FetchError,
    VideoFetcher,
    check_runtime,
)
from lia_bench.preprocessing.download.unavailable import FILE_NAME, UnavailableVideos

WORKING_FOLDER = ".download"
"""Within the footage folder: what is not whole yet."""


@dataclass
class DownloadReport:
    """What became of the videos asked for.

    Attributes:
        present: were there before.
        fetched: are there now.
        unavailable: are gone, with the reason; found by this run or an earlier one.
        failed: could not be fetched this time, with the reason; the next run tries them again.
        unproven: how many of the unavailable ones were not written down, since no video at all was there.
    """

    present: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    unavailable: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    unproven: int = 0

    def __str__(self) -> str:
        """The counts, in one line."""
        text = f"videos: {len(self.fetched)} fetched, {len(self.present)} there before"
        if self.unproven:
            video_id, reason = list(self.unavailable.items())[-1]
            text += (
                f", {self.unproven} unavailable (such as {video_id}: {reason}; not written down, since no video was "
            )
            text += "there and --address may be wrong)"
        if len(self.unavailable) > self.unproven:
            text += f", {len(self.unavailable) - self.unproven} unavailable ({FILE_NAME} says why)"
        if self.failed:
            video_id, reason = next(iter(self.failed.items()))
            text += f", {len(self.failed)} failed and tried again next time (such as {video_id}: {reason})"
        return text


def download(video_ids: Sequence[str], folder: Path, options: DownloadOptions) -> DownloadReport:
    """Fetch videos to `folder`, each as <video_id>.mp4 (or another suffix, where the site has no mp4).

    A video appears under its name when it is whole; parts of one are kept in a hidden folder and continued by the
    next run. One that is gone is listed in unavailable.csv and not asked for again.

    Runs that fetch into one folder take turns, since they share the list of those that are gone.

    Raises:
        InputError: yt-dlp or what it needs is missing, the folder is not writable, or so many videos in a row failed
            that the next would fail as well.
    """
    _check(options)
    working = folder / WORKING_FOLDER
    with _turn(working):
        run = _Run(folder, options)
        missing = run.sort_out(video_ids)
        if missing:
            run.fetch(missing, working)
        return run.report


class _Run:
    def __init__(self, folder: Path, options: DownloadOptions) -> None:
        self.report = DownloadReport()
        self._folder = folder
        self._options = options
        self._gone = UnavailableVideos(folder)
        self._stopping = Event()
        self._rate = _Rate()
        self._streak: list[tuple[Cause, str]] = []
        # Until one video was there, a gone one may as well be a wrong address: it is not written down yet.
        self._proven = False
        self._unproven: dict[str, str] = {}

    def sort_out(self, video_ids: Sequence[str]) -> list[str]:
        """The videos that have to be fetched."""
        there = {path.stem for path in self._folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES}
        missing = []
        for video_id in dict.fromkeys(video_ids):
            if video_id in there:
                self.report.present.append(video_id)
                self._gone.remove(video_id)
            elif video_id in self._gone.reasons and not self._options.retry_unavailable:
                self.report.unavailable[video_id] = self._gone.reasons[video_id]
            elif reason := self._unsafe(video_id):
                self.report.failed[video_id] = reason
            else:
                missing.append(video_id)
        self._proven = bool(self.report.present)
        return missing

    def fetch(self, missing: Sequence[str], working: Path) -> None:
        """Fetch these videos, several at the same time."""
        workers = min(self._options.workers, len(missing))
        fetchers: SimpleQueue[VideoFetcher] = SimpleQueue()

        def task(video_id: str) -> None:
            fetcher = fetchers.get()
            try:
                fetcher.fetch(video_id, working / video_id, self._folder / video_id)
            finally:
                fetchers.put(fetcher)

        with contextlib.ExitStack() as stack:
            for _ in range(workers):
                fetcher = VideoFetcher(self._options, self._rate.add, self._stopping)
                stack.callback(fetcher.close)
                fetchers.put(fetcher)
            pool = stack.enter_context(ThreadPoolExecutor(workers))
            try:
                self._collect({pool.submit(task, video_id): video_id for video_id in missing})
            except BaseException:
                self._stopping.set()
                pool.shutdown(cancel_futures=True)
                raise
        self.report.unproven = len(self._unproven)

    def _collect(self, running: dict[Future[None], str]) -> None:
        with progress(title="Downloading", total=len(running), unit="video") as bar:
            while running:
                done, _ = wait(running, timeout=1, return_when=FIRST_COMPLETED)
                for future in [each for each in running if each in done]:
                    self._note(running.pop(future), future)
                    bar.update()
                lost = len(self.report.unavailable) + len(self.report.failed)
                bar.set_postfix_str(f"{self._rate.text()}, {lost} not there", refresh=False)

    def _note(self, video_id: str, future: Future[None]) -> None:
        try:
            future.result()
        except FetchError as failure:
            self._note_failure(video_id, failure)
            return
        self.report.fetched.append(video_id)
        self._gone.remove(video_id)
        self._streak.clear()
        self._proven = True
        for gone, reason in self._unproven.items():
            self._gone.add(gone, reason)
        self._unproven.clear()

    def _note_failure(self, video_id: str, failure: FetchError) -> None:
        reason = str(failure)
        if failure.cause is GONE:
            self.report.unavailable[video_id] = reason
            if self._proven:
                self._gone.add(video_id, reason)
                return
            self._unproven[video_id] = reason
        else:
            self.report.failed[video_id] = reason
        self._streak.append((failure.cause, f"{video_id}: {reason}"))
        if failure.cause is STORAGE:
            raise InputError(f"{self._folder}: the download stopped: {STORAGE.advice} ({reason})")
        if len(self._streak) >= self._options.give_up_after:
            raise InputError(self._why_all_fail())

    def _why_all_fail(self) -> str:
        ((cause, _),) = Counter(cause for cause, _ in self._streak).most_common(1)
        example = next(text for other, text in self._streak if other is cause)
        which = "the last" if self._proven else "the first"
        return f"the download stopped, for {which} {len(self._streak)} videos all failed: {cause.advice} ({example})"

    def _unsafe(self, video_id: str) -> str:
        try:
            parse_identifier(video_id)
        except ValueError as error:
            return str(error)
        inside = (self._folder / video_id).resolve().parent == self._folder.resolve()
        return "" if inside else "its file would lie outside the folder"


class _Rate:
    """Bytes a second, of all workers together."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._bytes = 0
        self._began = time.monotonic()

    def add(self, count: int) -> None:
        with self._lock:
            self._bytes += count

    def text(self) -> str:
        return f"{self._bytes / 2**20 / max(time.monotonic() - self._began, 0.001):.1f} MiB/s"


def _check(options: DownloadOptions) -> None:
    try:
        import yt_dlp  # noqa: F401
    except ImportError:
        raise InputError(not_installed("downloads need yt-dlp", "download")) from None
    if "{video_id}" not in options.address:
        raise InputError(f"--address {options.address}: it does not say with {{video_id}} where the identifier goes")
    check_runtime(options.address)


@contextlib.contextmanager
def _turn(working: Path) -> Iterator[None]:
    def waiting() -> None:
        click.echo(f"{working.parent}: another run is downloading into this folder; waiting for it", err=True)

    try:
        with held_in_turn(working / LOCK, waiting):
            yield
    except OSError as error:
        raise InputError(f"{working.parent}: the folder cannot be written: {error.strerror or error}") from error


def fetch_missing(video_ids: Iterable[str], footage: Path, options: DownloadOptions) -> None:
    """Fetch what is not in `footage` yet and say on standard error what came of it.

    Args:
        video_ids: of a table; what follows '#' is not part of the address.
        footage: folder of the videos.
        options: how to fetch.

    Raises:
        InputError: as `download`.
    """
    click.echo(str(download([video_id.split("#")[0] for video_id in video_ids], footage, options)), err=True)
