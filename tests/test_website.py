"""The documentation site: every page is there and found, links lead somewhere, nothing comes from another host."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lia_bench.cli.main import COMMANDS, cli
from lia_bench.leaderboards.experiments.registry import EXPERIMENTS
from lia_bench.metrics.registry import METRICS
from lia_bench.models.specification import MODELS
from lia_bench.preprocessing.specification import DATASETS
from tests.pages import commands, parse
from website.__main__ import build
from website.navigation import settings
from website.offline import loaded_from_elsewhere
from website.pages import LINK, _with_links
from website.reference import MODULES, with_fenced_examples
from website.staging import stage

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REPOSITORY = Path(__file__).parents[1]
CODE = re.compile(r"^(`{3,}).*?^\1$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of the site, not built."""
    folder = tmp_path_factory.mktemp("site")
    stage(folder / "pages", folder / "code")
    return folder


def pages_of(staged: Path) -> list[str]:
    return sorted(str(page.relative_to(staged / "pages")) for page in (staged / "pages").rglob("*.md"))


def test_the_navigation_names_every_page(staged: Path) -> None:
    settings(pages_of(staged))
    with pytest.raises(ValueError, match=r"write into the navigation of settings.yaml: lost.md"):
        settings([*pages_of(staged), "lost.md"])
    with pytest.raises(ValueError, match=r"names pages that are not there: data.md"):
        settings(page for page in pages_of(staged) if page != "data.md")


def test_every_entry_of_a_registry_has_a_page(staged: Path) -> None:
    expected = {f"models/{name}.md" for name in MODELS} | {f"datasets/{name}.md" for name in DATASETS}
    expected |= {f"metrics/{name}.md" for name in METRICS} | {f"commands/{name}.md" for name in COMMANDS}
    expected |= {f"experiments/{name}.md" for name in EXPERIMENTS}
    assert expected - set(pages_of(staged)) == set()


def test_every_link_leads_to_a_page_or_a_picture(staged: Path) -> None:
    links = 0
    for page in (staged / "pages").rglob("*.md"):
        for found in LINK.finditer(CODE.sub("", page.read_text(encoding="utf-8"))):
            target = found["target"].partition("#")[0]
            if target and "://" not in target:
                links += 1
                assert (page.parent / target).exists(), f"{page.relative_to(staged)} links to {target}"
    assert links > 300


def test_links_to_what_is_not_in_the_repository_are_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        _with_links("[a page](no-such-page.md)", "docs/data.md", "data.md", {}, tmp_path)


def test_commands_of_generated_pages_are_ones_that_there_are(staged: Path) -> None:
    found = 0
    for folder in ("metrics", "experiments"):
        for page in (staged / "pages" / folder).glob("*.md"):
            for block in re.findall(r"^```sh\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
                for words in commands(block):
                    parse(cli, words)
                    found += 1
    assert found >= len(METRICS) + len(EXPERIMENTS)


def test_what_a_page_says_is_what_the_entry_says(staged: Path) -> None:
    page = (staged / "pages" / "metrics" / "akd_openpose.md").read_text(encoding="utf-8")
    assert "Distance between 18 joints of OpenPose, in pixels." in page
    assert "| A table's number | literature: mean over frames; strict: mean over clips |" in page
    page = (staged / "pages" / "datasets" / "vox.md").read_text(encoding="utf-8")
    assert "| `akd` | [`akd_face_alignment`](../metrics/akd_face_alignment.md) |" in page
    assert "| [lia](../models/lia.md) | `vox-256` |" in page
    assert "--annotations PATH" in page
    page = (staged / "pages" / "commands" / "models.md").read_text(encoding="utf-8")
    assert "lia-bench models show fomm:taichi-256" in page


def test_the_reference_has_what_a_plug_in_imports(staged: Path) -> None:
    shown = {module for _, modules in MODULES.values() for module in modules}
    for module in shown:
        assert (staged / "code" / f"{module.replace('.', '/')}.py").is_file(), module
    plugin = "\n".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "tests" / "plugin").rglob("*.py"))
    assert set(re.findall(r"from (lia_bench[\w.]+) import", plugin)) <= shown


def test_doctests_are_shown_as_code() -> None:
    text = '    """One.\n\n    >>> 1 + 1  # doctest: +SKIP\n    2\n\n    Two.\n    >>> 3\n    3\n    """\n'
    assert with_fenced_examples(text) == (
        '    """One.\n\n    ```pycon\n    >>> 1 + 1\n    2\n    ```\n\n    Two.\n'
        '    ```pycon\n    >>> 3\n    3\n    ```\n    """\n'
    )


def test_what_comes_from_another_host_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<a href="https://example.org">a link to follow</a><script src="https://example.org/a.js"></script>'
        '<link rel="stylesheet" href="//example.org/a.css"><img src="own.png">'
    )
    (tmp_path / "a.css").write_text("@font-face { src: url('https://example.org/font.woff2') }")
    assert sorted(loaded_from_elsewhere(tmp_path)) == [
        "a.css: https://example.org/font.woff2",
        "a.html: //example.org/a.css",
        "a.html: https://example.org/a.js",
    ]


@pytest.mark.slow
@pytest.mark.skipif(
    not Path(sys.executable).with_name("zensical").exists(), reason="zensical is not installed: make docs installs it"
)
def test_the_site_is_built_and_searched_from_the_disk(tmp_path: Path, browser: "Browser") -> None:
    build(tmp_path / "site")
    first = (tmp_path / "site" / "html" / "datasets" / "vox.html").as_uri()
    asked: list[str] = []
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.on("request", lambda request: asked.append(request.url))
    page.goto(first)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    words = page.locator("input[aria-label=Search]")
    # The key is listened for once the page has the index of words.
    while not words.is_visible():
        page.keyboard.press("Control+k")
        page.wait_for_timeout(200)
    words.fill("minibatch deviation")
    page.get_by_text("Several devices").first.wait_for()
    page.close()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
