"""The page of a report in a real browser, opened from disk."""

import io
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from lia_bench.core.video import write_video
from lia_bench.leaderboards.html.report import PARTS, write_report
from tests.browser import SECONDS, times_of, visitor, wait_until, wait_until_in_step
from tests.leaderboards.toy_results import ToyResults, save_report, toy_content, write_results

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

EVIL = '<b>evil</b>&"'
TOY = ToyResults(clips=3, models=("lia", EVIL, "identity"), frames=30, flow_videos=True)
FRAME = 1 / TOY.fps


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of two tasks."""
    return write_report([write_results(tmp_path_factory.mktemp("results") / "toy", TOY)]).index


@pytest.fixture
def watched(browser: "Browser") -> "Iterator[BrowserContext]":
    """A context in which anything that asks the network, or complains, fails the test."""
    troubles: list[str] = []
    with visitor(browser, viewport={"width": 1200, "height": 900}, color_scheme="light") as context:
        context.on("request", lambda request: None if request.url.startswith("file:") else troubles.append(request.url))
        context.on("console", lambda message: troubles.append(message.text))
        context.on("weberror", lambda error: troubles.append(str(error.error)))
        yield context
    assert troubles == []


@pytest.fixture
def page(watched: "BrowserContext", index: Path) -> "Page":
    """The report, open."""
    page = watched.new_page()
    page.goto(index.as_uri())
    return page


def open_first_clip(page: "Page") -> None:
    """Open the worst clip of the first model, and wait until it plays."""
    page.locator(".clip-button").first.click()
    page.get_by_role("button", name="Pause (space)").wait_for()


def test_each_metric_is_drawn_over_the_start_pose_gap(watched: "BrowserContext", tmp_path: Path) -> None:
    content = toy_content(ToyResults(clips=3, videos=False, tasks=("cross",)))
    for number, clip in enumerate(content["runs"][0]["clips"]):
        clip["start_pose_gap"] = None if number == 2 else 0.01 * number
    save_report(tmp_path / "toy", content)
    page = watched.new_page()
    page.goto(write_report([tmp_path / "toy"]).index.as_uri())
    chart = page.get_by_role("img", name="of each clip over its start pose gap")
    models = len(content["runs"][0]["plan"]["models"])
    assert chart.locator(".gap-dot").count() == 2 * models
    assert chart.locator(".gap-dot title").first.text_content()
    places = {dot.get_attribute("cx") for dot in chart.locator(".gap-dot").all()}
    assert len(places) == 2


def test_acronyms_alone_are_written_in_capitals(watched: "BrowserContext") -> None:
    script = (PARTS / "format.js").read_text(encoding="utf-8")
    names = {
        **{"l1": "L1", "ms_ssim": "MS-SSIM", "video_fid": "video FID", "akd_openpose": "AKD openpose", "fps": "fps"},
        **{"pose_error": "pose error", "jitter": "jitter", "l1_face": "L1 face", "lip_sync": "lip sync"},
        "preference_vs_lia_percent": "preferred to lia, %",
    }
    written = watched.new_page().evaluate(f"names => {{ {script}\nreturn names.map(columnName); }}", [*names])
    assert written == [*names.values()]


def apart(videos: "Locator") -> float:
    """How far apart videos are, in seconds."""
    times = times_of(videos)
    return max(times) - min(times)


def counter(page: "Page") -> str:
    """What the player says of the frame, when its videos stand there."""
    wait_until(page, "[...document.querySelectorAll('.tile video')].every(video => !video.seeking)")
    return page.locator(".counter").inner_text()


def column(page: "Page", number: int) -> list[str]:
    """Texts of a column of the first table."""
    return page.locator(f".table-card:first-child tbody tr > :nth-child({number})").all_inner_texts()


def test_a_column_sorts_by_click_and_by_key(page: "Page") -> None:
    header = page.locator("th", has=page.get_by_role("button", name="Sort by PSNR, higher is better")).first
    assert header.get_attribute("aria-sort") == "none"
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "descending"
    values = [float(text.split()[0]) for text in column(page, 4)]
    assert values == sorted(values, reverse=True)
    header.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "ascending"
    assert [float(text.split()[0]) for text in column(page, 4)] == values[::-1]


def test_rows_are_filtered_by_text_model_and_task(page: "Page") -> None:
    assert page.locator(".filter-status").inner_text() == "6 rows"
    page.get_by_role("searchbox", name="Filter").fill("EVIL cross")
    assert page.locator(".filter-status").inner_text() == "1 of 6 rows"
    assert page.locator(".table-card:visible").count() == 1
    page.get_by_role("searchbox", name="Filter").fill("")
    page.get_by_role("combobox", name="Task", exact=True).select_option("cross")
    page.get_by_role("combobox", name="Model", exact=True).select_option("lia")
    assert page.locator(".table-card tbody tr:visible").count() == 1


def test_names_from_data_are_text(page: "Page") -> None:
    assert page.locator("th.model .name", has_text=EVIL).count() == 2
    assert page.locator("main b").count() == 0


def test_provenance_shows_on_hover_and_on_focus(page: "Page") -> None:
    panel = page.get_by_role("tooltip")
    assert not panel.is_visible()
    page.locator("th.model").nth(1).hover()
    assert "checkpoint SHA-256" in panel.inner_text()
    page.mouse.move(0, 0)
    assert not panel.is_visible()
    page.get_by_role("button", name="Where identity comes from").first.focus()
    assert "identity" in panel.inner_text()
    page.keyboard.press("Escape")
    assert not panel.is_visible()


def test_provenance_that_was_clicked_stays_to_be_read_and_copied(page: "Page") -> None:
    page.set_viewport_size({"width": 500, "height": 320})
    panel = page.get_by_role("tooltip")
    button = page.get_by_role("button", name="Where identity comes from").first
    button.click()
    assert panel.evaluate("panel => { panel.scrollTop = 50; return panel.scrollTop; }") == 50
    panel.get_by_text("checkpoint SHA-256").click()
    assert panel.is_visible()
    page.mouse.click(499, 319)
    assert not panel.is_visible()
    button.focus()
    page.evaluate("scrollBy(0, 20)")
    page.wait_for_timeout(100)
    assert panel.is_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert not panel.is_visible()


def test_a_picture_of_a_metric_says_in_words_what_it_shows(page: "Page") -> None:
    chart = page.get_by_role("img", name="L1 of 3 models, lower is better")
    assert chart.locator(".whisker").count() == 3
    assert " to " in chart.locator("desc").text_content().split(";")[0]  # type: ignore[union-attr]


def test_nothing_moves_before_a_clip_is_opened(page: "Page") -> None:
    assert page.locator("video").count() == 0
    assert page.locator(".clip-list tbody tr").count() == 3


def test_videos_are_in_step_while_playing_and_after_scrubbing(page: "Page") -> None:
    open_first_clip(page)
    videos = page.locator(".tile video")
    assert videos.count() == 1 + len(TOY.models)
    wait_until_in_step(page, videos, FRAME)
    page.get_by_role("button", name="Pause (space)").click()
    scrubber = page.get_by_role("slider", name="Frame")
    for frame in ("3", "25", "7", "17"):
        scrubber.fill(frame)
    assert counter(page) == "18 / 30"
    # Of the wishes between, videos may still be on their way to one.
    frames = f"[...document.querySelectorAll('.tile video')].map(video => Math.floor(video.currentTime * {TOY.fps}))"
    wait_until(page, f"{frames}.every(frame => frame === 17)")
    assert apart(videos) <= FRAME


def test_the_player_obeys_the_keyboard(page: "Page") -> None:
    open_first_clip(page)
    page.keyboard.press("Space")
    page.get_by_role("button", name="Play (space)").wait_for()
    for keys, shown in ((["Home"], "1"), ([".", "."], "3"), ([","], "2"), (["ArrowRight"], "12"), (["End"], "30")):
        for key in keys:
            page.keyboard.press(key)
            counter(page)
        assert counter(page) == f"{shown} / 30"
    page.keyboard.press("ArrowDown")
    assert page.get_by_label("Speed").input_value() == "0.75"
    page.get_by_label("Speed").select_option("0.1")
    assert page.locator(".tile video").first.evaluate("video => video.playbackRate") == pytest.approx(0.1)
    page.keyboard.press("Escape")
    assert not page.locator("#player").is_visible()
    # A dialogue says that it closed a moment after it is gone.
    wait_until(page, "!document.querySelector('.tile video[src]')")
    page.keyboard.press("?")
    assert page.get_by_role("heading", name="Keys and help").is_visible()


def test_slow_motion_is_slow_and_a_loop_goes_round(page: "Page") -> None:
    open_first_clip(page)
    page.get_by_label("Speed").select_option("0.25")
    page.keyboard.press("Home")
    clock = page.locator(".tile video").first
    begun, started = time.monotonic(), clock.evaluate("video => video.currentTime")
    page.wait_for_timeout(500)
    assert clock.evaluate("video => video.currentTime") - started < (time.monotonic() - begun) / 2
    page.get_by_label("Speed").select_option("1")
    page.get_by_role("slider", name="Frame").fill("28")
    wait_until(page, "parseInt(document.querySelector('.counter').textContent) < 20")
    assert page.get_by_role("button", name="Pause (space)").is_visible()


def test_models_are_chosen_and_differences_seen(page: "Page") -> None:
    open_first_clip(page)
    page.keyboard.press("Space")
    page.get_by_role("checkbox", name="lia").uncheck()
    assert page.locator(".tile:visible figcaption .name").all_inner_texts() == ["source", "driving", EVIL, "identity"]
    page.get_by_label("View").select_option("difference")
    assert page.locator(".tile:visible canvas:visible").count() == 2
    page.keyboard.press("n")
    page.get_by_text("2 / 3", exact=True).wait_for()
    assert page.locator(".tile:visible").count() == 4


def test_a_difference_is_black_where_a_video_is_the_driving_one(watched: "BrowserContext", tmp_path: Path) -> None:
    toy = ToyResults(clips=1, models=("lia", "fomm"), tasks=("reconstruction",), frames=30)
    folder = write_results(tmp_path / "toy", toy)
    shutil.copy(next(folder.rglob("driving.mp4")), next(folder.rglob("lia-*.mp4")))
    page = watched.new_page()
    page.goto(write_report([folder]).index.as_uri())
    open_first_clip(page)
    page.keyboard.press("Space")
    page.get_by_label("View").select_option("difference")

    def brightest(model: str) -> int:
        tile = page.locator(".tile", has=page.get_by_text(model, exact=True)).locator(".tile-frame")
        with Image.open(io.BytesIO(tile.screenshot())) as picture:
            width, height = picture.size
            # Without the rounded border.
            inside = picture.convert("L").crop((10, 10, width - 10, height - 10))
            return int(np.asarray(inside).max())

    for frame in ("29", "13", "28", "0"):
        page.get_by_role("slider", name="Frame").fill(frame)
        counter(page)
        until = time.monotonic() + SECONDS
        while brightest("lia") > 4 or brightest("fomm") < 60:
            assert time.monotonic() < until, frame


@pytest.mark.parametrize("size", [(64, 32), (32, 64)])
def test_frames_that_are_not_square_are_seen_whole(size: tuple[int, int], browser: "Browser", tmp_path: Path) -> None:
    folder = write_results(tmp_path / "toy", ToyResults(clips=1, models=("lia",), tasks=("reconstruction",)))
    frame = np.zeros((*size, 3), np.uint8)
    for path in folder.rglob("*.mp4"):
        write_video(path, [frame] * 10, TOY.fps)
    Image.fromarray(frame).save(next(folder.rglob("source.png")))
    with visitor(browser) as context:
        page = context.new_page()
        page.goto(write_report([folder]).index.as_uri())
        open_first_clip(page)
        beyond = page.locator(".tile-frame > :is(img, video)").evaluate_all(
            "shown => shown.map(one => one.getBoundingClientRect().height - one.parentElement.clientHeight)"
        )
        assert beyond == pytest.approx([0, 0, 0], abs=1)


def test_flows_are_seen_of_the_models_that_have_one(page: "Page") -> None:
    open_first_clip(page)
    page.get_by_label("View").select_option("flow")
    page.locator(".tile.flowless").nth(1).wait_for()
    files = page.locator(".tile video").evaluate_all(
        "videos => videos.map(video => video.getAttribute('src').split('/').pop())"
    )
    assert files == ["driving.mp4", "0-lia-flow.mp4", "1-b-evil-b.mp4", "2-identity.mp4"]
    page.get_by_role("slider", name="Frame").fill("20")
    counter(page)
    wait_until_in_step(page, page.locator(".tile video"), 2 * FRAME)


def test_a_video_that_is_broken_is_said_and_the_others_play(watched: "BrowserContext", tmp_path: Path) -> None:
    folder = write_results(tmp_path / "toy", ToyResults(clips=1, tasks=("reconstruction",), frames=10))
    next(folder.rglob("fomm-*.mp4")).write_bytes(b"no video")
    page = watched.new_page()
    page.goto(write_report([folder]).index.as_uri())
    open_first_clip(page)
    page.locator(".tile.broken").wait_for()
    assert page.locator(".tile.broken .name").all_inner_texts() == ["fomm"]


def test_results_without_videos_say_so(watched: "BrowserContext", tmp_path: Path) -> None:
    page = watched.new_page()
    page.goto(write_report([write_results(tmp_path / "toy", ToyResults(videos=False))]).index.as_uri())
    assert "no videos of its clips" in page.locator("#remarks").inner_text()
    page.locator(".clip-button").first.click()
    assert "There are no videos of this clip" in page.locator("#player").inner_text()
    page.keyboard.press("Escape")
    assert not page.locator("#player").is_visible()


def test_a_phone_never_scrolls_the_page_sideways(browser: "Browser", index: Path) -> None:
    with visitor(browser, viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True) as context:
        page = context.new_page()
        page.goto(index.as_uri())
        assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [360, 360]
        page.locator(".clip-button").first.tap()
        page.get_by_role("button", name="Pause (space)").wait_for()
        assert page.locator("#player").evaluate("player => player.scrollWidth") == 360


def test_dark_and_light_follow_the_system_until_somebody_chooses(page: "Page") -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(ground)
    assert dark != light
    # The browser keeps the choice in a process of its own, and a busy machine may lose it once.
    for _ in range(5):
        page.get_by_role("button", name="Colours: auto").click()
        wait_until(page, f"{ground} === '{light}'")
        page.wait_for_timeout(200)
        page.reload()
        if page.evaluate(ground) == light:
            break
    assert page.evaluate(ground) == light


def test_who_wants_no_motion_starts_the_videos(page: "Page") -> None:
    page.emulate_media(reduced_motion="reduce")
    page.locator(".clip-button").first.click()
    wait_until(page, "[...document.querySelectorAll('.tile video')].every(video => video.readyState >= 2)")
    page.wait_for_timeout(200)
    assert page.get_by_role("button", name="Play (space)").is_visible()
