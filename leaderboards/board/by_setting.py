"""A leaderboard in the shape of an ablation: a row a value of one setting of the models."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lia_bench.core.configuration import flat
from lia_bench.core.errors import CheckpointError, InputError, UnknownNameError
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.registry import load_attribute
from lia_bench.core.suggestions import unknown
from lia_bench.leaderboards.board.comparison import results_folder
from lia_bench.leaderboards.results.measurement import Measurement, measurements
from lia_bench.leaderboards.results.report import Report
from lia_bench.leaderboards.results.report_file import read_report
from lia_bench.models.checkpoint import WEIGHTS, own_checkpoint_folder, read_description
from lia_bench.models.specification import MODELS
from lia_bench.models.training.configuration import KEY as ABLATION
from lia_bench.models.training.configuration import Ablation, own_key, read_ablations
from lia_bench.models.training.planned_run import FREE


@dataclass(frozen=True)
class SettingRow:
    """A measurement, the setting's value in the checkpoint it is of, and that checkpoint's other settings.

    Attributes:
        others: without those that the value stands for, which is a named ablation's.
        order: where a named ablation stands among those of its model.
    """

    value: Any
    others: Mapping[str, Any]
    measurement: Measurement
    order: int = 0


@dataclass(frozen=True)
class SettingTable:
    """The rows of one task, by the setting's value: numbers in rising order, ablations in the paper's, null last."""

    task: str
    transfer: str
    rows: tuple[SettingRow, ...]

    def differences(self) -> list[str]:
        """The other settings that the rows do not all have alike, which an ablation should.

        How long each was trained is its `step`, whatever its schedule says.
        """
        first, *rest = (row.others for row in self.rows)
        keys = dict.fromkeys(key for others in (first, *rest) for key in others)
        return [key for key in keys if any(others.get(key) != first.get(key) for others in rest)]


@dataclass(frozen=True)
class SettingLeaderboard:
    """What a folder of results says of the values of one setting.

    Attributes:
        folder: of the results.
        key: the setting, as it was asked for.
        report: of the folder.
        models: names of the models that the rows are of.
        tables: one a task.
        left_out: lines that say which rows of the leaderboard are not here and why.
    """

    folder: Path
    key: str
    report: Report
    models: tuple[str, ...]
    tables: tuple[SettingTable, ...]
    left_out: tuple[str, ...]


def leaderboard_by(key: str, results: Path, name: str | None) -> SettingLeaderboard:
    """The rows of a folder of results, each with the value of a setting that its checkpoint was trained with.

    Args:
        key: of the configuration, as 'loss.l1', or what the model's paper calls it, as 'motion.directions'.
        results: folder of results folders; `name` is one in it, None the only one.

    Raises:
        InputError: no such folder, or no row whose checkpoint is here.
        UnknownNameError: no model of the table has the setting.
    """
    folder = results_folder(results, name)
    report = read_report(folder)
    tables: dict[tuple[str, str], list[SettingRow]] = {}
    left_out: dict[str, None] = {}
    known: dict[str, None] = {}
    # Every task of a checkpoint would read all its weights again.
    settings_of = cache(settings_of_checkpoint)
    for measurement in measurements(report):
        model = measurement.model.model
        # `score` has rows of what other programs made.
        if model not in MODELS:
            left_out[f"{measurement.label}: left out, it is no model of lia-bench"] = None
            continue
        kind = load_attribute(MODELS[model].configuration)
        try:
            settings = settings_of(measurement.model.checkpoint, measurement.model.checkpoint_sha256)
        except (CheckpointError, InputError) as error:
            left_out[f"{measurement.label}: left out, {error}"] = None
            continue
        known |= dict.fromkeys((*settings, *kind.published_names))
        own = own_key(kind, key)
        if own not in settings:
            left_out[f"{measurement.label}: left out, it has no {key}"] = None
            continue
        ablations = read_ablations(MODELS[model]) if own == ABLATION else {}
        rows = tables.setdefault((measurement.task, measurement.transfer), [])
        rows.append(_row(own, settings, measurement, ablations))
    if not tables:
        if known:
            raise UnknownNameError(f"{folder}: {unknown('key', key, known)}")
        raise InputError(f"{folder}: no row to show: {'; '.join(left_out) or 'nothing is measured there'}")
    sorted_tables = tuple(SettingTable(*of, tuple(sorted(rows, key=_place))) for of, rows in tables.items())
    models = dict.fromkeys(row.measurement.model.model for table in sorted_tables for row in table.rows)
    return SettingLeaderboard(folder, key, report, tuple(models), sorted_tables, tuple(left_out))


def _row(
    own: str, settings: Mapping[str, Any], measurement: Measurement, ablations: Mapping[str, Ablation]
) -> SettingRow:
    """`own`: the key; `ablations`: those of the model where that is what they are named by, else none."""
    value = settings[own]
    parts = {setting for ablation in ablations.values() for setting in ablation.parts}
    stated = ablations[value].settings if value in ablations else {}
    # What was set beside an ablation and against it is a difference like any other.
    contrary = {key for key, set_to in flat(stated) if key in settings and settings[key] != set_to}

    def differs(key: str) -> bool:
        part = any(f"{key}.".startswith(f"{whole}.") for whole in parts)
        return key not in (own, *FREE) and (key in contrary or not part)

    others = {key: other for key, other in settings.items() if differs(key)}
    return SettingRow(value, others, measurement, list(ablations).index(value) if value in ablations else 0)


def settings_of_checkpoint(checkpoint: str, sha256: str) -> dict[str, Any]:
    """The configuration in the config.json of the measured checkpoint, flat, and its step.

    Raises:
        InputError: the row is of no checkpoint of ours, or another one lies there now.
        CheckpointError: config.json is damaged.
    """
    if not checkpoint:
        raise InputError("it has no checkpoint")
    folder = own_checkpoint_folder(Path(checkpoint))
    if folder is None:
        raise InputError(f"{checkpoint} is not here, or no checkpoint of lia-bench, so its settings are not known")
    if sha256_of_file(folder / WEIGHTS) != sha256:
        raise InputError(f"{checkpoint} holds other weights than were measured: evaluate it again")
    description = read_description(folder)
    return dict(flat(description.experiment)) | {"step": description.step}


def _place(row: SettingRow) -> tuple[int, float, str]:
    value = row.value
    if value is None:
        return (2, 0, "")
    if isinstance(value, int | float):
        return (0, value, "")
    return (1, row.order, json.dumps(value))
