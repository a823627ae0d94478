"""`lia-bench study report`: what raters prefer, for a terminal and as rows of a leaderboard."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
PROTOCOL = "paired-preference"


@dataclass(frozen=True)
class StudyReport:
    """What a study says.

    Attributes:
        name: of its folder.
        study: its questions.
        allowed_misses: attention checks that a rater might miss.
        raters: who counts.
        preferences: every two models.
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
    """Print a study's preferences to standard output, one table a dataset."""
    console = wide_console()
    for number, dataset in enumerate(report.study.datasets):
        console.print(Text(f"{dataset.dataset}, {dataset.task}: {report.study.question}", style="bold"), soft_wrap=True)
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for column in ("model", "against", "preferred", "95 % interval", "answers", "raters", "clips", ""):
            table.add_column(column, justify="left" if column in ("model", "against", "") else "right")
        for preference in report.preferences:
            if preference.dataset == number:
                table.add_row(*(Text(cell) for cell in _cells(report, preference)))
        console.print(table)
    for line in _remarks(report):
        console.print(Text(line, style="dim"), soft_wrap=True)


def _cells(report: StudyReport, preference: Preference) -> list[str]:
    models = report.study.datasets[preference.dataset].models
    return [
        models[preference.first].label,
        models[preference.second].label,
        "-" if preference.share is None else f"{100 * preference.share:.1f} %",
        _interval(preference.interval),
        str(preference.answers),
        str(preference.raters),
        str(preference.clips),
        _verdict(preference, [model.label for model in models]),
    ]


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f}"


def _verdict(preference: Preference, labels: list[str]) -> str:
    if preference.share is None:
        return "no answers yet"
    if preference.interval is None:
        return "no interval: needs two raters and clips"
    return "no difference shown" if preference.shown is None else f"{labels[preference.shown]} is preferred"


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
    """One row a dataset and model: `preference_vs_<other>_percent` for each other model, with its interval."""
    for number, dataset in enumerate(study.datasets):
        for place, model in enumerate(dataset.models):
            own = (one for one in found if one.dataset == number and place in (one.first, one.second))
            against = [_seen_from(place, one) for one in own]
            values: dict[str, Cell] = {}
            for other, _, percent, low, high in against:
                column = f"preference_vs_{dataset.models[other].label}_percent"
                values |= {column: percent, f"{column}_low": low, f"{column}_high": high}
            yield {
                "model": model.model,
                "variant": model.variant,
                "checkpoint": model.checkpoint,
                "dataset": dataset.dataset,
                "split": dataset.split,
                "task": USER_STUDY,
                "transfer": model.transfer,
                "clips": sum(answers for _, answers, *_ in against),
                **values,
                "protocol": PROTOCOL,
                "extractors": _extractors(study, dataset, values),
                "dataset_hash": dataset.dataset_hash,
                "checkpoint_sha256": model.checkpoint_sha256,
                "seed": study.seed,
                "version": VERSION,
                "date": utc_date(),
                "origin": "measured",
            }


def _seen_from(place: int, one: Preference) -> tuple[int, int, float | None, float | None, float | None]:
    """The other model, the answers, and percentage and interval as the model at `place` has them."""
    low, high = one.interval or (None, None)
    if place == one.first:
        return one.second, one.answers, _percent(one.share), _percent(low), _percent(high)
    return one.first, one.answers, _percent(_mirrored(one.share)), _percent(_mirrored(high)), _percent(_mirrored(low))


def _extractors(study: Study, dataset: StudyDataset, values: Mapping[str, Any]) -> str:
    """What the numbers depend on: preferences about another task or question are other numbers."""
    question = study.question.replace(";", ",").replace("=", ":")
    columns = (column for column in values if column.endswith("_percent"))
    return ";".join(f"{column}=raters on {dataset.task}: {question}" for column in columns)


def _mirrored(value: float | None) -> float | None:
    return None if value is None else 1 - value


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value
