"""`report.json`: the history of a results folder, from which its tables are made.

While an evaluation runs, each finished clip is one line appended to `unfinished-0.jsonl` (of several processes, each
has its own), so that a clip costs the same however many there were before; the lines move into `report.json` when
the evaluation ends, however it ends, or when the next one starts.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lia_bench.core.atomic import write_json
from lia_bench.core.errors import InputError
from lia_bench.leaderboards.evaluation.pairs import ClipPair
from lia_bench.metrics.suite import Suite

SCHEMA = 2
REPORT = "report.json"
JOURNALS = "unfinished-*.jsonl"


class Report:
    """The content of a results folder: one setting, and every run of models in it.

    `content` is plain data for JSON: `schema`, `setting`, `pairs`, and `runs`, each with its `plan` (models, tasks,
    what each metric means, ...), `unavailable` metrics with reasons and `missing_weights`, `sessions` (provenance of
    each start), `clips`, `failures`, and `sets`: the metrics of sets over all clips.
    """

    def __init__(self, folder: Path, rank: int = 0) -> None:
        """Read what is in `folder`, journals that a killed evaluation left included.

        `rank` is this process's among those that add to the report; the first alone saves it.

        Raises:
            InputError: report.json is damaged or of a later version.
        """
        self.folder = folder
        self._journal = folder / f"unfinished-{rank}.jsonl"
        self.content: dict[str, Any] = {"schema": SCHEMA, "setting": None, "pairs": None, "runs": []}
        if rank == 0:
            path = folder / REPORT
            if path.is_file():
                self.content = _read(path)
            self.absorb_journals()

    def begin(
        self,
        setting: Mapping[str, Any],
        plan: Mapping[str, Any],
        suite: Suite,
        session: Mapping[str, Any],
    ) -> int:
        """Note a start: the run of the same plan goes on, another plan is a new run; returns the run's index.

        Raises:
            InputError: the folder holds results of another setting, which no table could compare.
        """
        if any(run["clips"] for run in self.content["runs"]):
            self._check_same(setting)
        elif self.content["setting"] != setting:
            self.content |= {"setting": dict(setting), "pairs": None, "runs": []}
        run = next((run for run in self.content["runs"] if run["plan"] == plan), None)
        if run is None:
            run = {"plan": dict(plan), "sessions": [], "clips": [], "failures": []}
            self.content["runs"].append(run)
        run["unavailable"] = dict(suite.unavailable)
        run["missing_weights"] = dict(suite.missing_weights)
        run["sessions"].append(dict(session))
        self.save()
        return next(index for index, known in enumerate(self.content["runs"]) if known is run)

    def keep_pairs(self, drawn: Sequence[ClipPair]) -> list[ClipPair]:
        """The pairs of the cross task: those of the folder's first run, or `drawn`, for it and all later ones."""
        if self.content["pairs"] is None:
            self.content["pairs"] = [asdict(pair) for pair in drawn]
            self.save()
        return self.pairs()

    def pairs(self) -> list[ClipPair]:
        """The pairs of the cross task."""
        return [ClipPair(**pair) for pair in self.content["pairs"]]

    def add(self, run: Mapping[str, Any], kind: str, entry: Mapping[str, Any]) -> None:
        """Append an entry to a run's 'clips' or 'failures', on disk before this returns."""
        index = next(index for index, known in enumerate(self.content["runs"]) if known is run)
        line = {"run": index, "kind": kind, "entry": dict(entry)}
        with self._journal.open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(line, ensure_ascii=False) + "\n")
            journal.flush()
            os.fsync(journal.fileno())
        run[kind].append(dict(entry))

    def save(self) -> None:
        """Write report.json with all that was added, and drop the journals, which have to be absorbed."""
        write_json(self.folder / REPORT, self.content)
        for journal in self.folder.glob(JOURNALS):
            journal.unlink()

    def _check_same(self, setting: Mapping[str, Any]) -> None:
        before = self.content["setting"]
        for key, value in setting.items():
            if before.get(key) != value:
                raise InputError(
                    f"{self.folder}: holds results with {key} {_short(before.get(key))}, not {_short(value)}: "
                    "take another --name, or remove that folder"
                )

    def absorb_journals(self) -> None:
        """Take in what this and other processes have added since the report was saved."""
        for path in sorted(self.folder.glob(JOURNALS)):
            for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    line = json.loads(text)
                except ValueError:
                    # The line that was being written when the process was killed; its clip is done again.
                    break
                if line["run"] >= len(self.content["runs"]):
                    raise InputError(f"{path}: belongs to a report that is not there any more: remove it")
                entries = self.content["runs"][line["run"]][line["kind"]]
                if line["entry"] not in entries:
                    entries.append(line["entry"])


def finished(run: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    """Task, source and driving clip of everything a run has measured."""
    return {(clip["task"], clip["source"], clip["clip"]) for clip in run["clips"]}


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        schema = content["schema"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not readable as a report ({error}): remove it or take another --name") from error
    if schema != SCHEMA:
        way_out = "upgrade, or take another --name" if schema > SCHEMA else "take another --name"
        raise InputError(f"{path}: schema {schema}, this version reads {SCHEMA}: {way_out}")
    return content


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."
