"""Options of the commands that take somebody's own pictures: `animate` and `interpret`."""

from collections.abc import Callable
from typing import TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., object])


def crop_options(command: Command) -> Command:
    """Adds --subject and --no-crop."""
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
