"""A user's own picture or video moved along a model's controls, and one control swept over its range."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from lia_bench.animation.crop import Still, cut
from lia_bench.animation.inputs import Cropper, open_driving
from lia_bench.animation.layout import Pasting
from lia_bench.animation.output import Written, check_film_name, write_film
from lia_bench.core.atomic import replacing
from lia_bench.core.console import progress
from lia_bench.core.errors import InputError
from lia_bench.core.memory import batch_size_advice
from lia_bench.core.registry import load_attribute
from lia_bench.core.video import read_picture, resize, to_frame, to_tensor
from lia_bench.core.video.reader import Frame
from lia_bench.models.animator import Animator, numbers_only
from lia_bench.models.controls import Control, amounts_row, control_named
from lia_bench.models.lineup import load_lineup
from lia_bench.models.reference import ModelReference, NamedModel
from lia_bench.models.specification import MODELS
from lia_bench.preprocessing.boxes import Box

if TYPE_CHECKING:
    from torch import Tensor

PICTURE_FORMATS = (".png", ".jpg", ".jpeg", ".webp")
SWEEP_RATE = 25.0


@dataclass(frozen=True)
class EditRequest:
    """What is to be moved, and by how much.

    Attributes:
        model: name[:variant][@checkpoint].
        source: a picture, or a video.
        moving: whether it is a video.
        amounts: by the controls' names.
        sweep: a control that is moved through its range while the others stay; of pictures alone.
        ends: of the sweep; None for those of the control's slider.
        steps: from the neutral place to either end.
        output: the result; None for a name made of source and model.
        subject: "face" or "body": what the source is cropped to.
        crop: whether to crop at all.
        paste_back: whether the result is put back into the whole picture.
        batch_size: pictures at once.
        device: as torch names devices; None for the GPU where there is one.
        runs: folder of training runs.
    """

    model: str
    source: Path
    moving: bool = False
    amounts: Mapping[str, float] = field(default_factory=dict)
    sweep: str | None = None
    ends: tuple[float, float] | None = None
    steps: int = 16
    output: Path | None = None
    subject: str = "face"
    crop: bool = True
    paste_back: bool = False
    batch_size: int = 8
    device: str | None = None
    runs: Path = Path("runs")

    def checked_output(self, name: str) -> Path:
        """Where the result goes; refuses what cannot be written.

        Raises:
            InputError: a suffix of another kind, a folder, or the source itself.
        """
        film = self.moving or self.sweep is not None
        kind = f"sweep-{self.sweep}" if self.sweep is not None else "edited"
        output = self.output or Path(f"{self.source.stem}-{name}-{kind}{'.mp4' if film else '.png'}")
        if film:
            check_film_name(output)
        elif output.suffix.lower() not in PICTURE_FORMATS:
            raise InputError(
                f"{output}: pictures are written as {', '.join(PICTURE_FORMATS)}; give --output one of these suffixes"
            )
        if output.is_dir():
            raise InputError(f"{output}: a folder; name a file")
        if output.resolve() == self.source.resolve():
            raise InputError(f"{output}: this is the input; give the result another name")
        return output


def editable_model(model: str, runs: Path, device: str | None, announce: Callable[[str], None]) -> Animator:
    """A model that can be edited by, loaded.

    Args:
        model: name[:variant][@checkpoint]; without a checkpoint the newest run is taken, which `announce` is told.

    Raises:
        InputError: the model has no controls.
        LiaBenchError: as of `load_lineup`.
    """
    reference = ModelReference.parse(model)
    if not load_attribute(MODELS[reference.name].animator).editable:
        others = [name for name, each in MODELS.items() if load_attribute(each.animator).editable]
        raise InputError(f"{reference.name} has no controls to edit by: take {', '.join(others)}")
    lineup = load_lineup([NamedModel(reference, model)], runs, device, announce)
    return lineup.models[0].animator


def edit(request: EditRequest, announce: Callable[[str], None]) -> tuple[Path, Written]:
    """Make what is asked for; `announce` takes lines for the user.

    Raises:
        LiaBenchError: of the kind that names the cause.
    """
    if not request.source.exists():
        raise InputError(f"{request.source}: no such file or folder")
    output = request.checked_output(ModelReference.parse(request.model).name)
    cropper = Cropper(request.subject if request.crop else None, announce)
    animator = editable_model(request.model, request.runs, request.device, announce)
    amounts_row(animator.controls(), request.amounts)
    with batch_size_advice(request.batch_size):
        if request.moving:
            return output, _edit_video(request, animator, cropper, output)
        picture = read_picture(request.source)
        placed = _Placed(picture, cropper.square(Still(request.source, picture)), animator)
        editor = animator.editor(placed.shown)
        if request.sweep is None:
            (rendered,) = numbers_only([editor.picture(request.amounts)])
            _write_picture(output, placed.of_picture(rendered, request.paste_back))
            return output, Written(1)
        values = sweep_values(control_named(editor.controls, request.sweep), request.ends, request.steps)
        swept = editor.sweep(request.sweep, values, request.amounts, request.batch_size)
        shown = progress(numbers_only(swept), title=f"sweep {request.sweep}", total=len(values), unit="picture")
        frames = (placed.of_film(rendered, request.paste_back) for rendered in shown)
        return output, write_film(output, frames, SWEEP_RATE, request.source)


def sweep_values(control: Control, ends: tuple[float, float] | None, steps: int) -> list[float]:
    """Amounts from the neutral place to the higher end and back, to the lower end and back: 4 * steps.

    The order of LIA-X's clips, whose steps are 16.

    Raises:
        InputError: the ends do not lie on either side of the neutral amount.
    """
    lowest, highest = ends or (control.lowest, control.highest)
    if not lowest < control.neutral < highest:
        raise InputError(
            f"a sweep from {lowest:g} to {highest:g} does not pass {control.neutral:g}, where {control.name} rests: "
            "give the lower end first"
        )
    there = [step / steps for step in range(1, steps + 1)]
    shares = [*there, *reversed(there[:-1]), 0.0]
    return [control.neutral + share * (end - control.neutral) for end in (highest, lowest) for share in shares]


class _Placed:
    """A frame's square as the model takes it, and the way back."""

    def __init__(self, frame: Frame, square: Box, animator: Animator) -> None:
        self._frame, self._square = frame, square
        still = cut(frame, square)
        side = animator.frame_size or min(still.shape[:2])
        self.shown = to_tensor(resize(still, (side, side)))

    def of_film(self, rendered: "Tensor", paste_back: bool) -> Frame:
        """What the model rendered, alone or in its place; both sides are even."""
        picture = to_frame(rendered)
        return Pasting(self._frame, self._square).paste(picture) if paste_back else picture

    def of_picture(self, rendered: "Tensor", paste_back: bool) -> Frame:
        """What the model rendered, alone, or in its place in all of the frame."""
        placed = self.of_film(rendered, paste_back)
        if not paste_back:
            return placed
        whole = self._frame.copy()
        whole[: placed.shape[0], : placed.shape[1]] = placed
        return whole


def _edit_video(request: EditRequest, animator: Animator, cropper: Cropper, output: Path) -> Written:
    """Memory does not grow with the video's length: no more than a batch waits for what is rendered of it."""
    waiting: deque[_Placed] = deque()

    def shown(frames: Iterable[Frame], square: Box) -> Iterator["Tensor"]:
        for frame in frames:
            waiting.append(_Placed(frame, square, animator))
            yield waiting[-1].shown

    with open_driving(request.source) as footage:
        square = cropper.square(footage)
        frames = (footage.square_frame(index) for index in range(footage.frames))
        bar = progress(frames, title=f"edit {request.source.name}", total=footage.frames, unit="frame")
        rendered = numbers_only(animator.edit_stream(shown(bar, square), request.amounts, request.batch_size))
        film = (waiting.popleft().of_film(picture, request.paste_back) for picture in rendered)
        return write_film(output, film, footage.clip_fps, request.source)


def _write_picture(path: Path, picture: Frame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        Image.fromarray(picture).save(temporary, quality=95)
