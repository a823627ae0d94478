"""Reads and writes `report.json`, and the journals beside it, which nobody else does.

While an evaluation runs, each finished clip is one line appended to `unfinished-0.jsonl` (of several processes, each
has its own), so that a clip costs the same however many there were before; the lines move into `report.json` when
the evaluation ends, however it ends, or when the next one starts.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, RootModel, ValidationError

from lia_bench.core.atomic import write_json
from lia_bench.core.documents import Version, misfit, read_document, validated
from lia_bench.core.errors import InputError
from lia_bench.core.inner_files import inner_file
from lia_bench.leaderboards.results.report import (
    SCHEMA,
    ClipEntry,
    ClipPair,
    CommonSetting,
    EvaluationSetting,
    Failure,
    Part,
    Plan,
    Report,
    Run,
    ScoreSetting,
)

REPORT = "report.json"
JOURNALS = "unfinished-*.jsonl"
HEAD = 2000
"""So many characters hold all that stands before the setting."""
_TABLES = re.compile(r'\s*\{\s*"schema":\s*\d+,\s*"tables":\s*\{([^{}]*)\}')
_TABLE = re.compile(r'"([^"]+)":\s*"([0-9a-f]{64})"')


def read_report(folder: Path) -> Report:
    """What the report of a results folder holds, with what a killed evaluation left in journals.

    Raises:
        InputError: there is none, or it is damaged or of another version.
    """
    if not (folder / REPORT).is_file():
        raise InputError(f"{folder}: holds no {REPORT}; `lia-bench evaluate` and `score` write it")
    return ReportFile(folder).content


def noted_tables(folder: Path) -> dict[str, str]:
    """Name to SHA-256 of the tables as the report's folder got them last, without reading all of the report.

    Empty where there is no report, or one of a former version.

    Raises:
        InputError: a link leads out of the folder, or the report cannot be read.
    """
    path = inner_file(folder, REPORT)
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            head = _TABLES.match(file.read(HEAD))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}: make it readable") from None
    return dict(_TABLE.findall(head[1])) if head else {}


class ReportFile:
    """The report of a results folder at work: begun, added to, saved.

    Attributes:
        folder: of the results.
        content: what the report holds, once there is a run in it.
    """

    content: Report

    def __init__(self, folder: Path, rank: int = 0) -> None:
        """Read what is in `folder`, journals that a killed evaluation left included.

        `rank` is this process's among those that add to the report; the first alone reads and saves it.

        Raises:
            InputError: report.json is damaged or of another version, or a link leads out of the folder.
        """
        self.folder = folder
        self._journal = inner_file(folder, f"unfinished-{rank}.jsonl")
        self._begun = False
        path = inner_file(folder, REPORT)
        if rank == 0:
            if path.exists():
                self.content, self._begun = _read(path), True
            self.absorb_journals()

    def begin(
        self,
        setting: EvaluationSetting | ScoreSetting,
        plan: Plan,
        unavailable: Mapping[str, str],
        missing_weights: Mapping[str, Sequence[str]],
        session: Mapping[str, Any],
        pairs: Sequence[ClipPair],
    ) -> int:
        """Note a start: the run of the same plan goes on, another plan is a new run; returns the run's index.

        Args:
            setting, plan, unavailable, missing_weights: as of the report and its run.
            session: where this start's results come from.
            pairs: drawn for the cross task; the folder keeps those of its first run that had any.

        Raises:
            InputError: the folder holds results of another setting, which no table could compare.
        """
        if self._begun and any(run.clips for run in self.content.runs):
            self._check_same(self.content.setting, setting)
        elif not self._begun or self.content.setting != setting:
            self.content, self._begun = Report(setting=setting, runs=[]), True
        runs = self.content.runs
        index = next((index for index, run in enumerate(runs) if run.plan == plan), len(runs))
        if index == len(runs):
            runs.append(Run(plan=plan))
        runs[index].unavailable = dict(unavailable)
        runs[index].missing_weights = {metric: list(names) for metric, names in missing_weights.items()}
        runs[index].sessions.append(dict(session))
        if pairs and self.content.pairs is None:
            self.content.pairs = list(pairs)
        self.save()
        return index

    def add_clip(self, run_index: int, entry: ClipEntry) -> None:
        """Append a finished clip to a run, on disk before this returns."""
        self._append(_ClipLine(run=run_index, entry=entry))
        self.content.runs[run_index].clips.append(entry)

    def add_failure(self, run_index: int, entry: Failure) -> None:
        """Append a clip that could not be read or compared to a run, on disk before this returns."""
        self._append(_FailureLine(run=run_index, entry=entry))
        self.content.runs[run_index].failures.append(entry)

    def save(self) -> None:
        """Write report.json with all that was added, and drop the journals, which have to be absorbed."""
        content = self.content.model_dump(mode="json", by_alias=True)
        write_json(self.folder / REPORT, content | {"sha256": _sum_of(content)})
        for journal in self.folder.glob(JOURNALS):
            journal.unlink()

    def absorb_journals(self) -> None:
        """Take in what this and other processes have added since the report was saved.

        Raises:
            InputError: a journal belongs to another report, or is damaged before its last line.
        """
        runs = self.content.runs if self._begun else []
        clips = [run.finished() for run in runs]
        failures = [set(run.failures) for run in runs]
        for line in self._lines(len(runs)):
            if isinstance(line, _ClipLine):
                if line.entry.key not in clips[line.run]:
                    clips[line.run].add(line.entry.key)
                    runs[line.run].clips.append(line.entry)
            elif line.entry not in failures[line.run]:
                failures[line.run].add(line.entry)
                runs[line.run].failures.append(line.entry)

    def _append(self, line: "_ClipLine | _FailureLine") -> None:
        text = json.dumps(line.model_dump(), ensure_ascii=False) + "\n"
        # Names of files that are not UTF-8 have lone surrogates.
        with self._journal.open("a", encoding="utf-8", errors="backslashreplace") as journal:
            journal.write(text)
            journal.flush()
            os.fsync(journal.fileno())

    def _lines(self, runs: int) -> Iterator["_ClipLine | _FailureLine"]:
        """What the journals hold, of so many `runs`."""
        for path in sorted(self.folder.glob(JOURNALS)):
            texts = inner_file(self.folder, path.name).read_text(encoding="utf-8", errors="replace").splitlines()
            for number, text in enumerate(texts, start=1):
                try:
                    line = validated(_Line, text).root
                except ValidationError as failure:
                    raise InputError(f"{path}: line {number}: {misfit(failure)}: remove that line") from None
                except (ValueError, RecursionError):
                    # The line that was being written when the process was killed; its clip is done again.
                    break
                if line.run >= runs:
                    raise InputError(f"{path}: belongs to a report that is not there any more: remove it")
                yield line

    def _check_same(self, before: EvaluationSetting | ScoreSetting, setting: EvaluationSetting | ScoreSetting) -> None:
        known, asked = before.model_dump(), setting.model_dump()
        # What one kind of setting alone has says more than the hash of clips that follows from it.
        for key in sorted(asked, key=lambda key: key in CommonSetting.model_fields):
            if known.get(key) != (value := asked[key]):
                raise InputError(
                    f"{self.folder}: holds results with {key} {_short(known.get(key))}, not {_short(value)}: "
                    "take another --name, or remove that folder"
                )


class _ClipLine(Part):
    run: int
    kind: Literal["clips"] = "clips"
    entry: ClipEntry


class _FailureLine(Part):
    run: int
    kind: Literal["failures"] = "failures"
    entry: Failure


class _Line(RootModel[Annotated[_ClipLine | _FailureLine, Field(discriminator="kind")]]):
    """A line of a journal."""


def _read(path: Path) -> Report:
    way_out = "evaluate again under another --name, or put back what `lia-bench evaluate` wrote"
    sums: list[str] = []
    report = read_document(
        path,
        Report,
        "a report",
        way_out,
        version=Version("schema", SCHEMA),
        look=lambda content: sums.append(_sum_of(content)) if isinstance(content, dict) else None,
    )
    if report.sha256 and report.sha256 not in sums:
        raise InputError(
            f"{path}: not readable as a report (it was changed since it was written, its SHA-256 is another): {way_out}"
        )
    return report


def _sum_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of all that a report says, but for the sum itself."""
    rest = {key: value for key, value in content.items() if key != "sha256"}
    digest = hashlib.sha256()
    for piece in _pieces(rest, depth=4):
        digest.update(piece.encode())
    return digest.hexdigest()


def _pieces(content: Any, depth: int) -> Iterator[str]:
    """What `json.dumps` gives of plain data with its keys sorted, in pieces, as deep as the clips of runs lie."""
    if depth and content and isinstance(content, dict):
        for key, begin in zip(sorted(content), chain("{", repeat(", ")), strict=False):
            yield f"{begin}{json.dumps(key)}: "
            yield from _pieces(content[key], depth - 1)
        yield "}"
    elif depth and content and isinstance(content, list):
        for value, begin in zip(content, chain("[", repeat(", ")), strict=False):
            yield begin
            yield from _pieces(value, depth - 1)
        yield "]"
    else:
        yield json.dumps(content, sort_keys=True)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."
