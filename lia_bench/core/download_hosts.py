"""Hosts whose files are asked for in a way of their own: the Hugging Face Hub, Google Drive and Yandex Disk."""

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Event, Timer
from typing import Any
from urllib.parse import urlencode

from lia_bench.core.console import progress
from lia_bench.core.errors import InputError
from lia_bench.core.extras import not_installed
from lia_bench.core.http_download import DownloadError, PartialFile, Patience, download

YANDEX = "https://cloud-api.yandex.net/v1/disk/public/resources/download"
"""Answers in JSON where the file of a public link can be had now."""

_SILENCE = 4
"""Timeouts that Google Drive may take to the first byte, with the pages that it puts before a large file."""


@dataclass(frozen=True)
class Host:
    """A host, by what its addresses look like.

    Attributes:
        address: the whole address; its groups are what `fetch` needs of it.
        fetch: called with the match, the file's name, an empty or half-filled folder of its own, and how patient to
            be; returns the file, somewhere in that folder.
    """

    address: re.Pattern[str]
    fetch: Callable[[re.Match[str], str, Path, Patience], Path]


def fetch_file(address: str, name: str, place: Path, patience: Patience) -> Path:
    """The file called `name` that `address` offers, whole; what an earlier call left is continued where that is sure.

    Args:
        address: of the file itself, its page at one of the hosts here, or the folder at Google Drive that it is in.
        place: where parts may be kept: names that begin so are this file's alone.

    Returns:
        Where it came to, to be moved away.

    Raises:
        DownloadError: it cannot be fetched; what came is kept.
        InputError: the library that knows the host is not installed.
        OSError: it cannot be written.
    """
    for host in HOSTS:
        if found := host.address.fullmatch(address):
            folder = place.with_name(f"{place.name}.parts")
            folder.mkdir(parents=True, exist_ok=True)
            return host.fetch(found, name, folder, patience)
    partial = PartialFile(place.with_name(f"{place.name}.part"))
    download(address, partial, patience)
    return partial.path


def is_of_file(address: str) -> bool:
    """Whether an address is that of a file itself, and no host's page or folder."""
    return not any(host.address.fullmatch(address) for host in HOSTS)


def discard(place: Path) -> None:
    """Leave nothing of what `fetch_file` kept at `place`."""
    PartialFile(place.with_name(f"{place.name}.part")).discard()
    shutil.rmtree(place.with_name(f"{place.name}.parts"), ignore_errors=True)


def _from_hub(found: re.Match[str], name: str, folder: Path, patience: Patience) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        return Path(
            hf_hub_download(
                found["repository"],
                found["path"],
                repo_type="space" if found["space"] else None,
                revision=found["revision"],
                local_dir=folder,
                etag_timeout=patience.timeout,
                # Read at each call, and not once as by the library.
                endpoint=os.environ.get("HF_ENDPOINT"),
            )
        )
    except OSError as error:
        # Errors of the library for answers of the Hub are OSErrors as well; those of the disk have a number.
        if error.errno is not None:
            raise
        reason: Exception = error
    except Exception as error:  # those of the HTTP library beneath have no base in common with the Hub's
        reason = error
    match reason:
        case GatedRepoError():
            said = "its owner on the Hugging Face Hub grants access on request: ask there, then run hf auth login"
        case RepositoryNotFoundError():
            said = "the Hugging Face Hub has no such repository, or keeps it private"
        case LocalEntryNotFoundError():
            said = "the Hugging Face Hub cannot be reached: is there a network here?"
        case _:
            said = f"the Hugging Face Hub does not give it ({_one_line(reason)})"
    raise DownloadError(f"{found[0]}: {said}") from reason


def _from_drive(found: re.Match[str], name: str, folder: Path, patience: Patience) -> Path:
    return _drive_file(found[0], found["file"] or found["id"], name, folder, patience)


