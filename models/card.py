"""A model's card: where it was published, under which terms, and what its authors measured."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from lia_bench.core.configuration import Section, read_yaml, validate

Number = Annotated[str, Field(pattern=r"^\d+(\.\d+)?$")]


class Paper(Section):
    """What to cite."""

    authors: tuple[str, ...] = Field(min_length=1)
    title: str
    venue: str | None = None
    year: int
    address: str | None = None


class Code(Section):
    """The implementation that the model here was compared with."""

    address: str | None = None
    commit: str | None = None
    note: str | None = None


class Licence(Section):
    """The terms of what others published; None where they are not known."""

    code: str | None = None
    weights: str | None = None


class Checkpoint(Section):
    """A file of weights that was published.

    Attributes:
        file: its name, or None where it is not known.
        variant: the variant to load it as; None for a file beside the model.
        addresses: pages or folders it is or was offered at, for people.
        fetched_from: addresses that a program can fetch it from, the first one first; none where a person has to.
        sha256: as its publisher gives it, or as independent copies agree on.
        size: in bytes.
    """

    file: str | None = None
    variant: str | None = None
    addresses: tuple[str, ...] = Field(min_length=1)
    fetched_from: tuple[str, ...] = ()
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    size: int | None = Field(None, gt=0)
    note: str | None = None


class PublishedResult(Section):
    """One row of a table in a paper.

    Attributes:
        paper: the paper that reports it, which need not be the model's own.
        task: reconstruction, or cross for a source of another clip.
        values: by metric, the numbers as printed.
    """

    paper: str
    table: str
    dataset: str
    task: str
    values: dict[str, Number] = Field(min_length=1)
    note: str | None = None


class NamedDirection(Section):
    """A motion direction of published weights whose meaning their authors tell.

    Attributes:
        name: what users type.
        direction: its number, from 1.
        lowest: end of the authors' slider; `highest`: the other one.
        description: what it moves.
    """

    name: str
    direction: int = Field(ge=1)
    lowest: float
    highest: float
    description: str


class ModelCard(Section):
    """What a model's `card.yaml` holds; what is not known is left out.

    `controls`: the named directions of the published weights.

    Variants, transfer modes and training are those of the model's `ModelSpecification`, and its size is measured.
    """

    paper: Paper | None = None
    code: Code = Code()
    licence: Licence = Licence()
    checkpoints: tuple[Checkpoint, ...] = ()
    controls: tuple[NamedDirection, ...] = ()
    published_results: tuple[PublishedResult, ...] = ()


def read_card(path: Path | None) -> ModelCard:
    """The card in a YAML file; an empty card for None.

    Raises:
        UnknownNameError: a key that cards do not have.
        InputError: no such file, no YAML, or a value of the wrong kind.
    """
    return ModelCard() if path is None else validate(ModelCard, read_yaml(path), str(path))
