"""Options that a user gave although nothing would come of them."""

import click
from click.core import ParameterSource


def refuse_given(why: str, *parameters: str) -> None:
    """Refuse options of the running command that stand on its command line; their defaults are no matter.

    Args:
        why: they do not count, as "counts only with --search".
        parameters: their names, as the command gets them.

    Raises:
        click.UsageError: one of them was given; the text names it.
    """
    context = click.get_current_context()
    for option in context.command.params:
        name = option.name
        if name in parameters and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{option.opts[0]} {why}", context)
