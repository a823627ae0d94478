"""What keeps a built site to itself: no page of it loads anything from another host."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

WORKER = re.compile(r"https://[^\"']+/iframe-worker/shim")
"""What the builder has pages load from elsewhere, so that search works from the disk; worker.js does the same."""
LOADED = re.compile(r"""<(?:script|img|iframe|source|video)\b[^>]*\ssrc=["'](?P<source>(?:https?:)?//[^"']+)""")
STYLES = re.compile(r"""<link\b[^>]*\bhref=["'](?P<source>(?:https?:)?//[^"']+)[^>]*>""")
IMPORTED = re.compile(r"""(?:url\(|@import )\s*["']?(?P<source>(?:https?:)?//[^"')]+)""")


def keep_to_itself(html: Path) -> None:
    """Put our own worker in the place of the one elsewhere."""
    place = html / "assets" / "worker.js"
    shutil.copyfile(Path(__file__).with_name("worker.js"), place)
    for page in html.rglob("*.html"):
        own = os.path.relpath(place, page.parent)
        text = page.read_text(encoding="utf-8")
        page.write_text(WORKER.sub(own, text), encoding="utf-8")


def loaded_from_elsewhere(html: Path) -> Iterator[str]:
    """What pages and styles of a built site load from other hosts; links that a reader may follow do not count."""
    for page in html.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        yield from (f"{page.relative_to(html)}: {found['source']}" for found in LOADED.finditer(text))
        yield from (f"{page.relative_to(html)}: {found['source']}" for found in STYLES.finditer(text))
    for style in html.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        yield from (f"{style.relative_to(html)}: {found['source']}" for found in IMPORTED.finditer(text))
