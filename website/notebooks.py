"""The notebooks as pages, each with a link to the file itself."""

import json
from collections.abc import Iterator
from pathlib import Path

from website.pages import NOTEBOOKS


def notebook_pages() -> dict[str, str]:
    """The text of each page by its path on the site."""
    return {f"notebooks/{path.stem}.md": "\n".join(notebook_page(path)) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}


def notebook_page(path: Path) -> Iterator[str]:
    """Cells in their order: text as it is, programs as code."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        yield text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```"
        yield ""
    yield f"[This page as a notebook]({path.name})"
    yield ""
