"""Pages of the zoo as Markdown: the tables in docs/models.md and docs/models/<name>.md."""

import re
from collections.abc import Iterable, Sequence

from lia_bench.models.card import read_card
from lia_bench.models.complexity import complexity_of
from lia_bench.models.model_page import ModelPage, multiply_adds, published_in, takes_references
from lia_bench.models.registry import MODELS
from lia_bench.models.specification import ModelSpecification

BEGIN = "<!-- printed by: {command} -->"
END = "<!-- end -->"


def model_markdown(page: ModelPage) -> str:
    """A model's page between two comments, as docs/models/<name>.md carries it."""
    parts = [_rows(("", ""), page.facts), *_sections(page)]
    return _marked(f"lia-bench models show {page.name} --format markdown", parts)


def overview_markdown() -> str:
    """The table of all models between two comments, as docs/models.md carries it."""
    header = ("model", "paper", "parameters", "multiply-adds a frame", "transfer", "references", "published weights")
    own = [specification for specification in MODELS.values() if specification.card is not None]
    return _marked("lia-bench models list --format markdown", [_rows(header, [_overview(each) for each in own])])


def _overview(specification: ModelSpecification) -> tuple[str, ...]:
    card = read_card(specification.card)
    complexity = complexity_of(specification.name, specification.default_variant or None)
    return (
        f"[`{specification.name}`](models/{specification.name}.md)",
        f"{card.paper.title}, {published_in(card.paper)}" if card.paper else specification.summary,
        f"{complexity.parameters:,}",
        multiply_adds(complexity.per_frame),
        ", ".join(specification.transfer_modes),
        "several" if takes_references(specification) else "one",
        "yes" if card.checkpoints else "no",
    )


def _sections(page: ModelPage) -> Iterable[str]:
    """Without headings, since what stands below the block on a page would seem to belong to the last."""
    for table in filter(None, (page.variants, page.checkpoints, page.results)):
        yield f"**{table.title}** {table.note}".rstrip()
        yield _rows(table.header, table.rows)


def _rows(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    """Addresses become links."""
    return re.sub(r"https?://[^\s;,]+", lambda found: f"<{found[0]}>", text)


def _marked(command: str, parts: Iterable[str]) -> str:
    return "\n\n".join((BEGIN.format(command=command), *parts, END)) + "\n"
