"""What an experiment takes, and what of that is here: data, metrics' weights, and a checkpoint for each row."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lia_bench.core.configuration import flat
from lia_bench.core.errors import InputError, LiaBenchError, MissingWeightsError
from lia_bench.core.prepared_dataset import PreparedDataset, open_dataset, subject_of
from lia_bench.core.registry import load_attribute
from lia_bench.core.weights import WEIGHTS, how_to_get
from lia_bench.leaderboards.board.by_setting import settings_of_checkpoint
from lia_bench.leaderboards.experiments.registry import Experiment, Part, Row
from lia_bench.leaderboards.results.columns import ResultRow, printed_name
from lia_bench.leaderboards.results.measurement import Measurement
from lia_bench.leaderboards.results.published import rows_of_paper
from lia_bench.metrics.registry import resolve, weights_behind
from lia_bench.metrics.specification import UnavailableMetricError
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


USUAL_SIDE = 256


@dataclass(frozen=True)
class Evaluation:
    """A part of an experiment on one of its datasets.

    Attributes:
        part: what the file says.
        dataset: of the part's, by the name that the file has.
        number: its place among all of the experiment, from 1.
        rows: those that it fills, in order.
        published: for each row the published one, where the paper has it.
    """

    part: Part
    dataset: str
    number: int
    rows: tuple[Row, ...]
    published: tuple[ResultRow | None, ...]

    @property
    def title(self) -> str:
        """Dataset and task, and what of the arrangement is not usual."""
        part = self.part
        said = {
            f"sources {part.sources}": part.sources,
            f"trained on {part.trained_on}": part.trained_on,
            f"{part.references} references": part.references,
            "best of references": part.best_of_references,
            f"first {part.max_frames} frames": part.max_frames,
            "without the source's frame": part.source_frame == "skipped",
            "best start": part.start == "best",
            "sets from the source": part.set_side == "source" and part.task == "cross",
        }
        return ", ".join([f"{self.dataset}: {part.task}", *(words for words, value in said.items() if value)])


@dataclass(frozen=True)
class Requirement:
    """Something that an evaluation takes.

    Attributes:
        what: in words.
        here: where it is; empty where it is not, or nobody knows yet.
        missing: how to get it; empty where it is here, or nobody knows yet.
    """

    what: str
    here: str = ""
    missing: str = ""


def evaluations(experiment: Experiment) -> list[Evaluation]:
    """Everything that an experiment evaluates, in order."""
    content = experiment.content
    found: list[Evaluation] = []
    for part in content.parts:
        for dataset in part.datasets:
            printed = _published(experiment, part, dataset)
            rows = tuple(row for row in content.rows if not part.rows or row.name in part.rows)
            rows = rows or tuple(_row(row) for row in printed)
            beside = tuple(next((one for one in printed if _stands_for(row, one)), None) for row in rows)
            found.append(Evaluation(part, dataset, len(found) + 1, rows, beside))
    return found


def open_evaluated(dataset: str, data: Path) -> PreparedDataset:
    """A dataset of an experiment: at the papers' 256 pixels where it is there, else the one that is.

    Raises:
        InputError: there is none; the text says how to prepare it.
    """
    if (data / f"{dataset}-{USUAL_SIDE}").is_dir():
        return open_dataset(dataset, data, USUAL_SIDE)
    return open_dataset(dataset, data)


def requirements(evaluation: Evaluation, rows: Sequence[Row], data: Path, runs: Path) -> list[Requirement]:
    """What an evaluation takes; `rows` are all of the experiment."""
    part = evaluation.part
    found: list[Requirement] = []
    subject = None
    for what, name in (("dataset", evaluation.dataset), ("sources", part.sources)):
        if name is None:
            continue
        try:
            dataset = open_evaluated(name, data)
        except InputError as error:
            found.append(Requirement(f"{what} {name}", missing=str(error)))
        else:
            found.append(Requirement(f"{what} {name}", str(dataset.folder)))
            subject = subject_of(dataset) if what == "dataset" else subject
    for row in evaluation.rows:
        if row.lacking:
            found.append(Requirement(f"row {row.name}", missing=row.lacking))
            continue
        try:
            place = checkpoint_for(row, rows or evaluation.rows, part.trained_on or evaluation.dataset, runs)
        except LiaBenchError as error:
            found.append(Requirement(f"row {row.name}", missing=str(error)))
        else:
            found.append(Requirement(f"row {row.name}", place))
    return found + [_metric(name, subject) for name in part.metrics]


def _metric(name: str, subject: str | None) -> Requirement:
    try:
        specification = resolve(name, subject or "")
    except UnavailableMetricError as error:
        if subject is None:
            return Requirement(f"metric {name}, by what the clips show")
        return Requirement(f"metric {name}", missing=str(error))
    missing = [weights for weights in weights_behind(specification) if not WEIGHTS[weights].path.is_file()]
    if missing:
        return Requirement(f"metric {name}", missing="; ".join(how_to_get(WEIGHTS[weights]) for weights in missing))
    return Requirement(f"metric {name}", specification.name)


def _published(experiment: Experiment, part: Part, dataset: str) -> list[ResultRow]:
    table = experiment.content.published
    if table is None:
        return []
    name = part.published_dataset or dataset
    return [row for row in rows_of_paper(table.paper, table.table) if (row.dataset, row.task) == (name, part.task)]


def _row(published: ResultRow) -> Row:
    """The row of what a paper prints."""
    own = {"published": published.model, "variant": published.variant, "note": published.note}
    if published.model in MODELS:
        return Row(name=printed_name(published), model=published.model, **own)
    return Row(name=printed_name(published), lacking=f"there is no model {published.model} here", **own)


def _stands_for(row: Row, published: ResultRow) -> bool:
    name = row.published or (ModelReference.parse(row.model).name if row.model else "")
    return (published.model, published.variant) == (name, row.variant) and row.note in (None, published.note)
