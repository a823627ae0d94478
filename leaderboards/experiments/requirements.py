"""What an experiment takes, and what of that is here: datasets, sources, checkpoints, weights of metrics."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lia_bench.core.errors import InputError, LiaBenchError
from lia_bench.core.prepared_dataset import PreparedDataset, open_dataset, subject_of
from lia_bench.core.weights import WEIGHTS, how_to_get
from lia_bench.leaderboards.experiments.checkpoints import checkpoint_for
from lia_bench.leaderboards.experiments.schema import Experiment, Part, Row
from lia_bench.leaderboards.results.columns import ResultRow, printed_name
from lia_bench.leaderboards.results.published import rows_of_paper
from lia_bench.metrics.registry import resolve, weights_behind
from lia_bench.metrics.specification import UnavailableMetricError
from lia_bench.models.reference import ModelReference
from lia_bench.models.specification import MODELS

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
