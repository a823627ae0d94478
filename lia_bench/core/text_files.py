"""Text files that users give: lists, tables and configurations, in whatever encoding and form they were saved."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lia_bench.core.errors import UnreadableTextError
from lia_bench.core.names import as_text

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MARK = "\ufeff"
_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)(e[+-]?\d+)?", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\r|\n")
# A first line by which spreadsheet programs are told the separator.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?(?:\r\n|\r|\n|$)', re.IGNORECASE)


@dataclass(frozen=True)
class TextTable:
    """A table's cells as they are written.

    Attributes:
        columns: the header; empty where the file has none.
        lines: number in the file and cells of each line that has any, in order.
        separator: what stands between cells: a comma, a semicolon or a tab.
    """

    columns: tuple[str, ...]
    lines: tuple[tuple[int, tuple[str, ...]], ...]
    separator: str

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Each line's number, and its cells by column; absent ones are empty, those beyond the header left out."""
        for number, cells in self.lines:
            padded = (*cells, *[""] * (len(self.columns) - len(cells)))
            yield number, dict(zip(self.columns, padded, strict=False))


def read_text(path: Path) -> str:
    """A file's text: UTF-8, or UTF-16 or UTF-32 where a mark or the zeros of plain letters tell; without the mark.

    Raises:
        UnreadableTextError: it is not there or cannot be read, is in another encoding, or is no text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableTextError(path, str(error.strerror), missing=isinstance(error, FileNotFoundError)) from error
    encoding = _encoding(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableTextError(path, _undecodable(content, encoding, error)) from error
    # A mark alone makes no text: whatever a list, a table or settings say, some of it is plain letters or line ends.
    if encoding == "utf-16" and text and not any(sign < "\x80" for sign in text):
        raise UnreadableTextError(path, f"it is no UTF-8 text (byte 0x{content[0]:02x} in line 1); save it as UTF-8")
    if "\0" in text:
        raise UnreadableTextError(path, "it is no text")
    # Files that were joined have a mark at each beginning.
    return re.sub(rf"(^|[\r\n]){_MARK}+", r"\1", text)


def read_lines(path: Path) -> list[str]:
    """The lines of a text, whatever system ended them.

    Raises:
        UnreadableTextError: as of `read_text`.
    """
    return _LINE_END.split(read_text(path))


def read_list(path: Path) -> list[str]:
    """The names in a file, one a line, in its order, without empty lines.

    What a spreadsheet program puts around a column of names is taken off: quotes, and separators of empty cells, where
    they are on every line; a name may itself end in a comma.

    Raises:
        UnreadableTextError: as of `read_text`; or a line has several cells with tabs between.
    """
    names = [line.strip(" ") for line in read_lines(path) if line.strip()]
    for separator in (";", ","):
        if all(name.endswith(separator) for name in names):
            names = [name.rstrip(separator) for name in names]
    names = [name.strip() for name in names]
    if all(len(name) > 1 and name[0] == name[-1] == '"' for name in names):
        names = [name[1:-1].replace('""', '"').strip() for name in names]
    for name in names:
        if "\t" in name:
            cells = name.expandtabs(1)[:80]
            raise UnreadableTextError(path, f"'{cells}' is several cells; a list has one name a line")
    return [name for name in names if name]


def read_table(path: Path) -> TextTable:
    """The cells of a table whose first line is its header, with commas, semicolons or tabs between.

    Raises:
        UnreadableTextError: as of `read_text`; or a quote is never closed.
    """
    return parse_table(read_text(path), path)


def parse_table(text: str, path: Path) -> TextTable:
    """The cells of a table in a text that `read_text` gave for `path`, whose first line is its header.

    Raises:
        UnreadableTextError: no table can be made of it.
    """
    said = _SEPARATOR_LINE.match(text)
    separator = said[1] if said else separator_of(text)
    reader = csv.reader(io.StringIO(text[said.end() if said else 0 :], newline=""), delimiter=separator)
    before = 1 if said else 0
    lines = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                lines.append((before + reader.line_num, tuple(cells)))
    except csv.Error as error:
        raise UnreadableTextError(path, f"line {before + reader.line_num}: {error}") from error
    columns = tuple(name.strip() for name in lines[0][1]) if lines else ()
    return TextTable(columns, tuple(lines[1:]), separator)


def separator_of(text: str) -> str:
    """What stands between the cells of a table's first line, quoted text left out; a comma where nothing does."""
    header = re.sub(r'"[^"]*"', "", _LINE_END.split(text.lstrip(), maxsplit=1)[0])
    return max(SEPARATORS, key=header.count)


def write_table(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """A table as text, with commas; of each row the cells of the columns.

    Texts that a spreadsheet program would run as a formula, or take blanks from, have an apostrophe before them, by
    which it shows them as text; `cell_text` takes it off again. Numbers stay numbers.
    """
    cells = ([_cell(row.get(column)) for column in columns] for row in rows)
    return "".join(map(_line, (columns, *cells)))


def cell_text(cell: str) -> str:
    """What a cell says: without the apostrophe that `write_table` put before it, or without blanks around it."""
    return cell[1:] if cell.startswith("'") and _is_kept_as_text(cell[1:]) else cell.strip()


def _line(cells: Sequence[object]) -> str:
    text = io.StringIO()
    # A carriage return in a cell is quoted only where lines end in one.
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n") + "\n"


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = as_text(value)
    return f"'{text}" if _is_kept_as_text(text) else text


def _is_kept_as_text(text: str) -> bool:
    plain = text.lstrip("'")
    if plain != plain.strip():
        return True
    return (plain[:1] in tuple("=+-@") and not _NUMBER.fullmatch(plain)) or not plain[:1].isprintable()


def _encoding(content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding
    # Letters of Latin alphabets, digits and separators have a zero byte in UTF-16, and text has none in UTF-8.
    even, odd = content[0:4000:2].count(0), content[1:4000:2].count(0)
    if max(even, odd) * 4 > min(len(content), 4000) // 2 and min(even, odd) * 3 < max(even, odd):
        return "utf-16-be" if even > odd else "utf-16-le"
    return "utf-8"


def _undecodable(content: bytes, encoding: str, error: UnicodeDecodeError) -> str:
    if encoding.startswith("utf-8"):
        line = content.count(b"\n", 0, error.start) + 1
        return f"it is no UTF-8 text (byte 0x{content[error.start]:02x} in line {line}); save it as UTF-8"
    return f"it is not text: {encoding.upper()[:6]} that is damaged or cut short; save it as UTF-8"
