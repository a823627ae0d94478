"""Videos stored as still pictures: frame folders, in the order of their numbers, and strips of frames side by side."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from lia_bench.core.errors import InputError, UnreadableVideoError
from lia_bench.core.video.image import read_image
from lia_bench.core.video.reader import NOMINAL_FPS, Frame, FrameReader, VideoProperties

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})


def frame_files(folder: Path) -> list[Path]:
    """The png and jpg files of a folder in the order of the numbers in their names."""
    return ordered_frames(folder)[0]


def ordered_frames(folder: Path) -> tuple[list[Path], tuple[str, ...]]:
    """As `frame_files`, and a remark where the names can be read in several ways."""
    return in_order(
        [path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")]
    )


class FolderReader(FrameReader):
    """A folder of png or jpg pictures of one size."""

    def __init__(self, path: Path) -> None:
        self._files, remarks = ordered_frames(path)
        if not self._files:
            raise UnreadableVideoError(f"{path}: the folder holds no frame (png or jpg)")
        height, width = self._read(0).shape[:2]
        self.properties = VideoProperties(path, len(self._files), width, height, NOMINAL_FPS, remarks)

    def frame(self, index: int) -> Frame:
        self.check(index)
        frame = self._read(index)
        expected = (self.properties.height, self.properties.width)
        if frame.shape[:2] != expected:
            raise UnreadableVideoError(
                f"{self._files[index]}: the frame is {frame.shape[1]}x{frame.shape[0]}, "
                f"the first one {expected[1]}x{expected[0]}; frames of one video have one size"
            )
        return frame

    def close(self) -> None:
        """Nothing is held open between frames."""

    def _read(self, index: int) -> Frame:
        try:
            return read_image(self._files[index])
        except InputError as error:
            raise UnreadableVideoError(str(error)) from error


class StripReader(FrameReader):
    """One picture that holds square frames side by side, as the Monkey-Net and FOMM data sets have it."""

    def __init__(self, path: Path) -> None:
        try:
            strip = read_image(path)
        except InputError as error:
            raise UnreadableVideoError(str(error)) from error
        height, width = strip.shape[:2]
        if not is_strip(width, height):
            raise UnreadableVideoError(
                f"{path}: a still image of {width}x{height}, not a video; a strip is at least twice as wide as high, "
                f"and its width a multiple of its height"
            )
        self._strip = strip
        self.properties = VideoProperties(path, width // height, height, height, NOMINAL_FPS)

    def frame(self, index: int) -> Frame:
        self.check(index)
        side = self.properties.height
        return self._strip[:, side * index : side * (index + 1)].copy()

    def close(self) -> None:
        """The file was closed when its picture was read."""


def is_strip(width: int, height: int) -> bool:
    """Whether a picture of this size is a row of square frames rather than a still image."""
    return height > 0 and width >= 2 * height and width % height == 0


class StillReader(FrameReader):
    """One picture as a video of one frame, whatever its aspect."""

    def __init__(self, path: Path) -> None:
        try:
            self._picture = read_image(path)
        except InputError as error:
            raise UnreadableVideoError(str(error)) from error
        height, width = self._picture.shape[:2]
        self.properties = VideoProperties(path, 1, width, height, NOMINAL_FPS)

    def frame(self, index: int) -> Frame:
        self.check(index)
        return self._picture.copy()

    def close(self) -> None:
        """Nothing is held open."""


MINUS = "\N{MINUS SIGN}"
POINT = "[.,\N{ARABIC DECIMAL SEPARATOR}]"

SIGN = rf"(?<![^\W_])(?<![.,)\]+\-{MINUS}])[+\-{MINUS}](?=\d)"
"""A sign before a number: not one that joins words or numbers, as in frame-1 or 2024-05-06."""

WHOLE = r"\d+"
DECIMAL = rf"(?<!\d{POINT})\d+(?:{POINT}\d+(?!{POINT}\d))?(?:[eE][+\-{MINUS}]\d\d+)?|\d+"
"""As programs print one, 1e-05 too; of versions and dates such as 1.2.3 the parts are whole numbers."""

Key = tuple[tuple[str | Decimal, ...], str]


@dataclass(frozen=True)
class Rule:
    """How numbers are read: "1.10" as one and a tenth or as two numbers, "-3" as a number below zero or as three."""

    decimals: bool
    signs: bool

    def key(self, path: Path) -> Key:
        """What a file is sorted by; names of equal numbers by the rest of their letters."""
        number = (rf"(?:{SIGN})?" if self.signs else "") + f"(?:{DECIMAL if self.decimals else WHOLE})"
        parts = re.split(f"({number})", path.stem)
        return tuple(_number(part) if odd % 2 else part for odd, part in enumerate(parts)), path.name

    def __str__(self) -> str:
        return f"{'decimal' if self.decimals else 'whole'} numbers, {'signed' if self.signs else 'without signs'}"


def in_order(files: Sequence[Path]) -> tuple[list[Path], tuple[str, ...]]:
    """Files in the order of the numbers in their names, and a remark where that order can be read in another way
    or several files have the same numbers.

    A point between digits makes a decimal number, unless ends of zeros show that it divides two numbers: nobody
    writes 1.1, 1.2, ... 1.10 for tenths. A minus before a number makes it negative, unless every name has one behind
    a word and a space or underscore, where it divides.
    """
    names = [path.stem for path in files]
    decimals, sure_of_decimals = _decimals(names)
    signs, sure_of_signs = _signs(names)
    rule = Rule(decimals, signs)
    ordered = sorted(files, key=rule.key)
    others = [
        *([] if sure_of_decimals else [Rule(not decimals, signs)]),
        *([] if sure_of_signs else [Rule(decimals, not signs)]),
    ]
    for other in others:
        if sorted(files, key=other.key) != ordered:
            first = ", ".join(path.name for path in ordered[:3])
            return ordered, (f"frame_order: the names can be read in several ways; taken as {rule}: {first}, ...",)
    for one, following in pairwise(ordered):
        if rule.key(one)[0] == rule.key(following)[0]:
            return ordered, (f"frame_order: {one.name} and {following.name} have one number; taken in this order",)
    return ordered, ()


def _number(text: str) -> Decimal:
    return Decimal(text.translate(_PLAIN))


_PLAIN = str.maketrans({",": ".", "\N{ARABIC DECIMAL SEPARATOR}": ".", MINUS: "-"})


def _decimals(names: Sequence[str]) -> tuple[bool, bool]:
    """Whether points make decimal numbers, and whether that is sure."""
    lone = rf"(?<!{POINT})(?<!\d)\d+{POINT}(\d+)(?!\d|{POINT}\d)"
    fractions = [fraction for name in names for fraction in re.findall(lone, name)]
    if len({len(fraction) for fraction in fractions}) < 2:
        return True, True
    ends, starts = (any(len(part) > 1 and int(part[place]) == 0 for part in fractions) for place in (-1, 0))
    return starts or not ends, starts and not ends


def _signs(names: Sequence[str]) -> tuple[bool, bool]:
    """Whether a plus or minus before a number belongs to it, and whether that is sure."""
    found = [re.search(SIGN, name) for name in names]
    signed = [match for match in found if match is not None]
    if not signed or len(signed) < len(names) or len({match.group() for match in signed}) > 1:
        return True, True
    divides = all(re.search(r"\w[ _]$", match.string[: match.start()]) for match in signed)
    return not divides, False
