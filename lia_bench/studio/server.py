"""`lia-bench studio`: the page on a port of this machine, for this machine alone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from lia_bench.core.errors import InputError
from lia_bench.core.extras import not_installed
from lia_bench.core.processes import environment
from lia_bench.core.video import open_video, write_gif
from lia_bench.leaderboards.study.application import Hosts
from lia_bench.leaderboards.study.server import address_of, listen
from lia_bench.studio.workshop import StudioSettings, Workshop

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST = "127.0.0.1"
SHUTDOWN_SECONDS = 2
SILENT = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}
"""What keeps Gradio, and what it is made of, from telling its makers that it is used."""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' blob:; "
        "worker-src 'self' blob:; manifest-src 'self'; frame-src 'self'; frame-ancestors 'self'; base-uri 'self'; "
        "form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""The first lets browsers reach this server alone, whatever the page asks for."""
FETCHING = ("/gradio_api/file=http", "/gradio_api/proxy=")
"""What the server would fetch from elsewhere for whoever asks."""


class Guard:
    """Lets this machine's browsers in when they show the studio's own page, and keeps them from everything else."""

    def __init__(self, application: "ASGIApp", hosts: Hosts) -> None:
        self._application = application
        self._hosts = hosts

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer a request, or let the application answer it."""
        from starlette.responses import PlainTextResponse

        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host, origin = headers.get(b"host", ""), headers.get(b"origin")
        own = self._hosts.allows(host) and (origin is None or self._hosts.allows_origin(origin, host))
        if scope["type"] != "http" or not own:
            await PlainTextResponse("only this machine's own page may ask", 403)(scope, receive, send)
            return
        if scope["path"].startswith(FETCHING):
            await PlainTextResponse("nothing is fetched from elsewhere", 404)(scope, receive, send)
            return

        async def send_with_headers(message: "Message") -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        await self._application(scope, receive, send_with_headers)


def serve_studio(settings: StudioSettings, port: int, announce: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C; then all that was uploaded or made is deleted.

    Args:
        settings: what the page offers.
        port: 0 takes any that is free.
        announce: takes lines for the user.

    Raises:
        InputError: gradio is missing, or the port cannot be had.
    """
    with listen(HOST, port) as listening, opened_studio(settings) as server:
        announce(f"studio: {address_of(HOST, listening.getsockname()[1])} (Ctrl-C ends it)")
        # Comes when the server has closed.
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
    announce("what was uploaded and what was made of it is deleted")


@contextmanager
def opened_studio(settings: StudioSettings) -> "Iterator[uvicorn.Server]":
    """A server that does not run yet; afterwards the folder of its files is gone.

    Raises:
        InputError: gradio is missing.
    """
    with TemporaryDirectory(prefix="lia-bench-studio-", ignore_cleanup_errors=True) as folder:
        # Resolved, since Gradio compares resolved paths.
        workshop = Workshop(settings, Path(folder).resolve())
        with environment({**SILENT, "GRADIO_TEMP_DIR": str(workshop.uploads)}):
            try:
                yield _server(workshop)
            finally:
                workshop.stop_all()


def _server(workshop: Workshop) -> "uvicorn.Server":
    try:
        import gradio  # noqa: F401
        import uvicorn
    except ImportError:
        raise InputError(not_installed("the studio needs gradio", "studio")) from None
    return uvicorn.Server(
        uvicorn.Config(
            create_application(workshop),
            log_level="critical",
            server_header=False,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
    )


def create_application(workshop: Workshop) -> "ASGIApp":
    """The page, and the files that it shows."""
    from fastapi import FastAPI
    from starlette.staticfiles import StaticFiles

    from lia_bench.studio.page import mount_page

    application = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    application.add_api_route("/films/{key}/{stem}.gif", _gif_of(workshop.films), include_in_schema=False)
    application.mount("/films", StaticFiles(directory=workshop.films))
    application.mount("/reports", StaticFiles(directory=workshop.reports, html=True))
    mount_page(application, workshop)
    return Guard(application, Hosts(HOST))


def _gif_of(films: Path) -> Callable[[str, str], Any]:
    """Answers with a film as gif, made of its mp4 when it is first asked for."""
    from fastapi import HTTPException
    from fastapi.responses import FileResponse

    def gif(key: str, stem: str) -> FileResponse:
        there = {path.stem: path for path in films.glob("*/*.mp4") if path.parent.name == key}
        if stem not in there:
            raise HTTPException(404)
        path = there[stem].with_suffix(".gif")
        if not path.is_file():
            with open_video(there[stem]) as video:
                write_gif(path, iter(video), video.properties.fps)
        return FileResponse(path, media_type="image/gif")

    return gif
