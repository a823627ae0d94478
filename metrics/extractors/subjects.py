"""Which of several faces or persons in a frame a metric looks at."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lia_bench.metrics.protocols import Protocol


def subject_index(found: Sequence[NDArray[np.floating]], protocol: Protocol) -> int:
    """The subject among those found in a frame.

    The published script takes the first that its detector lists, whoever that is; the strict rule takes the largest,
    which is the one that an animation is made of.

    Args:
        found: at least one array (N, 2) of points x, y, or of a box's two corners, in the detector's order.
        protocol: whose rule.

    Returns:
        Its place in `found`: of the first, or of the one whose points span the largest upright rectangle.
    """
    if protocol is Protocol.LITERATURE:
        return 0
    return int(np.argmax([np.prod(np.ptp(points, axis=0)) for points in found]))
