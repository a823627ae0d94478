"""The options of downloads that several recipes share, for `lia-bench preprocess`."""

import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from lia_bench.core.number_types import LARGEST_SIDE, count
from lia_bench.preprocessing.download.fetcher import YOUTUBE, DownloadOptions
from lia_bench.preprocessing.options import refuse_given

ITS_OWN = ("cookies", "rate_limit", "download_workers", "download_height", "address", "retry_unavailable")
"""Parameters of the command that count for downloads alone."""

UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}

Command = Callable[..., Any]


def parse_rate(text: str) -> int:
    """Bytes a second from a text such as 500K or 2.5M.

    Raises:
        ValueError: the text is no such rate.
    """
    found = re.fullmatch(r"(\d{1,15}(?:\.\d+)?)([KMG]?)", text.strip(), re.IGNORECASE)
    rate = int(float(found[1]) * UNITS[found[2].upper()]) if found else 0
    if rate < 1:
        raise ValueError(f"'{text}' is no rate; give bytes a second such as 500K or 2.5M")
    return rate


def download_options(height: int) -> Callable[[Command], Command]:
    """Fetching what is missing: the command gets `download`, a DownloadOptions, or None without --download.

    `height` is the dataset's largest picture.
    """

    def decorate(function: Command) -> Command:
        @wraps(function)
        def command(
            *arguments: Any,
            download: bool,
            cookies: Path | None,
            rate_limit: str | None,
            download_workers: int,
            download_height: int,
            address: str,
            retry_unavailable: bool,
            **others: Any,
        ) -> Any:
            if not download:
                refuse_given("counts only with --download", *ITS_OWN)
            options = DownloadOptions(
                address=address,
                workers=download_workers,
                rate_limit=None if rate_limit is None else _rate(rate_limit),
                cookies=cookies,
                height=download_height,
                retry_unavailable=retry_unavailable,
            )
            return function(*arguments, download=options if download else None, **others)

        decorated: Command = command
        for option in reversed(_options(height)):
            decorated = option(decorated)
        return decorated

    return decorate


def _rate(text: str) -> int:
    try:
        return parse_rate(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--rate-limit'") from None


def _options(height: int) -> list[Callable[[Command], Command]]:
    return [
        click.option("--download", is_flag=True, help="Fetch the videos that are not in --footage yet, with yt-dlp."),
        click.option(
            "--cookies",
            type=click.Path(path_type=Path),
            help="With --download: a browser's cookies in Netscape format, for sites that ask who you are.",
        ),
        click.option(
            "--rate-limit",
            metavar="RATE",
            help="With --download: bytes a second of all workers together, as 500K or 2.5M.",
        ),
        click.option(
            "--download-workers",
            type=count(1, 256),
            default=DownloadOptions.workers,
            show_default=True,
            help="With --download: videos fetched at the same time.",
        ),
        click.option(
            "--download-height",
            type=count(1, LARGEST_SIDE),
            default=height,
            show_default=True,
            help="With --download: lines of the largest picture fetched.",
        ),
        click.option(
            "--address",
            default=YOUTUBE,
            show_default=True,
            help="With --download: where a video is.",
        ),
        click.option(
            "--retry-unavailable",
            is_flag=True,
            help="With --download: ask again for the videos that unavailable.csv lists.",
        ),
    ]
