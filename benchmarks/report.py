"""How long a large report takes to write, and to open in Chromium: `python benchmarks/report.py --help`.

The results are made up: every clip has values of its own, while its videos are hard links of a few. A page counts as
open when everything that it shows at first stands; opening, sorting and filtering are timed inside the browser.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[1]))

from lia_bench.leaderboards.html.report import write_report
from tests.leaderboards.toy_results import ToyResults, write_results

READY = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
  done(performance.timing.loadEventEnd - performance.timing.navigationStart);
})))"""
"""Waits until the frame after the load is painted; milliseconds from the start of the navigation to the load."""

AFTER = """(action) => new Promise((done) => {
  const begin = performance.now();
  action();
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - begin)));
})"""
ACTIONS = {
    "sort a table": "document.querySelector('th.number button').click()",
    "filter rows": "(() => { const box = document.querySelector('#filters input'); box.value = 'model 3'; "
    "box.dispatchEvent(new Event('input')); })()",
    "list all clips by another metric": "(() => { const choice = document.querySelector('.explorer select'); "
    "choice.value = '2'; choice.dispatchEvent(new Event('change')); })()",
    "find a clip": "(() => { const box = document.querySelector('.explorer input'); box.value = '49'; "
    "box.dispatchEvent(new Event('input')); })()",
    "open the player": "document.querySelector('.clip-button').click()",
}


@click.command()
@click.option("--clips", default=500, show_default=True)
@click.option("--models", default=10, show_default=True)
@click.option("--side", default=256, show_default=True, help="Of the videos, in pixels.")
@click.option("--rounds", default=3, show_default=True)
def main(clips: int, models: int, side: int, rounds: int) -> None:
    """Print seconds for writing a report, for writing it again over itself, and for opening it."""
    with tempfile.TemporaryDirectory() as folder:
        toy = ToyResults(
            clips=clips,
            models=[f"model {number}" for number in range(models)],
            tasks=("reconstruction",),
            metrics=("l1", "lpips", "psnr", "ssim", "akd", "aed"),
            frames=60,
            side=side,
            different_videos=2,
        )
        results = write_results(Path(folder) / "results", toy)
        print(f"{clips} clips, {models} models, {clips * (models + 1)} videos of {side}x{side}")
        for number in range(rounds):
            begin = time.perf_counter()
            written = write_report([results], Path(folder) / "report")
            kind = "first" if number == 0 else "over the former one"
            print(f"written, {kind}: {time.perf_counter() - begin:.2f} s")
        page = written.index.stat().st_size / 2**20
        print(f"page: {page:.2f} MiB, files beside it: {written.videos}")
        for _ in range(rounds):
            browse(written.index)


def browse(index: Path) -> None:
    """Open the page in a fresh browser and print what takes how long."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-headless-shell"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        begin = time.perf_counter()
        page.goto(index.as_uri())
        loaded: float = page.evaluate(READY)
        seen = time.perf_counter() - begin
        print(f"open: {loaded / 1000:.2f} s until loaded, {seen:.2f} s until painted, seen from outside")
        print(
            "; ".join(
                f"{what} {page.evaluate(f'({AFTER})(() => {{ {how} }})'):.0f} ms" for what, how in ACTIONS.items()
            )
        )
        begin = time.perf_counter()
        page.get_by_role("button", name="Pause (space)").wait_for()
        print(f"videos play {time.perf_counter() - begin:.2f} s later")
        browser.close()


if __name__ == "__main__":
    main()
