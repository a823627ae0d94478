"""The page of a study in a real browser."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lia_bench.leaderboards.study.creation import StudyRequest, create_study
from lia_bench.leaderboards.study.document import read_study
from tests.browser import visitor, wait_until, wait_until_in_step
from tests.leaderboards.study_server import RunningStudy, serving
from tests.leaderboards.toy_results import ToyResults, write_results

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FRAME = 1 / 25
READY = ".choice:enabled"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of four questions, one of them an attention check."""
    place = tmp_path_factory.mktemp("page")
    toy = ToyResults(clips=3, models=("lia", "fomm"), tasks=("reconstruction",), frames=40, side=64)
    results = write_results(place / "results" / "toy", toy)
    create_study(StudyRequest((results,), place / "study", attention_checks=1), lambda line: None)
    return place / "study"


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[RunningStudy]:
    """The study on a port."""
    with serving(folder) as running:
        yield running


@pytest.fixture
def page(browser: "Browser", server: RunningStudy) -> "Iterator[Page]":
    """A new rater's browser at the first question; it may talk to nobody else, and nothing may fail."""
    yield from begun(browser, server)


def begun(browser: "Browser", server: RunningStudy, **options: Any) -> "Iterator[Page]":
    """A context of its own, past the welcome."""
    problems: list[str] = []
    with visitor(browser, **options) as context:
        page = context.new_page()
        page.on(
            "request", lambda request: None if request.url.startswith(server.address) else problems.append(request.url)
        )
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(server.address)
        page.click("#begin")
        page.wait_for_selector(READY)
        yield page
    assert problems == []


def question_of(page: "Page") -> str:
    """The number that the page shows."""
    return page.inner_text("#task header label")


def at_question(page: "Page", number: int) -> None:
    """Wait until a question can be answered."""
    page.wait_for_selector(f"#task .number:text-is('{number}')")
    page.wait_for_selector(READY)


def shown(page: "Page") -> list[str]:
    """The ids of the two videos, left and right."""
    return [str(page.get_attribute(side, "src")).rpartition("/")[2] for side in ("#left", "#right")]


def answers_of(folder: Path, page: "Page") -> list[tuple[str, str]]:
    """Side and video of what this rater has answered."""
    cookies = page.context.cookies()
    rater = next(cookie["value"] for cookie in cookies if read_study(folder).id in cookie["name"])
    with sqlite3.connect(folder / "answers.sqlite") as database:
        return database.execute("SELECT side, video FROM answers WHERE rater = ? ORDER BY rowid", (rater,)).fetchall()


def test_answers_by_click_and_by_every_key(page: "Page", folder: Path) -> None:
    expected = []
    for number, side in enumerate(("left", "right", "right", "left"), start=1):
        at_question(page, number)
        expected.append((side, shown(page)[side == "right"]))
        if number == 1:
            page.click("text=Left is better")
        else:
            page.keyboard.press({2: "2", 3: "ArrowRight", 4: "1"}[number])
    page.wait_for_selector("#thanks:visible")
    assert answers_of(folder, page) == expected
    page.reload()
    page.wait_for_selector("#thanks:visible")


def test_a_double_click_begins_as_one_rater(browser: "Browser", server: RunningStudy, folder: Path) -> None:
    def raters() -> int:
        with sqlite3.connect(folder / "answers.sqlite") as database:
            return int(database.execute("SELECT count(*) FROM raters").fetchone()[0])

    with visitor(browser) as context:
        page = context.new_page()
        page.goto(server.address)
        before = raters()
        # Playwright's own double click is slower than a server on loopback.
        page.evaluate("() => { const begin = document.getElementById('begin'); begin.click(); begin.click(); }")
        page.wait_for_selector(READY)
        page.wait_for_load_state("networkidle")
        assert raters() == before + 1


def test_a_reload_goes_on_at_the_same_question(page: "Page", folder: Path) -> None:
    page.keyboard.press("ArrowLeft")
    at_question(page, 2)
    before = shown(page)
    page.reload()
    at_question(page, 2)
    assert shown(page) == before
    assert len(answers_of(folder, page)) == 1


