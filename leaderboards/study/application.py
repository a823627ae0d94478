"""The page of a study and what it asks the server, as a WSGI application."""

import ipaddress
import logging
import secrets
import socket
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lia_bench.leaderboards.study.answers import Answer, AnswerBook
from lia_bench.leaderboards.study.connections import client_of
from lia_bench.leaderboards.study.document import MOST_SHOWN, MediaId, Shown, Study, arrange, media_path

if TYPE_CHECKING:
    from flask import Flask


PAGE = Path(__file__).parent / "page"
INDEX = "index.html"
# Only these are ever served of that folder, by these names.
PAGE_FILES = frozenset(path.name for path in PAGE.iterdir() if path.suffix in (".html", ".css", ".js"))
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".mp4": "video/mp4", ".png": "image/png"}
BODY_LIMIT = 4096
COOKIE_DAYS = 90
RATERS_OF_CLIENT = 1000
"""Whom one client may bring while the server runs; all raters of a proxy or a tunnel are one client's."""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}

logger = logging.getLogger(__name__)


class Hosts:
    """The names and addresses by which a server may be called.

    A page elsewhere can point a name of its own at this machine and have a browser here read what the server says (DNS
    rebinding); such requests carry that name in their header Host.
    """

    def __init__(self, listens_on: str, more: Iterable[str] = ()) -> None:
        """A server that listens on an address or name, and is known by `more` names, as behind a proxy."""
        self._more = {name.lower() for name in more}
        self._names = {"localhost", listens_on.lower()} | self._more
        self._loopback_only = is_loopback(listens_on)
        if not self._loopback_only:
            self._names.add(socket.gethostname().lower())

    def allows(self, header: str) -> bool:
        """Whether a header Host, with or without a port, names this server.

        The port may be any, since a tunnel has its own; an address cannot be rebound, so any will do where the server
        does not listen on loopback alone.
        """
        name = _without_port(header).lower()
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return name in self._names
        return address.is_loopback or not self._loopback_only

    def allows_origin(self, origin: str, host: str) -> bool:
        """Whether a page of an `origin` may send answers to the server that it calls `host`.

        That is the server's own page, or the one that a proxy shows under a further name of the server.
        """
        place = origin.lower().partition("://")[2]
        return bool(place) and (place == host.lower() or _without_port(place) in self._more)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _without_port(header: str) -> str:
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]


class SentAnswer(BaseModel):
    """What the page sends for an answer."""

    model_config = ConfigDict(extra="forbid", strict=True)

    trial: MediaId
    question: Annotated[int, Field(ge=0)]
    place: Annotated[int, Field(ge=0, lt=MOST_SHOWN)]
    milliseconds: Annotated[int, Field(ge=0, le=86_400_000)]


