"""What is kept of a metric on one clip."""

from dataclasses import dataclass

from pydantic import FiniteFloat


@dataclass(frozen=True, slots=True)
class Score:
    """A metric of a model on one clip: there are as many as clips, models and metrics multiplied.

    Attributes:
        value: None where no frame could be scored, or where it is infinite.
        weight: of the clip in a mean over the frames of all clips.
        valid_frames, missing_frames: frames behind the value, and frames in which a detector found nothing.
    """

    value: FiniteFloat | None
    weight: FiniteFloat
    valid_frames: int
    missing_frames: int
