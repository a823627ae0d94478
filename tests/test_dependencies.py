"""What the package asks for and what the tests run with fit together."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import lia_bench

REPOSITORY = Path(__file__).parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINNED = {
    canonicalize_name(name): version
    for name, _, version in (
        line.partition("==") for line in (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    )
    if version
}
ASKED = {
    text: Requirement(text)
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for text in group
}

PAST_KNOWN_HOLES = {
    "filelock": "3.20.3",  # CVE-2025-68146, CVE-2026-22701
    "flask": "3.1.3",  # CVE-2026-27205
    "jinja2": "3.1.6",  # CVE-2025-27516
    "opencv-contrib-python": "4.12",  # CVE-2025-53644
    "opencv-python": "4.12",  # CVE-2025-53644
    "pillow": "12.3",  # CVE-2026-25990, CVE-2026-59199
    "pytest": "9.0.3",  # CVE-2025-71176
    "ray": "2.54",  # CVE-2026-27482
    "setuptools": "78.1.1",  # CVE-2025-47273
    "torch": "2.10",  # CVE-2025-32434, CVE-2026-24747
    "tqdm": "4.66.3",  # CVE-2024-34062
    "waitress": "3.0.1",  # CVE-2024-49768
}
"""The first versions without a hole that was published."""


@pytest.mark.parametrize("text", [text for text, asked in ASKED.items() if canonicalize_name(asked.name) in PINNED])
def test_what_the_tests_run_with_is_asked_for(text: str) -> None:
    asked = ASKED[text]
    assert asked.specifier.contains(PINNED[canonicalize_name(asked.name)])


@pytest.mark.parametrize(("name", "first"), PAST_KNOWN_HOLES.items())
def test_nothing_with_a_known_hole_is_asked_for(name: str, first: str) -> None:
    floors = [
        Version(part.version)
        for asked in ASKED.values()
        if canonicalize_name(asked.name) == name
        for part in asked.specifier
        if part.operator == ">="
    ]
    assert floors
    assert min(floors) >= Version(first)


def test_the_version_stands_in_one_place() -> None:
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    assert "version" not in citation
    assert metadata.version("lia-bench") == PROJECT["version"] == lia_bench.__version__


def test_the_changes_of_this_version_are_told() -> None:
    headings = re.findall(r"^## (.+)$", (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    if Version(PROJECT["version"]) > Version("0.1.0"):
        assert re.fullmatch(rf"{re.escape(PROJECT['version'])}, \d{{4}}-\d\d-\d\d", headings[1])
