"""Options that several commands share."""

from collections.abc import Callable
from typing import TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., object])


def names(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Read names separated by commas."""
    if value is None:
        return None
    given = tuple(name.strip() for name in value.split(",") if name.strip())
    if not given:
        raise click.BadParameter("give at least one name")
    return given


def metric_options(command: Command) -> Command:
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
            type=click.Choice(["literature", "strict"]),
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
    for option in reversed(options):
        command = option(command)
    return command


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
    for option in reversed(options):
        command = option(command)
    return command
