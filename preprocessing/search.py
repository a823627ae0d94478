"""Footage searched for faces or persons, a unit at a time, and what was found kept for the next run."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lia_bench.core.atomic import write_text
from lia_bench.core.console import progress
from lia_bench.core.errors import InputError, LiaBenchError, UnreadableVideoError
from lia_bench.core.prepared_dataset import FINISHED_FOLDER
from lia_bench.preprocessing.clip_table import MetadataRow
from lia_bench.preprocessing.footage import (
    Footage,
    described,
    footage_stamp,
    open_carefully,
    open_quickly,
    without_folder,
)
from lia_bench.preprocessing.ledger import Outcome, Position
from lia_bench.preprocessing.plan import Plan, cut_of_row, with_both_partitions
from lia_bench.preprocessing.workers.engine import Died, Engine

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True)
class Finding:
    """One tube that was found.

    Attributes:
        clip: name of the clip, free of the suffix.
        row: where it lies in its video.
        rejection: why a rule leaves it out, as "code: sentence"; None for a clip to cut.
    """

    clip: str
    row: MetadataRow
    rejection: str | None = None


@dataclass(frozen=True)
class Unit:
    """What is searched as one: a video, or an utterance of it.

    Attributes:
        name: unique in its partition, and free of folders; names the row of clips.csv when nothing comes of it.
        video: the footage; None where there is none.
        video_id: identifier of the footage.
        person_id: who is seen, where that is known.
        partition: "train" or "test".
        annotation: a file that says more, of recipes that have one.
    """

    name: str
    video: Path | None
    video_id: str
    person_id: str | None
    partition: Literal["train", "test"]
    annotation: Path | None = None

    @property
    def key(self) -> str:
        """What tells it from all others of its dataset: 'partition/name'."""
        return f"{self.partition}/{self.name}"


Search = Callable[[Footage, Unit], list[Finding]]


@dataclass(frozen=True)
class SearchPlan:
    """What a run has to search.

    Attributes:
        units: in the order of clips.csv.
        build: called once in every worker, makes the function that searches; picklable.
        settings: what the recipe was told that findings depend on, as plain data.
        decided: outcomes that need no search, at positions (-1, n).
        made_with: what findings depend on that the machine has, such as versions.
        counted: what a unit is, for the progress bar.
        drawn: whether the units' partitions were drawn, see `plan.with_both_partitions`.
    """

    units: tuple[Unit, ...]
    build: Callable[[], Search]
    settings: Mapping[str, object]
    decided: tuple[Outcome, ...] = ()
    made_with: Mapping[str, str | None] = field(default_factory=dict)
    counted: str = "video"
    drawn: bool = False


def as_settings(rule: "DataclassInstance") -> dict[str, object]:
    """A rule as plain data for `SearchPlan.settings`, where a function goes by its name."""
    return {
        key: as_settings(value)
        if is_dataclass(value) and not isinstance(value, type)
        else getattr(value, "__name__", value)
        for key, value in ((each.name, getattr(rule, each.name)) for each in fields(rule))
    }


@dataclass(frozen=True)
class Searched:
    """What came of a unit.

    Attributes:
        unit: its key.
        made_from: everything the findings depend on.
        findings: the tubes found; none where `reason` says why.
        reason: "code: sentence" of a unit that could not be searched or that holds nothing; else empty.
    """

    unit: str
    made_from: str
    findings: tuple[Finding, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class _Job:
    unit: Unit
    made_from: str = field(repr=False)


def share_of_units(units: Sequence[Unit], shard: tuple[int, int]) -> list[tuple[int, Unit]]:
    """The units that fall to shard `(number, count)`, number from 1, each with its place among all."""
    number, count = shard
    return list(enumerate(units))[number - 1 :: count]


def search_footage(search: SearchPlan, output: Path, engine: Engine, shard: tuple[int, int] | None) -> Plan:
    """What to cut, by what is found in every unit; what an earlier run has found in the same footage is kept.

    Raises:
        InputError: two units have one name.
    """
    _check_names(search.units)
    notes = output / FINISHED_FOLDER / "searched.jsonl"
    known = _read(notes)
    numbered = share_of_units(search.units, shard or (1, 1))
    jobs = [_Job(unit, _made_from(unit, unit.video, search)) for _, unit in numbered if unit.video is not None]
    left = [job for job in jobs if not _is_known(job, known)]
    if left:
        # A line that a kill cut short would swallow the next one.
        write_text(notes, "".join(map(_line, known.values())))
        for found in _search(left, search, engine, finished=len(jobs) - len(left)):
            known[found.unit] = found
            if _is_lasting(found):
                with notes.open("a", encoding="utf-8") as file:
                    file.write(_line(found))
    lasting = (known[job.unit.key] for job in jobs if _is_lasting(known[job.unit.key]))
    write_text(notes, "".join(map(_line, lasting)))
    plan = _plan(numbered, known, search.decided if shard is None or shard[0] == 1 else ())
    # A shard knows nothing of what is found in the others.
    return with_both_partitions(plan) if search.drawn and shard is None else plan


def _check_names(units: Sequence[Unit]) -> None:
    for key, count in Counter(unit.key for unit in units).items():
        if count > 1:
            raise InputError(f"{count} units are called {key}; the recipe has to tell them apart")


def _is_lasting(found: Searched) -> bool:
    # A lost worker may fare better next time, and so may a machine with more memory.
    return not found.reason.startswith(("worker_died", "unexpected"))


def _search(jobs: list[_Job], search: SearchPlan, engine: Engine, finished: int) -> Iterator[Searched]:
    groups = [list(group) for _, group in groupby(jobs, key=lambda job: job.unit.video)]
    with progress(title="searching", total=finished + len(jobs), unit=search.counted, start=finished) as bar:
        for job, result in engine.run(partial(_searcher, search.build), groups):
            if isinstance(result, Died):
                yield Searched(job.unit.key, job.made_from, reason=result.reason)
            else:
                yield result
            bar.update()


def _searcher(build: Callable[[], Search]) -> Callable[[_Job], Searched]:
    return partial(_search_unit, build())


def _search_unit(search: Search, job: _Job) -> Searched:
    unit = job.unit
    assert unit.video is not None
    try:
        findings = _findings(search, unit, unit.video)
    except UnreadableVideoError as error:
        reason = f"unreadable_video: {without_folder(error, unit.video)}"
        return Searched(unit.key, job.made_from, reason=reason)
    except InputError as error:
        # An annotation that does not fit.
        return Searched(unit.key, job.made_from, reason=f"bad_annotation: {_without_folders(error, unit)}")
    except LiaBenchError:
        raise
    except Exception as error:
        return Searched(unit.key, job.made_from, reason=f"unexpected: {described(error, unit.video)}")
    if not findings:
        return Searched(unit.key, job.made_from, reason="nothing_found: the detector saw nothing to follow")
    return Searched(unit.key, job.made_from, tuple(findings))


def _findings(search: Search, unit: Unit, video: Path) -> list[Finding]:
    try:
        with open_quickly(video) as footage:
            return search(footage, unit)
    except UnreadableVideoError:
        with open_carefully(video) as footage:
            return search(footage, unit)


def _without_folders(error: InputError, unit: Unit) -> str:
    # clips.csv is the same wherever the annotations lie.
    text = str(error)
    return text.replace(f"{unit.annotation.parent}/", "") if unit.annotation else text


def _made_from(unit: Unit, video: Path, search: SearchPlan) -> str:
    annotation = _read_annotation(unit.annotation) if unit.annotation else ""
    return json.dumps([footage_stamp(video), annotation, unit.partition, search.settings, search.made_with])


def _read_annotation(path: Path) -> str | None:
    """An annotation's text; None of one that nobody can read, which the search will say in its place."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _is_known(job: _Job, known: Mapping[str, Searched]) -> bool:
    found = known.get(job.unit.key)
    return found is not None and found.made_from == job.made_from


