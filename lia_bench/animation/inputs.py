"""Sources and driving videos with all that is looked up in them once, however often they are used."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lia_bench.animation.crop import FRAMINGS, Still, SubjectFinder, cut, looked_at, whole_frame
from lia_bench.animation.request import AnimationRequest
from lia_bench.core.console import progress
from lia_bench.core.errors import UnreadableVideoError
from lia_bench.core.video import read_picture, resize
from lia_bench.core.video.reader import Frame
from lia_bench.core.video.readers import open_pictures
from lia_bench.metrics.best_start import Points, PosePoints
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.detection.detector import UprightFootage
from lia_bench.preprocessing.footage import Footage, open_quickly


def open_driving(path: Path) -> Footage:
    """A video file, an animated picture, a folder of png or jpg frames, or a strip of frames.

    Frames of a variable rate are repeated or dropped to an even one, so that they stay with the sound.

    Raises:
        UnreadableVideoError: there is no video, or one that breaks before its end. Where the file allows it to be
            opened without decoding it, the break shows only where frames are read.
    """
    pictures = open_pictures(path)
    if pictures is not None:
        return Footage(path, pictures, None)
    footage = open_quickly(path)
    if footage.defect is not None:
        footage.close()
        raise UnreadableVideoError(
            f"{path}: the video breaks after frame {footage.frames - 1} ({footage.defect}); fetch it again, or "
            "cut it off before that"
        )
    return footage


def squares(footage: Footage, square: Box) -> Iterator[Frame]:
    """What every frame shows in `square`, uint8 RGB, in order."""
    return (cut(footage.square_frame(index), square) for index in range(footage.frames))


LANDMARK_SIZE = (256, 256)
"""Height and width that squares are shown to the landmarker at."""


@dataclass(frozen=True)
class SourcePicture:
    """A picture to animate.

    Attributes:
        path: where it is.
        square: the part that is animated, in whole pixels.
        points: of its pose; None where nobody asked.
    """

    path: Path
    square: Box
    points: Points | None


@dataclass(frozen=True)
class DrivingVideo:
    """A video to animate by.

    Attributes:
        path: where it is.
        square: the part that drives, in whole pixels, the same in every frame.
        points: by the frames that were looked at, of their poses; empty where nobody asked.
    """

    path: Path
    square: Box
    points: dict[int, Points]


class Cropper:
    """Finds the square that models are shown."""

    def __init__(self, subject: str | None, announce: Callable[[str], None]) -> None:
        """Load the detector of `subject`, "face" or "body"; None takes whole frames.

        `announce` is told what the user should know of an input.

        Raises:
            MissingWeightsError: the detector's weights are not here.
            CheckpointError: MediaPipe refuses them.
        """
        self._finder = None if subject is None else SubjectFinder(FRAMINGS[subject])
        self._announce = announce

    def square(self, footage: UprightFootage) -> Box:
        """The square of a picture or video, in whole pixels.

        Raises:
            InputError: it shows no subject.
            UnreadableVideoError: a frame cannot be decoded.
        """
        if self._finder is None:
            return whole_frame((footage.width, footage.height))
        sighting = self._finder.find(footage)
        for remark in sighting.remarks:
            self._announce(remark)
        return sighting.square

    def picture(self, path: Path) -> Frame:
        """The square of a picture cut out, uint8 RGB (H, W, 3).

        Raises:
            InputError: it cannot be read, or shows no subject.
        """
        picture = read_picture(path)
        return cut(picture, self.square(Still(path, picture)))


class Preparation:
    """Looks inputs up."""

    def __init__(self, request: AnimationRequest, announce: Callable[[str], None]) -> None:
        """Load the networks that this takes; `announce` is told what the user should know of an input.

        Raises:
            MissingWeightsError: weights of a network are not here.
            CheckpointError: MediaPipe refuses them.
        """
        self._announce = announce
        self._cropper = Cropper(request.subject if request.crop else None, announce)
        self._points = PosePoints(request.subject) if request.start == "best" else None
        self._moves_video = request.moves_video

    def moved(self, path: Path) -> SourcePicture | DrivingVideo:
        """The one source of a request: a picture, or the video that it moves.

        Raises:
            InputError: it cannot be read, or shows no subject.
            UnreadableVideoError: likewise.
        """
        return self.driving(path) if self._moves_video else self.source(path)

    def source(self, path: Path) -> SourcePicture:
        """A picture.

        Raises:
            InputError: it cannot be read, or shows no subject.
        """
        picture = read_picture(path)
        square = self._cropper.square(Still(path, picture))
        return SourcePicture(path, square, self._pose(picture, square))

    def reference(self, path: Path) -> Frame:
        """A further picture of the subject, uint8 RGB (H, W, 3), cropped as sources are.

        Raises:
            InputError: it cannot be read, or shows no subject.
        """
        return self._cropper.picture(path)

    def driving(self, path: Path) -> DrivingVideo:
        """A video; memory does not grow with its length.

        Raises:
            UnreadableVideoError: it cannot be read.
            InputError: it shows no subject.
        """
        with open_driving(path) as footage:
            for remark in footage.remarks_on_file:
                self._announce(f"{path}: {remark.partition(': ')[2]}")
            square = self._cropper.square(footage)
            if self._points is None:
                return DrivingVideo(path, square, {})
            looks = progress(looked_at(footage), title=f"compare with {path.name}", unit="frame")
            points = {index: self._points.of(_small(footage.square_frame(index), square)) for index in looks}
            return DrivingVideo(path, square, points)

    def _pose(self, picture: Frame, square: Box) -> Points | None:
        return None if self._points is None else self._points.of(_small(picture, square))


def _small(frame: Frame, square: Box) -> Frame:
    return resize(cut(frame, square), LANDMARK_SIZE)
