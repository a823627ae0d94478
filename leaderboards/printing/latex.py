"""LaTeX tables with the rules of booktabs."""

import re
from collections.abc import Iterator, Sequence

from lia_bench.leaderboards.board.groups import DOUBT, Group, Mark, PrintedTable, printed_table, provenance

PREAMBLE = "% needs \\usepackage{booktabs}\n"

MARKED = {"": "{}", "best": r"\textbf{{{}}}", "second": r"\underline{{{}}}", "doubtful": f"{{}}{DOUBT}"}

ESCAPES = str.maketrans(
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


def render(groups: Sequence[Group], columns: Sequence[str], intervals: bool) -> str:
    """A `table` a group: best bold, second underlined, if asked for `[low, high]` in small below the numbers.

    Needs the package booktabs. Columns without any value in a group are left out of it. Published groups say so in
    their captions.
    """
    tables = (
        "\n".join(_lines(number, group, printed_table(group, columns), intervals))
        for number, group in enumerate(groups, 1)
    )
    return PREAMBLE + "\n\n".join(tables) + "\n"


def _lines(number: int, group: Group, table: PrintedTable, intervals: bool) -> Iterator[str]:
    with_intervals = intervals and any(cell.interval for cells in table.cells for cell in cells)
    named = zip(table.columns, table.arrows, strict=True)
    yield r"\begin{table}"
    yield r"\centering"
    yield rf"\caption{{{_caption(group, table, with_intervals)}}}"
    yield rf"\label{{tab:leaderboard-{number}}}"
    yield rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}"
    yield r"\toprule"
    yield _row(["model", *(f"{escaped(column)} {escaped(arrow)}" for column, arrow in named)])
    yield r"\midrule"
    for row, label, cells in zip(group.rows, table.labels, table.cells, strict=True):
        apart = " (published)" if row.origin == "published" else ""
        yield _row([escaped(label + apart), *(_number(cell.number, cell.mark) for cell in cells)])
        if with_intervals:
            yield _row(["", *(_interval(cell.interval) for cell in cells)])
    yield r"\bottomrule"
    yield r"\end{tabular}"
    yield r"\end{table}"


def escaped(text: str) -> str:
    """Text that LaTeX prints as it is.

    Letters of other alphabets need LuaLaTeX or XeLaTeX, and a font that has them.
    """
    text = "".join(sign for sign in " ".join(text.split()) if sign.isprintable())
    # Two hyphens would become a dash.
    return re.sub(r"-(?=-)", "-{}", text.translate(ESCAPES))


def _caption(group: Group, table: PrintedTable, with_intervals: bool) -> str:
    lines = [table.title, *provenance(group, table.columns), "best bold, second underlined"]
    if with_intervals:
        lines.append("in brackets 95 % intervals over clips")
    return "; ".join(map(escaped, lines)) + "."


def _number(text: str, marked: Mark) -> str:
    return MARKED[marked].format(_with_minus(text)) if text else "--"


def _interval(text: str) -> str:
    return rf"{{\scriptsize {_with_minus(text)}}}" if text else ""


def _with_minus(text: str) -> str:
    return re.sub(r"(?<![\w.])-(?=[\d.])", "$-$", escaped(text))


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"
