"""How users name models: `name[:variant][@checkpoint]`, and what tables call those of one command."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lia_bench.core.errors import InputError
from lia_bench.models.specification import MODELS


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

    @classmethod
    def of_training(cls, text: str) -> Self:
        """Read what is to be trained, a text `name[:variant]`.

        Raises:
            InputError: a part is empty, or there is a checkpoint.
        """
        reference = cls.parse(text)
        if reference.checkpoint:
            raise InputError(f"{text}: train takes no checkpoint; to go on with a run give --resume and its --name")
        return reference

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


@dataclass(frozen=True)
class NamedModel:
    """What a command calls a model by: its reference, and a label that no other has."""

    reference: ModelReference
    label: str


def name_models(texts: Sequence[str], announce: Callable[[str], None], always: Sequence[str] = ()) -> list[NamedModel]:
    """The models that texts `name[:variant][@checkpoint]` name; nothing is loaded.

    The file of a sweep for a checkpoint means all its runs; those without a checkpoint are told of and left out.

    Args:
        texts: as users type them.
        announce: takes lines for the user.
        always: names of models that come last where no text names them.

    Raises:
        UnknownNameError: a model that there is not.
        InputError: the same reference twice; a sweep's file is damaged, of another model, or without any checkpoint.
    """
    references = [own for text in texts for own in _with_runs_of_sweep(ModelReference.parse(text), announce)]
    for reference, count in Counter(references).items():
        if count > 1:
            raise InputError(f"'{reference}' is named twice: name each model once")
        MODELS[reference.name]
    there = {reference.name for reference in references}
    references += [ModelReference(name) for name in always if name not in there]
    return [NamedModel(*pair) for pair in zip(references, short_names(references), strict=True)]


def _with_runs_of_sweep(reference: ModelReference, announce: Callable[[str], None]) -> list[ModelReference]:
    from lia_bench.models.training.run_folder import RunFolder
    from lia_bench.models.training.runs import SWEEP_SUFFIX, runs_of_sweep

    path = reference.checkpoint
    if path is None or not path.name.endswith(SWEEP_SUFFIX):
        return [reference]
    model, folders = runs_of_sweep(path)
    if model != reference.name:
        raise InputError(f"{reference}: a sweep of {model}: write {model}@{path}")
    trained = [folder for folder in folders if RunFolder(folder).last()]
    for folder in folders:
        if folder not in trained:
            announce(f"{folder}: left out, it has no checkpoint yet")
    if not trained:
        raise InputError(f"{path}: none of its {len(folders)} runs has a checkpoint: train them first")
    return [ModelReference(model, checkpoint=folder) for folder in trained]
