"""The repository's own pages on the site: where each stands there, and links that lead to the same things as before."""

import os
import re
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
NOTEBOOKS = REPOSITORY / "docs" / "notebooks"
ELSEWHERE = {
    "README.md": "readme.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "benchmarks/README.md": "measured/speed.md",
    "website/index.md": "index.md",
}
"""Pages outside docs/, by their path in the repository, and what they are on the site."""

FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?P<before>\]\()(?P<target>[^)\s]+)(?P<after>\))")
LANGUAGES = {".md": "markdown", ".py": "python", ".toml": "toml", ".yaml": "yaml"}


def page_map() -> dict[str, str]:
    """Of every page, its path in the repository and its path on the site."""
    docs = REPOSITORY / "docs"
    own = {f"docs/{path}": str(path) for path in sorted(page.relative_to(docs) for page in docs.rglob("*.md"))}
    return {**ELSEWHERE, **own}


def collect(folder: Path) -> None:
    """Write the repository's pages into `folder`, with the pictures and the files that they link to.

    Raises:
        FileNotFoundError: a page links to what is not in the repository.
    """
    pages = page_map()
    notebooks = {f"docs/notebooks/{path.name}": f"notebooks/{path.stem}.md" for path in NOTEBOOKS.glob("*.ipynb")}
    for source, place in pages.items():
        text = (REPOSITORY / source).read_text(encoding="utf-8")
        write(folder / place, _with_links(text, source, place, pages | notebooks, folder))


def write(path: Path, text: str) -> None:
    """Write a page, and make its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _with_links(text: str, source: str, place: str, places: dict[str, str], folder: Path) -> str:
    lead = partial(_lead, source=source, place=place, places=places, folder=folder)
    pieces, end = [], 0
    for block in FENCED.finditer(text):
        pieces += [LINK.sub(lead, text[end : block.start()]), block.group()]
        end = block.end()
    return "".join([*pieces, LINK.sub(lead, text[end:])])


def _lead(link: re.Match[str], source: str, place: str, places: dict[str, str], folder: Path) -> str:
    target, _, anchor = link["target"].partition("#")
    if "://" in target or not target:
        return link.group()
    named = os.path.normpath(Path(source).parent / target)
    there = places.get(named) or _carried(named, folder)
    relative = os.path.relpath(there, Path(place).parent)
    return f"{link['before']}{relative}{'#' if anchor else ''}{anchor}{link['after']}"


def _carried(named: str, folder: Path) -> str:
    """Take a file of the repository that is no page along: pictures as they are, code as a page."""
    path = REPOSITORY / named
    if named.startswith("docs/"):
        place = named.removeprefix("docs/")
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / place)
        return place
    place = f"source/{named}.md"
    if not (folder / place).exists():
        write(folder / place, "\n".join(_shown(path, named)))
    return place


def _shown(path: Path, named: str) -> Iterator[str]:
    yield from ("---", "search:", "  exclude: true", "---", f"# {named}", "")
    if path.is_dir():
        yield from (f"- `{file.relative_to(path)}`" for file in sorted(path.rglob("*")) if file.suffix in LANGUAGES)
    else:
        yield from (f"````{LANGUAGES.get(path.suffix, 'text')}", path.read_text(encoding="utf-8"), "````")
    yield ""
