"""The studio in a real browser, as somebody would use it."""

import io
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from PIL import Image

from lia_bench.animation.inputs import squares
from lia_bench.core.video import open_video
from lia_bench.core.video.reader import Frame
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.footage import Footage
from tests.browser import wait_until
from tests.studio.running_studio import NOWHERE, SHORT, RunningStudio, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

WHOLE = "nothing: whole frames"
RATE = 25


@pytest.fixture(scope="module")
def page(browser: "Browser", studio: RunningStudio) -> Iterator["Page"]:
    """One tab for the tests that need no other, since the page is large."""
    with visiting(browser, studio) as page:
        yield page


def upload(page: "Page", *files: tuple[str, Path]) -> None:
    """Put files where the page takes them; former ones are taken away first."""
    for name, path in files:
        clear = page.locator(f"#{name}").get_by_label("Clear")
        if clear.count():
            clear.first.click()
        page.locator(f"#{name} input[type=file]").first.set_input_files(path)
        page.locator(f"#{name}").locator("img[src*='/file='], video[src*='/file=']").first.wait_for(state="attached")


def open_tab(page: "Page", name: str) -> "Locator":
    page.get_by_role("tab", name=name).click()
    panel = page.locator(f"#{name.lower()}")
    panel.wait_for()
    return panel


def choose(page: "Page", **models: bool) -> None:
    for place, wanted in enumerate(models.values()):
        page.locator("#animate-models input").nth(place).set_checked(wanted)


def begin(page: "Page") -> None:
    page.get_by_role("button", name="Animate", exact=True).click()


def pixels(page: "Page", picture: "Locator") -> "np.ndarray":
    """What a picture of the page shows, (H, W, 3)."""
    content = page.request.get(str(picture.get_attribute("src"))).body()
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), dtype=np.float32)


def slowly(footage: Footage, square: Box) -> Iterator[Frame]:
    """The frames of a driving video; of the long one, more than five minutes."""
    for frame in squares(footage, square):
        time.sleep(0.15)
        yield frame


def said(page: "Page", kind: str, tab: str = "animate") -> str:
    """What the status says once it is of a kind."""
    line = page.locator(f"#{tab}-status .line.{kind}")
    line.first.wait_for()
    return line.first.inner_text()


def test_a_picture_is_animated_and_can_be_taken_home(page: "Page", place: Path, tmp_path: Path) -> None:
    open_tab(page, "Animate")
    upload(page, ("animate-picture", place / "face.png"), ("animate-video", place / "talk.mp4"))
    choose(page, lia=True, identity=True)
    page.get_by_label(WHOLE).first.check()
    begin(page)
    assert f"{SHORT} frames" in said(page, "done")
    assert "with sound" in said(page, "done")
    assert page.locator("#animate-films figcaption span").all_inner_texts() == ["source", "driving", "lia", "identity"]
    wait_until(page, "[...document.querySelectorAll('#animate-films video')].every(video => video.readyState > 1)")
    page.get_by_label("Frame of all films").fill("3")
    at = f"[...document.querySelectorAll('#animate-films video')].map(video => video.currentTime - {3.5 / RATE})"
    wait_until(page, f"{at}.length === 3 && {at}.every(away => Math.abs(away) < 0.001)")

    for number, link in enumerate(page.locator("#animate-films a").all()):
        with page.expect_download() as download:
            link.click()
        path = tmp_path / f"{number}-{download.value.suggested_filename}"
        download.value.save_as(path)
        with open_video(path) as video:
            assert len(list(video)) == SHORT, path
        if path.suffix == ".mp4":
            with av.open(str(path)) as container:
                assert container.streams.audio, path
    # The model that puts out the source.
    with open_video(next(tmp_path.glob("*model-2.mp4"))) as video:
        given = np.asarray(Image.open(place / "face.png"), dtype=np.float32)
        assert np.abs(np.stack(list(video)).astype(np.float32) - given).mean() < 4


