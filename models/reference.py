"""How users name a model: `name[:variant][@checkpoint]`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lia_bench.core.errors import InputError


@dataclass(frozen=True)
class ModelReference:
    """A model, perhaps one of its variants, perhaps a checkpoint of it."""

    name: str
    variant: str | None = None
    checkpoint: Path | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a text such as 'fomm:vox-256@runs/fomm/last'.

        >>> reference = ModelReference.parse("fomm:vox-256@runs/fomm/last")
        >>> reference.name, reference.variant, str(reference.checkpoint)
        ('fomm', 'vox-256', 'runs/fomm/last')

        Raises:
            InputError: a part is empty.
        """
        model, at, checkpoint = text.strip().partition("@")
        name, colon, variant = model.partition(":")
        if not name or (colon and not variant) or (at and not checkpoint):
            raise InputError(f"'{text}' names no model: write it as name[:variant][@checkpoint]")
        return cls(name, variant or None, Path(checkpoint) if checkpoint else None)

    def __str__(self) -> str:
        variant = f":{self.variant}" if self.variant else ""
        checkpoint = f"@{self.checkpoint}" if self.checkpoint else ""
        return f"{self.name}{variant}{checkpoint}"


def short_names(references: Sequence[ModelReference]) -> list[str]:
    """The shortest of name, name:variant and the whole reference that no other model shares."""
    forms = [(reference.name, f"{reference.name}:{reference.variant}", str(reference)) for reference in references]
    return [
        next(form for position, form in enumerate(own) if [other[position] for other in forms].count(form) == 1)
        for own in forms
    ]
