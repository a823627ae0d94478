"""The names in files of the layout that LIA's authors published."""

from lia_bench.models.blocks.entry_table import Entry, Renamed
from lia_bench.models.lia.authors_checkpoint import trunk_table


def discriminator_table(blocks: int) -> list[Entry]:
    """Every entry of the discriminator that the authors' trainer saved, with `blocks` residual blocks."""
    return [
        *trunk_table("convs", "", blocks),
        Renamed("final_conv.0.weight", "last.weight"),
        Renamed("final_conv.1.bias", "last.bias", 1, 2),
        Renamed("final_linear.0.weight", "hidden.weight"),
        Renamed("final_linear.0.bias", "hidden.bias"),
        Renamed("final_linear.1.weight", "score.weight"),
        Renamed("final_linear.1.bias", "score.bias"),
    ]


def own_names(table: list[Entry]) -> dict[str, str]:
    """Our names by the authors'."""
    return {entry.theirs: entry.own for entry in table if isinstance(entry, Renamed)}