def test_two_raters_do_not_meet(browser: "Browser", server: RunningStudy, folder: Path) -> None:
    for ann in begun(browser, server):
        for bob in begun(browser, server):
            ann.keyboard.press("1")
            at_question(ann, 2)
            bob.keyboard.press("2")
            at_question(bob, 2)
            ann.keyboard.press("1")
            at_question(ann, 3)
            assert question_of(bob) == "Question 2 of 4"
            assert [side for side, _ in answers_of(folder, ann)] == ["left", "left"]
            assert [side for side, _ in answers_of(folder, bob)] == ["right"]


def test_videos_are_in_step_while_playing_and_after_scrubbing(page: "Page") -> None:
    videos = page.locator("#task video")
    wait_until(page, "document.querySelector('#left').currentTime > 0.4")
    wait_until_in_step(page, videos, FRAME)
    slider = page.locator("#position")
    slider.fill("300")
    at = "[...document.querySelectorAll('#task video')].map(video => Math.abs(video.currentTime - 0.48))"
    wait_until(page, f"{at}.length === 3 && {at}.every(away => away < 0.001)")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert question_of(page) == "Question 1 of 4"
    page.locator("#task h1").focus()
    page.keyboard.press("Space")
    wait_until(page, "!document.querySelector('#left').paused")
    assert question_of(page) == "Question 1 of 4"


def test_space_after_a_click_replays_and_does_not_answer(page: "Page", folder: Path) -> None:
    page.click("text=Right is better")
    at_question(page, 2)
    page.keyboard.press("Space")
    page.keyboard.down("1")
    page.keyboard.down("1")
    at_question(page, 3)
    page.wait_for_timeout(300)
    assert [side for side, _ in answers_of(folder, page)] == ["right", "left"]


def test_a_phone_shows_everything_at_once(browser: "Browser", server: RunningStudy) -> None:
    for width, height in ((390, 844), (844, 390)):
        options = {"viewport": {"width": width, "height": height}, "is_mobile": True, "has_touch": True}
        for page in begun(browser, server, **options):
            for element in page.locator("#task video, #task img, #task button").all():
                box = element.bounding_box()
                assert box is not None
                assert box["x"] >= 0
                assert box["x"] + box["width"] <= width
                assert box["y"] + box["height"] <= height
            left, right = (page.locator(side).bounding_box() for side in ("#left", "#right"))
            assert left is not None
            assert right is not None
            assert left["y"] == right["y"]
            page.tap("text=Right is better")
            at_question(page, 2)


def test_controls_have_names(page: "Page") -> None:
    for role, name in (("button", "Left is better"), ("button", "Right is better"), ("button", "Replay")):
        assert page.get_by_role(role, name=name, exact=True).count() == 1  # type: ignore[arg-type]
    assert page.get_by_role("slider", name="Position in all videos").count() == 1
    assert page.get_by_role("heading", name="Which video is better?").count() == 1
    assert page.get_by_role("progressbar", name="Question 1 of 4").count() == 1


def test_an_answer_is_sent_again_when_the_server_was_away(page: "Page", folder: Path) -> None:
    # In the page itself: a browser told to hand requests over while videos arrive may keep one for itself.
    page.evaluate(
        "() => { window.sent = window.fetch; window.fetch = (address, how) => address === '/api/answers' "
        "? Promise.resolve(new Response('{}', { status: 503 })) : window.sent(address, how); }"
    )
    page.keyboard.press("1")
    page.wait_for_selector("#trouble:visible")
    page.evaluate("() => { window.fetch = window.sent; }")
    page.click("text=Try again")
    at_question(page, 2)
    assert len(answers_of(folder, page)) == 1
    assert page.locator("#trouble").is_hidden()


def test_a_question_that_is_a_script_is_shown_and_not_run(browser: "Browser", tmp_path: Path) -> None:
    toy = ToyResults(clips=1, models=("lia", "fomm"), tasks=("reconstruction",), frames=4, side=64)
    results = write_results(tmp_path / "results" / "toy", toy)
    question = "<img src=x onerror=window.evil=1><script>window.evil=1</script>Which?"
    create_study(StudyRequest((results,), tmp_path / "study", question=question), lambda line: None)
    with serving(tmp_path / "study") as running, visitor(browser) as context:
        page = context.new_page()
        page.goto(running.address)
        page.click("#begin")
        page.wait_for_selector(READY)
        assert question in page.inner_text("#task")
        assert page.evaluate("window.evil") is None
