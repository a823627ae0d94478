"""Where cases are tried: each follows from its seed alone, and is judged by what the command makes of whole files."""

import csv
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, reduce
from pathlib import Path
from random import Random
from unittest.mock import patch

from lia_bench.cli.main import INTERRUPTED
from tests.fuzz.mutations import Mutation
from tests.fuzz.options import NEEDS, OptionCase
from tests.fuzz.targets import TARGETS, Command, Target
from tests.fuzz.trials import Ending, run

TIMES = re.compile(r"\d+(\.\d+)? ?(s|min|ms|fps|frames/s)\b|\d{4}-\d\d-\d\d\S*")
OF_A_PAGE = re.compile(r"media-[0-9a-f]{8}|\d{4}-\d\d-\d\d \d\d:\d\d UTC")
"""A page's folder of videos, which has a name of its own every time, and when it was written."""
USAGE = 2
VOLATILE = {"fps", "date", "device", "version"}
"""Columns that differ from run to run."""


@dataclass(frozen=True)
class FileCase:
    """A command on a damaged file.

    Attributes:
        seed: of all that was drawn.
        target, file, command, mutation: what was drawn; `file` lies below the world.
        words: what is typed.
    """

    seed: int
    target: Target
    file: str
    command: Command
    mutation: str
    words: tuple[str, ...]

    @property
    def subject(self) -> str:
        """What counts are made of."""
        return self.target.kind

    def __str__(self) -> str:
        return f"seed {self.seed}: {self.target.kind}, {self.file} {self.mutation}: lia-bench {' '.join(self.words)}"


@dataclass(frozen=True)
class Verdict:
    """What came of a case.

    Attributes:
        case: the case.
        ending: how its command ended.
        outcome: "refused", "stopped" (work began, and was stopped), "right" (the same numbers), "unknowable" (a success
            where harm cannot be known), or a fault: that of the ending, "other numbers" or "a process".
    """

    case: FileCase | OptionCase
    ending: Ending
    outcome: str

    @property
    def is_fault(self) -> bool:
        """Whether something has to be mended."""
        return self.outcome not in ("refused", "stopped", "right", "unknowable")

    def __str__(self) -> str:
        return f"{self.outcome}: {self.case}\n    {self.ending.said.strip()[-1500:]}"


