"""The server of a study: what it refuses, and that it keeps what it has acknowledged."""

import http.client
import json
import signal
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lia_bench.cli.main import run
from lia_bench.core.errors import InputError
from lia_bench.leaderboards.study import answers, application
from lia_bench.leaderboards.study.answers import AnswerBook
from lia_bench.leaderboards.study.application import Hosts, create_application
from lia_bench.leaderboards.study.connections import OWN_PLACES
from lia_bench.leaderboards.study.creation import StudyRequest, create_study
from lia_bench.leaderboards.study.document import media_path, read_study
from lia_bench.leaderboards.study.server import serve_study
from tests.leaderboards.study_server import START_SECONDS, Load, Rater, rate_at_once, serving
from tests.leaderboards.toy_results import ToyResults, write_results

if TYPE_CHECKING:
    from flask.testing import FlaskClient


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder with videos."""
    return write_results(tmp_path_factory.mktemp("results") / "toy", ToyResults(clips=4, tasks=("reconstruction",)))


@pytest.fixture
def folder(results: Path, tmp_path: Path) -> Path:
    """A study of six questions."""
    create_study(StudyRequest((results,), tmp_path / "study", attention_checks=2), lambda line: None)
    return tmp_path / "study"


@pytest.fixture
def client(folder: Path) -> "Iterator[FlaskClient]":
    """The application without a port."""
    study = read_study(folder)
    book = AnswerBook(folder, study)
    yield create_application(folder, study, book, Hosts("127.0.0.1")).test_client()
    book.close()


def begin(client: "FlaskClient") -> Any:
    """Become a rater; returns the state."""
    answer = client.post("/api/raters", json={})
    assert answer.status_code == 201
    return answer.get_json()


def sent(state: Any, **changes: Any) -> dict[str, Any]:
    """An answer to the present question."""
    present = state["upcoming"][0]
    return {"trial": present["id"], "question": present["question"], "place": 0, "milliseconds": 1200} | changes


def stored(folder: Path) -> set[tuple[str, str, int]]:
    """What the database holds."""
    with sqlite3.connect(folder / "answers.sqlite") as database:
        return set(database.execute("SELECT rater, trial, place FROM answers"))


def test_raters_are_told_nothing_of_models(client: "FlaskClient") -> None:
    text = json.dumps(begin(client))
    assert "lia" not in text
    assert "fomm" not in text
    assert "attention" not in text
    video = client.get(json.loads(text)["upcoming"][0]["candidates"][0])
    assert "Last-Modified" not in video.headers
    assert "Content-Disposition" not in video.headers


def test_an_answer_sent_again_changes_nothing(client: "FlaskClient", folder: Path) -> None:
    state = begin(client)
    first = client.post("/api/answers", json=sent(state))
    again = client.post("/api/answers", json=sent(state))
    changed = client.post("/api/answers", json=sent(state, place=1))
    assert (first.status_code, again.status_code, changed.status_code) == (201, 200, 409)
    assert first.get_json()["answered"] == again.get_json()["answered"] == 1
    assert {place for _, _, place in stored(folder)} == {0}


def test_questions_are_answered_in_their_order(client: "FlaskClient") -> None:
    state = begin(client)
    assert client.post("/api/answers", json=sent(state, trial=state["upcoming"][1]["id"])).status_code == 409


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("{", 400),
        ("null", 400),
        ("[" * 4000, 400),
        ('{"trial": "x", "question": 0, "place": 0, "milliseconds": 1}', 400),
        ("\xff\xfe", 400),
        ("x" * 5000, 413),
    ],
)
def test_malformed_bodies_are_refused(client: "FlaskClient", folder: Path, body: str, status: int) -> None:
    begin(client)
    answer = client.post("/api/answers", data=body.encode("latin-1"), content_type="application/json")
    assert answer.status_code == status
    assert set(answer.get_json()) == {"error"}
    assert stored(folder) == set()


@pytest.mark.parametrize(
    "changes",
    [
        {"place": "left"},
        {"place": 4},
        {"place": None},
        {"place": True},
        {"trial": ["a"]},
        {"question": -1},
        {"milliseconds": "12"},
        {"milliseconds": -1},
        {"milliseconds": 1.5},
        {"milliseconds": True},
        {"milliseconds": 10**30},
        {"rater": "somebody else"},
    ],
)
def test_wrong_types_are_refused(client: "FlaskClient", folder: Path, changes: dict[str, Any]) -> None:
    assert client.post("/api/answers", json=sent(begin(client), **changes)).status_code == 400
    assert stored(folder) == set()


def test_unknown_ids_are_refused(client: "FlaskClient", folder: Path) -> None:
    state = begin(client)
    for unknown in ({"trial": "0" * 24}, {"question": 1}, {"place": 2}):
        assert client.post("/api/answers", json=sent(state, **unknown)).status_code == 404
    assert client.get(f"/media/{'0' * 24}").status_code == 404
    client.delete_cookie(f"lia-bench-study-{read_study(folder).id}")
    assert client.post("/api/answers", json=sent(state)).status_code == 401
    client.set_cookie(f"lia-bench-study-{read_study(folder).id}", "' OR 1=1 --")
    assert client.post("/api/answers", json=sent(state)).status_code == 401
    assert stored(folder) == set()


def test_forms_of_other_sites_are_refused(client: "FlaskClient", folder: Path) -> None:
    state = begin(client)
    text = json.dumps(sent(state))
    assert client.post("/api/answers", data=text, content_type="text/plain").status_code == 415
    assert client.post("/api/raters").status_code == 415
    cookie = client.post("/api/raters", json={}, headers={"Cookie": ""}).headers.get("Set-Cookie", "")
    assert cookie == "" or "SameSite=Strict" in cookie
    assert stored(folder) == set()


def test_wrong_methods_are_refused(client: "FlaskClient") -> None:
    assert client.get("/api/answers").status_code == 405
    assert client.put("/api/answers", json={}).status_code == 405
    assert client.post("/", json={}).status_code == 405
    assert client.delete("/api/state").status_code == 405


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8765", 200),
        ("localhost:9000", 200),
        ("[::1]:8765", 200),
        ("rebound.example", 400),
        ("127.0.0.1.rebound.example:8765", 400),
        ("192.168.1.5", 400),
        ("", 400),
    ],
)
def test_only_its_own_names_are_answered(client: "FlaskClient", host: str, status: int) -> None:
    assert client.get("/api/state", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 201),
        ("http://localhost:8765", 201),
        ("https://study.example", 201),
        ("http://localhost:3000", 403),
        ("http://127.0.0.1:8765", 403),
        ("https://evil.example", 403),
        ("https://study.example.evil.example", 403),
        ("null", 403),
        ("http://[", 403),
    ],
)
def test_pages_of_others_send_nothing(folder: Path, origin: str | None, status: int) -> None:
    study = read_study(folder)
    with closing(AnswerBook(folder, study)) as book:
        client = create_application(folder, study, book, Hosts("127.0.0.1", ["study.example"])).test_client()
        headers = {"Host": "localhost:8765"} | ({"Origin": origin} if origin else {})
        assert client.post("/api/raters", json={}, headers=headers).status_code == status


def test_raters_of_a_client_and_of_a_study_are_bounded(
    client: "FlaskClient", folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "RATERS_OF_CLIENT", 2)

    def another(address: str) -> int:
        client.delete_cookie(f"lia-bench-study-{read_study(folder).id}")
        return client.post("/api/raters", json={}, environ_base={"REMOTE_ADDR": address}).status_code

    assert [another("192.0.2.1") for _ in range(3)] == [201, 201, 429]
    assert [another(f"2001:db8::{number}") for number in range(1, 4)] == [201, 201, 429]
    assert another("192.0.2.2") == 201
    with closing(AnswerBook(folder, read_study(folder))) as book:
        monkeypatch.setattr(answers, "RATERS", 5)
        assert not book.add_rater("one more", ())
        monkeypatch.setattr(answers, "RATERS", 6)
        assert book.add_rater("one more", ())


def test_half_requests_are_closed_and_whole_ones_are_kept(folder: Path) -> None:
    with serving(folder) as server:
        address = ("127.0.0.1", int(server.address.rstrip("/").rpartition(":")[2]))
        rater = Rater(server.address)
        rater.begin()
        begun = time.monotonic()
        with (
            socket.create_connection(address, START_SECONDS) as silent,
            socket.create_connection(address, START_SECONDS) as half,
        ):
            half.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
            trickle = threading.Thread(target=_trickle, args=(half,))
            trickle.start()
            assert silent.recv(1) == b""
            with suppress(ConnectionError):
                assert half.recv(1) == b""
            assert time.monotonic() - begun > 3
            trickle.join()
        # On the same connection, which asked before.
        assert rater.ask("GET", "/api/state")[0] == 200
        rater.close()


def _trickle(connection: socket.socket) -> None:
    """Send a letter now and then, for as long as the server lets one."""
    with suppress(OSError):
        while True:
            connection.sendall(b"a")
            time.sleep(0.25)


def test_idle_connections_lock_no_rater_out(folder: Path) -> None:
    with serving(folder) as server, ExitStack() as stack:
        address = ("127.0.0.1", int(server.address.rstrip("/").rpartition(":")[2]))
        for number in range(OWN_PLACES + 200):
            idle = stack.enter_context(socket.create_connection(address, timeout=START_SECONDS))
            if number % 2:
                idle.sendall(b"POST /api/answers HTTP/1.1\r\n")
        load = rate_at_once(server.address, 10, 0.0, answers=3)
        server.end(signal.SIGINT)
    assert load.problems == []
    assert len(load.acknowledged) == load.sent > 20
    assert stored(folder) == set(load.acknowledged)


def test_names_of_a_server_on_the_network() -> None:
    hosts = Hosts("0.0.0.0", ["study.example"])
    assert hosts.allows("192.168.1.5:8765")
    assert hosts.allows("Study.Example")
    assert not hosts.allows("rebound.example")


def test_every_answer_has_the_headers_that_protect_raters(client: "FlaskClient") -> None:
    for address in ("/", "/page/study.js", "/api/state", begin(client)["upcoming"][0]["candidates"][0], "/nothing"):
        headers = client.get(address).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "public" not in headers["Cache-Control"]
    assert client.get("/api/state").headers["Cache-Control"] == "no-store"


def test_paths_and_malformed_requests_are_refused_on_the_wire(folder: Path) -> None:
    (folder / "secret.txt").write_text("secret")
    with serving(folder) as server:
        rater = Rater(server.address)
        for path in (
            "/media/../study.json",
            "/media/..%2fstudy.json",
            "/media/%2e%2e/study.json",
            "/page/..%2fapplication.py",
            "/page/%2e%2e%2fapplication.py",
            "/page//etc/passwd",
            "/media/%00",
            "/../secret.txt",
            "/answers.sqlite",
            "/study.json",
        ):
            status, body = rater.ask("GET", path)
            assert status in (308, 400, 404), path
            assert "secret" not in str(body)
        port = int(server.address.rstrip("/").rpartition(":")[2])
        long_body = b"POST /api/answers HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        for request, expected in (
            (b"NONSENSE\r\n\r\n", (400,)),
            (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", (400, 414, 431)),
            (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", (400, 431)),
            (long_body + b"Content-Length: 100000000\r\n\r\n", (413,)),
            (long_body + b"Content-Length: -5\r\n\r\n", (400,)),
            (b"GET /api/state HTTP/1.0\r\n\r\n", (400,)),
        ):
            assert status_of(port, request) in expected, request[:60]
        assert rater.ask("GET", "/api/state")[0] == 200
        assert server.end(signal.SIGINT).splitlines()[-1].startswith("0 answers of 0 raters in ")


def status_of(port: int, request: bytes) -> int:
    """Send bytes; returns the status of what comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=START_SECONDS) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status


