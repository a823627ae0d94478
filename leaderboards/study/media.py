"""Files under names that tell nothing."""

import secrets
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from lia_bench.core.hashing import sha256_of_file
from lia_bench.core.linking import link_or_copy
from lia_bench.core.video import open_indexed, write_video
from lia_bench.core.video.reader import Frame
from lia_bench.leaderboards.study.document import Medium

TILES = 4


def random_id() -> str:
    """24 hexadecimal digits that nobody can guess."""
    return secrets.token_hex(12)


class MediaFolder:
    """A folder that is being filled; `entries` is what study.json says of it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._linked: dict[Path, str] = {}
        self.entries: dict[str, Medium] = {}

    def place(self, file: Path) -> str:
        """A hard link of `file`, or a copy where links are not possible; once for all questions that show it."""
        known = self._linked.get(file)
        return known if known is not None else self._linked.setdefault(file, self.place_again(file))

    def place_again(self, file: Path) -> str:
        """`file` under another id than it may have already."""
        suffix = ".png" if file.suffix == ".png" else ".mp4"
        medium, path = self._new(suffix)
        link_or_copy(file.resolve(), path)
        return self._add(medium, path, suffix)

    def place_first_frame(self, video: Path) -> str:
        """The picture that a video begins with."""
        from PIL import Image

        medium, path = self._new(".png")
        with open_indexed(video) as frames:
            Image.fromarray(frames.frame(0)).save(path)
        return self._add(medium, path, ".png")

    def place_scrambled(self, video: Path, seed: int) -> str:
        """A video with the tiles of every frame shuffled, the same way in all of them."""
        medium, path = self._new(".mp4")
        with open_indexed(video) as frames:
            write_video(path, scrambled(frames, seed), frames.properties.fps)
        return self._add(medium, path, ".mp4")

    def _new(self, suffix: str) -> tuple[str, Path]:
        medium = random_id()
        return medium, self._folder / f"{medium}{suffix}"

    def _add(self, medium: str, path: Path, suffix: str) -> str:
        self.entries[medium] = Medium.model_validate({"suffix": suffix, "sha256": sha256_of_file(path)})
        return medium


def scrambled(frames: Iterable[Frame], seed: int) -> Iterable[Frame]:
    """`frames` with their 4x4 tiles exchanged, no tile where it was; what does not fill tiles stays black."""
    order = np.random.default_rng(seed).permutation(TILES * TILES)
    for frame in frames:
        height, width = frame.shape[0] // TILES, frame.shape[1] // TILES
        picture = np.zeros_like(frame)
        # Each tile takes the place of the next in a random circle, so that none can stay.
        for place, tile in zip(order, np.roll(order, 1), strict=True):
            picture[_tile(int(place), height, width)] = frame[_tile(int(tile), height, width)]
        yield picture


def _tile(number: int, height: int, width: int) -> tuple[slice, slice]:
    row, column = divmod(number, TILES)
    return slice(row * height, (row + 1) * height), slice(column * width, (column + 1) * width)
