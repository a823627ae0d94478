"""Standard output and error, whatever signs they have: what is printed is never an error."""

import codecs
import contextlib
import io
import re
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PLAIN = str.maketrans(
    {
        "↑": "^",
        "↓": "v",
        "→": "->",
        "←": "<-",
        "★": "*",
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{MINUS SIGN}": "-",
        "…": "...",
        "±": "+-",
        "\N{MULTIPLICATION SIGN}": "x",
        "≤": "<=",
        "≥": ">=",
        "·": ".",
        "•": "*",
        "“": '"',
        "”": '"',
        "\N{LEFT SINGLE QUOTATION MARK}": "'",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\xa0": " ",
        **dict.fromkeys("─━═╌╍╴╶╸╺", "-"),
        **dict.fromkeys("│┃║╎╏╵╷╹╻", "|"),
        **dict.fromkeys("┌┐└┘├┤┬┴┼┏┓┗┛┡┩╇╈╭╮╯╰╞╪╡", "+"),
        **dict.fromkeys("█▉▊▋▌▍▎▏▁▂▃▄▅▆▇", "#"),
    }
)
"""Signs that we print, in letters that every console has."""

# Control characters, halves of surrogate pairs (names that are not UTF-8) and what turns the direction of text around.
_UNSAFE = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069"
UNSAFE = re.compile(f"[{_UNSAFE}]")
# Colours, which a terminal alone is given.
_ESCAPED_ON_TERMINALS = re.compile(rf"(\x1b\[[0-9;]*m)|[{_UNSAFE}]")


class ConsoleStream(io.TextIOBase):
    """Standard output or error: what its encoding lacks has a plain form, control characters of names are escaped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._unsafe = _ESCAPED_ON_TERMINALS if stream.isatty() else UNSAFE

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """As of the stream; libraries draw with plain lines where it is no UTF."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Write a text in the signs that the stream has."""
        # Libraries tell streams of text from those of bytes by this error.
        if not isinstance(text, str):
            raise TypeError(f"a text is written here, not {type(text).__name__}")
        self._stream.write(self._shown(text))
        return len(text)

    def writelines(self, lines: "Iterable[str | ReadableBuffer]") -> None:
        """Write texts one after the other."""
        for line in lines:
            self.write(str(line))

    def flush(self) -> None:
        """Hand on what was written."""
        self._stream.flush()

    def close(self) -> None:
        """Leave the stream to who opened it; Python closes what it clears away, perhaps after that one is closed."""

    def isatty(self) -> bool:
        """Whether somebody is looking."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Of the stream."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """Always."""
        return True

    def _shown(self, text: str) -> str:
        if not text.isascii() or UNSAFE.search(text):
            text = self._unsafe.sub(lambda found: found[0] if found.lastindex else escaped(found[0]), text)
            if not codecs.lookup(self.encoding).name.startswith("utf"):
                with contextlib.suppress(UnicodeEncodeError):
                    text.encode(self.encoding)
                    return text
                return text.translate(PLAIN).encode(self.encoding, "backslashreplace").decode(self.encoding)
        return text


def escaped(sign: str) -> str:
    r"""A sign in plain letters, such as '\x1b'."""
    return sign.encode("unicode_escape").decode()


@contextlib.contextmanager
def any_console() -> Iterator[None]:
    """Within it, standard output and error take every text, whatever their encoding."""
    with contextlib.ExitStack() as stack:
        # A windowed program has neither.
        if sys.stdout is not None and not isinstance(sys.stdout, ConsoleStream):
            stack.enter_context(contextlib.redirect_stdout(ConsoleStream(sys.stdout)))
        if sys.stderr is not None and not isinstance(sys.stderr, ConsoleStream):
            stack.enter_context(contextlib.redirect_stderr(ConsoleStream(sys.stderr)))
        yield
