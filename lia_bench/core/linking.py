"""Files at a second place, without their bytes twice where that is possible."""

import os
import shutil
from pathlib import Path


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """Make `target` a hard link of `source`, or a copy where links are not possible.

    Raises:
        OSError: it can be neither linked nor copied (the disk is full, ...).
    """
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)
