"""The commands as functions of Python.

Every function fills the request that its command fills, which says what the options mean and checks them. Options have
the same names and defaults here and there, but that a flag of the command line is a truth value here (`crop=False`).
"""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from lia_bench.animation.animated import Animation
    from lia_bench.core.video.conversion import PictureLike, VideoLike
    from lia_bench.outcomes import PreparedFolder, TrainedRun

Say = Callable[[str], None]
"""Takes the lines that a command would print."""

AnyPath = str | PathLike[str]
Subject = Literal["face", "body", "sample"]
Option = AnyPath | int | float | bool | Sequence[AnyPath] | None


def animate(
    picture: "PictureLike",
    video: "VideoLike",
    output: AnyPath | None = None,
    *,
    model: str | Sequence[str],
    references: "Sequence[PictureLike]" = (),
    format: Literal["mp4", "gif"] | None = None,
    transfer: str | None = None,
    edit: Mapping[str, float] | None = None,
    start: Literal["first", "best"] = "first",
    subject: Literal["face", "body"] = "face",
    crop: bool = True,
    paste_back: bool = False,
    side_by_side: bool = False,
    fps: float | None = None,
    device: str | None = None,
    batch_size: int = 8,
    runs: AnyPath = "runs",
    runtime: Literal["onnx", "openvino"] | None = None,
    precision: Literal["32-true", "bf16-mixed"] = "32-true",
    compile: bool = False,
    say: Say = print,
) -> "Animation":
    """Move the subject of a picture as a video moves, as `lia-bench animate` does.

    The face is found in both and cropped as training data is. The other options are those of the command, as
    `lia_bench.animation.request.AnimationRequest` explains them.

    >>> import lia_bench
    >>> animation = lia_bench.animate("me.png", "talk.mp4", model="lia")     # doctest: +SKIP
    >>> animation.frames.shape                                               # doctest: +SKIP
    (221, 256, 256, 3)

    Args:
        picture: a path, or a folder of pictures; a PIL picture; an array (H, W, 3) of uint8 or of floats in [0, 1]; a
            tensor (3, H, W) of such floats.
        video: a path, or a folder of videos; an array (T, H, W, 3), a tensor (T, 3, H, W), or pictures one after the
            other, with `fps` their rate.
        output: the .mp4 or .gif file, or of several results the folder; None writes nothing.
        model: as the command names it, such as "lia" (its newest run) or "lia:vox-256@vox.pt"; several give one strip.
        say: takes lines for the user.

    Raises:
        LiaBenchError: of the kind that names the cause, with the way out.
    """
    from lia_bench.animation.animated import animate as make
    from lia_bench.animation.animated import files_of
    from lia_bench.animation.request import AnimationRequest
    from lia_bench.core.memory import keep_freed_memory

    keep_freed_memory()
    with files_of(picture, video, references) as files:
        request = AnimationRequest(
            models=several(model),
            source=files.picture,
            driving=files.video,
            references=files.references,
            output=path_or_none(output),
            format=format,
            transfer=transfer,
            edit=edit or {},
            start=start,
            subject=subject,
            crop=crop,
            paste_back=paste_back,
            side_by_side=side_by_side,
            fps=fps,
            batch_size=batch_size,
            device=device,
            runs=Path(runs),
            runtime=runtime,
            precision=precision,
            compile=compile,
        )
        return make(request, say)