def test_two_tabs_take_turns_and_a_job_is_cancelled(
    page: "Page", browser: "Browser", studio: RunningStudio, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lia_bench.studio.animate_tab.squares", slowly)
    open_tab(page, "Animate")
    upload(page, ("animate-picture", place / "face.png"), ("animate-video", place / "long.mp4"))
    page.get_by_label(WHOLE).first.check()
    before = set((studio.folder / "films").iterdir())
    begin(page)
    bar = page.locator("#animate-status progress")
    bar.wait_for()
    first = float(str(bar.get_attribute("value")))
    with visiting(browser, studio) as other:
        upload(other, ("animate-picture", place / "face.png"), ("animate-video", place / "talk.mp4"))
        choose(other, lia=False, identity=True)
        other.get_by_label(WHOLE).first.check()
        begin(other)
        assert "waiting for its turn" in said(other, "note")
        wait_until(page, f"document.querySelector('#animate-status progress')?.value > {first}")
        page.get_by_role("button", name="Cancel").click()
        wait_until(page, "document.querySelector('#animate-status').innerText.includes('nothing was kept')")
        assert f"{SHORT} frames" in said(other, "done")
    assert not page.locator("#animate-films video").count()
    kept = [path for folder in (studio.folder / "films").iterdir() for path in folder.glob("*.mp4")]
    assert not [path for path in kept if path.parent in before]


def test_bad_input_is_one_clear_line(
    page: "Page", place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    open_tab(page, "Animate")
    upload(page, ("animate-picture", place / "broken.png"), ("animate-video", place / "talk.mp4"))
    page.get_by_label(WHOLE).first.check()
    begin(page)
    assert said(page, "error").startswith("broken.png: ")
    upload(page, ("animate-picture", place / "face.png"), ("animate-video", place / "broken.mp4"))
    begin(page)
    page.locator("#animate-status .error", has_text="broken.mp4").wait_for()
    assert said(page, "error").startswith("broken.mp4: ")
    # The weights of the face's detector are not here.
    page.get_by_label("the face").first.check()
    begin(page)
    page.locator("#animate-status .error", has_text="blazeface").wait_for()
    assert "lia-bench weights fetch blazeface" in said(page, "error")
    choose(page, lia=False, identity=False)
    begin(page)
    page.locator("#animate-status .error", has_text="no model chosen").wait_for()


def test_sliders_move_the_picture_and_lead_back(page: "Page", place: Path, tmp_path: Path) -> None:
    panel = open_tab(page, "Directions")
    upload(page, ("directions-picture", place / "face.png"))
    panel.get_by_label(WHOLE).check()
    panel.get_by_role("button", name="Open", exact=True).click()
    said(page, "done", "directions")
    picture = page.locator("#moved img")
    picture.wait_for()
    own = picture.get_attribute("src")
    rest = pixels(page, picture)
    panel.get_by_text("Weaker ones").click()
    panel.locator("input[type=range]:visible").nth(19).wait_for()
    names = [
        text.strip()
        for text in panel.locator("label span").all_text_contents()
        if text.strip().startswith("direction-")
    ]
    effects = [float(text.split("·")[1].removesuffix("%")) for text in names]
    assert len(names) == 20
    assert effects == sorted(effects, reverse=True)
    slider = panel.locator("input[type=range]:visible").first
    slider.fill("3")
    wait_until(page, f"document.querySelector('#moved img').src !== '{own}'")
    there = pixels(page, picture)
    assert np.abs(there - rest).mean() > 1
    panel.get_by_role("button", name="Reset", exact=True).click()
    wait_until(page, f"document.querySelector('#moved img').src === '{own}'")
    assert slider.input_value() == "0"

    panel.get_by_role("button", name="Make a video of the sweep").click()
    page.locator("#swept video").wait_for()
    with page.expect_download() as download:
        page.locator("#swept a", has_text="mp4").click()
    download.value.save_as(tmp_path / "sweep.mp4")
    assert download.value.suggested_filename.startswith("face-direction-")
    with open_video(tmp_path / "sweep.mp4") as video:
        assert len(list(video)) == 32


def test_results_are_compared(page: "Page") -> None:
    open_tab(page, "Compare")
    page.get_by_role("button", name="Show", exact=True).click()
    page.locator("#compare-tables table").wait_for()
    assert "identity" in page.locator("#compare-tables table").inner_text()
    report = page.frame_locator("#compare-report iframe")
    report.locator("table").first.wait_for()
    assert "identity" in report.locator("table").first.inner_text()


def test_a_phone_in_the_dark(browser: "Browser", studio: RunningStudio) -> None:
    with visiting(browser, studio, viewport={"width": 390, "height": 844}, is_mobile=True, color_scheme="dark") as page:
        for tab in ("Animate", "Directions", "Compare"):
            open_tab(page, tab)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert max(int(part) for part in re.findall(r"\d+", dark)[:3]) < 64
        # Whatever a page may ask for: the browser asks this server alone.
        blocked = page.evaluate(f"fetch('{NOWHERE}').then(() => 'asked', () => 'refused')")
        assert blocked == "refused"
