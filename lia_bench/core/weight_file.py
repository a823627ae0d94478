"""A file of weights that others published: its place on this machine, and whether what lies there is that file."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lia_bench.core.atomic import write_text
from lia_bench.core.provenance import sha256_once

Status = Literal["missing", "verified", "as first fetched", "wrong hash", "present, no hash published"]

SIZE_TOLERANCE = 2**20 // 1000
"""Bytes; torchvision states sizes to the thousandth of 2**20 bytes."""

_SHOWN = 16
"""Digits of a hash in a message."""


@dataclass(frozen=True)
class WeightFile:
    """A file of weights that others published.

    Attributes:
        name: what users and messages call it.
        file_name: its published name; torch hub's names end in the first digits of the file's SHA-256.
        source: its address, or its entry in torchvision's list of weights, which knows the address.
        used_by: the parts of this project that need it.
        licence: the terms it comes under.
        member: its path in the zip archive at the address; empty where the file itself is there.
        by_hand: whether the address is a page for people, from which no program can fetch.
        mebibytes: its size as torchvision states it, to the thousandth of 2**20 bytes; None where it does not.
        mirrors: further addresses of the same file, tried in this order after `source`.
        sha256: of the whole file, in hexadecimal; empty where its publisher gives none, or in the name alone.
        git_blob: the id of the file in a git repository, in hexadecimal; empty where it lies in none.
        size: in bytes, exactly; None where nobody states it.
        folder: where it lies below the folder of weights; empty for that folder itself.
    """

    name: str
    file_name: str
    source: str
    used_by: str
    licence: str
    member: str = ""
    by_hand: bool = False
    mebibytes: float | None = None
    mirrors: tuple[str, ...] = ()
    sha256: str = ""
    git_blob: str = ""
    size: int | None = None
    folder: str = ""

    @property
    def sha256_prefix(self) -> str | None:
        """The first hexadecimal digits of the true file's SHA-256, or all; None where the publisher gives none."""
        found = re.fullmatch(r".+-([0-9a-f]{8,64})(?:\.\w+)+", self.file_name)
        return self.sha256 or (found.group(1) if found else None)

    @property
    def address(self) -> str:
        """Where its authors publish the file."""
        if "://" in self.source:
            return self.source
        from torchvision.models import get_weight

        address: str = get_weight(self.source).url
        return address

    @property
    def size_bytes(self) -> int | None:
        """Size of the published file, torchvision's to the thousandth of 2**20 bytes; None where it is not stated."""
        if self.size is not None or self.mebibytes is None:
            return self.size
        return round(self.mebibytes * 2**20)

    @property
    def path(self) -> Path:
        """Where the file belongs on this machine."""
        return weights_home() / self.folder / self.file_name

    @property
    def has_published_hash(self) -> bool:
        """Whether its publisher says by a hash which file it is."""
        return bool(self.sha256_prefix or self.git_blob)

    @property
    def first_fetched(self) -> str:
        """SHA-256 of the file that first came here; empty where a published hash tells, or none has come."""
        if self.has_published_hash or not self._record.is_file():
            return ""
        return self._record.read_text(encoding="utf-8").partition(" ")[0]

    @property
    def _record(self) -> Path:
        return self.path.with_name(f"{self.file_name}.sha256")

    def status(self) -> Status:
        """Whether the file is here and is the published one; reads the whole file."""
        if not self.path.is_file():
            return "missing"
        if self.difference(self.path):
            return "wrong hash"
        if self.has_published_hash:
            return "verified"
        return "as first fetched" if self.first_fetched else "present, no hash published"

    def difference(self, path: Path) -> str:
        """In what the file at `path` is not the published one, or not the one that first came; empty if in nothing."""
        size = path.stat().st_size
        if self.size_bytes is not None and abs(size - self.size_bytes) > SIZE_TOLERANCE:
            return f"it has {size / 1e6:.3f} MB and the published file {self.size_bytes / 1e6:.3f} MB"
        if self.git_blob and git_blob(path) != self.git_blob:
            return f"git calls it {git_blob(path)[:_SHOWN]} and the published file {self.git_blob[:_SHOWN]}"
        expected = self.sha256_prefix or self.first_fetched
        if not expected or sha256_once(path).startswith(expected):
            return ""
        shown, wanted = sha256_once(path)[: len(expected)][:_SHOWN], expected[:_SHOWN]
        if self.sha256_prefix:
            return f"its SHA-256 begins with {shown} and that of the published file with {wanted}"
        return (
            f"its SHA-256 begins with {shown} and that of the file that first came with {wanted} "
            f"(if the authors changed it, delete {self._record})"
        )

    def remember(self) -> None:
        """Keep the hash of the file that has just come, where no publisher gives one and none came before."""
        if not self.has_published_hash and not self.first_fetched:
            write_text(self._record, f"{sha256_once(self.path)}  {self.file_name}\n")


def weights_home() -> Path:
    """The one folder of third-party weights: `$LIA_BENCH_HOME/weights`, or a folder of the user's cache."""
    home = os.environ.get("LIA_BENCH_HOME")
    if home:
        return Path(home).expanduser() / "weights"
    from platformdirs import user_cache_path

    return user_cache_path("lia-bench") / "weights"


def git_blob(path: Path) -> str:
    """The id that git gives a file's content, in hexadecimal."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
