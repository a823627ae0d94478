"""What tables call their rows: a model's name, and as much more as tells it from the others."""

from collections import Counter
from collections.abc import Sequence

from lia_bench.leaderboards.results.rows import ResultRow


def labels(rows: Sequence[ResultRow]) -> list[str]:
    """A name for each row, unique among them unless two rows are alike in everything.

    Measured rows are called by the model; its variant, checkpoint, the checkpoint's hash, transfer and date come behind
    it only where namesakes differ in them. Published rows are called as their paper calls them, with the note.
    """
    names = [printed_name(row) if row.origin == "published" else row.model for row in rows]
    if len(set(names)) == len(names):
        return names
    for parts in zip(*(_parts(row) for row in rows), strict=True):
        clashes = Counter(names)
        different = {name: len(set(_of(name, names, parts))) > 1 for name in clashes}
        names = [name + part if different[name] else name for name, part in zip(names, parts, strict=True)]
    return names


def printed_name(row: ResultRow) -> str:
    """What a paper calls a row: the model, and its variant where there is one."""
    return f"{row.model} {row.variant}".strip()


def _parts(row: ResultRow) -> list[str]:
    """What may come behind the name, in this order."""
    if row.origin == "published":
        note = f" ({row.note})" if row.note else ""
        return [note, "", "", f" ({row.paper} {row.table})", ""]
    return [
        f":{row.variant}" if row.variant else "",
        f"@{row.checkpoint}" if row.checkpoint else "",
        f"#{row.checkpoint_sha256[:8]}" if row.checkpoint_sha256 else "",
        f" ({row.transfer})" if row.transfer else "",
        f" {row.date}" if row.date else "",
    ]


def _of(name: str, names: Sequence[str], parts: Sequence[str]) -> list[str]:
    return [part for other, part in zip(names, parts, strict=True) if other == name]
