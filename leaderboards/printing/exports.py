"""Leaderboards as text for other programs: CSV, JSON, GitHub's Markdown, and LaTeX with the rules of booktabs."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lia_bench.core.names import printable
from lia_bench.core.text_files import write_table
from lia_bench.leaderboards.board.groups import (
    DOUBT,
    Group,
    Mark,
    PrintedCell,
    PrintedTable,
    printed_table,
    provenance,
)
from lia_bench.leaderboards.results.columns import COLUMNS, ResultRow, number, score
from lia_bench.leaderboards.results.csv_writing import cells_of, header_of, said

Render = Callable[[Sequence[Group], Sequence[str], bool], str]

JSON_SCHEMA = 1
"""Raised by whatever a reader of the last one would misunderstand."""

MARKED_IN_MARKDOWN = {"": "{}", "best": "**{}**", "second": "<ins>{}</ins>", "doubtful": f"{{}}{DOUBT}"}

LATEX_PREAMBLE = "% needs \\usepackage{booktabs}\n"

MARKED_IN_LATEX = {"": "{}", "best": r"\textbf{{{}}}", "second": r"\underline{{{}}}", "doubtful": f"{{}}{DOUBT}"}

LATEX_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "$": r"\$",
        "&": r"\&",
        "#": r"\#",
        "%": r"\%",
        "_": r"\_",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        # The font that LaTeX starts with has other signs in these places.
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': "''",
        "`": r"\textasciigrave{}",
        "↓": r"$\downarrow$",
        "↑": r"$\uparrow$",
        # Behind the end of a row a bracket or a star would be read as part of it.
        "[": "{[}",
        "]": "{]}",
        "*": "{*}",
    }
)


def as_csv(groups: Sequence[Group], columns: Sequence[str], intervals: bool) -> str:
    """All rows of all groups below one header, the numbers with all their digits.

    The columns are those of a `leaderboard.csv`; `paper`, `table` and `note` come last where a row was published. Of
    scores there are those asked for, whether or not a row has a value. Intervals are always there: a script that does
    not want them does not read them.
    """
    rows = [row for group in groups for row in group.rows]
    cells = [cells_of(row) for row in rows]
    return write_table(said(header_of(rows, columns), cells), cells)


def as_json(groups: Sequence[Group], columns: Sequence[str], intervals: bool) -> str:
    """An object: `schema`, `columns` (name, what is better, digits), and `groups` of rows that may be ranked.

    A group has its title, setting, extractors and rows. A row has its label, where it comes from, and `scores`: of each
    column of which it has a finite value the value, `printed` (the paper's text; null where measured), `interval`
    ([low, high], or null; always there: a script that does not want it does not read it) and `mark` ('best',
    'second', 'doubtful' or empty, among the group's rows).
    """
    content = {
        "schema": JSON_SCHEMA,
        "columns": [{"name": name, "better": score(name).better, "decimals": score(name).decimals} for name in columns],
        "groups": [
            {
                "title": group.title,
                "setting": dict(group.setting),
                "extractors": dict(group.extractors),
                "rows": _json_rows(group, columns),
            }
            for group in groups
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _json_rows(group: Group, columns: Sequence[str]) -> list[dict[str, Any]]:
    marks = {column: group.marks(column) for column in columns}
    return [
        {"label": label}
        | {name: getattr(row, name) for name, column in COLUMNS.items() if column.kind != "score"}
        | {
            "scores": {
                column: _json_score(row, column, marks[column][place]) for column in columns if _is_finite(row, column)
            }
        }
        for place, (row, label) in enumerate(zip(group.rows, group.labels, strict=True))
    ]


def _is_finite(row: ResultRow, column: str) -> bool:
    value = number(row, column)
    return value is not None and math.isfinite(value)


def _json_score(row: ResultRow, column: str, marked: str) -> dict[str, Any]:
    interval = row.intervals.get(column)
    return {
        "value": number(row, column),
        "printed": row.printed.get(column) if row.origin == "published" else None,
        "interval": list(interval) if interval else None,
        "mark": marked,
    }


def as_markdown(groups: Sequence[Group], columns: Sequence[str], intervals: bool) -> str:
    """A heading and a table a group: best bold, second underlined, `[low, high]` behind the numbers if asked for.

    Columns without any value in a group are left out of it. Published groups say so in their headings.
    """
    return "\n".join(line for group in groups for line in _markdown_lines(group, columns, intervals))


def _markdown_lines(group: Group, columns: Sequence[str], intervals: bool) -> Iterator[str]:
    table = printed_table(group, columns)
    named = zip(table.columns, table.arrows, strict=True)
    yield f"### {in_markdown(table.title)}\n"
    yield _markdown_row(["model", *(f"{in_markdown(column)} {arrow}" for column, arrow in named)])
    yield _markdown_row(["---", *("---:" for _ in table.columns)])
    for row, label, cells in zip(group.rows, table.labels, table.cells, strict=True):
        apart = " *(published)*" if row.origin == "published" else ""
        yield _markdown_row([in_markdown(label) + apart, *(_markdown_cell(cell, intervals) for cell in cells)])
    yield ""
    yield "\n".join(f"- {in_markdown(line)}" for line in provenance(group, table.columns))
    yield ""


def in_markdown(text: str) -> str:
    """Text that Markdown shows as it is, on one line of a table's cell."""
    text = printable(" ".join(text.split()))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]#|~$])", r"\\\1", text)


def _markdown_cell(cell: PrintedCell, intervals: bool) -> str:
    if not cell.number:
        return ""
    number = MARKED_IN_MARKDOWN[cell.mark].format(in_markdown(cell.number))
    return f"{number} {in_markdown(cell.interval)}" if intervals and cell.interval else number


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def as_latex(groups: Sequence[Group], columns: Sequence[str], intervals: bool) -> str:
    """A `table` a group: best bold, second underlined, if asked for `[low, high]` in small below the numbers.

    Needs the package booktabs. Columns without any value in a group are left out of it. Published groups say so in
    their captions.
    """
    tables = (
        "\n".join(_latex_lines(number, group, printed_table(group, columns), intervals))
        for number, group in enumerate(groups, 1)
    )
    return LATEX_PREAMBLE + "\n\n".join(tables) + "\n"


def _latex_lines(number: int, group: Group, table: PrintedTable, intervals: bool) -> Iterator[str]:
    with_intervals = intervals and any(cell.interval for cells in table.cells for cell in cells)
    named = zip(table.columns, table.arrows, strict=True)
    yield r"\begin{table}"
    yield r"\centering"
    yield rf"\caption{{{_latex_caption(group, table, with_intervals)}}}"
    yield rf"\label{{tab:leaderboard-{number}}}"
    yield rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}"
    yield r"\toprule"
    yield _latex_row(["model", *(f"{in_latex(column)} {in_latex(arrow)}" for column, arrow in named)])
    yield r"\midrule"
    for row, label, cells in zip(group.rows, table.labels, table.cells, strict=True):
        apart = " (published)" if row.origin == "published" else ""
        yield _latex_row([in_latex(label + apart), *(_latex_number(cell.number, cell.mark) for cell in cells)])
        if with_intervals:
            yield _latex_row(["", *(_latex_interval(cell.interval) for cell in cells)])
    yield r"\bottomrule"
    yield r"\end{tabular}"
    yield r"\end{table}"