def _from_drive_folder(found: re.Match[str], name: str, folder: Path, patience: Patience) -> Path:
    gdown = _gdown()
    try:
        listed = gdown.download_folder(
            id=found["folder"], quiet=True, skip_download=True, use_cookies=False, timeout=patience.timeout
        )
    except Exception as error:
        raise _refused(found[0], error) from error
    matching = [file for file in listed if PurePosixPath(file.path).name == name]
    if len(matching) != 1:
        raise DownloadError(f"{found[0]}: {len(matching)} files there are called {name}, of {len(listed)}")
    return _drive_file(found[0], matching[0].id, name, folder, patience)


def _drive_file(address: str, identity: str, name: str, folder: Path, patience: Patience) -> Path:
    before = _size(folder)
    try:
        return _attempt(address, identity, name, folder, patience)
    except DownloadError:
        # A part that the server does not go on with would be in the way for ever.
        if not before or _size(folder) > before:
            raise
        shutil.rmtree(folder)
        folder.mkdir()
        return _attempt(address, identity, name, folder, patience)


def _attempt(address: str, identity: str, name: str, folder: Path, patience: Patience) -> Path:
    gdown = _gdown()
    path, silence = folder / name, Event()
    # The library would follow one page to the next for as long as pages come.
    timer = Timer(_SILENCE * patience.timeout, silence.set)
    timer.daemon = True
    timer.start()
    try:
        with progress(title=name, unit="B") as bar:

            def advance(done: int, total: int | None) -> None:
                timer.cancel()
                bar.total = total
                bar.update(done - bar.n)

            gdown.download(
                id=identity,
                output=str(path),
                quiet=True,
                resume=True,
                use_cookies=False,
                timeout=patience.timeout,
                retries=len(patience.pauses),
                progress=advance,
                cancel=silence,
            )
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise _refused(address, error) from error
    finally:
        timer.cancel()
    return path


def _refused(address: str, error: Exception) -> DownloadError:
    from gdown.exceptions import DownloadCancelled

    text = _one_line(error)
    if isinstance(error, DownloadCancelled):
        said = "Google Drive sends page after page and never the file"
    elif "Too many users" in text:
        said = "too many people have fetched it from Google Drive (its quota is exceeded): try again in a day"
    elif "many accesses" in text:
        said = "Google Drive does not give it: it is gone, not public, or was asked for too often"
    else:
        said = f"Google Drive does not give it ({text})"
    return DownloadError(f"{address}: {said}")


def _gdown() -> Any:
    try:
        import gdown
    except ImportError as error:
        raise InputError(not_installed("Google Drive needs gdown", "download")) from error
    return gdown


def _from_yandex(found: re.Match[str], name: str, folder: Path, patience: Patience) -> Path:
    answer = PartialFile(folder / "link.json")
    answer.discard()
    download(f"{YANDEX}?{urlencode({'public_key': found[0]})}", answer, patience)
    try:
        link = json.loads(answer.path.read_bytes())["href"]
    except (ValueError, KeyError, TypeError) as error:
        raise DownloadError(f"{found[0]}: Yandex Disk does not say where the file is") from error
    partial = PartialFile(folder / f"{name}.part")
    download(str(link), partial, patience)
    return partial.path


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


HOSTS = (
    Host(
        re.compile(
            r"https://huggingface\.co/(?P<space>spaces/)?(?P<repository>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/"
            r"(?P<path>.+)"
        ),
        _from_hub,
    ),
    Host(re.compile(r"https://drive\.google\.com/drive/folders/(?P<folder>[-\w]+)"), _from_drive_folder),
    Host(
        re.compile(r"https://drive\.google\.com/(?:file/d/(?P<file>[-\w]+)(?:/view)?|(?:uc|open)\?id=(?P<id>[-\w]+))"),
        _from_drive,
    ),
    Host(re.compile(r"https://(?:disk\.yandex\.(?:com|ru)|yadi\.sk)/d/[-\w]+"), _from_yandex),
)
"""Hosts, each tried on an address in turn; all other addresses are those of files."""
