"""The tab *Animate*: a picture moved by a video, by one model or several, frame by frame before the user's eyes."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from lia_bench.animation.crop import cut
from lia_bench.animation.film import Performer, layout_of, render, starting_frame
from lia_bench.animation.inputs import DrivingVideo, Preparation, SourcePicture, open_driving, squares
from lia_bench.animation.output import add_sound
from lia_bench.animation.request import AnimationRequest
from lia_bench.core.errors import InputError, LiaBenchError, UnreadableVideoError
from lia_bench.core.memory import batch_size_advice
from lia_bench.core.video import INDEX_FIRST, VideoWriter, read_picture, resize
from lia_bench.core.video.sound import has_sound
from lia_bench.models.loading import pick_device
from lia_bench.models.reference import name_models
from lia_bench.models.specification import MODELS
from lia_bench.studio.parts import (
    AT_ONCE,
    CROPS,
    FACE,
    IN_TURN,
    WHOLE,
    Shown,
    bar,
    note,
    offers,
    picture_input,
    player,
    video_input,
)
from lia_bench.studio.workshop import Job, Sample, StoppedError, Workshop, chosen, one_line, published

USUAL = "usual (relative where the model knows it)"
SECONDS_BETWEEN_NEWS = 0.1


@dataclass(frozen=True)
class Film:
    """A film of a job.

    Attributes:
        label: what the page calls it.
        stem: of its files.
    """

    label: str
    stem: str


@dataclass
class Filming:
    """How far a job is.

    Attributes:
        films: what comes of it: the driving video, every model's film, and the strip of all.
        total: how many frames there are.
        fps: frames a second.
        done: how many of them are finished.
        sound: whether the films can be heard.
        remarks: lines for the user.
    """

    films: tuple[Film, ...]
    total: int
    fps: float
    done: int = 0
    sound: bool = False
    remarks: list[str] = field(default_factory=list)


def film(
    job: Job,
    source: SourcePicture,
    driving: DrivingVideo,
    performers: Sequence[Performer],
    request: AnimationRequest,
) -> Iterator[Filming]:
    """Render into the job's folder, and tell of every frame; the films are there after the last one.

    `source.png` and `driving.mp4` are what the models see; every model has a film, and the strip shows them all. Memory
    does not grow with the video's length.

    Raises:
        StoppedError: the user ended it; no film is there.
        LiaBenchError: as of `lia_bench.animation.film.make`.
    """
    labels = [performer.model.label for performer in performers]
    models = [Film(label, f"model-{number}") for number, label in enumerate(labels, start=1)]
    films = (Film("driving", "driving"), *models, Film("side by side", "side-by-side"))
    picture = read_picture(source.path)
    still = cut(picture, source.square)
    alone, beside = (
        layout_of(picture, still, source, performers, one)
        for one in (replace(request, models=request.models[:1]), replace(request, side_by_side=True))
    )
    with open_driving(driving.path) as footage, ExitStack() as written, batch_size_advice(request.batch_size):
        state = Filming(films, footage.frames, footage.clip_fps)
        start = starting_frame(source, driving, footage, request)
        writers = [
            written.enter_context(VideoWriter(_silent(job, one), state.fps, container=INDEX_FIRST)) for one in films
        ]
        rows = render(performers, still, squares(footage, driving.square), start, [], request.batch_size)
        for frame, rendered in rows:
            job.check()
            if not state.done:
                Image.fromarray(resize(still, frame.shape[:2])).save(job.folder / "source.png")
            shown = [frame, *(alone(frame, [one]) for one in rendered), beside(frame, rendered)]
            for writer, content in zip(writers, shown, strict=True):
                writer.write(content)
            state.done += 1
            yield state
    state.sound = has_sound(driving.path)
    for one in films:
        _give_sound(job, one, driving.path, state)
    yield state


def _give_sound(job: Job, one: Film, driving: Path, state: Filming) -> None:
    path, silent = job.folder / f"{one.stem}.mp4", _silent(job, one)
    try:
        if state.sound:
            add_sound(silent, driving, path)
    except UnreadableVideoError as error:
        state.sound = False
        state.remarks.append(f"without sound: {error}")
    if not state.sound:
        silent.replace(path)


def _silent(job: Job, one: Film) -> Path:
    return job.folder / f"{one.stem}.silent.mp4"


@dataclass(frozen=True)
class Form:
    """What the user filled in, in the order of the page's inputs."""

    picture: str | None
    video: str | None
    models: list[str]
    transfer: str
    crop: str
    best_start: bool
    paste_back: bool

    def request(self, workshop: Workshop) -> AnimationRequest:
        """What it asks for.

        Raises:
            InputError: something is missing.
            DeviceError: there is no such device.
        """
        source, driving = chosen(self.picture, "picture"), chosen(self.video, "driving video")
        if not self.models:
            raise InputError("no model chosen: tick one, or several to compare them")
        subject = CROPS[self.crop]
        return AnimationRequest(
            models=tuple(self.models),
            source=source,
            driving=driving,
            transfer=None if self.transfer == USUAL else self.transfer,
            start="best" if self.best_start else "first",
            subject=subject or "face",
            crop=subject is not None,
            paste_back=self.paste_back,
            # A processor is no slower frame by frame, and the page can tell of each.
            batch_size=1 if pick_device(workshop.settings.device).type == "cpu" else 8,
        )


