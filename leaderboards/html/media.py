"""The videos of a report: hard links or copies of those in results folders, never encoded again."""

import os
import re
import secrets
import shutil
from pathlib import Path, PurePosixPath

from lia_bench.core.atomic import link_or_copy
from lia_bench.core.inner_files import OutsideError, inner_file

FOLDER = re.compile(r"media-[0-9a-f]{8}")


class Media:
    """A folder of files beside the page, of which a later report gets another one.

    The page names its folder, so that a page and its videos belong together whenever writing is killed.
    """

    def __init__(self, output: Path) -> None:
        """A fresh folder in `output`."""
        self._name = f"media-{secrets.token_hex(4)}"
        self._folder = output / self._name
        self._made: set[PurePosixPath] = set()
        self._named: dict[Path, int] = {}
        self._gone: dict[Path, list[Path]] = {}
        self._outside: dict[Path, list[str]] = {}
        self.files = 0

    @property
    def name(self) -> str:
        """The folder's, as the page spells it."""
        return self._name

    def put(self, results: Path, named: str | None, place: PurePosixPath) -> Path | None:
        """Put a file that a report names at `place` below the folder.

        Args:
            results: folder of results that the file is named below.
            named: its path; None where the report names none.
            place: where it goes.

        Returns:
            the file itself, behind all symbolic links; None where there is none, or one outside of the results.

        Raises:
            OSError: it is there and can be neither linked nor copied (the disk is full, ...).
        """
        self._named.setdefault(results, 0)
        if not named:
            return None
        self._named[results] += 1
        try:
            original = inner_file(results, named)
        except OutsideError as error:
            # Somebody else's results must not pull private files into a page that is passed on.
            self._outside.setdefault(results, []).append(str(error))
            return None
        # A hard link of a symbolic link would be a symbolic link, which breaks when the report is moved.
        real = Path(os.path.realpath(original))
        if not real.is_file():
            self._gone.setdefault(results, []).append(original)
            return None
        self._link(real, place)
        return real

    def problems(self) -> list[str]:
        """A line for each folder of results of which videos are gone, or lie outside."""
        gone = [
            f"{results}: {len(gone)} of {self._named[results]} videos and pictures are gone: {gone[0]}"
            for results, gone in self._gone.items()
        ]
        outside = [
            f"{results}: {len(errors)} of {self._named[results]} videos and pictures are not its own and are left out: "
            f"{errors[0]}"
            for results, errors in self._outside.items()
        ]
        return [*gone, *outside]

    def remarks(self) -> list[str]:
        """A line for each folder of results that never had videos."""
        return [
            f"{results}: no videos of its clips: evaluate again with another --name to see them"
            for results, named in self._named.items()
            if not named
        ]

    def _link(self, real: Path, place: PurePosixPath) -> None:
        target = self._folder / place
        if place.parent not in self._made:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(place.parent)
        link_or_copy(real, target)
        self.files += 1

    def remove(self) -> None:
        """Remove the folder, of a report that was not finished."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def remove_others(self) -> None:
        """Remove the folders of former reports, and of those that were killed."""
        for folder in self._folder.parent.iterdir():
            if folder != self._folder and FOLDER.fullmatch(folder.name) and folder.is_dir():
                shutil.rmtree(folder, ignore_errors=True)


def slug(text: str) -> str:
    """`text` as a part of a file's name and of an address: letters, digits, '-' and '_', at most 60 of them."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:60] or "x"
