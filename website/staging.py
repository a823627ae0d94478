"""All pages of the site as files, before they are built."""

import io
import shutil
from contextlib import redirect_stdout
from pathlib import Path

from lia_bench.cli.main import run
from website.commands import command_pages
from website.entries import entry_pages
from website.experiments import experiment_pages
from website.notebooks import notebook_pages
from website.pages import NOTEBOOKS, collect, write
from website.reference import lay_out_package, reference_pages


def stage(folder: Path, code: Path) -> list[str]:
    """Write all pages into `folder`, and links to the package's modules into `code`.

    Returns:
        The pages' paths below `folder`, sorted.
    """
    collect(folder)
    for place, text in generated_pages().items():
        write(folder / place, text)
    for notebook in NOTEBOOKS.glob("*.ipynb"):
        shutil.copyfile(notebook, folder / "notebooks" / notebook.name)
    shutil.copyfile(Path(__file__).with_name("site.css"), folder / "site.css")
    lay_out_package(code)
    return sorted(str(page.relative_to(folder)) for page in folder.rglob("*.md"))


def generated_pages() -> dict[str, str]:
    """The text of each page that no file of the repository holds, by its path on the site."""
    return {
        **entry_pages(),
        **experiment_pages(),
        **command_pages(),
        **reference_pages(),
        **notebook_pages(),
        "measured/published.md": published_page(),
    }


def published_page() -> str:
    """The numbers that papers print, as the command shows them."""
    with redirect_stdout(io.StringIO()) as printed:
        code = run(["leaderboard", "--published", "--format", "markdown"], False)
    assert code == 0
    head = "# Published numbers\n\nAs printed, never measured here: [leaderboards](../leaderboards.md)."
    return f"{head}\n\n{printed.getvalue()}"
