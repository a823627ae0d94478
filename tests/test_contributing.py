"""CONTRIBUTING.md shows the files of a package that the tests install; this keeps the two the same."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
PACKAGE = Path("tests/plugin")
SHOWN = re.compile(r"^\[`(?P<path>[^`]+)`\]\((?P=path)\)[^\n]*\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def test_it_shows_the_files_of_the_package_as_they_are() -> None:
    shown = dict(SHOWN.findall((REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    files = [path for path in (REPOSITORY / PACKAGE).rglob("*") if path.suffix in (".py", ".toml", ".yaml")]
    there = {str(path.relative_to(REPOSITORY)): path.read_text(encoding="utf-8") for path in files}
    assert shown == {path: text for path, text in there.items() if not path.endswith("__init__.py")}
