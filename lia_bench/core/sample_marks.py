"""The coloured marks on the faces of the sample dataset: what the renderer paints and the landmark reader looks for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mark:
    """A dot on the face.

    Attributes:
        name: where it sits; left and right are the picture's.
        colour: red, green, blue in 0..255 as painted, before shading.
        place: x to the picture's right, y down, z towards the viewer, on an average face at rest that looks
            straight ahead; the origin is between the ears and half the height of the skull is 1.
    """

    name: str
    colour: tuple[int, int, int]
    place: tuple[float, float, float]


# Hues a twelfth of the circle apart; red and orange, which skin and lips come near, are left out. Marks of
# neighbouring hues are far from each other on the face.
MARKS: tuple[Mark, ...] = (
    Mark("forehead", (0, 215, 30), (0.0, -0.50, 0.66)),
    Mark("left brow", (0, 120, 250), (-0.37, -0.395, 0.60)),
    Mark("right brow", (235, 0, 230), (0.37, -0.395, 0.60)),
    Mark("nose", (0, 225, 225), (0.0, 0.27, 0.91)),
    Mark("left cheek", (125, 10, 245), (-0.43, 0.29, 0.61)),
    Mark("right cheek", (120, 235, 0), (0.43, 0.29, 0.61)),
    Mark("left mouth corner", (245, 240, 0), (-0.345, 0.59, 0.58)),
    Mark("right mouth corner", (15, 20, 235), (0.345, 0.59, 0.58)),
    Mark("chin", (250, 0, 120), (0.0, 0.865, 0.70)),
)

MARK_RADIUS = 0.115
"""Of every mark, in the unit of `Mark.place`."""
