"""What a user asks to be scored."""

from dataclasses import dataclass
from pathlib import Path

from lia_bench.core.errors import InputError
from lia_bench.core.suggestions import unknown
from lia_bench.metrics.registry import SUBJECTS, check_name
from lia_bench.metrics.specification import Protocol

Trim = tuple[int, int, int, int]
"""Pixels left out at the top, right, bottom and left of every frame."""


@dataclass(frozen=True)
class ScoreRequest:
    """What to score.

    Attributes:
        generated: folder of the videos to score.
        reference: folder of the true videos, or a prepared dataset, whose test clips are taken.
        source: folder of the animated images, or one image; identity is then compared with them.
        model: what tables call the program; None is the name of `generated`.
        metrics: names; None is all plain ones.
        protocol: the rules that numbers are computed by.
        subject: what the videos show; None is what a prepared dataset says.
        trim: what of every frame is left out, such as lines that a visualiser drew.
        name: of the results folder; None is score- and the name of the reference folder.
        device: torch's name; None is the GPU where there is one.
        batch_size: frames scored together; no number depends on it.
        seed: of the 95 % intervals.
        videos: whether the true and the generated videos are shown beside the numbers, as files of the results.
        results: parent of the results folder.
    """

    generated: Path
    reference: Path
    source: Path | None = None
    model: str | None = None
    metrics: tuple[str, ...] | None = None
    protocol: Protocol = Protocol.LITERATURE
    subject: str | None = None
    trim: Trim = (0, 0, 0, 0)
    name: str | None = None
    device: str | None = None
    batch_size: int = 8
    seed: int = 0
    videos: bool = True
    results: Path = Path("results")

    def check(self) -> None:
        """Raise InputError or UnknownNameError for a value that cannot be, before anything is loaded."""
        for metric in self.metrics or ():
            check_name(metric)
        if self.subject is not None and self.subject not in SUBJECTS:
            raise InputError(unknown("subject", self.subject, SUBJECTS))
        if self.batch_size < 1:
            raise InputError(f"--batch-size {self.batch_size}: it must be at least 1")
        if min(self.trim) < 0:
            raise InputError(f"--trim {','.join(map(str, self.trim))}: pixels cannot be negative")
        if self.name is not None and (Path(self.name).name != self.name or self.name.startswith(".")):
            raise InputError(f"--name {self.name}: it names one folder in {self.results}, without slashes")