def _plan(numbered: Sequence[tuple[int, Unit]], known: Mapping[str, Searched], decided: Sequence[Outcome]) -> Plan:
    cuts, outcomes = [], list(decided)
    for number, unit in numbered:
        if unit.video is None:
            reason = f"missing_video: there is no footage of {unit.video_id}"
            outcomes.append(_nothing(unit, (number, 0), "unavailable", reason))
            continue
        found = known[unit.key]
        if found.reason:
            status: Literal["dropped", "failed"] = "dropped" if found.reason.startswith("nothing_found") else "failed"
            outcomes.append(_nothing(unit, (number, 0), status, found.reason))
        for place, finding in enumerate(found.findings):
            cut = cut_of_row(finding.row, finding.row, finding.clip, (number, place), unit.video)
            if finding.rejection is None:
                cuts.append(cut)
            else:
                outcomes.append(cut.outcome("dropped", finding.rejection))
    return Plan(tuple(cuts), tuple(outcomes))


def _nothing(
    unit: Unit, position: Position, status: Literal["dropped", "failed", "unavailable"], reason: str
) -> Outcome:
    cells = {"video_id": unit.video_id, "person_id": unit.person_id or ""}
    return Outcome(position, unit.name, unit.partition, cells, status, reason)


def _line(found: Searched) -> str:
    findings = [[finding.clip, finding.rejection, dict(finding.row.text)] for finding in found.findings]
    return json.dumps([found.unit, found.made_from, found.reason, findings]) + "\n"


def _read(notes: Path) -> dict[str, Searched]:
    """What earlier runs have found; a line that a kill cut short is left out."""
    known = {}
    for line in notes.read_text(encoding="utf-8").splitlines() if notes.is_file() else ():
        try:
            unit, made_from, reason, findings = json.loads(line)
        except ValueError:
            continue
        known[unit] = Searched(unit, made_from, tuple(_finding(*finding) for finding in findings), reason)
    return known


def _finding(clip: str, rejection: str | None, cells: dict[str, str]) -> Finding:
    row = MetadataRow.model_validate({**cells, "person_id": cells["person_id"] or None, "line": 0, "text": cells})
    return Finding(clip, row, rejection)
