"""Where a result comes from: versions, hardware, command line, date, and the hashes of files."""

import hashlib
import os
import platform
import shlex
import sys
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

VERSION = version("lia-bench")
"""Of this package."""


def provenance() -> dict[str, Any]:
    """All that result files note about the process that makes them; plain data for JSON."""
    return {
        "command_line": command_line(),
        "date": utc_date(),
        "versions": versions(),
        "hardware": hardware(),
    }


def command_line() -> str:
    """How this process was started, as one would type it."""
    program = Path(sys.argv[0]).name if sys.argv else ""
    return shlex.join([program, *sys.argv[1:]])


def utc_date() -> str:
    """The present time, UTC, to the second: 2025-01-31T12:00:00Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def versions() -> dict[str, str | None]:
    """Versions of this project and of what numbers depend on; the commit where this runs in a checkout."""
    commit = _commit(Path(__file__).resolve().parents[2])
    return {
        "lia-bench": VERSION,
        "commit": commit,
        "torch": version("torch"),
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def usable_cores() -> int:
    """Cores that this process may use: those of its share of a machine, as a cluster's scheduler gives it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def hardware() -> dict[str, Any]:
    """The processor, the cores that this process may use, and the GPUs that torch sees."""
    import torch

    return {
        "cpu": _processor(),
        "cores": usable_cores(),
        "threads": torch.get_num_threads(),
        "gpus": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
    }


def sha256_of_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_once(path: Path) -> str:
    """As `sha256_of_file`; a file that has kept its size and time since is not read again by this process."""
    state = path.stat()
    return _sha256_once(path.resolve(), state.st_size, state.st_mtime_ns)


@cache
def _sha256_once(path: Path, size: int, modified: int) -> str:
    return sha256_of_file(path)


def _commit(folder: Path) -> str | None:
    """The commit checked out in `folder`, with '-dirty' where tracked files were changed; None without git."""
    import subprocess

    if not (folder / ".git").exists():
        return None
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}-dirty" if changed else commit


def _git(folder: Path, *arguments: str) -> str:
    import subprocess

    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=True
    )
    return done.stdout.strip()


def _processor() -> str:
    # platform.processor() is empty or just "x86_64" on most Linux systems.
    table = Path("/proc/cpuinfo")
    if table.is_file():
        for line in table.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
