"""`python -m website`: the site, from the repository's pages and registries, into build/website/html."""

import shutil
import subprocess
import sys
from pathlib import Path

import click

from website.navigation import settings
from website.offline import keep_to_itself, loaded_from_elsewhere
from website.pages import REPOSITORY
from website.staging import stage

HTML = "html"


@click.command()
@click.option(
    "--folder", type=click.Path(path_type=Path), default=REPOSITORY / "build" / "website", help="Where it is built."
)
def main(folder: Path) -> None:
    """Write the pages, build the site strictly, and say where it is."""
    build(folder)
    print(f"to look at: {folder / HTML / 'index.html'}")


def build(folder: Path) -> None:
    """Build the site in `folder`, anew.

    Raises:
        click.ClickException: the builder is not installed, or something is wrong with a page or a link.
    """
    program = Path(sys.executable).with_name("zensical")
    if not program.exists():
        raise click.ClickException("zensical is not installed: make docs installs it, or pip install '.[docs]'")
    shutil.rmtree(folder, ignore_errors=True)
    pages = stage(folder / "pages", folder / "code")
    try:
        (folder / "mkdocs.yml").write_text(settings(pages), encoding="utf-8")
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    done = subprocess.run([program, "build", "--strict", "--config-file", "mkdocs.yml"], cwd=folder)
    if done.returncode:
        raise click.ClickException("the site is not built: mend what the lines above name")
    keep_to_itself(folder / HTML)
    if found := list(loaded_from_elsewhere(folder / HTML)):
        raise click.ClickException("\n".join(["pages load from other hosts:", *found]))


if __name__ == "__main__":
    main()
