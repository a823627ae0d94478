"""A studio that runs in this process, with a small model that has learned nothing, and its visitors."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from lia_bench import load_model
from lia_bench.leaderboards.study.server import address_of, listen
from lia_bench.models.checkpoint import write_weights
from lia_bench.studio.server import HOST, opened_studio
from lia_bench.studio.workshop import StudioSettings
from tests.browser import visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SHORT, LONG = 6, 2000
"""Frames of the films that visitors bring."""

NOWHERE = "http://198.51.100.1/"
"""An address for documents (RFC 5737), which a test lets a page ask for."""


@dataclass
class RunningStudio:
    """A studio on a port of this machine.

    Attributes:
        address: of the page.
        folder: of uploads and results.
        strangers: hosts that this process asked for meanwhile, other than this machine.
    """

    address: str
    folder: Path
    strangers: list[str] = field(default_factory=list)


def write_untrained(folder: Path, model: str, variant: str) -> str:
    """Write a checkpoint with fresh weights that says so; returns its reference."""
    torch.manual_seed(0)
    animator = load_model(model, variant=variant, device="cpu")
    assert animator.zoo_entry is not None
    folder.mkdir(parents=True)
    write_weights(folder, animator.zoo_entry, animator.state_dict(), {"weights": "untrained"})
    return f"{model}@{folder}"


@contextmanager
def running(settings: StudioSettings) -> Iterator[RunningStudio]:
    """Serve in a thread; whom this process would call meanwhile is noted and not called."""
    with (
        pytest.MonkeyPatch.context() as patch,
        listen(HOST, 0) as listening,
        opened_studio(settings) as server,
    ):
        import os

        folder = Path(os.environ["GRADIO_TEMP_DIR"]).parent
        studio = RunningStudio(address_of(HOST, listening.getsockname()[1]), folder)
        look_up = socket.getaddrinfo

        def watched(host: Any, *rest: Any, **named: Any) -> Any:
            if host not in (HOST, "localhost"):
                studio.strangers.append(str(host))
                raise socket.gaierror(f"{host}: a test calls nobody")
            return look_up(host, *rest, **named)

        patch.setattr(socket, "getaddrinfo", watched)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield studio
        finally:
            server.should_exit = True
            thread.join()
    assert not folder.exists()
    assert studio.strangers == []


@contextmanager
def visiting(browser: "Browser", studio: RunningStudio, **options: Any) -> Iterator["Page"]:
    """A tab that may talk to the studio alone; at its end nothing may have failed, and nobody else been asked."""
    problems: list[str] = []

    def note(wrong: bool, what: str) -> None:
        if wrong and NOWHERE not in what:
            problems.append(what)

    own = (studio.address, "data:", "blob:")
    with visitor(browser, reduced_motion="reduce", **options) as context:
        page = context.new_page()
        page.on("request", lambda request: note(not request.url.startswith(own), request.url))
        page.on("pageerror", lambda error: note(True, str(error)))
        page.on("console", lambda message: note(message.type == "error", message.text))
        page.goto(studio.address)
        page.get_by_label("identity").first.wait_for()
        yield page
    assert problems == []
