"""A file of third-party weights: its name, its publisher, and whether the one on this machine is the true one."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lia_bench.core.hashing import sha256_of_file

Status = Literal["missing", "verified", "wrong hash", "present, no hash published"]


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
        mebibytes: its size as torchvision states it, to the thousandth of 2**20 bytes; None where nobody does.
    """

    name: str
    file_name: str
    source: str
    used_by: str
    licence: str
    member: str = ""
    by_hand: bool = False
    mebibytes: float | None = None

    @property
    def sha256_prefix(self) -> str | None:
        """The first hexadecimal digits of the true file's SHA-256; None where the publisher gives none."""
        found = re.fullmatch(r".+-([0-9a-f]{8,64})(?:\.\w+)+", self.file_name)
        return found.group(1) if found else None

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
        """Size of the published file, to the thousandth of 2**20 bytes; None where it is not stated."""
        return None if self.mebibytes is None else round(self.mebibytes * 2**20)

    @property
    def path(self) -> Path:
        """Where the file belongs on this machine."""
        return weights_home() / self.file_name

    def status(self) -> Status:
        """Whether the file is here and is the published one; reads the whole file."""
        if not self.path.is_file():
            return "missing"
        if self.sha256_prefix is None:
            return "present, no hash published"
        return "verified" if sha256_of_file(self.path).startswith(self.sha256_prefix) else "wrong hash"


def weights_home() -> Path:
    """The one folder of third-party weights: `$LIA_BENCH_HOME/weights`, or a folder of the user's cache."""
    home = os.environ.get("LIA_BENCH_HOME")
    if home:
        return Path(home).expanduser() / "weights"
    from platformdirs import user_cache_path

    return user_cache_path("lia-bench") / "weights"
