"""l1_face, l1_eyes, l1_mouth, l1_background: L1 inside parts of the true frame's face, and outside of it."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lia_bench.metrics.frame_metric import FrameMetric

Points = NDArray[np.float32]

# Point numbers of MediaPipe's face mesh.
EYES = (
    (247, 30, 29, 27, 28, 56, 190, 243, 112, 26, 22, 23, 24, 110, 25, 130),
    (467, 260, 259, 257, 258, 286, 414, 463, 341, 256, 252, 253, 254, 339, 255, 359),
)
"""The ring around each eye that takes in its lids, so that it does not shrink to nothing when the eye closes."""
LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
"""Their outer edge."""

HULLS: Mapping[str, Sequence[Sequence[int]]] = {"face": (range(478),), "eyes": EYES, "mouth": (LIPS,)}
"""Region to the points whose convex hulls it is; the background is what the face leaves."""


class RegionL1(FrameMetric):
    """Mean absolute difference over a region's pixels and channels, images in [0, 1]; pixels outside are NaN."""

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """(B,) of images (B, 3, H, W), of which the true ones are NaN outside the region."""
        return torch.stack([_mean_difference(*pair) for pair in zip(generated, reference, strict=True)])


def masked(images: Tensor, points: Points, region: str) -> Tensor:
    """Images with NaN outside a region, and throughout where no face was found.

    Args:
        images: (B, 3, H, W).
        points: (B, 478, 2) x, y of the faces in pixels, or NaN.
        region: a key of `HULLS`, or 'background'.
    """
    masks = np.stack([_mask(one, region, *images.shape[2:]) for one in points])
    return images.masked_fill(~torch.from_numpy(masks).to(images.device)[:, None], torch.nan)


def _mask(points: Points, region: str, height: int, width: int) -> NDArray[np.bool_]:
    """(H, W) the pixels of a region."""
    import cv2

    mask = np.zeros((height, width), np.uint8)
    if not np.isfinite(points).all():
        return mask.astype(bool)
    for numbers in HULLS["face" if region == "background" else region]:
        # A pixel's centre lies half a pixel from its corner, where the points count from.
        hull = cv2.convexHull(np.rint(points[list(numbers)] - 0.5).astype(np.int32))
        cv2.fillConvexPoly(mask, hull, 1)
    inside = mask.astype(bool)
    return ~inside if region == "background" else inside


def _mean_difference(generated: Tensor, reference: Tensor) -> Tensor:
    # Most regions are small: what lies outside is not even looked at.
    inside = ~reference[0].isnan()
    return (generated[:, inside] - reference[:, inside]).abs().mean(dtype=torch.float64)
