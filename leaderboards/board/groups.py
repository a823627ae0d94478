"""Which rows may stand in one ranking, what a table of them prints, and what tells those apart that may not."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

from lia_bench.core.names import counted, printable
from lia_bench.leaderboards.results.columns import (
    APART,
    FLOOR,
    SPEED,
    USER_STUDY,
    ResultRow,
    arrow,
    is_against_one,
    is_doubtful,
    number,
    present,
    printed,
    printed_name,
    score,
)
from lia_bench.leaderboards.results.published import PAPERS

Mark = Literal["", "best", "second", "doubtful"]
DOUBT = "?"
"""Stands behind a doubtful number in every table."""

NOT_SAID = "not said"
_ALWAYS = ("origin", "dataset", "split", "task", "protocol", "dataset_hash", "clips", "seed", "paper", "table", *APART)
"""What a setting may hold of its own; all else is what a group was cut by."""


@dataclass(frozen=True)
class Group:
    """Rows whose numbers mean the same, so that they may be ranked.

    Attributes:
        rows: at least one, in the order they were given.
        cut: what else they have alike since somebody asked for groups of it, by column.
        called: what the rows are called, where whoever measured them says so.
        about: what the group is about, where whoever measured it says so.
        remarks: lines to print below the table; None for what the setting says.
    """

    rows: tuple[ResultRow, ...]
    cut: Mapping[str, str] = field(default_factory=dict)
    called: tuple[str, ...] = ()
    about: str = ""
    remarks: tuple[str, ...] | None = None

    @cached_property
    def setting(self) -> Mapping[str, str]:
        """What all rows have alike, by column; empty text where they say nothing.

        Origin, dataset, split, task, protocol, dataset_hash, clips (of measured metrics: how many), seed (of cross: the
        pairs are drawn with it), what of the evaluation was arranged another way than usual (`APART`), or paper and
        table of published rows; and what they were cut by.
        """
        return {**setting_of(self.rows[0]), **self.cut}

    @cached_property
    def extractors(self) -> Mapping[str, str]:
        """Metric to the extractor's description, of every metric of which a row has a value."""
        return {metric: extractor for row in self.rows for metric, extractor in extractors_of(row).items()}

    @property
    def labels(self) -> Sequence[str]:
        """What a table calls its rows."""
        return self.called or labels(self.rows)

    @property
    def title(self) -> str:
        """What it is about in a few words, such as 'sample-64, test: reconstruction'."""
        if self.about:
            return self.about
        of = self.setting
        where = ", ".join(part for part in (of["dataset"], of["split"]) if part) or "no dataset said"
        source = f"published, {of['paper']}, table {of['table']}: " if of["origin"] == "published" else ""
        cut = "".join(f", {key} {value or NOT_SAID}" for key, value in of.items() if key not in _ALWAYS)
        return printable(f"{source}{where}: {of['task'] or 'no task said'}{cut}")

    def ranks(self, column: str) -> bool:
        """Whether the rows' values of a score's column may be ranked.

        Speeds of several devices may not. Neither may percentages against one model: each is of a pair of its own; nor
        numbers of which neither end is better.
        """
        if score(column).better == "nearer":
            return False
        alike = score(column).on_one
        if alike:
            return len({getattr(row, alike) for row in self.rows if number(row, column) is not None}) <= 1
        return not is_against_one(column)

    def marks(self, column: str) -> list[Mark]:
        """For each row whether its cell is the best of a score's column, the second best, doubtful, or nothing of that.

        The one rule for all tables, exports and the page: cells that print the same number share their mark, so that no
        digit that nobody sees decides; the second best is the next number after the best. Published rows beside
        measured ones get no mark, nor does a column with fewer than two rows to compare, or one that is not ranked, nor
        the speed of the floor, which does nothing.
        Doubtful numbers are marked in any column, and compared with none.
        """
        origin = "measured" if any(row.origin == "measured" for row in self.rows) else "published"
        doubtful = [number(row, column) is not None and is_doubtful(row, column) for row in self.rows]
        values = {
            place: _as_printed(row, column)
            for place, row in enumerate(self.rows)
            if row.origin == origin and number(row, column) is not None and not doubtful[place]
            if not (row.model == FLOOR and column == SPEED)
        }
        marks: dict[float, Mark] = {}
        if len(values) >= 2 and self.ranks(column):
            ordered = sorted(set(values.values()), reverse=score(column).better == "higher")
            marks = dict(zip(ordered, ("best", "second"), strict=False))
        return [
            "doubtful" if doubtful[place] else marks.get(values[place], "") if place in values else ""
            for place in range(len(self.rows))
        ]


