"""A model's card: where it was published, under which terms, what its authors measured; and their checkpoints.

These are weights that `lia-bench weights` fetches by `model:variant`.
"""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import Field

from lia_bench.core.configuration import Section, read_yaml, validate
from lia_bench.core.errors import MissingWeightsError
from lia_bench.core.weight_file import WeightFile, weights_home
from lia_bench.core.weights import how_to_get, verified
from lia_bench.models.specification import MODELS

Number = Annotated[str, Field(pattern=r"^\d+(\.\d+)?$")]

PUBLISHED = "published"
"""In a checkpoint's place: the one that the model's authors published."""

UNTRAINED = "untrained"
"""In a checkpoint's place: fresh weights, as they are meant."""


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


def published_variants(model: str) -> dict[str, tuple[WeightFile, ...]]:
    """The files of every variant of a model that its authors published; a checkpoint of several is a folder.

    Raises:
        UnknownNameError: no such model.
    """
    card = read_card(MODELS[model].card)
    groups: dict[str, list[Checkpoint]] = {}
    for checkpoint in card.checkpoints:
        if checkpoint.variant is not None and checkpoint.file is not None:
            groups.setdefault(checkpoint.variant, []).append(checkpoint)
    return {
        variant: tuple(_weight_file(model, variant, one, card, several=len(group) > 1) for one in group)
        for variant, group in groups.items()
    }


def published_checkpoints() -> dict[str, tuple[WeightFile, ...]]:
    """The files of every published checkpoint, by `model:variant`."""
    return {f"{model}:{variant}": files for model in MODELS for variant, files in published_variants(model).items()}


def published_place(model: str, variant: str) -> Path | None:
    """Where the published checkpoint of a variant lies or would lie: a file, or a folder of several; None without."""
    files = published_variants(model).get(variant, ())
    match files:
        case ():
            return None
        case (file,):
            return file.path
    return _folder(model, variant)


def is_fetched(model: str, variant: str) -> bool:
    """Whether a variant's published checkpoint is on this machine, whole."""
    files = published_variants(model).get(variant, ())
    return bool(files) and all(file.path.is_file() for file in files)


def published_checkpoint(model: str, variant: str | None) -> Path:
    """The published checkpoint of a variant, None for the model's default, checked.

    Raises:
        UnknownNameError: no such model.
        MissingWeightsError: it is not on this machine, or there is none; the text says what to do.
        CheckpointError: a file is not the published one.
    """
    chosen = variant or MODELS[model].default_variant
    place = published_place(model, chosen)
    if place is None:
        raise MissingWeightsError(f"no checkpoint of {model}:{chosen} is known to be published: {_others(model)}")
    for file in published_variants(model)[chosen]:
        if not file.path.is_file():
            raise MissingWeightsError(
                f"the published checkpoint of {model}:{chosen} is not on this machine: {how_to_fetch(model, chosen)}"
            )
        verified(file)
    return place


def how_to_fetch(model: str, variant: str) -> str:
    """What to do so that a published checkpoint is here: one command, where a program can fetch it."""
    by_hand = [file for file in published_variants(model)[variant] if file.by_hand]
    return how_to_get(by_hand[0]) if by_hand else f"run 'lia-bench weights fetch {model}:{variant}'"


def _others(model: str) -> str:
    names: Mapping[str, object] = published_variants(model)
    return f"there are {', '.join(f'{model}:{name}' for name in names)}" if names else "train it first"


def _folder(model: str, variant: str) -> Path:
    return weights_home() / "checkpoints" / model / variant


def _weight_file(model: str, variant: str, checkpoint: Checkpoint, card: ModelCard, *, several: bool) -> WeightFile:
    path = PurePosixPath(str(checkpoint.file))
    first, *mirrors = checkpoint.fetched_from or checkpoint.addresses[:1]
    name = f"{model}:{variant}"
    return WeightFile(
        f"{name}/{path.stem}" if several else name,
        path.name,
        first,
        f"model {model}",
        card.licence.weights or "not known",
        by_hand=not checkpoint.fetched_from,
        mirrors=tuple(mirrors),
        sha256=checkpoint.sha256 or "",
        size=checkpoint.size,
        folder=str(PurePosixPath("checkpoints", model, variant, path.parent)),
    )
