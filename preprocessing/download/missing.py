"""The footage of a recipe, fetched before anything is cut."""

from collections.abc import Iterable
from pathlib import Path

import click

from lia_bench.preprocessing.download.downloading import download
from lia_bench.preprocessing.download.settings import DownloadOptions


def fetch_missing(video_ids: Iterable[str], footage: Path, options: DownloadOptions | None) -> None:
    """Fetch what is not in `footage` yet and say on standard error what came of it; without options, nothing.

    Args:
        video_ids: of a table; what follows '#' is not part of the address.
        footage: folder of the videos.
        options: how to fetch.

    Raises:
        InputError: as `download`.
    """
    if options is not None:
        click.echo(str(download([video_id.split("#")[0] for video_id in video_ids], footage, options)), err=True)