@dataclass
class Laboratory:
    """Where cases are tried.

    Attributes:
        world: the whole files; nothing changes there.
        place: a folder for what is damaged.
        inside: makes a folder the working directory.
        whole_numbers: what commands made of whole files, by command and file; laboratories of one world share it.
    """

    world: Path
    place: Path
    inside: Callable[[Path], object]
    whole_numbers: dict[tuple[Command, str], dict[str, str]] = field(default_factory=dict)

    def file_case(self, seed: int, targets: Sequence[Target] = TARGETS) -> FileCase:
        """What a seed means."""
        random = Random(seed)
        target = random.choice(targets)
        file = random.choice(target.files)
        if (self.world / file).is_dir():
            inner = sorted(path for path in (self.world / file).rglob("*") if path.is_file())
            file = str(random.choice(inner).relative_to(self.world))
        command = random.choice(target.commands_for(file))
        words = _words(command, file)
        mutation = "is gone" if random.random() < 0.02 else "is a folder" if random.random() < 0.02 else ""
        if not mutation:
            mutation = "is another" if random.random() < 0.08 else random.choice(target.mutations).__name__
        return FileCase(seed, target, file, command, mutation, words)

    def try_file(self, case: FileCase) -> Verdict:
        """Damage, run, judge."""
        folder = self._fresh(case.target, case.file)
        self._damage(folder / case.file, case)
        ending = self._run(folder, case.words)
        outcome = self._judged(case, ending, folder)
        shutil.rmtree(self.place / "a", ignore_errors=True)
        return Verdict(case, ending, outcome)

    def try_option(self, case: OptionCase) -> Verdict:
        """Run and judge; a command that only said what is wrong with the line leaves its folder to the next one."""
        folder = self.place / "a" / "b" / "c"
        if not folder.is_dir():
            folder = self._copied(NEEDS)
        ending = self._run(folder, case.words)
        if ending.code != USAGE:
            shutil.rmtree(self.place / "a", ignore_errors=True)
        outcomes = {0: "unknowable", INTERRUPTED: "stopped"}
        return Verdict(case, ending, ending.fault or outcomes.get(ending.code, "refused"))

    def _fresh(self, target: Target, file: str) -> Path:
        first = file.partition("/")[0]
        folder = self._copied({*target.needs, *(() if first == "authors" else (first,))})
        if not (folder / file).exists():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.world / file, folder / file)
        return folder

    def _copied(self, needs: Iterable[str]) -> Path:
        """A copy of parts of the world, two folders deep, so that ../.. is no harm."""
        shutil.rmtree(self.place / "a", ignore_errors=True)
        folder = self.place / "a" / "b" / "c"
        folder.mkdir(parents=True)
        for name in sorted(needs):
            if (self.world / name).is_dir():
                shutil.copytree(self.world / name, folder / name)
            else:
                shutil.copy2(self.world / name, folder / name)
        return folder

    def _damage(self, path: Path, case: FileCase) -> None:
        random = Random(case.seed + 1)
        content = path.read_bytes()
        match case.mutation:
            case "is gone":
                path.unlink()
            case "is a folder":
                path.unlink()
                path.mkdir()
            case "is another":
                others = sorted({file for target in TARGETS for file in target.files if (self.world / file).is_file()})
                path.write_bytes((self.world / random.choice(others)).read_bytes())
            case name:
                path.write_bytes(_mutation(name)(content, random))

    def _run(self, folder: Path, words: Sequence[str]) -> Ending:
        self.inside(folder)
        try:
            with patch.dict(os.environ, LIA_BENCH_HOME=str(folder / "home")):
                return run(words)
        finally:
            self.inside(self.place)

    def _judged(self, case: FileCase, ending: Ending, folder: Path) -> str:
        if ending.fault:
            return ending.fault
        if ending.code == INTERRUPTED:
            return "stopped"
        if ending.code:
            return "refused"
        if not case.command.held:
            return "unknowable"
        return "right" if _numbers(case.command, ending, folder) == self._whole_numbers(case) else "other numbers"

    def whole(self, target: Target, file: str, command: Command) -> Ending:
        """How a command ends on the whole file; its numbers are kept."""
        folder = self._fresh(target, file)
        ending = self._run(folder, _words(command, file))
        if not ending.code:
            self.whole_numbers[command, file] = _numbers(command, ending, folder)
        return ending

    def _whole_numbers(self, case: FileCase) -> dict[str, str]:
        if (case.command, case.file) not in self.whole_numbers:
            ending = self.whole(case.target, case.file, case.command)
            assert ending.code == 0, f"{case.words}: {ending.said}"
        return self.whole_numbers[case.command, case.file]


def _words(command: Command, file: str) -> tuple[str, ...]:
    model = Path(file).name.partition(".")[0]
    names = {"{file}": file, "{model}": "lia" if model == "old" else model}
    return tuple(
        reduce(lambda word, name: word.replace(name, names[name]), names, word) for word in command.words.split()
    )


@cache
def _mutation(name: str) -> Mutation:
    return next(one for target in TARGETS for one in target.mutations if one.__name__ == name)


def _numbers(command: Command, ending: Ending, folder: Path) -> dict[str, str]:
    """What a command printed, or wrote, in any order and without what differs from run to run."""
    if not command.written:
        return {"": _in_order(TIMES.sub("", ending.printed))}
    return {name: _content(folder / name) for name in command.written}


def _content(path: Path) -> str:
    if path.suffix == ".html":
        return _in_order(OF_A_PAGE.sub("", path.read_text(encoding="utf-8")))
    if path.suffix != ".csv":
        return hashlib.sha256(path.read_bytes()).hexdigest()
    with path.open(newline="", encoding="utf-8") as file:
        return repr([{key: value for key, value in row.items() if key not in VOLATILE} for row in csv.DictReader(file)])


def _in_order(text: str) -> str:
    """The lines, and the objects in them, sorted: a table that lists its rows otherwise has no other numbers."""
    return "\n".join(sorted(re.split(r"\n|[{}],?", text)))
