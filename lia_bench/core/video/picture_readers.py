"""Videos stored as still pictures: frame folders, and strips of frames side by side."""

from pathlib import Path

from lia_bench.core.errors import InputError, UnreadableVideoError
from lia_bench.core.video.frame_names import in_order
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
