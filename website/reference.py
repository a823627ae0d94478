"""The Python reference: which modules a user or a plug-in needs; mkdocstrings writes what their docstrings say."""

import re
from pathlib import Path

import lia_bench
from website.pages import REPOSITORY

MODULES = {
    "results": ("What the functions return", ("lia_bench.outcomes",)),
    "errors": ("Errors", ("lia_bench.core.errors",)),
    "models": (
        "For a model",
        (
            "lia_bench.models.specification",
            "lia_bench.models.animator",
            "lia_bench.models.card",
            "lia_bench.models.loading",
            "lia_bench.core.configuration",
            "lia_bench.models.training.configuration",
            "lia_bench.models.training.recipe",
        ),
    ),
    "metrics": (
        "For a metric",
        (
            "lia_bench.metrics.specification",
            "lia_bench.metrics.frame_metric",
            "lia_bench.metrics.frechet_metric",
            "lia_bench.metrics.extractors.extractor",
            "lia_bench.core.weights",
            "lia_bench.core.weight_file",
            "lia_bench.core.torch_weights",
        ),
    ),
    "datasets": (
        "For a dataset",
        (
            "lia_bench.preprocessing.specification",
            "lia_bench.preprocessing.preparing",
            "lia_bench.preprocessing.options",
            "lia_bench.preprocessing.layouts",
            "lia_bench.preprocessing.whole_clips",
            "lia_bench.preprocessing.report",
            "lia_bench.core.prepared_dataset",
        ),
    ),
}
"""Of each page of the reference, its title and the modules on it."""


DOCTEST = re.compile(r"^(?P<lines>(?P<indent> +)>>> .*\n(?:(?P=indent)(?!\"\"\").*\S.*\n)*)", re.MULTILINE)
"""Lines from the first `>>>` to an empty one or to the end of the docstring."""
OPTION = re.compile(r" *# doctest: .*$", re.MULTILINE)


def reference_pages() -> dict[str, str]:
    """The text of each page by its path on the site."""
    functions = (f"::: lia_bench.{name}\n" for name in lia_bench.__all__ if name != "__version__")
    pages = {"reference/functions.md": "\n".join(["# Functions\n", *functions])}
    for name, (title, modules) in MODULES.items():
        pages[f"reference/{name}.md"] = "\n".join([f"# {title}\n", *(f"::: {module}\n" for module in modules)])
    return pages


def lay_out_package(folder: Path) -> None:
    """Copy the package's modules into `folder` as they are installed, so that they are found without being imported."""
    for part in ("lia_bench", "models", "preprocessing", "metrics", "leaderboards"):
        for module in (REPOSITORY / part).rglob("*.py"):
            below = module.relative_to(REPOSITORY)
            place = folder / (below if part == "lia_bench" else "lia_bench" / below)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(with_fenced_examples(module.read_text(encoding="utf-8")), encoding="utf-8")


def with_fenced_examples(text: str) -> str:
    """A module's text, with every doctest of it as a fenced block, since Markdown would take `>>>` for a quotation."""
    return DOCTEST.sub(r"\g<indent>```pycon\n\g<lines>\g<indent>```\n", OPTION.sub("", text))
