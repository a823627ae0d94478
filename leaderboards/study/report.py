"""`lia-bench study report`: what raters prefer, for a terminal and as rows of a leaderboard."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from lia_bench.core.console import wide_console
from lia_bench.core.errors import InputError
from lia_bench.core.names import counted
from lia_bench.core.provenance import VERSION, utc_date
from lia_bench.leaderboards.results.columns import COLUMNS, LEADERBOARD, USER_STUDY, Cell, names
from lia_bench.leaderboards.results.csv_writing import write_rows
from lia_bench.leaderboards.results.report_file import REPORT
from lia_bench.leaderboards.study.answers import read_answers
from lia_bench.leaderboards.study.document import Study, StudyDataset, read_study
from lia_bench.leaderboards.study.preferences import Preference, Raters, attentive_raters, preferences

FEW_RATERS = 5
PAIRED = "paired-preference"
"""The protocol of rows of studies that show two videos at a time."""


@dataclass(frozen=True)
class StudyReport:
    """What a study says.

    Attributes:
        name: of its folder.
        study: its questions.
        allowed_misses: attention checks that a rater might miss.
        raters: who counts.
        preferences: every model among those that it is shown with.
    """

    name: str
    study: Study
    allowed_misses: int
    raters: Raters
    preferences: tuple[Preference, ...]

    def write(self, results: Path) -> Path:
        """Write `results`/<study>/leaderboard.csv; returns its path."""
        return write_leaderboard(results / self.name, self.study, self.preferences)


def report_study(folder: Path, allowed_misses: int) -> StudyReport:
    """Count the answers of a study's folder.

    Raises:
        InputError: there is no study, or nobody who counts has answered yet.
    """
    study = read_study(folder)
    answers = read_answers(folder, study)
    raters = attentive_raters(study, answers, allowed_misses)
    report = StudyReport(
        folder.resolve().name,
        study,
        allowed_misses,
        raters,
        tuple(preferences(study, (answer for answer in answers if answer.rater in raters.counted))),
    )
    if not any(preference.answers for preference in report.preferences):
        left_out = "; ".join(_left_out(report)) or "no answers yet"
        raise InputError(f"{folder}: nothing to report: {left_out}")
    return report


def print_report(report: StudyReport) -> None:
    """Print a study's preferences to standard output, one table a dataset and question."""
    console = wide_console()
    study = report.study
    for (number, dataset), (place, question) in product(enumerate(study.datasets), enumerate(study.questions)):
        console.print(Text(f"{dataset.dataset}, {dataset.task}: {question.text}", style="bold"), soft_wrap=True)
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for column in ("model", "against", "preferred", "95 % interval", "answers", "raters", "clips", ""):
            table.add_column(column, justify="left" if column in ("model", "against", "") else "right")
        own = [one for one in report.preferences if (one.dataset, one.question) == (number, place)]
        for preference in _telling(own):
            table.add_row(*(Text(cell) for cell in _cells(report, preference)))
        console.print(table)
    for line in _remarks(report):
        console.print(Text(line, style="dim"), soft_wrap=True)


def _telling(found: Sequence[Preference]) -> Iterator[Preference]:
    """All but those that follow from others: of two models, the second is chosen where the first is not."""
    pairs: set[tuple[int, int]] = set()
    for one in found:
        if len(one.others) > 1 or (one.others[0], one.model) not in pairs:
            pairs.add((one.model, one.others[0]))
            yield one


def _cells(report: StudyReport, preference: Preference) -> list[str]:
    labels = [model.label for model in report.study.datasets[preference.dataset].models]
    return [
        labels[preference.model],
        ", ".join(labels[other] for other in preference.others),
        "-" if preference.share is None else f"{100 * preference.share:.1f} %",
        _interval(preference.interval),
        str(preference.answers),
        str(preference.raters),
        str(preference.clips),
        _verdict(preference, labels),
    ]


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f}"


