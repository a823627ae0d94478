"""Losses, speed and waiting between two rows of the metrics table."""

from collections import defaultdict
from collections.abc import Mapping


class Meter:
    """Means over the iterations since it was made."""

    def __init__(self) -> None:
        self._losses: defaultdict[str, list[float]] = defaultdict(list)
        self._gradient_norms: defaultdict[str, list[float]] = defaultdict(list)
        self._images = 0
        self._seconds = 0.0
        self._waiting = 0.0

    def add(
        self,
        losses: Mapping[str, float],
        gradient_norms: Mapping[str, float],
        images: int,
        seconds: float,
        waiting: float,
    ) -> None:
        """One iteration: `images` pairs on all devices, `seconds` in all, `waiting` of them for data."""
        for name, value in losses.items():
            self._losses[name].append(value)
        for name, value in gradient_norms.items():
            self._gradient_norms[name].append(value)
        self._images += images
        self._seconds += seconds
        self._waiting += waiting

    def losses(self) -> dict[str, float]:
        """Mean of each loss over the iterations that had it."""
        return _means(self._losses)

    def gradient_norms(self) -> dict[str, float]:
        """Mean 2-norm of each network's gradient."""
        return _means(self._gradient_norms)

    def images_per_second(self) -> float:
        """Pairs trained on in a second, over all devices."""
        return self._images / max(self._seconds, 1e-9)

    def data_wait(self) -> float:
        """Share of the time, 0 to 1, in which training waited for frames."""
        return self._waiting / max(self._seconds, 1e-9)

    def summary(self) -> str:
        """A few words for the progress bar."""
        losses = " ".join(f"{name} {value:.4g}" for name, value in self.losses().items())
        return f"{losses} | {self.images_per_second():.1f} images/s, data wait {self.data_wait():.0%}"


def _means(lists: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: sum(values) / len(values) for name, values in lists.items()}
