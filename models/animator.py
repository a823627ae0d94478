"""The interface every model of the zoo has: one source image moved by a driving video."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import torch
from torch import Tensor, nn

from lia_bench.core.errors import CheckpointError, InputError
from lia_bench.core.memory import freed_memory_kept
from lia_bench.core.suggestions import unknown
from lia_bench.core.video.conversion import image_of, images_of, levels_of, to_range
from lia_bench.models.acceleration import compiler_advice, streamed
from lia_bench.models.blocks.standing_weights import StandingWeights
from lia_bench.models.controls import Control, Editor, amounts_row
from lia_bench.models.hub import Shareable

if TYPE_CHECKING:
    from lia_bench.core.video.conversion import PictureLike, VideoLike

Precision: TypeAlias = Literal["32-true", "bf16-mixed"]
"""Of what is computed, as Lightning names them."""


class Animator(nn.Module, Shareable, ABC):
    """A network that renders driving frames with the subject of a source image.

    Subclasses say how to encode a source (once) and how to render a batch of driving frames;
    checking, batching, devices and clamping are done here.

    Attributes:
        transfer_modes: what `animate(transfer=...)` takes.
        reconstruction_transfer: of them, what takes all of the driving frame but the subject, for the task whose true
            frames are the driving ones.
        takes_references: whether further views of the source's subject may be given; `encode_views` encodes them.
        takes_source_video: whether the source may be a video; `animate_video` moves it.
        editable: whether there are models of this kind with controls; `controls` and `edited` say which.
        staged: whether pictures that say something lie between source and result; `stages` gives them.
    """

    transfer_modes: ClassVar[tuple[str, ...]] = ("absolute", "relative")
    reconstruction_transfer: ClassVar[str] = "absolute"
    takes_references: ClassVar[bool] = False
    takes_source_video: ClassVar[bool] = False
    editable: ClassVar[bool] = False
    staged: ClassVar[bool] = False
    _reduced = False

    @abstractmethod
    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> Any:
        """All that is computed once a clip.

        Args:
            source: (1, 3, H, W) in [0, 1].
            first_driving: (1, 3, H, W) in [0, 1], the frame that relative transfer starts from.
            transfer: one of `transfer_modes`.
        """

    def encode_views(self, source: Tensor, references: Tensor, first_driving: Tensor, transfer: str) -> Any:
        """As `encode_source`, with `references` (N, 3, H, W) in [0, 1], N > 0; only of models that take references."""
        raise NotImplementedError

    @abstractmethod
    def render(self, encoded: Any, driving: Tensor) -> Tensor:
        """Frames for `driving` (B, 3, H, W) in [0, 1]: (B, 3, H, W) on the [0, 1] scale, not clamped."""

    @property
    @abstractmethod
    def frame_size(self) -> int | None:
        """Side in pixels that source and driving frames must have; None where any side will do."""

    @property
    def output_size(self) -> int | None:
        """Side in pixels of the frames that come out; None where it is that of the frames that go in."""
        return self.frame_size

    def stages(self, source: Tensor, driving: Tensor) -> Mapping[str, Tensor]:
        """What is computed on the way to the frames, by name and in order, the frames last; only of staged models.

        Args:
            source: (1, 3, H, W) in [0, 1]; driving: (B, 3, H, W), likewise.

        Returns:
            pictures (B, 3, h, w) or masks (B, 1, h, w), about in [0, 1].
        """
        raise NotImplementedError

    def controls(self) -> list[Control]:
        """What of a picture can be moved by hand, in the order in which `edited` takes amounts; empty for nothing."""
        return []

    def edited(self, encoded: Any, amounts: Tensor) -> Any:
        """What `encode_source` gave for relative transfer, with the source's own motion changed.

        Only of models that have controls. `amounts`: (N, len(controls())); the result is of one source, N times.
        """
        raise NotImplementedError

    def editor(self, source: "PictureLike") -> Editor:
        """A source, as `animate` takes it, to be shown at several amounts; encoded once. Errors as of `edit`."""
        return Editor(self, source)

    def edit(self, source: "PictureLike", amounts: Mapping[str, float]) -> Tensor:
        """The source's picture with controls at the given amounts: (3, H, W) in [0, 1], on the CPU.

        Args:
            source: as `animate` takes it.
            amounts: by the names of `controls()`; with none it is the source in its own pose.

        Raises:
            InputError: a source of another shape or range, a model without controls, no such control, an amount that
                is no finite number, or a control that needs a face where none is found.
            MissingWeightsError: a control needs a network that is not on this machine.
        """
        return self.editor(source).picture(amounts)

    def edit_stream(self, video: "VideoLike", amounts: Mapping[str, float], batch_size: int = 8) -> Iterator[Tensor]:
        """Frames of a video, as `animate` takes it, with controls at the given amounts; errors as of `edit`.

        As LIA-X's authors do it: the first frame is edited, and moved by the video's own change since it.
        """
        frames = images_of(video, "video")
        first = next(frames, None)
        if first is None:
            raise InputError("the video has no frame")
        return self.animate_stream(first, chain([first], frames), "relative", batch_size, edit=amounts)

    def animate(
        self,
        source: "PictureLike",
        driving: "VideoLike",
        transfer: str = "absolute",
        batch_size: int = 8,
        references: "Tensor | Sequence[PictureLike] | None" = None,
        edit: Mapping[str, float] | None = None,
    ) -> Tensor:
        """The whole animation at once: (T, 3, H, W) in [0, 1], on the CPU. See `animate_stream`."""
        frames = self.animate_stream(source, driving, transfer, batch_size, references, edit)
        return torch.stack(list(numbers_only(frames)))

    def animate_stream(
        self,
        source: "PictureLike",
        driving: "VideoLike",
        transfer: str = "absolute",
        batch_size: int = 8,
        references: "Tensor | Sequence[PictureLike] | None" = None,
        edit: Mapping[str, float] | None = None,
        ahead: bool = True,
    ) -> Iterator[Tensor]:
        """Frames (3, H, W) in [0, 1], on the CPU, one for each driving frame; memory does not grow with T.

        Args:
            source: float32 (3, H, W) in [0, 1], a path, a PIL picture, or an array (H, W, 3) of uint8 or of floats in
                [0, 1].
            driving: float32 (T, 3, H, W) in [0, 1], a path, an array (T, H, W, 3), or any iterable of single frames,
                each as the source may be.
            transfer: "absolute" takes the driving frame's motion as it is, "relative" its change since the
                first driving frame; a model may have more.
            batch_size: driving frames rendered together; it changes the result by rounding alone.
            references: further views of the source's subject, of the source's size, (N, 3, H, W) or each as the source
                may be; their order does not matter.
            edit: amounts by the names of `controls()`, by which the source is moved before the driving video moves
                it, to narrow the gap between the two; for relative transfer alone.
            ahead: whether a GPU renders the next batch while frames of the one before are taken; the CPU never does.

        Raises:
            InputError: a shape, range or transfer mode that the model does not take, references to a model that
                takes none, an edit that it cannot make, or no driving frame.
            CheckpointError: what the weights render is no number (NaN).
        """
        if transfer not in self.transfer_modes:
            raise InputError(unknown("transfer mode", transfer, self.transfer_modes))
        if batch_size < 1:
            raise InputError(f"batch_size is {batch_size}: it must be at least 1")
        still = image_of(source, "source")
        self.check_frame("source", still)
        views = self._checked_references(still, [] if references is None else list(references))
        amounts = self._checked_edit(edit, transfer) if edit else None
        # A GPU gets whole levels as such: a quarter of the bytes to copy.
        frames = (levels_of if self.device.type == "cuda" else images_of)(driving, "driving video")
        begun = next(frames, None)
        if begun is None:
            raise InputError("the driving video has no frame")
        first = to_range(begun)
        self.check_frame("driving frame", first)
        if first.shape != still.shape:
            raise InputError(f"the source is {_size(still)} and the driving video {_size(first)}: resize one of them")
        return self._stream(still, first, views, transfer, amounts, chain([begun], frames), batch_size, ahead)

    def animate_video(
        self, source: "VideoLike", driving: "VideoLike", transfer: str = "relative", batch_size: int = 8
    ) -> Iterator[Tensor]:
        """Frames (3, H, W) in [0, 1], on the CPU, of a source video, each moved by the driving frame of its number.

        There are as many as the shorter video has. Only of models that take a source video.

        Args:
            source: as `animate_stream` takes the driving video; gone through twice.
            driving: likewise.

        Raises:
            InputError: the model takes none; otherwise as `animate_stream`.
        """
        raise InputError("this model takes a picture as source, not a video: give a picture, or take liveportrait")

    def _checked_edit(self, edit: Mapping[str, float], transfer: str) -> Tensor:
        if not self.controls():
            raise InputError("this model has no controls to edit by: leave the edit out, or take another model")
        if transfer != "relative":
            raise InputError(
                f"{transfer} transfer takes the driving frames' own pose, so that an edit would be lost: "
                "edits go with relative transfer"
            )
        return amounts_row(self.controls(), edit)

    def _checked_references(self, source: Tensor, given: "list[PictureLike]") -> list[Tensor]:
        if given and not self.takes_references:
            raise InputError("this model takes no references, the source alone: leave them out or take another model")
        references = [image_of(view, f"reference {number}") for number, view in enumerate(given, start=1)]
        for number, reference in enumerate(references, start=1):
            self.check_frame(f"reference {number}", reference)
            if reference.shape != source.shape:
                raise InputError(
                    f"the source is {_size(source)} and reference {number} {_size(reference)}: resize one of them"
                )
        return references

    def _stream(
        self,
        source: Tensor,
        first: Tensor,
        references: list[Tensor],
        transfer: str,
        amounts: Tensor | None,
        frames: Iterator[Tensor],
        batch_size: int,
        ahead: bool,
    ) -> Iterator[Tensor]:
        """What `animate_stream` gives, of what it has checked; `first` is the first of the frames."""
        device, weights = self.device, StandingWeights()
        still, begun = (frame[None].to(device) for frame in (source, first))
        with self.evaluating(weights):
            if references:
                encoded = self.encode_views(still, torch.stack(references).to(device), begun, transfer)
            else:
                encoded = self.encode_source(still, begun, transfer)
            if amounts is not None:
                encoded = self.edited(encoded, amounts.to(device))

        def rendered(driving: Tensor) -> Tensor:
            with self.evaluating(weights):
                return self.render(encoded, to_range(driving)).clamp(0, 1).float()

        if device.type == "cuda":
            yield from streamed(frames, batch_size, device, rendered, ahead=ahead)
            return
        # Until the clip is rendered: in a process that kept nothing, batches would be slower than single frames.
        with freed_memory_kept():
            while batch := list(islice(frames, batch_size)):
                yield from rendered(torch.stack(batch).to(device)).cpu()

    def speed_up(self, precision: Precision = "32-true", *, compiled: bool = False) -> None:
        """From now on animate in this precision, and by code that torch.compile makes of `render` at its first use.

        "bf16-mixed" lets convolutions and matrix products round to 8 bits: frames differ, which is never the default.
        Each number of frames at once is compiled for itself; that takes a minute or so on a CPU. What animates then
        raises LiaBenchError where there is no C++ compiler.
        """
        self._reduced = precision == "bf16-mixed"
        self.__dict__.pop("render", None)
        if compiled:
            setattr(self, "render", compiler_advice()(torch.compile(self.render)))  # noqa: B010

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(chain(self.parameters(), self.buffers())).device

    @contextmanager
    def evaluating(self, weights: StandingWeights | None = None) -> Iterator[None]:
        """Inside, nothing is trained: evaluation mode, no gradients, `speed_up`'s precision; `weights` stand still."""
        training = self.training
        self.eval()
        reduced = torch.autocast(self.device.type, torch.bfloat16) if self._reduced else nullcontext()
        try:
            with torch.inference_mode(), reduced, (weights or StandingWeights())():
                yield
        finally:
            self.train(training)

    def check_frame(self, what: str, frame: Tensor) -> None:
        """Raise InputError unless `frame` is float (3, H, W) in [0, 1] and of a size the model takes."""
        if frame.ndim != 3 or frame.shape[0] != 3 or not frame.is_floating_point():
            raise InputError(
                f"the {what} is {frame.dtype} of shape {tuple(frame.shape)}: give floats of shape (3, H, W) in [0, 1]"
            )
        low, high = (float(value) for value in frame.aminmax())
        if not (low >= 0 and high <= 1):
            raise InputError(f"the {what} has values from {low:.3g} to {high:.3g}: give values in [0, 1]")
        if self.frame_size is not None and tuple(frame.shape[1:]) != (self.frame_size, self.frame_size):
            raise InputError(
                f"the {what} is {_size(frame)}: this model takes {self.frame_size}x{self.frame_size}; resize it first, "
                f"as lia_bench.read_picture(path, size={self.frame_size}) and read_video do"
            )


def numbers_only(frames: Iterable[Tensor]) -> Iterator[Tensor]:
    """Frames as they come, for those who would keep or show them; an evaluation says of a model what it renders.

    Raises:
        CheckpointError: a frame holds no numbers.
    """
    for frame in frames:
        if frame.isnan().any():
            raise CheckpointError(
                "the model renders no numbers (NaN), since its weights are damaged, or of a training that diverged: "
                "take an earlier checkpoint, or fetch it again"
            )
        yield frame


def _size(frame: Tensor) -> str:
    return f"{frame.shape[2]}x{frame.shape[1]}"


class SizedAnimator(Animator):
    """An animator whose networks are convolutional, so that only its configuration sets the size of the frames."""

    def __init__(self, size: int) -> None:
        """`size`: side in pixels."""
        super().__init__()
        self.size = size

    @property
    def frame_size(self) -> int:
        """The configured size: other sizes would run, but the networks have learned at this one.

        For another, give it as `size`; the weights fit every size.
        """
        return self.size

    def lay_out_channels_last(self) -> None:
        """To be called when all networks are there: convolutions on a processor are a tenth to a fifth faster so."""
        self.to(memory_format=torch.channels_last)