class PrintedCell(NamedTuple):
    """What a cell prints.

    Attributes:
        number: with the digits it is worth; empty where there is none.
        mark: whether it is the best of its column, the second, or doubtful.
        interval: `[low, high]` with as many digits; empty where nothing is known.
    """

    number: str
    mark: Mark
    interval: str


@dataclass(frozen=True)
class PrintedTable:
    """All that a table of a group prints, as texts.

    Attributes:
        title: what the group is about.
        columns: those of which some row has a value, in order.
        arrows: for each column whether lower or higher values are better.
        labels: what its rows are called.
        cells: for each row those of the columns.
        counted: what a row's number of clips counts: 'clips', or the 'answers' of raters.
    """

    title: str
    columns: Sequence[str]
    arrows: Sequence[str]
    labels: Sequence[str]
    cells: Sequence[Sequence[PrintedCell]]
    counted: str


def comparable(rows: Iterable[ResultRow]) -> list[Group]:
    """Rows in groups that may be ranked, in the order in which their first rows come.

    Two rows are in one group if they have the same origin, dataset, split, task, protocol and dataset hash, as many
    clips, in the cross task the same seed, an evaluation arranged alike, and every metric of which both have a value
    from the same extractor. Of raters' preferences the clips are answers, of which every pair has its own number.
    Published rows are in one group if one table of one paper has them for one dataset and task.
    """
    groups: list[tuple[list[ResultRow], Mapping[str, str], dict[str, str]]] = []
    for row in rows:
        setting, extractors = setting_of(row), extractors_of(row)
        for members, common, known in groups:
            if common == setting and _agree(known, extractors):
                members.append(row)
                known.update(extractors)
                break
        else:
            groups.append(([row], setting, dict(extractors)))
    return [Group(tuple(members)) for members, _, _ in groups]


def printed_table(group: Group, columns: Sequence[str]) -> PrintedTable:
    """What a group's table of these columns prints."""
    title, labels, marks = group.title, group.labels, {column: group.marks(column) for column in columns}
    there = present(group.rows)
    columns = [column for column in columns if column in there]
    decimals = {column: score(column).decimals for column in columns}
    cells = [
        [
            PrintedCell(
                printed(row, column),
                marks[column][place],
                _interval(row.intervals.get(column), decimals[column]),
            )
            for column in columns
        ]
        for place, row in enumerate(group.rows)
    ]
    answers_or_clips = "answers" if group.setting["task"] == USER_STUDY else "clips"
    return PrintedTable(title, columns, [arrow(column) for column in columns], labels, cells, answers_or_clips)


def provenance(group: Group, columns: Sequence[str]) -> list[str]:
    """What a reader has to know of a group's numbers: protocol, data, extractors of the columns, notes; a line each."""
    of = group.setting
    if of["origin"] == "published":
        paper = PAPERS.get(of["paper"])
        where = f"as printed in {paper.title}: {paper.measured}" if paper else "as printed in the paper"
        notes = list(dict.fromkeys(f"{row.model}: {row.note}" for row in group.rows if row.note))
        return ["not measured here", where, *notes]
    parts = [
        f"protocol {of['protocol']}" if of.get("protocol") else "",
        counted(int(of["clips"]), "clip") if of.get("clips") else "",
        f"dataset {of['dataset_hash'][:12]}" if of.get("dataset_hash") else "",
        f"seed {of['seed']}" if of.get("seed") else "",
        *(f"{column.replace('_', ' ')} {of[column]}" for column in APART if of.get(column)),
    ]
    said = "; ".join(part for part in parts if part)
    described = [f"{column} is {group.extractors[column]}" for column in columns if _needs_words(group, column)]
    doubtful = any(is_doubtful(row, column) for row in group.rows for column in columns)
    doubts = [f"{DOUBT} marks doubtful numbers: the report beside their table does not give them"] if doubtful else []
    return [f"measured: {said}" if said else "measured", *described, *doubts]


def differences(groups: Sequence[Group]) -> list[str]:
    """What tells groups of the same dataset, task and origin apart: a line for each thing that differs.

    A line names each value and the groups that have it, by their numbers in `groups`, from 1.
    """
    alike: dict[tuple[str, ...], list[tuple[int, Group]]] = {}
    for place, group in enumerate(groups, start=1):
        if group.setting["origin"] == "measured":
            alike.setdefault((group.setting["dataset"], group.setting["task"]), []).append((place, group))
    lines = []
    for (dataset, task), members in alike.items():
        numbers = ", ".join(str(place) for place, _ in members)
        for name, values in _differing(members):
            said = "; ".join(f"{value or NOT_SAID} ({_tables(of)})" for value, of in values.items())
            lines.append(f"{dataset}, {task}: tables {numbers} are not one ranking, {name} differs: {said}")
    return lines