def _verdict(preference: Preference, labels: list[str]) -> str:
    if preference.share is None:
        return "no answers yet"
    if preference.interval is None:
        return "no interval: needs two raters and clips"
    if preference.above is None:
        return "no difference shown"
    if len(preference.others) > 1:
        return f"{'above' if preference.above else 'below'} chance ({100 * preference.even:.0f} %)"
    return f"{labels[preference.model if preference.above else preference.others[0]]} is preferred"


def _remarks(report: StudyReport) -> Iterator[str]:
    yield f"{counted(len(report.raters.counted), 'rater')} counted; the interval is over raters and clips like these"
    yield from _left_out(report)
    if not any(report.study.of_kind("attention")):
        yield "the study has no attention checks, so that everybody counts"
    if len(report.raters.counted) < FEW_RATERS:
        yield f"fewer than {FEW_RATERS} raters: the interval may be too narrow for people in general"


def _left_out(report: StudyReport) -> Iterator[str]:
    raters = report.raters
    if raters.inattentive:
        yield f"left out: {raters.inattentive} raters who missed more than {report.allowed_misses} attention checks"
    if raters.unchecked:
        yield f"left out: {raters.unchecked} raters who stopped before their first attention check"


def write_leaderboard(folder: Path, study: Study, found: Sequence[Preference]) -> Path:
    """Write the rows of a study to `folder`/leaderboard.csv; returns its path.

    Raises:
        InputError: the folder holds results of an evaluation.
    """
    if (folder / REPORT).exists():
        raise InputError(f"{folder}: holds an evaluation's results; rename the study's folder, or take other --results")
    rows = list(preference_rows(study, found))
    preferences = dict.fromkeys(column for row in rows for column in row if column not in COLUMNS)
    path = folder / LEADERBOARD
    write_rows(path, [*names("who"), *names("size"), *preferences, *names("where")], rows)
    return path


def preference_rows(study: Study, found: Sequence[Preference]) -> Iterator[dict[str, Cell]]:
    """One row a dataset and model, with the shares of answers that chose it and their intervals.

    Columns are `preference_vs_<other>_percent` of two shown at once, `selected_best_percent` of more, with the
    question's aspect before `_percent` where it has one.
    """
    for number, dataset in enumerate(study.datasets):
        for place, model in enumerate(dataset.models):
            own = [one for one in found if (one.dataset, one.model) == (number, place)]
            asked = {_column(study, one): study.questions[one.question].text for one in own}
            values: dict[str, Cell] = {}
            for column, one in zip(asked, own, strict=True):
                low, high = one.interval or (None, None)
                values |= {
                    column: _percent(one.share),
                    f"{column}_low": _percent(low),
                    f"{column}_high": _percent(high),
                }
            yield {
                "model": model.model,
                "variant": model.variant,
                "checkpoint": model.checkpoint,
                "dataset": dataset.dataset,
                "split": dataset.split,
                "task": USER_STUDY,
                "transfer": model.transfer,
                "clips": sum(one.answers for one in own),
                **values,
                "protocol": PAIRED if all(len(one.others) == 1 for one in own) else "preference-among-all",
                "extractors": _extractors(dataset, asked),
                "dataset_hash": dataset.dataset_hash,
                "checkpoint_sha256": model.checkpoint_sha256,
                "seed": study.seed,
                "version": VERSION,
                "date": utc_date(),
                "origin": "measured",
            }


def _column(study: Study, of: Preference) -> str:
    models = study.datasets[of.dataset].models
    compared = "selected_best" if len(of.others) > 1 else f"preference_vs_{models[of.others[0]].label}"
    aspect = study.questions[of.question].aspect
    return "_".join(part for part in (compared, aspect, "percent") if part)


def _extractors(dataset: StudyDataset, asked: Mapping[str, str]) -> str:
    """What the numbers depend on: preferences about another task or question are other numbers."""
    said = {column: question.replace(";", ",").replace("=", ":") for column, question in asked.items()}
    return ";".join(f"{column}=raters on {dataset.task}: {question}" for column, question in said.items())


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value
