"""What a user asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from lia_bench.animation.output import FORMATS, check_film_name
from lia_bench.core.errors import InputError
from lia_bench.core.number_types import LARGEST_RATE
from lia_bench.core.registry import load_attribute
from lia_bench.core.video.files import holds_video
from lia_bench.core.video.image import holds_picture
from lia_bench.models.reference import ModelReference
from lia_bench.models.specification import MODELS

USUAL_TRANSFER = "relative"
"""Of every model that knows it, where none is asked for."""


@dataclass(frozen=True)
class AnimationRequest:
    """Which pictures are to be moved by which videos, and how.

    Attributes:
        models: references `name[:variant][@checkpoint]`; several give one strip.
        source: a picture, or a folder of pictures; for models that take one a video, of which every frame is moved by
            the driving frame of its number.
        driving: a video, or a folder of videos; a folder of pictures alone is one video, frame by frame.
        references: further pictures of the source's subject, for models that take several.
        output: the result, or the folder that it goes to; where there are several results, their folder.
        format: "mp4" or "gif", of results in a folder; a named one's suffix tells.
        transfer: a transfer mode of the models; None is relative, and for a model that does not know it the model's
            usual one.
        edit: amounts by the names of the models' controls, by which the source is moved before the driving video moves
            it; for relative transfer alone.
        start: "first" or "best": the driving frame that relative transfer begins from.
        subject: "face" or "body": what both inputs are cropped to.
        crop: whether to crop at all.
        paste_back: whether the result is put back into the whole source picture.
        side_by_side: whether source and driving stand beside the result; they do where there are several models.
        fps: frames a second of a driving video that is a folder of pictures, which says none; None is 25.
        batch_size: frames rendered together.
        device: as torch names devices; None for the GPU where there is one.
        runs: folder of training runs.
        runtime: what runs exported models, "onnx" or "openvino"; None is the first.
        precision, compile: as `Animator.speed_up` takes them.
    """

    models: tuple[str, ...]
    source: Path
    driving: Path
    references: tuple[Path, ...] = ()
    output: Path | None = None
    format: str | None = None
    transfer: str | None = None
    edit: Mapping[str, float] = field(default_factory=dict)
    start: str = "first"
    subject: str = "face"
    crop: bool = True
    paste_back: bool = False
    side_by_side: bool = False
    fps: float | None = None
    batch_size: int = 8
    device: str | None = None
    runs: Path = Path("runs")
    runtime: str | None = None
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    compile: bool = False

    def check(self) -> None:
        """Refuse what cannot work, before anything is loaded.

        Raises:
            InputError: what is wrong.
        """
        for path in (self.source, self.driving, *self.references):
            if not path.exists():
                raise InputError(f"{path}: no such file or folder")
        asked = {"--paste-back": self.paste_back, "--start best": self.start == "best", "--edit": bool(self.edit)}
        option = next((name for name, given in asked.items() if given), None)
        if option and self.moves_video:
            raise InputError(f"{self.source}: a video; {option} is for a source picture: leave it out")

    @cached_property
    def moves_video(self) -> bool:
        """Whether the source is a video; animated pictures are the picture that they begin with."""
        return not self.source.is_dir() and not holds_picture(self.source) and holds_video(self.source)

    def check_fps(self, drivings: Sequence[Path]) -> None:
        """Refuse a rate for what has one; `drivings` are the videos that `driving` means.

        Raises:
            InputError: what is wrong.
        """
        if self.fps is None:
            return
        if not 0 < self.fps <= LARGEST_RATE:
            raise InputError(f"--fps {self.fps:g}: give frames a second, up to {LARGEST_RATE}")
        if list(drivings) != [self.driving] or not self.driving.is_dir():
            raise InputError(
                f"{self.driving}: a video has its own rate: leave --fps out, it is for folders of pictures"
            )

    def transfers(self, references: Sequence[ModelReference]) -> list[str]:
        """How each of the models transfers motion; nothing is loaded.

        Raises:
            InputError: a model has not the transfer mode, takes no references or no source video, or cannot edit the
                source; no model begins from a frame (`--start best`).
        """
        for reference in references:
            if self.references and not load_attribute(MODELS[reference.name].animator).takes_references:
                raise InputError(f"{reference.name} takes no references, the source alone: leave out --reference")
            if self.moves_video and not load_attribute(MODELS[reference.name].animator).takes_source_video:
                raise InputError(f"{self.source}: a video; {reference.name} takes a picture as source: give one")
        transfers = [self._transfer(reference) for reference in references]
        for reference, transfer in zip(references, transfers, strict=True) if self.edit else ():
            if not load_attribute(MODELS[reference.name].animator).editable:
                raise InputError(f"{reference.name} has no controls to edit by: leave out --edit")
            if transfer != USUAL_TRANSFER:
                raise InputError(
                    f"--edit goes with relative transfer: {transfer} transfer takes the driving frames' own pose, in "
                    "which an edit would be lost"
                )
        if self.start == "best" and all(transfer == "absolute" for transfer in transfers):
            raise InputError("--start best counts for relative transfer alone: absolute transfer begins from no frame")
        return transfers

    def _transfer(self, reference: ModelReference) -> str:
        modes = MODELS[reference.name].transfer_modes
        if self.transfer is None:
            return USUAL_TRANSFER if USUAL_TRANSFER in modes else modes[0]
        if self.transfer not in modes:
            raise InputError(f"{reference.name} has no transfer mode '{self.transfer}': {', '.join(modes)}")
        return self.transfer

    @property
    def is_strip(self) -> bool:
        """Whether results show source, driving and models side by side."""
        return self.side_by_side or len(self.models) > 1

    def names_folder(self, output: Path) -> bool:
        """Whether an output is a folder, or would be one: nothing is there, and the name has no suffix."""
        return output.is_dir() or not (output.suffix or output.exists())

    def check_single_output(self, output: Path) -> None:
        """Refuse an output that would be no film, or would replace an input.

        Raises:
            InputError: what is wrong.
        """
        check_film_name(output)
        if self.format not in (None, output.suffix.lower().removeprefix(".")):
            raise InputError(f"{output}: --format {self.format} says otherwise; leave it out")
        if output.resolve() in {path.resolve() for path in (self.source, self.driving, *self.references)}:
            raise InputError(f"{output}: this is an input; give the result another name")

    def check_folder(self, output: Path) -> None:
        """Refuse a folder of results that is a file, or that was meant to be one.

        Raises:
            InputError: what is wrong.
        """
        if output.is_file() or (output.suffix.lower().removeprefix(".") in FORMATS and not output.is_dir()):
            raise InputError(
                f"{output}: names a file, but a folder of pictures or videos gives several results; name a folder, and "
                "the format with --format"
            )
