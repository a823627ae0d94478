"""The settings that the builder is given: those of settings.yaml, with each folder's pages in the navigation."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

MARK = "nav:\n"
LINKED = "source/"
"""Pages of code, which other pages link to and no navigation names."""
FILE = Path(__file__).with_name("settings.yaml")


def settings(pages: Iterable[str]) -> str:
    """The text of the configuration for a site of `pages`.

    Raises:
        ValueError: the navigation names a page that is not there, or leaves out one that is.
    """
    # The rest stays text: it has tags of YAML that only the builder understands.
    before, mark, nav = FILE.read_text(encoding="utf-8").partition(MARK)
    there = sorted(pages)
    navigation = list(_expanded(yaml.safe_load(nav), there))
    named = set(named_pages(navigation))
    if lost := named - set(there):
        raise ValueError(f"{FILE.name} names pages that are not there: {', '.join(sorted(lost))}")
    if left_out := {page for page in there if not page.startswith(LINKED)} - named:
        raise ValueError(f"write into the navigation of {FILE.name}: {', '.join(sorted(left_out))}")
    return before + mark + yaml.safe_dump(navigation, sort_keys=False)


def named_pages(navigation: Any) -> Iterator[str]:
    """The pages that a navigation names, in its order."""
    for entry in navigation:
        if isinstance(entry, str):
            yield entry
        else:
            for inner in entry.values():
                yield from named_pages([inner] if isinstance(inner, str) else inner)


def _expanded(navigation: Iterable[Any], pages: list[str]) -> Iterator[Any]:
    for entry in navigation:
        if isinstance(entry, str):
            yield entry
        elif set(entry) == {"pages"}:
            inside = [page for page in pages if Path(page).parent == Path(entry["pages"])]
            yield from sorted(inside, key=lambda page: (not page.endswith("/index.md"), page))
        else:
            yield {
                title: inner if isinstance(inner, str) else list(_expanded(inner, pages))
                for title, inner in entry.items()
            }
