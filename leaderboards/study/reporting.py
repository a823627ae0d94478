"""`lia-bench study report`: what raters prefer, for a terminal and as rows of a leaderboard."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from lia_bench.core.errors import InputError
from lia_bench.leaderboards.printing.console import wide_console
from lia_bench.leaderboards.printing.evaluation_table import PIPED_WIDTH
from lia_bench.leaderboards.study.answers import read_answers
from lia_bench.leaderboards.study.document import Study, read_study
from lia_bench.leaderboards.study.preferences import Preference, Raters, attentive_raters, preferences
from lia_bench.leaderboards.study.rows import write_leaderboard

FEW_RATERS = 5


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
    console = wide_console(PIPED_WIDTH)
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
    yield f"{len(report.raters.counted)} raters counted; the interval is over raters and clips like these"
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
