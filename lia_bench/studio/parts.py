"""Parts of the page that its tabs share: what takes files, lines and bars, and films that play in step."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import gradio as gr

from lia_bench.leaderboards.html.report import PARTS
from lia_bench.studio.workshop import Offer

OWN = files("lia_bench.studio")

IN_TURN: dict[str, Any] = {
    "concurrency_id": "job",
    "concurrency_limit": 1,
    "show_progress": "hidden",
    "api_visibility": "private",
}
"""Of events that compute: one job at a time, since they share the processor or the GPU, and the models."""
AT_ONCE: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""Of events that only look something up."""

CROPS = {"the face": "face", "the body": "body", "nothing: whole frames (--no-crop)": None}
"""What users choose to crop to, and the subject that it means."""
FACE, *_, WHOLE = CROPS


def picture_input(label: str, name: str) -> gr.Image:
    """Takes a picture; hands over its path. The page's script and style call it by `name`."""
    taken = gr.Image(
        elem_id=name,
        label=label,
        sources=["upload", "webcam", "clipboard"],
        type="filepath",
        image_mode=None,
        height=260,
    )
    # Gradio would open the picture itself, in its own words where it cannot.
    taken.preprocess = _path_of  # type: ignore[method-assign]
    return taken


def video_input(label: str, name: str) -> gr.Video:
    """Takes a video; hands over its path. The page's script and style call it by `name`."""
    return gr.Video(
        elem_id=name,
        label=label,
        sources=["upload", "webcam"],
        include_audio=True,
        webcam_options=gr.WebcamOptions(mirror=False, constraints={"video": {"width": {"ideal": 640}}}),
        elem_classes=["video-input"],
    )


def _path_of(payload: Any) -> str | None:
    return payload.path if payload else None


@dataclass(frozen=True)
class Shown:
    """A picture or film on the page, with its files for download.

    Attributes:
        label: its caption.
        address: of the picture or mp4.
        downloads: of files, by what the link says.
    """

    label: str
    address: str
    downloads: Sequence[tuple[str, str]] = ()


def note(text: str, kind: str = "note") -> str:
    """A line for the user: a "note", what was "done", or an "error"."""
    role = "alert" if kind == "error" else "status"
    return f'<p class="line {kind}" role="{role}">{html.escape(text)}</p>'


def bar(text: str, done: int, total: int) -> str:
    """How far a job is."""
    return f'{note(text)}<progress max="{total}" value="{done}" aria-label="{html.escape(text)}"></progress>'


def player(still: Shown, films: Sequence[Shown], all_in_one: Shown, frames: int, fps: float, *, sound: bool) -> str:
    """A picture and films of equal length side by side, played, stopped and searched together."""
    stills = _figure(still, f'<img src="{still.address}" alt="{html.escape(still.label)}">')
    moving = "".join(_figure(one, _video(one)) for one in films)
    heard = '<label><input type="checkbox" class="sound"> sound</label>' if sound else ""
    return (
        f'<studio-player data-frames="{frames}" data-fps="{fps:g}"><div class="films">{stills}{moving}</div>'
        f'<div class="controls"><button type="button" class="toggle">Play</button>'
        f'<input type="range" class="position" min="0" max="{frames - 1}" value="0" aria-label="Frame of all films">'
        f'<output class="count">1 of {frames}</output>{heard}</div><p>{_caption(all_in_one)}</p></studio-player>'
    )


def link(text: str, address: str, name: str) -> str:
    """A link that saves a file under `name`."""
    return f'<a href="{address}" download="{html.escape(name)}">{html.escape(text)}</a>'


def offers(published: Sequence[Offer]) -> str:
    """The published checkpoints as a table."""
    rows = "".join(
        "<tr>"
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in (one.model, one.licence, one.size, one.way))
        + "</tr>"
        for one in published
    )
    head = "<tr><th>model</th><th>licence of the weights</th><th>size</th><th>here, or how it gets here</th></tr>"
    return f'<div class="wide"><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>'


def styles() -> str:
    """The page's own style."""
    return (OWN / "studio.css").read_text(encoding="utf-8")


def script() -> str:
    """The page's own script, an element of the head; what keeps films in step is the report page's."""
    playback = (PARTS / "playback.js").read_text(encoding="utf-8")
    own = (OWN / "player.js").read_text(encoding="utf-8")
    return f"<script>(() => {{\n'use strict';\n{playback}\n{own}\n}})();</script>"


def _video(one: Shown) -> str:
    label = html.escape(one.label)
    return f'<video src="{one.address}" preload="auto" muted playsinline aria-label="{label}"></video>'


def _figure(one: Shown, content: str) -> str:
    return f"<figure>{content}<figcaption>{_caption(one)}</figcaption></figure>"


def _caption(one: Shown) -> str:
    links = " ".join(link(text, address, address.rpartition("/")[2]) for text, address in one.downloads)
    return f"<span>{html.escape(one.label)}</span> {links}"
