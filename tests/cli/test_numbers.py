"""Numbers that options are given: none is an unexpected error, and none too large begins work."""

from collections.abc import Iterator

import click
import pytest
from click.types import FloatParamType, IntParamType

from lia_bench.cli.main import cli, run
from lia_bench.preprocessing.download.options import parse_rate

HUGE = "9" * 30
WORDS = ("0", "-1", HUGE, "9" * 5000, "many", "1_0", "nan", "inf", "")
NEVER = (HUGE, "9" * 5000, "many", "nan", "inf", "")
"""What no option takes."""
TEXTS = [
    (("train",), "--shard"),
    (("preprocess", "folder"), "--shard"),
    (("score",), "--trim"),
]
"""Options whose texts hold numbers."""


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands below one, and itself, with the words that call them."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from leaves(inner, (*path, name))


def numeric() -> Iterator[tuple[tuple[str, ...], click.Option]]:
    """Every option that is a number or several, by the command that it belongs to."""
    for path, command in leaves(cli):
        for parameter in command.params:
            kinds = parameter.type.types if isinstance(parameter.type, click.Tuple) else [parameter.type]
            if isinstance(parameter, click.Option) and isinstance(kinds[0], IntParamType | FloatParamType):
                yield path, parameter


OPTIONS = [pytest.param(path, option, id=" ".join((*path, option.opts[0]))) for path, option in numeric()]


def command_of(path: tuple[str, ...]) -> click.Command:
    """The command that words call."""
    return dict(leaves(cli))[path]


def complaint(path: tuple[str, ...], words: list[str]) -> str:
    """What is wrong with options, which are read and nothing more; empty where nothing is.

    Others that are missing are not looked at before those that were given.
    """
    try:
        command_of(path).make_context(" ".join(path), list(words))
    except (click.MissingParameter, click.exceptions.NoArgsIsHelpError):
        return ""
    except click.BadParameter as error:
        return error.format_message()
    except click.UsageError:
        # A group without its subcommand.
        return ""
    return ""


@pytest.mark.parametrize(("path", "option"), OPTIONS)
def test_every_number_has_bounds(
    path: tuple[str, ...], option: click.Option, capfd: pytest.CaptureFixture[str]
) -> None:
    name = option.opts[0]
    for word in WORDS:
        words = [name, *[word] * option.nargs]
        problem = complaint(path, words)
        assert problem or word not in NEVER, word
        if problem:
            assert run([*path, *words], debug=False) == 2
            *_, last = capfd.readouterr().err.splitlines()
            assert last.startswith("Error: Invalid value for")
            assert name in last
            assert "\n" not in problem


@pytest.mark.parametrize(("path", "name"), TEXTS)
@pytest.mark.parametrize("word", [HUGE, f"1/{HUGE}", f"{HUGE}/{HUGE}", f"{HUGE},0,0,0", "²/3", "9" * 5000, "nan", ""])
def test_numbers_within_texts_have_bounds(path: tuple[str, ...], name: str, word: str) -> None:
    assert complaint(path, [name, word])


def test_a_rate_without_end_is_none() -> None:
    for word in (f"{'9' * 5000}K", "nan", "inf", "-1", "0"):
        with pytest.raises(ValueError, match="is no rate"):
            parse_rate(word)


def test_the_walk_finds_the_options() -> None:
    found = {" ".join((*path, option.opts[0])) for path, option in numeric()}
    assert {"--largest-picture", "evaluate --batch-size", "study create --attention-checks"} <= found
    assert len(found) > 60
