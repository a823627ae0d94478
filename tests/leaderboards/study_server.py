"""A running study server, and raters who are quicker than people."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

START_SECONDS = 120


@dataclass(frozen=True)
class RunningStudy:
    """`lia-bench study serve` in a process of its own; `said` is what it printed before its address."""

    address: str
    said: str
    process: "subprocess.Popen[str]"

    def end(self, how: signal.Signals) -> str:
        """Send a signal and wait; returns what the server printed last."""
        self.process.send_signal(how)
        rest, _ = self.process.communicate(timeout=START_SECONDS)
        return rest


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[RunningStudy]:
    """Serve a study on a free port of loopback; the process is gone afterwards, however it ends."""
    command = [sys.executable, "-m", "lia_bench", "study", "serve", str(folder), "--port", "0", *options]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            said: list[str] = []
            while not (line := process.stdout.readline()).startswith("study: http://"):
                assert line, said
                said.append(line)
            yield RunningStudy(line.split()[1], "".join(said), process)
        finally:
            process.kill()


@dataclass
class Rater:
    """A client of the server: one connection, one cookie."""

    address: str
    cookie: str = ""
    _connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, content: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Send a request; returns the status and the body, of JSON its content.

        Raises:
            OSError, http.client.HTTPException: no answer came.
        """
        if self._connection is None:
            self._connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=START_SECONDS)
        body = None if content is None else json.dumps(content)
        own = {"Content-Type": "application/json"} if body else {}
        own |= {"Cookie": self.cookie} if self.cookie else {}
        self._connection.request(method, path, body, own | (headers or {}))
        response = self._connection.getresponse()
        for name, morsel in SimpleCookie(response.headers.get("Set-Cookie", "")).items():
            self.cookie = f"{name}={morsel.value}"
        received = response.read()
        is_json = response.headers.get_content_type() == "application/json"
        return response.status, json.loads(received) if is_json else received

    @property
    def id(self) -> str:
        """What the server calls this rater."""
        return self.cookie.partition("=")[2]

    def begin(self) -> Any:
        """Become a rater, or go on; returns the state."""
        status, state = self.ask("POST", "/api/raters", {})
        assert status in (200, 201), status
        return state

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()


@dataclass
class Load:
    """What raters at once got done.

    Attributes:
        acknowledged: rater, trial and place of every answer that the server took as given.
        sent: how many answers were sent.
        seconds: from sending an answer to its acknowledgement.
        problems: answers and raters that the server refused.
        cut_off: raters who got no answer.
    """

    acknowledged: list[tuple[str, str, int]] = field(default_factory=list)
    sent: int = 0
    seconds: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    cut_off: int = 0


def rate_at_once(address: str, raters: int, seconds: float, *, answers: int = 0, watch: bool = False) -> Load:
    """Let raters answer at once, each as fast as it can, until the time is over or the server is gone.

    Args:
        address: of the server.
        raters: how many; who has answered everything begins anew as somebody else.
        seconds: how long.
        answers: what each rater gives at least, however long that takes; at most the questions of the study.
        watch: load the videos of each question as well.
    """
    load, lock, until = Load(), threading.Lock(), time.monotonic() + seconds

    def rate(number: int) -> None:
        least = answers
        while least or time.monotonic() < until:
            rater = Rater(address)
            try:
                _answer_all(rater, number, until, least, watch, load, lock)
                least = 0
            except (OSError, http.client.HTTPException):
                # The server is gone: what it had not acknowledged may be lost.
                with lock:
                    load.cut_off += 1
                return
            finally:
                rater.close()

    threads = [threading.Thread(target=rate, args=(number,)) for number in range(raters)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return load


def _answer_all(
    rater: Rater, number: int, until: float, least: int, watch: bool, load: Load, lock: threading.Lock
) -> None:
    status, state = rater.ask("POST", "/api/raters", {})
    if status not in (200, 201):
        with lock:
            load.problems.append(f"{status}: {state}")
        time.sleep(0.1)
        return
    while state["upcoming"] and (state["answered"] < least or time.monotonic() < until):
        present = state["upcoming"][0]
        if watch:
            for address in (present["source"], present["driving"], *present["candidates"]):
                rater.ask("GET", address, headers={"Range": "bytes=0-"})
        asked = {"trial": present["id"], "question": present["question"]}
        place = (number + state["answered"]) % len(present["candidates"])
        begun = time.monotonic()
        with lock:
            load.sent += 1
        status, state = rater.ask("POST", "/api/answers", asked | {"place": place, "milliseconds": 1})
        with lock:
            if status == 201:
                load.acknowledged.append((rater.id, present["id"], place))
                load.seconds.append(time.monotonic() - begun)
            else:
                load.problems.append(f"{status}: {state}")
                return
