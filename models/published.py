"""The checkpoints that models' authors published, as weights that `lia-bench weights` fetches by `model:variant`."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from lia_bench.core.errors import MissingWeightsError
from lia_bench.core.weight_file import WeightFile, weights_home
from lia_bench.core.weights import how_to_get, verified
from lia_bench.models.card import Checkpoint, ModelCard, read_card
from lia_bench.models.registry import MODELS

PUBLISHED = "published"
"""In a checkpoint's place: the one that the model's authors published."""

UNTRAINED = "untrained"
"""In a checkpoint's place: fresh weights, as they are meant."""


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
