"""Which checkpoints fill which rows: found among the runs and the published ones, and told by their settings."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lia_bench.core.configuration import flat
from lia_bench.core.errors import LiaBenchError, MissingWeightsError
from lia_bench.core.registry import load_attribute
from lia_bench.leaderboards.board.by_setting import settings_of_checkpoint
from lia_bench.leaderboards.experiments.schema import Row
from lia_bench.leaderboards.results.measurement import Measurement
from lia_bench.models.card import PUBLISHED, how_to_fetch, is_fetched, published_variants
from lia_bench.models.checkpoint import read_description
from lia_bench.models.loading import load_configuration
from lia_bench.models.reference import ModelReference
from lia_bench.models.specification import MODELS
from lia_bench.models.training.configuration import KEY as ABLATION
from lia_bench.models.training.configuration import own_key, settings_of_ablation
from lia_bench.models.training.run_folder import RunFolder


def checkpoint_for(row: Row, rows: Sequence[Row], dataset: str, runs: Path) -> str:
    """The reference `model@checkpoint` that fills a row: of a run on the dataset, else the published one, fetched.

    Args:
        row: with a model.
        rows: of the experiment, the row among them.
        dataset: name of the training's dataset, with its size or without.
        runs: folder of training runs; members of sweeps count.

    Raises:
        MissingWeightsError: there is none; the text says how to get one.
    """
    reference = ModelReference.parse(row.model)
    name = reference.name
    if MODELS[name].recipe is None:
        return name
    found = []
    for path in sorted((runs / name).glob("*")):
        run = RunFolder(path)
        last = run.last() if run.exists() else None
        if last is None:
            continue
        description = run.description()
        if not _same(description.dataset.name, dataset) or reference.variant not in (None, description.variant):
            continue
        if row in rows_of(name, dict(flat(read_description(last).experiment)), rows):
            found.append(run)
    if found:
        newest = max(found, key=lambda run: (not run.to_go(), run.written()))
        return f"{name}@{newest.last()}"
    variants = [
        variant
        for variant in published_variants(name)
        if variant.startswith(f"{_bare(dataset)}-") and reference.variant in (None, variant)
        if row in rows_of(name, _settings_of_variant(name, variant), rows)
    ]
    fetched = [variant for variant in variants if is_fetched(name, variant)]
    if fetched:
        return f"{name}:{fetched[0]}@{PUBLISHED}"
    training = f"lia-bench train {_variant_for(reference, dataset)} --dataset {dataset}{_set(row)}"
    fetching = f", or {how_to_fetch(name, variants[0])}" if variants else ""
    raise MissingWeightsError(f"no checkpoint: {training}{fetching}")


def rows_of(model: str, settings: Mapping[str, Any], rows: Iterable[Row]) -> list[Row]:
    """The rows that a checkpoint with these settings, flat, is of; none where it fits rows of several settings.

    Rows of the same settings are told apart by what their parts measure, such as the number of views.
    """
    own = [row for row in rows if row.model and ModelReference.parse(row.model).name == model]
    wanted = {row.name: _settings_of_row(model, row) for row in own}
    holding = [row for row in own if wanted[row.name] and wanted[row.name].items() <= settings.items()]
    fitting = holding or [row for row in own if not wanted[row.name]]
    return fitting if all(wanted[row.name] == wanted[fitting[0].name] for row in fitting) else []


def row_of_measurement(one: Measurement, chosen: Mapping[str, str], rows: Sequence[Row]) -> Row | None:
    """The row that a measurement fills.

    Args:
        one: of whatever model.
        chosen: names of rows by the checkpoints that were chosen for them.
        rows: those that the part fills.
    """
    name = one.model.model
    if name not in MODELS:
        return None
    named = [row for row in rows if row.name == chosen.get(one.model.checkpoint)]
    if named:
        return named[0]
    try:
        settings = settings_of_checkpoint(one.model.checkpoint, one.model.checkpoint_sha256)
    except LiaBenchError:
        # Of a checkpoint of others nobody knows the settings: it is the method as it is.
        settings = {}
    fitting = rows_of(name, settings, rows)
    return fitting[0] if len(fitting) == 1 else None


def _settings_of_row(model: str, row: Row) -> dict[str, Any]:
    """What a checkpoint of the row has to say, flat."""
    kind = load_attribute(MODELS[model].configuration)
    of_ablation = dict(flat(settings_of_ablation(MODELS[model], row.ablation))) if row.ablation else {}
    return of_ablation | {own_key(kind, key): value for key, value in row.settings.items()}


def _same(trained_on: str, dataset: str) -> bool:
    return trained_on == dataset or trained_on.startswith(f"{dataset}-")


def _bare(dataset: str) -> str:
    """A dataset's name without its size."""
    name, _, size = dataset.rpartition("-")
    return name if name and size.isdecimal() else dataset


def _settings_of_variant(model: str, variant: str) -> dict[str, Any]:
    """The configuration of a variant, flat."""
    return dict(flat(load_configuration(model, variant)[1].model_dump(mode="json")))


def _variant_for(reference: ModelReference, dataset: str) -> str:
    if reference.variant:
        return f"{reference.name}:{reference.variant}"
    variants = MODELS[reference.name].variant_names()
    fitting = [variant for variant in variants if variant.startswith(f"{_bare(dataset)}-")]
    return f"{reference.name}:{fitting[0]}" if fitting else reference.name


def _set(row: Row) -> str:
    ablation = f" --set {ABLATION}={row.ablation}" if row.ablation else ""
    return ablation + "".join(
        f" --set {key}={json.dumps(value).replace(' ', '')}" for key, value in row.settings.items()
    )
