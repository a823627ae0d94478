"""A study's preferences as rows of a leaderboard."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lia_bench.core.errors import InputError
from lia_bench.core.provenance import utc_date
from lia_bench.leaderboards.results.csv_writing import LEADERBOARD, WHERE, WHO, Row, write_rows
from lia_bench.leaderboards.results.report import REPORT
from lia_bench.leaderboards.results.rows import USER_STUDY
from lia_bench.leaderboards.study.document import Study, StudyDataset
from lia_bench.leaderboards.study.preferences import Preference

PROTOCOL = "paired-preference"
FIRST = (*WHO, "clips", "frames")


def write_leaderboard(folder: Path, study: Study, found: Sequence[Preference]) -> Path:
    """Write the rows of a study to `folder`/leaderboard.csv; returns its path.

    Raises:
        InputError: the folder holds results of an evaluation.
    """
    if (folder / REPORT).exists():
        raise InputError(f"{folder}: holds an evaluation's results; rename the study's folder, or take other --results")
    rows = list(preference_rows(study, found))
    columns = dict.fromkeys(column for row in rows for column in row if column not in (*FIRST, *WHERE))
    path = folder / LEADERBOARD
    write_rows(path, [*FIRST, *columns, *WHERE], rows)
    return path


def preference_rows(study: Study, found: Sequence[Preference]) -> Iterator[Row]:
    """One row a dataset and model: `preference_vs_<other>_percent` for each other model, with its interval."""
    for number, dataset in enumerate(study.datasets):
        for place, model in enumerate(dataset.models):
            own = (one for one in found if one.dataset == number and place in (one.first, one.second))
            against = [_seen_from(place, one) for one in own]
            values: Row = {}
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
                "version": version("lia-bench"),
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
