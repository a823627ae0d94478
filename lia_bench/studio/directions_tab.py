"""The tab *Directions*: a picture moved along a model's controls by sliders, those that change it most first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import torch

from lia_bench.animation.edits import SWEEP_RATE, sweep_values
from lia_bench.animation.inputs import Cropper
from lia_bench.core.errors import InputError, LiaBenchError
from lia_bench.core.registry import load_attribute
from lia_bench.core.video import resize, to_frame, to_tensor, write_video
from lia_bench.core.video.reader import Frame
from lia_bench.models.animator import numbers_only
from lia_bench.models.controls import Control, Editor
from lia_bench.models.reference import ModelReference
from lia_bench.models.specification import MODELS
from lia_bench.studio.parts import AT_ONCE, CROPS, FACE, IN_TURN, WHOLE, bar, link, note, picture_input
from lia_bench.studio.workshop import Job, Sample, StoppedError, Workshop, chosen, one_line

SLIDERS = 60
"""More than a model of the zoo has controls."""
SEEN = 10
"""Sliders that are seen before one asks for more."""
SHARE = 1 / 3
"""Of a control's way to its higher end: how far it goes where its effect is measured. LIA's go by a unit."""
SWEEP_STEPS = 8


@dataclass(frozen=True)
class Measured:
    """A control, and what it does to one picture.

    Attributes:
        control: the model's.
        effect: mean absolute change of the picture's values, of their range, by a third of the way to the higher end.
    """

    control: Control
    effect: float


@dataclass
class Opened:
    """A picture that a model has encoded.

    Attributes:
        editor: the picture at any place along the controls.
        sliders: the controls in the order of the page, the one of the largest effect first.
        name: of the picture's file, without its suffix.
    """

    editor: Editor
    sliders: list[Measured]
    name: str

    def picture(self, amounts: Sequence[float]) -> Frame:
        """The picture with the sliders at `amounts`, uint8 RGB (H, W, 3)."""
        (rendered,) = numbers_only([self.editor.picture(self._named(amounts))])
        return to_frame(rendered)

    def sweep(self, control: Control, amounts: Sequence[float]) -> Iterator[Frame]:
        """The picture while a control goes to its one end and its other and back, the others where they are."""
        values = sweep_values(control, None, SWEEP_STEPS)
        rendered = self.editor.sweep(control.name, values, self._named(amounts), batch_size=1)
        return (to_frame(picture) for picture in numbers_only(rendered))

    def _named(self, amounts: Sequence[float]) -> Mapping[str, float]:
        return {one.control.name: amount for one, amount in zip(self.sliders, amounts, strict=False)}


def open_picture(
    workshop: Workshop, job: Job, picture: str | None, model: str | None, crop: str
) -> Iterator[tuple[str, Opened | None]]:
    """Encode a picture and measure what each control does to it: what the status says, and at last what came of it.

    Raises:
        StoppedError: the user began anew.
        LiaBenchError: it cannot be opened; of a model without controls, InputError.
    """
    path = chosen(picture, "picture")
    if not model:
        raise InputError("no model here: train one first (lia-bench train lia), or name one with --models")
    remarks: list[str] = []
    yield note("looking for the subject" if CROPS[crop] else "reading the picture"), None
    still = Cropper(CROPS[crop], remarks.append).picture(path)
    yield note("loading the weights"), None
    (loaded,) = workshop.load([model], remarks.append)
    animator = loaded.animator
    if not animator.controls():
        raise InputError(
            f"{loaded.label} has no directions or other controls to move a picture by: it can only animate"
        )
    side = animator.frame_size or min(still.shape[:2])
    editor = Editor(animator, to_tensor(resize(still, (side, side))))
    rest, measured = editor.picture({}), []
    for number, control in enumerate(editor.controls, start=1):
        job.check()
        try:
            measured.append(Measured(control, _effect(editor, control, rest)))
        except LiaBenchError as error:
            remarks.append(f"without {control.name}: {error}")
        yield bar(f"measured {number} of {len(editor.controls)} controls", number, len(editor.controls)), None
    measured.sort(key=lambda one: -one.effect)
    said = note("behind each name: by how much a third of the slider's way changes the picture", "done")
    remarks += [f"not shown, for want of place: {one.control.name}" for one in measured[SLIDERS:]]
    lines = "".join(note(one_line(line, workshop.uploads)) for line in remarks)
    yield said + lines, Opened(editor, measured[:SLIDERS], path.stem)


def _effect(editor: Editor, control: Control, rest: torch.Tensor) -> float:
    (moved,) = numbers_only(
        [editor.picture({control.name: control.neutral + SHARE * (control.highest - control.neutral)})]
    )
    return float((moved - rest).abs().mean())


def directions_tab(page: gr.Blocks, workshop: Workshop, sample: Sample) -> None:
    """Lay the tab out on `page`, and connect it."""
    opened = gr.State(None, time_to_live=3600)
    with gr.Row():
        with gr.Column(min_width=300):
            picture = picture_input("Picture", "directions-picture")
            model = gr.Dropdown([], label="Model", elem_id="directions-model")
            crop = gr.Radio(list(CROPS), value=FACE, label="Crop to")
            gr.Examples([[str(sample.picture), WHOLE]], [picture, crop], label="A drawn sample")
            start = gr.Button("Open", variant="primary")
            status = gr.HTML(elem_id="directions-status")
        with gr.Column(min_width=300):
            moved = gr.Image(
                label="Moved", interactive=False, format="png", buttons=["download", "fullscreen"], elem_id="moved"
            )
            sliders = [_slider() for _ in range(SEEN)]
            with gr.Accordion("Weaker ones", open=False):
                sliders += [_slider() for _ in range(SLIDERS - SEEN)]
            reset = gr.Button("Reset")
            swept = gr.Dropdown([], label="Sweep from end to end")
            film = gr.Button("Make a video of the sweep")
            video = gr.HTML(elem_id="swept")

    def run(picture: str | None, model: str | None, crop: str, request: gr.Request) -> Iterator[dict[Any, Any]]:
        try:
            job = workshop.begin(place_of(request))
            for said, found in open_picture(workshop, job, picture, model, crop):
                yield {status: said} if found is None else {status: said, **shown(found)}
        except StoppedError:
            return
        except (LiaBenchError, OSError) as error:
            yield {status: note(one_line(error, workshop.uploads), "error")}

    def shown(found: Opened) -> dict[Any, Any]:
        updates: dict[Any, Any] = {slider: gr.update(visible=False) for slider in sliders}
        for slider, one in zip(sliders, found.sliders, strict=False):
            updates[slider] = gr.update(
                label=f"{one.control.name} · {one.effect:.1%}",
                info=one.control.description,
                minimum=one.control.lowest,
                maximum=one.control.highest,
                step=(one.control.highest - one.control.lowest) / 100,
                value=one.control.neutral,
                visible=True,
            )
        names = [one.control.name for one in found.sliders]
        listed = gr.update(choices=names, value=names[0])
        return {**updates, opened: found, moved: found.picture([]), swept: listed, video: ""}

    def move(found: Opened | None, *amounts: float) -> Any:
        return gr.skip() if found is None else found.picture(amounts)

    def back(found: Opened | None) -> dict[Any, Any]:
        if found is None:
            return {}
        rest = {slider: one.control.neutral for slider, one in zip(sliders, found.sliders, strict=False)}
        return {**rest, moved: found.picture([])}

    def sweep(request: gr.Request, found: Opened | None, name: str | None, *amounts: float) -> str:
        try:
            control = next((one.control for one in found.sliders if one.control.name == name), None) if found else None
            if found is None or control is None:
                raise InputError("open a picture first")
            job = workshop.begin(place_of(request))
            write_video(job.folder / "sweep.mp4", found.sweep(control, amounts), SWEEP_RATE)
        except (LiaBenchError, OSError) as error:
            return note(one_line(error, workshop.uploads), "error")
        stem = f"{found.name}-{control.name}"
        links = [link(kind, job.address(f"sweep.{kind}"), f"{stem}.{kind}") for kind in ("mp4", "gif")]
        film = f'<video src="{job.address("sweep.mp4")}" controls loop muted playsinline></video>'
        return f"{film}<p>{' '.join(links)}</p>"

    def here() -> Any:
        found = workshop.references()
        movable = [text for _, text in found if _is_movable(text)]
        return gr.update(choices=found, value=next(iter(movable), None))

    start.click(
        run, [picture, model, crop], [status, opened, moved, swept, video, *sliders], trigger_mode="once", **IN_TURN
    )
    gr.on([slider.input for slider in sliders], move, [opened, *sliders], moved, trigger_mode="always_last", **IN_TURN)
    reset.click(back, opened, [moved, *sliders], **IN_TURN)
    film.click(sweep, [opened, swept, *sliders], video, **IN_TURN)
    page.load(here, None, model, **AT_ONCE)


def place_of(request: gr.Request) -> str:
    """What the workshop calls this tab of a visitor's page."""
    return f"{request.session_hash}/directions"


def _is_movable(reference: str) -> bool:
    """Whether models of that kind have controls, so that one of them is offered first."""
    return bool(load_attribute(MODELS[ModelReference.parse(reference).name].animator).editable)


def _slider() -> gr.Slider:
    return gr.Slider(-1, 1, value=0, visible=False)
