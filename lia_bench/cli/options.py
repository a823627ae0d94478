"""Options that several commands share."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import click

from lia_bench.core.number_types import count

Command = TypeVar("Command", bound=Callable[..., object])


def names(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Read names separated by commas."""
    if value is None:
        return None
    given = tuple(name.strip() for name in value.split(",") if name.strip())
    if not given:
        raise click.BadParameter("give at least one name")
    return given


def metric_options(command: Command, protocols: Sequence[str] = ("literature", "strict")) -> Command:
    """Adds --metrics, --protocol and --subject."""
    options = (
        click.option(
            "--metrics",
            callback=names,
            metavar="NAME,...",
            help="Plain names such as l1,akd, or ids such as akd_mediapipe_face (`lia-bench metrics list`).  "
            "[default: all plain names]",
        ),
        click.option(
            "--protocol",
            type=click.Choice(protocols),
            default="literature",
            show_default=True,
            help="Rules of the published scripts, or well-defined ones; docs/metrics.md says where they part.",
        ),
        click.option(
            "--subject",
            type=click.Choice(["face", "body", "sample"]),
            help="What the clips show, for plain names that depend on it.  [default: as the dataset says]",
        ),
    )
    return _with_options(command, options)


def crop_options(command: Command) -> Command:
    """Adds --subject and --no-crop, for commands that take somebody's own pictures."""
    options = (
        click.option(
            "--subject",
            type=click.Choice(["face", "body"]),
            default="face",
            show_default=True,
            help="What both inputs are cropped to.",
        ),
        click.option("--no-crop", is_flag=True, help="Take whole frames, for inputs that are cropped as it is."),
    )
    return _with_options(command, options)


def hurry_options(command: Command) -> Command:
    """Adds --precision and --compile, for commands that render."""
    options = (
        click.option(
            "--precision",
            type=click.Choice(["32-true", "bf16-mixed"]),
            default="32-true",
            show_default=True,
            help="bf16-mixed: faster on GPUs, and other frames by some grey levels, which are told.",
        ),
        click.option("--compile", is_flag=True, help="Render by what torch.compile makes of the model."),
    )
    return _with_options(command, options)


def arrangement_options(command: Command) -> Command:
    """Adds --sources and what else says how clips are gone through by models."""
    options = (
        click.option(
            "--sources",
            metavar="DATASET",
            help="Where the sources of the cross task are from: another prepared dataset such as portraits, or a "
            "folder of clips or pictures, of the driving clips' size.  [default: --dataset]",
        ),
        click.option(
            "--references",
            type=count(0),
            default=0,
            show_default=True,
            metavar="N",
            help="Further views of each source, drawn from its clip, for models that take some.",
        ),
        click.option(
            "--best-of-references",
            is_flag=True,
            help="Run models that take no references from each view; of every frame the one nearest to the true one "
            "counts. In reconstruction alone.",
        ),
        click.option(
            "--start",
            type=click.Choice(["first", "best"]),
            default="first",
            show_default=True,
            help="The driving frame that relative transfer begins from; best is the one most like the source.",
        ),
        click.option(
            "--reconstruction-transfer",
            metavar="MODE",
            help="Mode of reconstruction, for models that have it, such as reconstruction.  [default: the model's own]",
        ),
    )
    return _with_options(command, options)


def frame_options(command: Command) -> Command:
    """Adds --max-frames, --skip-source-frame and --set-side."""
    options = (
        click.option("--max-frames", type=count(), metavar="N", help="Only the first N frames of each clip."),
        click.option(
            "--skip-source-frame",
            is_flag=True,
            help="Leave the first frame, which is the source, out of reconstruction's numbers.",
        ),
        click.option(
            "--set-side",
            type=click.Choice(["driving", "source"]),
            default="driving",
            show_default=True,
            help="The clips that distances of sets (fid, video_fid) are measured from in the cross task.",
        ),
    )
    return _with_options(command, options)


def _with_options(command: Command, options: Sequence[Callable[[Command], Command]]) -> Command:
    """`command` with options that `--help` lists in this order."""
    for option in reversed(options):
        command = option(command)
    return command
