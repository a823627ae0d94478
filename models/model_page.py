"""What there is to say about a model on one page, and the pages of the zoo as Markdown.

A page is a model's card, what its specification promises, and its measured size. The Markdown stands in docs/models.md
and docs/models/<name>.md.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lia_bench.core.errors import UnknownNameError
from lia_bench.core.registry import load_attribute
from lia_bench.core.suggestions import unknown
from lia_bench.models.card import Code, ModelCard, Paper, read_card
from lia_bench.models.complexity import Complexity, complexity_of
from lia_bench.models.loading import load_configuration
from lia_bench.models.specification import MODELS, ModelSpecification
from lia_bench.models.training.configuration import KEY, read_ablations

NOT_COMPARABLE = (
    "As printed. Test clips, detectors and feature networks differ from paper to paper: compare within one table only."
)

BEGIN = "<!-- printed by: {command} -->"
END = "<!-- end -->"


@dataclass(frozen=True)
class Table:
    """Cells of plain text under a heading; `note` is a sentence about all of them."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class ModelPage:
    """A model's page, in plain text.

    Attributes:
        facts: pairs of a label and what is to say; none is empty.
        variants: with the size and cost of each.
        ablations: those that have a name; None where there are none.
        checkpoints: those that were published; None where there are none.
        results: those that were published; None where there are none.
        controls: directions of the published weights that have a name; None where there are none.
    """

    name: str
    summary: str
    facts: tuple[tuple[str, str], ...]
    variants: Table
    ablations: Table | None
    checkpoints: Table | None
    results: Table | None
    controls: Table | None


def model_page(name: str, variant: str | None = None) -> ModelPage:
    """The page of a model of the zoo; the networks of its variants are built to measure them.

    Args:
        name: as `lia-bench models list` shows it.
        variant: the one to measure; by default all of them.

    Raises:
        UnknownNameError: no such model or variant.
        InputError: its card is not readable.
    """
    specification = MODELS[name]
    card = read_card(specification.card)
    return ModelPage(
        name,
        specification.summary,
        tuple(_facts(specification, card)),
        _variants(specification, variant),
        _ablations(specification),
        _checkpoints(name, card),
        _results(card),
        _controls(card),
    )


def published_in(paper: Paper) -> str:
    """Venue, where there is one, and year: 'CVPR 2021'."""
    return " ".join(filter(None, (paper.venue, str(paper.year))))


def takes_references(specification: ModelSpecification) -> bool:
    """Whether further views of the source's subject may be given."""
    taken: bool = load_attribute(specification.animator).takes_references
    return taken


def multiply_adds(count: int) -> str:
    """A number of multiply-adds, in units of a thousand million, or of a million where it is small: '44.6 G'."""
    return f"{count / 1e9:.1f} G" if count >= 1e9 else f"{count / 1e6:.1f} M" if count else "0"


def _facts(specification: ModelSpecification, card: ModelCard) -> Iterable[tuple[str, str]]:
    several = takes_references(specification)
    trained = f"lia-bench train {specification.name}" if specification.recipe else "nothing to train"
    facts = (
        ("Paper", _cited(card.paper) if card.paper else None),
        ("Paper at", card.paper.address if card.paper else None),
        ("Code", _code(card.code)),
        ("Licence of the code", card.licence.code),
        ("Licence of the weights", card.licence.weights),
        ("Published weights", None if card.checkpoints or not card.paper else "none"),
        ("Transfer", ", ".join(specification.transfer_modes)),
        ("References", "the source and further views of its subject" if several else "the source alone"),
        ("Training", trained),
    )
    return ((label, text) for label, text in facts if text)


def _cited(paper: Paper) -> str:
    return f"{', '.join(paper.authors)}: {paper.title}, {published_in(paper)}"


def _code(code: Code) -> str:
    address = f"{code.address} at commit {code.commit}" if code.address and code.commit else code.address
    return "; ".join(filter(None, (address, code.note)))


