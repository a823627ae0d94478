"""The program text that README.md, docs/ and the first page of the site show, its marks, and the commands in it.

A comment before a block, which sites do not show, says how `benchmarks/docs.py` runs it: `<!-- not run: REASON -->`, or
`<!-- given: NAME=VALUE ... -->` with what the block takes to be there.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

REPOSITORY = Path(__file__).parents[1]
BLOCK = re.compile(
    r"(?:^<!-- (?P<kind>not run|given): (?P<mark>[^\n]+) -->\n+)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(lia-bench [^`]+)`")
PROGRAMS = ("sh", "python")
PLACEHOLDER = re.compile(r"[A-Z]{2,}[A-Z_/]*|\.\.\.|\[.*")
VARIABLES = {"$model": "lia", "$SLURM_ARRAY_TASK_ID": "1"}


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: the file, below the repository.
        line: of its fence.
        language: after the fence; empty where nothing is said.
        text: what it shows.
        not_run: why it cannot be run here; empty where it is.
        given: what it takes to be there.
    """

    page: Path
    line: int
    language: str
    text: str
    not_run: str
    given: Mapping[str, str]


def pages() -> list[Path]:
    """README.md, the site's first page and the pages of docs/."""
    return [REPOSITORY / "README.md", REPOSITORY / "website" / "index.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        mark = found["mark"] or ""
        yield Block(
            page=page.relative_to(REPOSITORY),
            line=text.count("\n", 0, found.start("language")) + 1,
            language=found["language"],
            text=found["text"],
            not_run=mark if found["kind"] == "not run" else "",
            given=dict(pair.split("=", 1) for pair in mark.split()) if found["kind"] == "given" else {},
        )


def commands(text: str) -> Iterator[list[str]]:
    """The words of every `lia-bench` command of a shell script, without the program's name."""
    for line in text.replace("\\\n", " ").splitlines():
        for name, value in VARIABLES.items():
            line = line.replace(name, value)
        words = shlex.split(line, comments=True)
        while "lia-bench" in words:
            words = words[words.index("lia-bench") + 1 :]
            ends = [place for place, word in enumerate(words) if word.endswith(";") or word in ("&&", "|", "||")]
            end = ends[0] + 1 if ends else len(words)
            yield [word for word in (one.rstrip(";") for one in words[:end]) if word not in ("", "&&", "|", "||")]


def commands_in_prose(page: Path) -> Iterator[list[str]]:
    """Those between backticks, as far as they are ones that can be typed; they may lack what goes without saying."""
    prose = FENCED.sub("", page.read_text(encoding="utf-8"))
    for text in INLINE.findall(prose):
        words = shlex.split(" ".join(text.split()))[1:]
        if words and not any(PLACEHOLDER.fullmatch(word) for word in words):
            yield words


def parse(command: click.Command, words: list[str], parent: click.Context | None = None) -> None:
    """Parse words as click does before it runs a command: commands and options exist, and values are of their types.

    Raises:
        click.ClickException: they do not, or are not.
    """
    with command.make_context(words[0] if words else "lia-bench", list(words), parent=parent) as context:
        if isinstance(command, click.Group) and (rest := [*context._protected_args, *context.args]):
            _, inner, others = command.resolve_command(context, rest)
            if inner is not None:
                parse(inner, others, context)