def animate(workshop: Workshop, job: Job, form: Form) -> Iterator[tuple[str, str | None]]:
    """Do what the form asks for: again and again what the status says, and once the films, which are None till then.

    Raises:
        StoppedError, LiaBenchError: it ended without films.
    """
    remarks: list[str] = []
    job.check()
    request = form.request(workshop)
    request.check()
    transfers = request.transfers([named.reference for named in name_models(request.models, remarks.append)])
    yield note("looking for the subject in both" if request.crop else "reading both"), None
    preparation = Preparation(request, remarks.append)
    source = preparation.source(request.source)
    driving = preparation.driving(request.driving)
    job.check()
    yield note("loading the weights"), None
    models = workshop.load(request.models, lambda line: None)
    performers = [Performer(model, transfer, request.edit) for model, transfer in zip(models, transfers, strict=True)]
    begun = told = time.monotonic()
    for state in film(job, source, driving, performers, request):
        now = time.monotonic()
        if state.done < state.total and now - told >= SECONDS_BETWEEN_NEWS:
            told = now
            rate = f"{state.done / (now - begun):.1f} a second"
            yield bar(f"frame {state.done} of {state.total}, {rate}", state.done, state.total), None
    spent = time.monotonic() - begun
    lines = [note(f"{state.done} frames in {spent:.1f} s{', with sound' if state.sound else ''}", "done")]
    lines += [note(one_line(remark, workshop.uploads)) for remark in (*remarks, *state.remarks)]
    yield "".join(lines), _shown(job, state)


def _shown(job: Job, state: Filming) -> str:
    *playing, strip = state.films

    def shown(one: Film) -> Shown:
        stem = job.address(one.stem)
        return Shown(one.label, f"{stem}.mp4", [("mp4", f"{stem}.mp4"), ("gif", f"{stem}.gif")])

    source = Shown("source", job.address("source.png"))
    below = shown(strip)
    downloads = Shown(f"download all {strip.label}:", "", below.downloads)
    return player(source, [shown(one) for one in playing], downloads, state.done, state.fps, sound=state.sound)


def animate_tab(page: gr.Blocks, workshop: Workshop, sample: Sample) -> None:
    """Lay the tab out on `page`, and connect it."""
    with gr.Row():
        with gr.Column(min_width=300):
            picture = picture_input("Picture of the subject", "animate-picture")
            video = video_input("Driving video", "animate-video")
        with gr.Column(min_width=300):
            models = gr.CheckboxGroup(label="Models", choices=[], elem_id="animate-models")
            modes = sorted({mode for one in MODELS.values() for mode in one.transfer_modes})
            transfer = gr.Dropdown([USUAL, *modes], value=USUAL, label="Transfer of motion")
            crop = gr.Radio(list(CROPS), value=FACE, label="Crop both to")
            best_start = gr.Checkbox(label="begin from the driving frame most like the picture (--start best)")
            paste_back = gr.Checkbox(label="put the result back into the whole picture (--paste-back)")
            gr.Examples(
                [[str(sample.picture), str(sample.video), WHOLE]], [picture, video, crop], label="A drawn sample"
            )
            with gr.Row():
                start = gr.Button("Animate", variant="primary")
                cancel = gr.Button("Cancel", variant="stop")
    status, films = gr.HTML(elem_id="animate-status"), gr.HTML(elem_id="animate-films")
    with gr.Accordion("Published checkpoints, and under which licence", open=False):
        gr.HTML(offers(published()))

    def run(request: gr.Request, *filled: Any) -> Iterator[tuple[Any, Any]]:
        try:
            job = workshop.current(str(request.session_hash))
            for said, shown in animate(workshop, job, Form(*filled)):
                yield said, gr.skip() if shown is None else shown
        except StoppedError:
            yield note("cancelled; nothing was kept"), gr.skip()
        except (LiaBenchError, OSError) as error:
            yield note(one_line(error, workshop.uploads), "error"), gr.skip()

    def begin(request: gr.Request) -> tuple[str, str]:
        workshop.begin(str(request.session_hash))
        return note("waiting for its turn"), ""

    def stop(request: gr.Request) -> Any:
        return note("cancelling") if workshop.stop(str(request.session_hash)) else gr.skip()

    filled = [picture, video, models, transfer, crop, best_start, paste_back]
    start.click(begin, None, [status, films], **AT_ONCE).then(run, filled, [status, films], **IN_TURN)
    cancel.click(stop, None, status, **AT_ONCE)

    def here() -> Any:
        found = workshop.references()
        return gr.update(choices=found, value=[found[0][1]] if found else [])

    page.load(here, None, models, **AT_ONCE)
