"""What the pages show can be typed: commands with their options, names of Python. `benchmarks/docs.py` runs it."""

import ast
import re
from pathlib import Path

import click
import pytest

import lia_bench
from lia_bench.cli.main import cli
from lia_bench.core.errors import LiaBenchError
from tests.pages import PROGRAMS, REPOSITORY, blocks, commands, commands_in_prose, pages, parse

PAGES = [pytest.param(page, id=str(page.relative_to(REPOSITORY))) for page in pages()]
OTHER_LANGUAGES = ("", "text", "yaml", "json", "toml", "csv")


def problem(words: list[str]) -> str:
    """Why click refuses the words of a command; empty where it does not."""
    try:
        parse(cli, words)
    except click.exceptions.Exit:
        # Of --help.
        return ""
    except click.MissingParameter as error:
        return f"missing: {error.format_message()}"
    except (click.ClickException, LiaBenchError) as error:
        return str(error)
    return ""


@pytest.mark.parametrize("page", PAGES)
def test_commands_are_ones_that_there_are(page: Path) -> None:
    shown = [words for block in blocks(page) if block.language == "sh" for words in commands(block.text)]
    problems = [f"{' '.join(words)}: {found}" for words in shown if (found := problem(words))]
    for words in commands_in_prose(page):
        found = problem(words)
        # A sentence names a command without all that it takes.
        if found and not found.startswith("missing: "):
            problems.append(f"{' '.join(words)}: {found}")
    assert not problems, "\n".join(problems)


def test_a_command_that_there_is_not_would_be_found() -> None:
    assert "No such option" in problem(["animate", "lia", "--sauce", "me.png"])
    assert "no-such" in problem(["train", "lia", "--devices", "no-such"])
    assert "did you mean 'folder'" in problem(["preprocess", "foldr"])
    assert problem(["evaluate"]).startswith("missing: ")
    assert list(
        commands("for m in a b; do lia-bench train $model:demo-64; done && lia-bench models list  # all\n")
    ) == [
        ["train", "lia:demo-64"],
        ["models", "list"],
    ]


@pytest.mark.parametrize("page", PAGES)
def test_python_is_python_and_calls_what_there_is(page: Path) -> None:
    for block in blocks(page):
        assert block.language in (*PROGRAMS, *OTHER_LANGUAGES), f"{block.page}:{block.line}: {block.language}"
        if block.language == "python":
            ast.parse(block.text)
            called = re.findall(r"\blia_bench\.(\w+)\(", block.text)
            assert [name for name in called if not hasattr(lia_bench, name)] == [], f"{block.page}:{block.line}"


def test_the_pages_have_blocks_to_check() -> None:
    found = [block for page in pages() for block in blocks(page)]
    assert sum(block.language == "sh" for block in found) > 20
    assert sum(block.language == "python" for block in found) > 15
    fences = sum(len(re.findall(r"^```", page.read_text(encoding="utf-8"), re.MULTILINE)) for page in pages())
    assert 2 * len(found) == fences