def preprocess(
    dataset: str,
    footage: AnyPath | None = None,
    *,
    output: AnyPath | None = None,
    size: int | None = None,
    format: Literal["mp4", "png"] = "mp4",
    workers: int | None = None,
    shard: str | None = None,
    ray: str | None = None,
    **options: Option,
) -> "PreparedFolder":
    """Prepare a dataset as `lia-bench preprocess DATASET` does, and print what it prints.

    Args:
        dataset: as the command names it, such as "folder".
        footage: folder of videos.
        output: folder of the dataset; None is data/<dataset>-<size>.
        size: side of the clips in pixels; None is the dataset's usual one.
        format: H.264 files, or folders of pictures without loss.
        workers: processes on this machine; None is one a core.
        shard: the share of the work to do, as "3/16".
        ray: address of a Ray cluster to spread the work over.
        options: those of the dataset's own, with _ for -, such as `min_frames=128`; a switch such as --fit/--strict is
            `fit=False`. `lia-bench preprocess DATASET --help` lists them.

    Raises:
        UnknownNameError: no such dataset or option.
        InputError: a value that an option does not take, or a clip that could not be cut; clips.csv has the reason.
    """
    import click

    from lia_bench.core.errors import InputError
    from lia_bench.core.registry import load_attribute
    from lia_bench.outcomes import PreparedFolder
    from lia_bench.preprocessing.options import words_of
    from lia_bench.preprocessing.specification import DATASETS

    command: click.Command = load_attribute(DATASETS[dataset].command)
    usual = {"footage": footage, "output": output, "size": size, "format": format, "workers": workers}
    words = words_of(command, dataset, {**usual, "shard": shard, "ray": ray, **options})
    try:
        with command.make_context(dataset, words) as context:
            folder = command.invoke(context)
    except click.ClickException as error:
        raise InputError(f"preprocess {dataset}: {error.format_message()}") from None
    return PreparedFolder(folder)


def train(
    model: str,
    dataset: AnyPath | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    config: AnyPath | None = None,
    name: str | None = None,
    resume: bool = False,
    devices: int = 1,
    nodes: int = 1,
    accelerator: Literal["auto", "cpu", "cuda"] = "auto",
    precision: Literal["32-true", "bf16-mixed"] = "32-true",
    compile: bool = False,
    channels_last: bool = False,
    checkpoint_activations: bool = False,
    shard_optimisers: bool = False,
    data: AnyPath = "data",
    runs: AnyPath = "runs",
    say: Say = print,
) -> "TrainedRun":
    """Train a model on a prepared dataset as `lia-bench train` does; called again, it goes on where the run stopped.

    Sweeps are the command's alone, since each of their runs is a process of its own. Several devices start this script
    anew, once for each, as Lightning Fabric does.

    Args:
        model: name or name:variant.
        dataset: a prepared dataset by name, or a folder of clips; None is the configuration's.
        settings: over the variant's, by key, as {"schedule.iterations": 1000}; --set on the command line.
        config: YAML file of settings, below `settings`.
        say: takes lines for the user.

    Other options are those of `lia_bench.models.training.planned_run.TrainingRequest` and of `Hardware`.

    Raises:
        KeyboardInterrupt: stopped; what was trained is saved.
        LiaBenchError: of the kind that names the cause, with the way out.
    """
    from lia_bench.core.configuration import merge, read_yaml
    from lia_bench.models.reference import ModelReference
    from lia_bench.models.training.configuration import nested
    from lia_bench.models.training.hardware import Hardware
    from lia_bench.models.training.planned_run import TrainingRequest
    from lia_bench.models.training.trainer import train as run
    from lia_bench.outcomes import TrainedRun

    reference = ModelReference.of_training(model)
    own = merge(*(nested(key, value) for key, value in (settings or {}).items()))
    request = TrainingRequest(
        model=reference.name,
        variant=reference.variant,
        layers=(read_yaml(Path(config)) if config is not None else {}, own),
        dataset=None if dataset is None else str(dataset),
        data_folder=Path(data),
        runs=Path(runs),
        name=name,
        resume=resume,
        hardware=Hardware(
            accelerator, devices, nodes, precision, compile, channels_last, checkpoint_activations, shard_optimisers
        ),
    )
    return TrainedRun.of(run(request, say))


def path_or_none(given: AnyPath | None) -> Path | None:
    """A path that may be left out."""
    return None if given is None else Path(given)


def several(names: str | Sequence[str]) -> tuple[str, ...]:
    """One name, or more."""
    return (names,) if isinstance(names, str) else tuple(names)