class RefusalError(Exception):
    """A request that is not answered, and the reason to send."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class StudyServer:
    """What the application answers, apart from HTTP."""

    def __init__(self, study: Study, book: AnswerBook) -> None:
        self._begun: Counter[str] = Counter()
        self._study = study
        self._book = book
        self._trials = {trial.id: trial for trial in study.trials}

    def begin(self, client: str) -> str:
        """The id of a new rater, whom a client brings.

        Raises:
            RefusalError: the client brings too many, or the study has too many.
        """
        if self._begun[client] >= RATERS_OF_CLIENT:
            raise RefusalError(HTTPStatus.TOO_MANY_REQUESTS, "too many raters from one address")
        rater = secrets.token_urlsafe(18)
        if not self._book.add_rater(rater, arrange(self._study, rater)):
            raise RefusalError(HTTPStatus.SERVICE_UNAVAILABLE, "this study has all the raters that it takes")
        self._begun[client] += 1
        return rater

    def state(self, rater: str | None) -> dict[str, Any]:
        """What the page shows: the trials that come next, the present one first, and how much is answered."""
        sequence = None if rater is None else self._book.sequence(rater)
        answered = set() if rater is None or sequence is None else self._book.answered(rater)
        return self._state(sequence, answered)

    def answer(self, rater: str | None, sent: SentAnswer) -> tuple[HTTPStatus, dict[str, Any]]:
        """Keep an answer; gives the status and the new state.

        Raises:
            RefusalError: no such rater, trial, question or video, not the rater's turn to answer it, or a changed mind.
        """
        sequence = None if rater is None else self._book.sequence(rater)
        if rater is None or sequence is None:
            raise RefusalError(HTTPStatus.UNAUTHORIZED, "no rater: begin first")
        videos = next((shown.videos for shown in sequence if shown.trial == sent.trial), ())
        if sent.place >= len(videos) or sent.question >= len(self._study.questions):
            raise RefusalError(HTTPStatus.NOT_FOUND, "no such question")
        answered = self._book.answered(rater)
        asked = (sent.trial, sent.question)
        if asked not in answered and asked != next(self._left(sequence, answered), None):
            raise RefusalError(HTTPStatus.CONFLICT, "not the question that is shown")
        outcome = self._book.add(Answer(rater, *asked, sent.place, videos[sent.place], sent.milliseconds))
        if outcome == "refused":
            raise RefusalError(HTTPStatus.CONFLICT, "answered before, and otherwise: the first answer stays")
        status = HTTPStatus.CREATED if outcome == "stored" else HTTPStatus.OK
        return status, self._state(sequence, answered | {asked})

    def _left(self, sequence: Sequence[Shown], answered: Set[tuple[str, int]]) -> Iterator[tuple[str, int]]:
        """What is not answered yet, in the order in which it is asked."""
        asked = ((shown.trial, question) for shown in sequence for question in range(len(self._study.questions)))
        return (each for each in asked if each not in answered)

    def _state(self, sequence: Sequence[Shown] | None, answered: Set[tuple[str, int]]) -> dict[str, Any]:
        questions, trials = self._study.questions, self._study.trials
        shown = {each.trial: each for each in sequence or ()}
        upcoming: dict[str, int] = {}
        for each, asked in self._left(sequence or (), answered):
            upcoming.setdefault(each, asked)
        return {
            "questions": [question.text for question in questions],
            "candidates": max(len(trial.candidates) for trial in trials),
            "total": len(trials) * len(questions),
            "begun": sequence is not None,
            "answered": len(answered),
            "upcoming": [self._described(shown[each], asked) for each, asked in islice(upcoming.items(), 2)],
        }

    def _described(self, shown: Shown, question: int) -> dict[str, Any]:
        trial = self._trials[shown.trial]
        return {
            "id": trial.id,
            "question": question,
            "source": f"/media/{trial.source}",
            "driving": f"/media/{trial.driving}",
            "candidates": [f"/media/{medium}" for medium in shown.videos],
        }


def create_application(folder: Path, study: Study, book: AnswerBook, hosts: Hosts) -> "Flask":
    """The application that shows a study and keeps answers.

    Nothing that a client sends becomes a path: pages and media are looked up among those that are known.
    """
    from flask import Flask, Response, jsonify, request, send_file
    from werkzeug.exceptions import HTTPException

    application = Flask(__name__, static_folder=None)
    application.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    server = StudyServer(study, book)
    cookie = f"lia-bench-study-{study.id}"

    def refused(status: HTTPStatus, reason: str) -> Response:
        response = jsonify(error=reason)
        response.status_code = status
        return response

    def require_json() -> None:
        # A form of another site cannot send this type, so that it cannot answer in a rater's name.
        if request.mimetype != "application/json":
            raise RefusalError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json")

    @application.before_request
    def check_names() -> None:
        if not hosts.allows(request.headers.get("Host", "")):
            raise RefusalError(HTTPStatus.BAD_REQUEST, "this server does not go by that name")
        origin = request.headers.get("Origin")
        if request.method == "POST" and origin and not hosts.allows_origin(origin, request.headers["Host"]):
            raise RefusalError(HTTPStatus.FORBIDDEN, "only the study's own page may send answers")

    @application.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    @application.get("/")
    def index() -> Response:
        return send_file(PAGE / INDEX, mimetype=TYPES[".html"], etag=False, last_modified=None, max_age=0)

    @application.get("/favicon.ico")
    def icon() -> Response:
        return Response(status=HTTPStatus.NO_CONTENT)

    @application.get("/page/<name>")
    def page(name: str) -> Response:
        if name not in PAGE_FILES:
            raise RefusalError(HTTPStatus.NOT_FOUND, "no such page")
        path = PAGE / name
        return send_file(path, mimetype=TYPES[path.suffix])

    @application.get("/media/<medium>")
    def media(medium: str) -> Response:
        if medium not in study.media:
            raise RefusalError(HTTPStatus.NOT_FOUND, "no such video")
        # Flask would look for a relative path beside its own modules.
        path = media_path(folder, study, medium).absolute()
        try:
            response = send_file(path, mimetype=TYPES[path.suffix], conditional=True, etag=study.media[medium].sha256)
        except OSError as error:
            logger.error("%s: cannot be shown (%s); put it back", path, error.strerror)
            raise RefusalError(HTTPStatus.NOT_FOUND, "this video is gone") from None
        # The time of a file would tell which model came first in the evaluation.
        del response.headers["Last-Modified"]
        del response.headers["Content-Disposition"]
        response.headers["Cache-Control"] = "private, max-age=86400, immutable"
        return response

    @application.get("/api/state")
    def state() -> Response:
        return jsonify(server.state(request.cookies.get(cookie)))

    @application.post("/api/raters")
    def begin() -> Response:
        require_json()
        rater = request.cookies.get(cookie)
        present = server.state(rater)
        if present["begun"]:
            return jsonify(present)
        rater = server.begin(client_of(request.remote_addr or ""))
        response = jsonify(server.state(rater))
        response.status_code = HTTPStatus.CREATED
        response.set_cookie(cookie, rater, max_age=COOKIE_DAYS * 86400, httponly=True, samesite="Strict")
        return response

    @application.post("/api/answers")
    def answer() -> Response:
        require_json()
        try:
            sent = SentAnswer.model_validate_json(request.get_data())
        except ValidationError:
            raise RefusalError(HTTPStatus.BAD_REQUEST, "not an answer") from None
        status, following = server.answer(request.cookies.get(cookie), sent)
        response = jsonify(following)
        response.status_code = status
        return response

    @application.errorhandler(RefusalError)
    def on_refusal(refusal: RefusalError) -> Response:
        return refused(refusal.status, str(refusal))

    @application.errorhandler(HTTPException)
    def on_http_error(error: HTTPException) -> Response:
        return refused(HTTPStatus(error.code or 500), error.name)

    @application.errorhandler(sqlite3.Error)
    def on_database_error(error: sqlite3.Error) -> Response:
        logger.error("an answer could not be kept: %s", error)
        return refused(HTTPStatus.SERVICE_UNAVAILABLE, "the answer could not be kept; send it again")

    return application
