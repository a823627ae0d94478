"""What each result in a folder was made of, so that none is taken for another's of the same name."""

import json
from pathlib import Path

from lia_bench.core.atomic import write_json
from lia_bench.core.errors import InputError
from lia_bench.core.video import sha256_of_video

ORIGINS = "inputs.json"


class Origins:
    """SHA-256 of source and driving video by the name of the result, kept in the folder's `inputs.json`."""

    def __init__(self, folder: Path) -> None:
        """Read what is noted in `folder`.

        Raises:
            InputError: the notes are damaged.
        """
        self._path = folder / ORIGINS
        self._hashes: dict[Path, str] = {}
        try:
            self._noted = json.loads(self._path.read_text(encoding="utf-8")) if self._path.is_file() else {}
        except ValueError:
            raise InputError(f"{self._path}: not readable as JSON; take another --output") from None

    def note(self, output: Path, source: Path, driving: Path) -> None:
        """Write down what `output` is about to be made of."""
        self._noted[output.name] = self._of(source, driving)
        write_json(self._path, self._noted)

    def check(self, output: Path, source: Path, driving: Path) -> None:
        """Refuse a result that is there and was made of other files.

        Raises:
            InputError: which of the two it was.
        """
        now = self._of(source, driving)
        noted = self._noted.get(output.name, now)
        differing = [name for name, value in now.items() if noted.get(name) != value]
        if differing:
            raise InputError(
                f"{output}: is there, made of another {' and another '.join(differing)} of that name; remove it, or "
                "take another --output"
            )

    def _of(self, source: Path, driving: Path) -> dict[str, str]:
        for path in (source, driving):
            if path not in self._hashes:
                self._hashes[path] = sha256_of_video(path)
        return {"source": self._hashes[source], "driving video": self._hashes[driving]}
