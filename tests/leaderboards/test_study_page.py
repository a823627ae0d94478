"""The page of a study in a real browser."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lia_bench.leaderboards.study.creation import PRESETS, StudyRequest, create_study, questions_of
from lia_bench.leaderboards.study.document import read_study
from tests.browser import visitor, wait_until, wait_until_in_step
from tests.leaderboards.study_server import RunningStudy, serving
from tests.leaderboards.toy_results import ToyResults, write_results

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FloatRect, Page

FRAME = 1 / 25
READY = ".choice:enabled"
VIDEOS = ".candidate video"
PHONES = ((390, 844), (844, 390))


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
    """The ids of the videos to choose from."""
    sources: list[str] = page.locator(VIDEOS).evaluate_all("videos => videos.map(video => video.src)")
    return [source.rpartition("/")[2] for source in sources]


def answers_of(folder: Path, page: "Page") -> list[tuple[int, str]]:
    """Place and video of what this rater has answered."""
    cookies = page.context.cookies()
    rater = next(cookie["value"] for cookie in cookies if read_study(folder).id in cookie["name"])
    with sqlite3.connect(folder / "answers.sqlite") as database:
        return database.execute("SELECT place, video FROM answers WHERE rater = ? ORDER BY rowid", (rater,)).fetchall()


def test_answers_by_click_and_by_every_key(page: "Page", folder: Path) -> None:
    expected = []
    for number, place in enumerate((0, 1, 1, 0), start=1):
        at_question(page, number)
        expected.append((place, shown(page)[place]))
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
            assert [place for place, _ in answers_of(folder, ann)] == [0, 0]
            assert [place for place, _ in answers_of(folder, bob)] == [1]


def test_videos_are_in_step_while_playing_and_after_scrubbing(page: "Page") -> None:
    videos = page.locator("#task video")
    wait_until(page, "document.querySelector('.candidate video').currentTime > 0.4")
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
    wait_until(page, "!document.querySelector('.candidate video').paused")
    assert question_of(page) == "Question 1 of 4"


def test_space_after_a_click_replays_and_does_not_answer(page: "Page", folder: Path) -> None:
    page.click("text=Right is better")
    at_question(page, 2)
    page.keyboard.press("Space")
    page.keyboard.down("1")
    page.keyboard.down("1")
    at_question(page, 3)
    page.wait_for_timeout(300)
    assert [place for place, _ in answers_of(folder, page)] == [1, 0]


def test_a_phone_shows_everything_at_once(browser: "Browser", server: RunningStudy) -> None:
    for width, height in PHONES:
        options = {"viewport": {"width": width, "height": height}, "is_mobile": True, "has_touch": True}
        for page in begun(browser, server, **options):
            left, right = boxes_in_sight(page, width, height)
            assert left["y"] == right["y"]
            page.tap("text=Right is better")
            at_question(page, 2)


def boxes_in_sight(page: "Page", width: int, height: int) -> "list[FloatRect]":
    """Where the videos to choose from are, after a look that everything is on the screen at once."""
    for element in page.locator("#task video, #task img, #task button").all():
        box = element.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
    return [box for each in page.locator(VIDEOS).all() if (box := each.bounding_box()) is not None]


def test_two_questions_are_asked_of_four_videos(browser: "Browser", tmp_path: Path) -> None:
    toy = ToyResults(clips=1, models=("lia", "fomm", "mraa", "iapm"), tasks=("reconstruction",), frames=20, side=64)
    results = write_results(tmp_path / "results" / "toy", toy)
    questions = PRESETS["iapm"].questions
    request = StudyRequest((results,), tmp_path / "study", together=True, questions=questions, attention_checks=1)
    create_study(request, lambda line: None)
    with serving(tmp_path / "study") as running:
        for page in begun(browser, running):
            for (width, height), rows in ((PHONES[0], 2), (PHONES[1], 1), ((1280, 720), 1)):
                page.set_viewport_size({"width": width, "height": height})
                assert len({box["y"] for box in boxes_in_sight(page, width, height)}) == rows
            first = shown(page)
            assert len(set(first)) == 4
            assert page.inner_text("#asked") == questions[0].text
            page.keyboard.press("ArrowLeft")
            page.keyboard.press("4")
            at_question(page, 2)
            assert shown(page) == first
            assert page.inner_text("#asked") == questions[1].text
            page.get_by_role("button", name="3 is best", exact=True).click()
            at_question(page, 3)
            assert set(shown(page)).isdisjoint(first)
            assert answers_of(tmp_path / "study", page) == [(3, first[3]), (2, first[2])]


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
    request = StudyRequest((results,), tmp_path / "study", questions=questions_of([question]))
    create_study(request, lambda line: None)
    with serving(tmp_path / "study") as running, visitor(browser) as context:
        page = context.new_page()
        page.goto(running.address)
        page.click("#begin")
        page.wait_for_selector(READY)
        assert question in page.inner_text("#task")
        assert page.evaluate("window.evil") is None
