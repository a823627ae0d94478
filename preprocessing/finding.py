"""What a search of footage ends in: clips to cut, and tubes that a rule leaves out."""

from dataclasses import dataclass

from lia_bench.preprocessing.clip_table import MetadataRow


@dataclass(frozen=True)
class Finding:
    """One tube that was found.

    Attributes:
        clip: name of the clip, free of the suffix.
        row: where it lies in its video.
        rejection: why a rule leaves it out, as "code: sentence"; None for a clip to cut.
    """

    clip: str
    row: MetadataRow
    rejection: str | None = None
