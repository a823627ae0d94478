"""A headless Chromium for tests of pages."""

import os
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

SECONDS = 120
"""What is waited for on a busy machine."""
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""Of programs; the first has nothing but what pages need, and takes half the processor time."""


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """The system's Chromium; skips where there is none, but in CI fails, since `.ci/run` installs it."""
    from playwright.sync_api import sync_playwright

    program = next((path for name in NAMES if (path := shutil.which(name))), None)
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium here, though .ci/run installs it")
        pytest.skip(f"none of {', '.join(NAMES)} is installed")
    with sync_playwright() as playwright:
        # A container's user is often root, whom Chromium's sandbox refuses.
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@contextmanager
def visitor(browser: "Browser", **options: Any) -> "Iterator[BrowserContext]":
    """A context of its own, in which everything is waited for as long as a busy machine may need."""
    context = browser.new_context(**options)
    context.set_default_timeout(1000 * SECONDS)
    try:
        yield context
    finally:
        context.close()


def wait_until(page: "Page", condition: str) -> None:
    """Wait for an expression; the pages' own security policy forbids Playwright's way of doing so."""
    until = time.monotonic() + SECONDS
    while not page.evaluate(condition):
        assert time.monotonic() < until, condition
        page.wait_for_timeout(20)


def times_of(videos: "Locator") -> list[float]:
    """Where videos are, in seconds."""
    times: list[float] = videos.evaluate_all("videos => videos.map(video => video.currentTime)")
    return times


def wait_until_in_step(page: "Page", videos: "Locator", frame: float) -> None:
    """Wait until playing videos are within a frame, in seconds, of each other: by the median of several looks.

    A busy machine may hold one of them up for a moment.
    """
    apart: list[float] = []
    until = time.monotonic() + SECONDS
    while len(apart) < 9 or statistics.median(apart[-9:]) > frame:
        assert time.monotonic() < until, apart
        page.wait_for_timeout(50)
        times = times_of(videos)
        apart.append(max(times) - min(times))
