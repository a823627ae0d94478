"""What is printed into consoles, pipes and files of every encoding."""

import io
import sys
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from lia_bench.cli.main import run
from lia_bench.core.console import progress, wide_console
from lia_bench.core.names import printable
from lia_bench.core.streams import ConsoleStream, any_console
from tests.leaderboards.toy_results import ToyResults, write_results

ENCODINGS = ["cp1252", "latin-1", "ascii", "cp437", "cp932", "utf-8", "utf-16"]
ESCAPES = "na\x1b[31mme\x1b]0;title\x07\x9b2J\x08\u202egnp\udcff"


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


def wrapped(encoding: str, kind: type[io.TextIOWrapper] = io.TextIOWrapper) -> tuple[io.TextIOWrapper, io.BytesIO]:
    content = io.BytesIO()
    return kind(content, encoding=encoding, errors="strict", write_through=True), content


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("kind", [io.TextIOWrapper, Terminal])
@given(text=st.text(st.characters()))
def test_every_text_can_be_printed_in_every_encoding(text: str, encoding: str, kind: type[io.TextIOWrapper]) -> None:
    stream, content = wrapped(encoding, kind)
    assert ConsoleStream(stream).write(text) == len(text)
    stream.flush()
    shown = content.getvalue().decode(encoding)
    assert not any(sign in shown for sign in "\x07\x08\x9b\u202e")
    if text.isprintable() and text.isascii():
        assert shown == text


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii"])
def test_the_table_of_a_job_is_printed_whole(encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_results(tmp_path / "toy", ToyResults(videos=False))
    stream, content = wrapped(encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    assert run(["leaderboard", str(folder)], debug=False) == 0
    stream.flush()
    shown = content.getvalue().decode(encoding)
    assert "l1 v" in shown
    assert "psnr ^" in shown
    assert "lia" in shown
    assert shown.isascii()


def test_names_are_shown_escaped_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with any_console():
        click.echo(ESCAPES)
        table = Table("model")
        table.add_row(ESCAPES)
        wide_console().print(table)
        for _ in progress([1], title=ESCAPES):
            pass
    out, err = capsys.readouterr()
    for shown in (out, err):
        assert r"\x1b[31mme" in shown
        assert r"\udcff" in shown
        assert not any(sign in shown for sign in "\x1b\x07\x9b\x08\u202e")


def test_a_terminal_has_colours_and_nothing_else() -> None:
    stream, content = wrapped("utf-8", Terminal)
    ConsoleStream(stream).write("\x1b[1mbold\x1b[0m \x1b]0;title\x07 \x1b[2J")
    assert content.getvalue().decode() == "\x1b[1mbold\x1b[0m \\x1b]0;title\\x07 \\x1b[2J"


@pytest.mark.parametrize(
    "words",
    [
        ["leaderboard", f"none{ESCAPES}"],
        ["leaderboard", "none\nerror: another line"],
        ["evaluate", "--models", f"lia{ESCAPES}"],
        [f"none{ESCAPES}"],
        ["score", "--reference", f"none{ESCAPES}", "--generated", "."],
        ["train", "lia:demo-64", "--dataset", f"none{ESCAPES}"],
    ],
)
def test_an_error_shows_names_escaped(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words, debug=False) != 0
    shown = "".join(capsys.readouterr())
    assert r"\x1b[31mme" in shown or r"none\nerror: another line" in shown
    assert not any(sign in shown for sign in "\x1b\x07\x9b\x08\u202e")


def test_streams_of_bytes_are_told_from_those_of_text() -> None:
    stream, _ = wrapped("utf-8")
    with pytest.raises(TypeError, match="a text is written here, not bytes"):
        ConsoleStream(stream).write(b"")  # type: ignore[arg-type]


def test_a_stream_is_left_to_who_opened_it() -> None:
    """Python closes what it clears away, and from 3.13 on prints what fails there."""
    stream, _ = wrapped("utf-8")
    ConsoleStream(stream).close()
    assert not stream.closed
    shown = ConsoleStream(stream)
    stream.close()
    shown.close()


@given(st.text(st.characters()))
def test_a_printable_text_is_one_line_in_utf8(text: str) -> None:
    assert printable(text).isprintable()
    assert printable(printable(text)) == printable(text)
    printable(text).encode()