def in_latex(text: str) -> str:
    """Text that LaTeX prints as it is.

    Letters of other alphabets need LuaLaTeX or XeLaTeX, and a font that has them.
    """
    text = "".join(sign for sign in " ".join(text.split()) if sign.isprintable())
    # Two hyphens would become a dash.
    return re.sub(r"-(?=-)", "-{}", text.translate(LATEX_ESCAPES))


def _latex_caption(group: Group, table: PrintedTable, with_intervals: bool) -> str:
    lines = [table.title, *provenance(group, table.columns), "best bold, second underlined"]
    if with_intervals:
        lines.append("in brackets 95 % intervals over clips")
    return "; ".join(map(in_latex, lines)) + "."


def _latex_number(text: str, marked: Mark) -> str:
    return MARKED_IN_LATEX[marked].format(_with_minus(text)) if text else "--"


def _latex_interval(text: str) -> str:
    return rf"{{\scriptsize {_with_minus(text)}}}" if text else ""


def _with_minus(text: str) -> str:
    return re.sub(r"(?<![\w.])-(?=[\d.])", "$-$", in_latex(text))


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


FORMATS: Mapping[str, Render] = {"csv": as_csv, "json": as_json, "latex": as_latex, "markdown": as_markdown}
"""Name to what renders groups: columns of scores to show, in order, and whether intervals are to be shown."""
