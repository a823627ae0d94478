"""A rich console in which names can do no harm; apart from others, so that rich is loaded where tables are printed."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from lia_bench.core.streams import UNSAFE, escaped


class NamesShown(Console):
    """A console that escapes control characters in what it prints, and not in what it styles that with."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Segments whose texts hold no control character but line ends."""
        for segment in super().render(renderable, options):
            if segment.control or not UNSAFE.search(segment.text):
                yield segment
            else:
                yield Segment(UNSAFE.sub(lambda found: escaped(found[0]), segment.text), segment.style)