def labels(rows: Sequence[ResultRow]) -> list[str]:
    """What tables call each row, unique among them unless two rows are alike in everything.

    Measured rows are called by the model; its variant, checkpoint, the checkpoint's hash, transfer and date come behind
    it only where namesakes differ in them. Published rows are called as their paper calls them, with the note.
    """
    called = [
        printed_name(row) if row.origin == "published" else printable(" ".join(row.model.split())) for row in rows
    ]
    if len(set(called)) == len(called):
        return called
    for parts in zip(*(_parts(row) for row in rows), strict=True):
        clashes = Counter(called)
        different = {name: len(set(_of(name, called, parts))) > 1 for name in clashes}
        called = [name + printable(part) if different[name] else name for name, part in zip(called, parts, strict=True)]
    return called


def setting_of(row: ResultRow) -> dict[str, str]:
    """What rows of one ranking must have alike, apart from extractors."""
    setting = {"origin": row.origin, "dataset": row.dataset, "split": row.split, "task": row.task}
    if row.origin == "published":
        return setting | {"paper": row.paper, "table": row.table}
    setting |= {"protocol": row.protocol, "dataset_hash": row.dataset_hash}
    if row.task != USER_STUDY:
        setting["clips"] = "" if row.clips is None else str(row.clips)
    if row.task == "cross":
        setting["seed"] = row.seed
    return setting | {column: text for column in APART if (text := getattr(row, column))}


def extractors_of(row: ResultRow) -> dict[str, str]:
    """The extractor behind each metric of which a row has a value; the metric's own name where it needs none.

    Published rows say nothing of theirs.
    """
    if row.origin == "published":
        return {}
    described = dict(part.split("=", 1) for part in row.extractors.split(";") if "=" in part)
    return {metric: described.get(metric, metric) for metric in row.values}


def _parts(row: ResultRow) -> list[str]:
    """What may come behind the name, in this order."""
    if row.origin == "published":
        note = f" ({row.note})" if row.note else ""
        return [note, "", "", f" ({row.paper} {row.table})", ""]
    return [
        f":{row.variant}" if row.variant else "",
        f"@{row.checkpoint}" if row.checkpoint else "",
        f"#{row.checkpoint_sha256[:8]}" if row.checkpoint_sha256 else "",
        f" ({row.transfer})" if row.transfer else "",
        f" {row.date}" if row.date else "",
    ]


def _of(name: str, called: Sequence[str], parts: Sequence[str]) -> list[str]:
    return [part for other, part in zip(called, parts, strict=True) if other == name]


def _as_printed(row: ResultRow, column: str) -> float:
    """A published number is worth what its paper printed, which may be more than digits."""
    value = number(row, column)
    return float(printed(row, column)) if row.origin == "measured" else float(value if value is not None else "nan")


def _interval(bounds: tuple[float, float] | None, decimals: int) -> str:
    return "" if bounds is None else f"[{bounds[0]:.{decimals}f}, {bounds[1]:.{decimals}f}]"


def _needs_words(group: Group, column: str) -> bool:
    return group.extractors.get(column, column) != column


def _agree(first: Mapping[str, str], second: Mapping[str, str]) -> bool:
    return all(first[metric] == second[metric] for metric in first.keys() & second.keys())


def _differing(members: Sequence[tuple[int, Group]]) -> list[tuple[str, dict[str, list[int]]]]:
    """Each thing in which groups differ: its values, and the numbers of the groups that have each."""
    found: list[tuple[str, dict[str, list[int]]]] = []
    for key in dict.fromkeys(key for _, group in members for key in group.setting):
        values: dict[str, list[int]] = {}
        for place, group in members:
            value = group.setting.get(key, "")
            values.setdefault(value[:12] if key == "dataset_hash" else value, []).append(place)
        found.append((key.replace("_", " "), values))
    for metric in dict.fromkeys(metric for _, group in members for metric in group.extractors):
        values = {}
        for place, group in members:
            if metric in group.extractors:
                values.setdefault(group.extractors[metric], []).append(place)
        found.append((f"the extractor of {metric}", values))
    return [(name, values) for name, values in found if len(values) > 1]


def _tables(numbers: Sequence[int]) -> str:
    return f"table{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