def _variants(specification: ModelSpecification, variant: str | None) -> Table:
    names = specification.variant_names()
    if variant is not None and variant not in names:
        raise UnknownNameError(unknown(f"variant of {specification.name}", variant, names))
    # Variants that differ in their training alone have one network.
    measured: dict[str, Complexity] = {}
    rows = []
    for chosen in (variant,) if variant is not None else names or (None,):
        _, configuration = load_configuration(specification.name, chosen)
        network = configuration.model.model_dump_json()
        if network not in measured:
            measured[network] = complexity_of(specification.name, chosen)
        rows.append((_marked(chosen, specification), *_columns(measured[network])))
    header = ("variant", "size", "parameters", "multiply-adds once a clip", "multiply-adds a frame")
    return Table("Variants", header, tuple(rows))


def _marked(variant: str | None, specification: ModelSpecification) -> str:
    if variant is None:
        return "(no variants)"
    return f"{variant} (default)" if variant == specification.default_variant else variant


def _columns(complexity: Complexity) -> tuple[str, ...]:
    return (
        str(complexity.size),
        f"{complexity.parameters:,}",
        multiply_adds(complexity.once_per_clip),
        multiply_adds(complexity.per_frame),
    )


def _ablations(specification: ModelSpecification) -> Table | None:
    rows = [(name, ablation.summary) for name, ablation in read_ablations(specification).items()]
    note = f"Of any variant, by: lia-bench train {specification.name} --set {KEY}=NAME"
    return _table("Ablations", ("ablation", "what is left"), rows, note)


def _checkpoints(name: str, card: ModelCard) -> Table | None:
    fetched = any(checkpoint.fetched_from for checkpoint in card.checkpoints)
    note = f"Fetched by: lia-bench weights fetch {name}:VARIANT" if fetched else ""
    rows = [
        (
            checkpoint.file or "name not known",
            checkpoint.variant or "",
            " ".join(dict.fromkeys((*checkpoint.fetched_from, *checkpoint.addresses))),
            "; ".join(filter(None, (checkpoint.note, checkpoint.sha256 and f"SHA-256 {checkpoint.sha256}"))),
        )
        for checkpoint in card.checkpoints
    ]
    return _table("Published weights", ("file", "variant", "at", "note"), rows, note)


def _results(card: ModelCard) -> Table | None:
    rows = [
        (
            f"{result.paper}, table {result.table}",
            result.dataset,
            result.task,
            ", ".join(f"{metric} {value}" for metric, value in result.values.items()),
            result.note or "",
        )
        for result in card.published_results
    ]
    return _table("Published results", ("in", "dataset", "task", "values", "note"), rows, NOT_COMPARABLE)


def _controls(card: ModelCard) -> Table | None:
    rows = [
        (control.name, control.description, str(control.direction), f"{control.lowest:g} to {control.highest:g}")
        for control in card.controls
    ]
    return _table("Named directions of the published weights", ("control", "moves", "direction", "range"), rows)


def _table(title: str, header: tuple[str, ...], rows: Sequence[tuple[str, ...]], note: str = "") -> Table | None:
    """The table without the columns that no row fills; None where there is no row."""
    if not rows:
        return None
    kept = [column for column in range(len(header)) if any(row[column] for row in rows)]
    return Table(
        title,
        tuple(header[column] for column in kept),
        tuple(tuple(row[column] for column in kept) for row in rows),
        note,
    )


def model_markdown(page: ModelPage) -> str:
    """A model's page between two comments, as docs/models/<name>.md carries it."""
    parts = [_rows(("", ""), page.facts), *_sections(page)]
    return _between_comments(f"lia-bench models show {page.name} --format markdown", parts)


def overview_markdown() -> str:
    """The table of all models between two comments, as docs/models.md carries it."""
    header = ("model", "paper", "parameters", "multiply-adds a frame", "transfer", "references", "published weights")
    own = [specification for specification in MODELS.values() if specification.card is not None]
    return _between_comments(
        "lia-bench models list --format markdown", [_rows(header, [_overview(each) for each in own])]
    )


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
    for table in filter(None, (page.variants, page.ablations, page.checkpoints, page.results, page.controls)):
        yield f"**{table.title}** {table.note}".rstrip()
        yield _rows(table.header, table.rows)


def _rows(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    """Addresses become links."""
    return re.sub(r"https?://[^\s;,]+", lambda found: f"<{found[0]}>", text)


def _between_comments(command: str, parts: Iterable[str]) -> str:
    return "\n\n".join((BEGIN.format(command=command), *parts, END)) + "\n"
