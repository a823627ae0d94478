"""The metadata tables that datasets' authors published: fetched once, then checked by hash."""

import csv
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from lia_bench.core.atomic import replacing, write_text
from lia_bench.core.errors import InputError
from lia_bench.core.hashing import sha256_of_file
from lia_bench.core.weight_file import weights_home

TIMEOUT = 30.0
"""Seconds without an answer."""


@dataclass(frozen=True)
class PublishedTable:
    """A table in a public repository.

    Attributes:
        name: the dataset.
        address: where its authors keep it.
    """

    name: str
    address: str

    @property
    def path(self) -> Path:
        """Where the table belongs on this machine: beside the third-party weights."""
        return weights_home().parent / "tables" / f"{self.name}-metadata.csv"


_SIAROHIN = "https://raw.githubusercontent.com/AliaksandrSiarohin/video-preprocessing/master"
_SNAP = "https://raw.githubusercontent.com/snap-research/articulated-animation/main"

TABLES: dict[str, PublishedTable] = {
    table.name: table
    for table in (
        PublishedTable("vox", f"{_SIAROHIN}/vox-metadata.csv"),
        PublishedTable("taichi", f"{_SIAROHIN}/taichi-metadata.csv"),
        PublishedTable("ted", f"{_SNAP}/data/ted-metadata.csv"),
    )
}


def table_path(name: str) -> Path:
    """The published table of a dataset, fetched if it is not here yet.

    Raises:
        InputError: it cannot be fetched, or has changed since it was.
    """
    return locate(TABLES[name])


def locate(table: PublishedTable) -> Path:
    """The file of a published table, fetched if it is not here yet.

    The first fetch writes down the SHA-256 in a file beside it; from then on the table has to agree with it, so that
    two runs never mean different rows by the same name.

    Raises:
        InputError: it cannot be fetched, is no table of clips, or has changed since it was fetched.
    """
    path = table.path
    noted = path.with_name(f"{path.name}.sha256")
    if not path.is_file():
        _fetch(table)
        noted.unlink(missing_ok=True)
    digest = sha256_of_file(path)
    if not noted.is_file():
        write_text(noted, f"{digest}  {path.name}\n")
    if noted.read_text(encoding="utf-8").split()[:1] != [digest]:
        raise InputError(
            f"{path}: the table has changed since it was fetched (its SHA-256 is not the one in {noted.name}); "
            "remove the file to have it fetched anew, or give a table with --metadata"
        )
    return path


def _fetch(table: PublishedTable) -> None:
    from urllib.request import urlopen

    try:
        with urlopen(table.address, timeout=TIMEOUT) as answer:
            content: bytes = answer.read()
    except (OSError, HTTPException) as error:
        raise InputError(
            f"the table '{table.name}' is not on this machine and {table.address} cannot be fetched "
            f"({' '.join(str(error).split())}); fetch it elsewhere and give it with --metadata"
        ) from error
    columns = next(csv.reader(content.decode("utf-8-sig", errors="replace").splitlines()), [])
    if "video_id" not in columns or "bbox" not in columns:
        raise InputError(
            f"{table.address}: what came is no table of clips, so it was not kept; "
            "try again behind another network, or give the table with --metadata"
        )
    with replacing(table.path) as temporary:
        temporary.write_bytes(content)
