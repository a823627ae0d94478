"""CONTRIBUTING.md shows the files of a package that the tests install, and names files that there are."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
PACKAGE = Path("tests/plugin")
SHOWN = re.compile(r"^\[`(?P<path>[^`]+)`\]\((?P=path)\)[^\n]*\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
NAMED = re.compile(r"`(?P<name>[\w./-]+)`")
# Written by the program, not files of the repository.
WRITTEN = {"dist/", "metrics.csv"}
ENDINGS = (".csv", ".json", ".md", ".py", ".toml", ".yaml")


def page() -> str:
    return (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")


def prose() -> str:
    """The page without what it shows of files."""
    return BLOCK.sub("", page())


def paths() -> list[str]:
    """Every file and folder of the parts that the page is about."""
    parts = ("lia_bench", "models", "preprocessing", "metrics", "leaderboards")
    folders = (*parts, "docs", "tests", "benchmarks", "website")
    found = (path for folder in folders for path in ((REPOSITORY / folder), *(REPOSITORY / folder).rglob("*")))
    return [f"/{path.relative_to(REPOSITORY)}" for path in found if "__pycache__" not in path.parts]


def anchors() -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_it_shows_the_files_of_the_package_as_they_are() -> None:
    shown = dict(SHOWN.findall(page()))
    files = [path for path in (REPOSITORY / PACKAGE).rglob("*") if path.suffix in (".py", ".toml", ".yaml")]
    there = {str(path.relative_to(REPOSITORY)): path.read_text(encoding="utf-8") for path in files}
    assert shown == {path: text for path, text in there.items() if not path.endswith("__init__.py")}


def test_every_link_leads_somewhere() -> None:
    targets = LINK.findall(prose())
    assert targets
    for target in targets:
        path, _, anchor = target.partition("#")
        assert not path or (REPOSITORY / path).exists(), f"CONTRIBUTING.md links to {path}, which is not there"
        assert not anchor or anchor in anchors(), f"CONTRIBUTING.md links to the heading #{anchor}, which is not there"


def test_every_file_that_it_names_is_there() -> None:
    known = paths()
    named = {name for name in NAMED.findall(prose()) if "/" in name or name.endswith(ENDINGS)} - WRITTEN
    assert named
    for name in named:
        ending = f"/{name.rstrip('/')}"
        assert any(path.endswith(ending) for path in known), f"CONTRIBUTING.md names {name}, which is not there"
