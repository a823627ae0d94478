"""A page for each command of the command line, from what click knows of it."""

import inspect
import re
from collections.abc import Iterator

import click

from lia_bench.cli.main import COMMANDS, cli
from lia_bench.leaderboards.printing.exports import in_markdown


def command_pages() -> dict[str, str]:
    """The text of each page by its path on the site."""
    pages = {f"commands/{name}.md": command_page(name) for name in COMMANDS}
    rows = ((f"[`lia-bench {name}`]({name}.md)", escaped(_command(name).get_short_help_str(120))) for name in COMMANDS)
    lines = ["# Every command", "", *help_text(cli), *options_table(cli), "| command | what it does |", "| --- | --- |"]
    pages["commands/index.md"] = "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows), ""])
    return pages


def command_page(name: str) -> str:
    """A command with its options, and each of its subcommands; those of `preprocess` have pages of their own."""
    command = _command(name)
    lines = [f"# lia-bench {name}", "", *_explained(command, f"lia-bench {name}")]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for inner in command.list_commands(context):
            if name == "preprocess":
                lines.append(f"- [`lia-bench preprocess {inner}`](../datasets/{inner}.md)")
                continue
            subcommand = command.get_command(context, inner)
            assert subcommand is not None
            lines += [f"## {inner}", "", *_explained(subcommand, f"lia-bench {name} {inner}")]
    return "\n".join([*lines, ""])


def escaped(text: str) -> str:
    """Text that Markdown shows as it is; unlike GitHub's, the site's leaves `~` and `$` alone."""
    return in_markdown(text).replace(r"\~", "~").replace(r"\$", "$")


def help_text(command: click.Command) -> list[str]:
    """Lines of Markdown: a command's explanation, with its examples as code."""
    lines: list[str] = []
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(command.help or "")):
        kept, marked, text = paragraph.rpartition("\b\n")
        lines += list(_examples(text)) if marked and not kept.strip() else [escaped(paragraph)]
        lines.append("")
    return lines


def options_table(command: click.Command) -> list[str]:
    """Lines of Markdown: arguments and options as --help shows them, defaults included."""
    context = click.Context(command, info_name="lia-bench", help_option_names=["-h", "--help"])
    records = (parameter.get_help_record(context) for parameter in command.params)
    rows = [f"| `{names}` | {escaped(explained)} |" for names, explained in filter(None, records)]
    return ["| option | |", "| --- | --- |", *(row.replace("\b", "") for row in rows), ""] if rows else []


def _explained(command: click.Command, name: str) -> list[str]:
    context = click.Context(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    return ["```text", usage, "```", "", *help_text(command), *options_table(command)]


def _examples(text: str) -> Iterator[str]:
    """A paragraph whose lines stay as they are: indented ones are commands, the others headings of them."""
    code: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith(" "):
            code.append(line.strip())
            continue
        if code:
            yield from ("```sh", *code, "```", "")
            code = []
        if line:
            yield from (escaped(line), "")


def _command(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command
