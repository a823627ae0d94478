"""A group of commands one of which needs no name."""

from typing import Any

import click


class DefaultCommand(click.Group):
    """A group that runs its command `default` where the first word names no other; its help page shows both."""

    def __init__(self, *args: Any, default: click.Command, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._default = default
        self.add_command(default)

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Put the default command's name before words that start with no command."""
        if not args or (args[0] not in self.commands and args[0] not in self.get_help_option_names(context)):
            args = [str(self._default.name), *args]
        return super().parse_args(context, args)

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, but the default command's name is in no message, since nobody types it."""
        name, command, rest = super().resolve_command(context, args)
        return ("" if command is self._default else name), command, rest

    def list_commands(self, context: click.Context) -> list[str]:
        """The commands that have to be named."""
        return [name for name in super().list_commands(context) if name != self._default.name]

    def format_usage(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Two lines: of the default command, and of the others."""
        pieces = " ".join(self._default.collect_usage_pieces(context))
        formatter.write_usage(context.command_path, pieces)
        formatter.write_usage(context.command_path, "COMMAND ...", prefix="   or: ")

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The default command's options, and the other commands."""
        click.Command.format_options(self._default, context, formatter)
        self.format_commands(context, formatter)
