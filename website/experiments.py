"""A page for each experiment: what it takes, whose rows it has, and its file."""

from collections.abc import Iterator

from lia_bench.leaderboards.experiments.registry import EXPERIMENTS, Experiment, Part, Row, find_experiment
from website.commands import escaped
from website.entries import table


def experiment_pages() -> dict[str, str]:
    """The text of each page by its path on the site."""
    return {f"experiments/{name}.md": "\n".join(experiment_page(find_experiment(name))) for name in EXPERIMENTS}


def experiment_page(experiment: Experiment) -> Iterator[str]:
    """What an experiment's file says, as tables, and the file itself."""
    content = experiment.content
    yield from (
        f"# {experiment.name}",
        "",
        f"{escaped(content.title)}. How it is run: [experiments](../experiments.md).",
    )
    yield from ("", "```sh", f"lia-bench experiment show {experiment.name}", "```", "")
    if content.published is not None:
        place = f"table {content.published.table} of `{content.published.paper}`"
        yield from (f"Beside {place}, whose numbers stand under [published numbers](../measured/published.md).", "")
    yield from (f"- {escaped(remark)}" for remark in content.remarks)
    yield from ("", "## What is measured")
    yield from table(("datasets", "task", "metrics", "besides"), (_part(part) for part in content.parts))
    if content.rows:
        yield "## Rows"
        yield from table(("row", "model", "settings, or what is lacking"), (_row(row) for row in content.rows))
    yield from ("## The file", "", "```yaml", experiment.path.read_text(encoding="utf-8").rstrip(), "```", "")


def _part(part: Part) -> tuple[str, ...]:
    said = part.model_dump(mode="json", exclude_defaults=True, exclude={"datasets", "task", "metrics", "rows"})
    besides = ", ".join(f"`{key}` {escaped(_spelt(value))}" for key, value in said.items())
    return ", ".join(part.datasets), part.task, ", ".join(f"`{metric}`" for metric in part.metrics), besides


def _row(row: Row) -> tuple[str, ...]:
    said = ({"ablation": row.ablation} if row.ablation else {}) | row.settings
    settings = ", ".join(f"`{key}={_spelt(value)}`" for key, value in said.items())
    return escaped(row.name), f"`{row.model}`" if row.model else "", escaped(row.lacking) or settings


def _spelt(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_spelt(inner)}" for key, inner in value.items())
    return "null" if value is None else str(value)