def test_parts_of_videos_can_be_asked_for(client: "FlaskClient", folder: Path) -> None:
    address = begin(client)["upcoming"][0]["candidates"][0]
    whole = media_path(folder, read_study(folder), address.rpartition("/")[2]).read_bytes()
    part = client.get(address, headers={"Range": "bytes=100-199"})
    assert part.status_code == 206
    assert part.data == whole[100:200]
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(whole)}"
    assert client.get(address).data == whole
    assert client.get(address, headers={"Range": f"bytes={len(whole)}-"}).status_code == 416


def test_a_study_may_be_named_from_where_one_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    with serving(Path(folder.name)) as server:
        rater = Rater(server.address)
        shown = rater.begin()["upcoming"][0]
        assert {rater.ask("GET", each)[0] for each in (shown["source"], shown["driving"], *shown["candidates"])} == {
            200
        }
        rater.close()


def test_a_video_that_goes_while_serving_is_one_line(
    client: "FlaskClient", folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    address = begin(client)["upcoming"][0]["candidates"][0]
    media_path(folder, read_study(folder), address.rpartition("/")[2]).unlink()
    assert client.get(address).status_code == 404
    (record,) = caplog.records
    assert "cannot be shown (No such file or directory)" in record.getMessage()
    assert record.exc_info is None


def test_fifty_raters_at_once_lose_no_answer(folder: Path) -> None:
    with serving(folder) as server:
        load = Load()
        threads = [
            threading.Thread(target=lambda: _merge(load, rate_at_once(server.address, 10, 0.0, answers=4)))
            for _ in range(5)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        last = server.end(signal.SIGINT)
    assert load.problems == []
    assert len({rater for rater, _, _ in load.acknowledged}) >= 50
    assert stored(folder) == set(load.acknowledged)
    assert last.splitlines()[-1].startswith(f"{len(load.acknowledged)} answers of ")


def _merge(load: Load, part: Load) -> None:
    load.acknowledged += part.acknowledged
    load.problems += part.problems


def test_acknowledged_answers_outlive_a_killed_server(folder: Path) -> None:
    def kill_in_the_middle() -> None:
        # Twenty of them may be on their way.
        while len(stored(folder)) < 40:
            time.sleep(0.02)
        server.process.kill()

    with serving(folder) as server:
        killer = threading.Thread(target=kill_in_the_middle)
        killer.start()
        load = rate_at_once(server.address, 20, START_SECONDS)
        killer.join()
    assert load.acknowledged
    assert load.problems == []
    assert set(load.acknowledged) <= stored(folder)
    with serving(folder) as again:
        book = again.end(signal.SIGINT)
    assert int(book.split()[0]) >= len(load.acknowledged)


def test_a_port_in_use_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert run(["study", "serve", str(folder), "--port", str(port)], debug=False) == 1
    error = capsys.readouterr().err
    assert f"port {port} on 127.0.0.1 is in use" in error
    assert error.count("\n") == 1


def test_listening_to_others_is_said(folder: Path) -> None:
    with serving(folder, "--host", "0.0.0.0") as server:
        assert "whoever reaches this machine" in server.said


def test_changed_videos_are_not_shown(folder: Path) -> None:
    video = next((folder / "media").glob("*.mp4"))
    video.unlink()
    video.write_bytes(b"another")
    with pytest.raises(InputError, match="was changed"):
        serve_study(folder, "127.0.0.1", 0, (), lambda line: None)


def test_a_missing_extra_says_how_to_get_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "waitress", None)
    with pytest.raises(InputError, match=r"pip install '\.\[study\]'"):
        serve_study(folder, "127.0.0.1", 0, (), lambda line: None)
