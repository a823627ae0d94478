"""The page: template, styles, scripts and data in one index.html that needs nothing else but its videos."""

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

STYLES = ("base.css", "table.css", "charts.css", "explorer.css", "player.css")
SCRIPTS = (
    "dom.js",
    "icons.js",
    "format.js",
    "theme.js",
    "table.js",
    "provenance.js",
    "charts.js",
    "ranking.js",
    "explorer.js",
    "playback.js",
    "player.js",
    "main.js",
)
PARTS = files("lia_bench.leaderboards.html.page")


def render_page(content: Mapping[str, Any]) -> str:
    """The page over `content`, plain data without NaN; nothing of the data can become markup or script."""
    from jinja2 import Environment
    from markupsafe import Markup

    template = Environment(autoescape=True, keep_trailing_newline=True).from_string(_part("index.html"))
    script = "\n(() => {\n'use strict';\n" + "\n".join(map(_part, SCRIPTS)) + "\n})();\n"
    return template.render(
        title=content["title"],
        styles=Markup("\n".join(map(_part, STYLES))),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        data=Markup(_json(content)),
    )


def _json(content: Mapping[str, Any]) -> str:
    """JSON in which no text can end the script element that it stands in."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # A path that is not UTF-8 has lone surrogates, and JSON's escape of those is Python's.
    text = text.encode("utf-8", errors="backslashreplace").decode()
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _part(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")
