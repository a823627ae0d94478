"""Entry point of `lia-bench`: finds the subcommand, and turns every error into one line."""

import errno
import os
import sys
import traceback
from collections.abc import Sequence

import click

from lia_bench.core.errors import LiaBenchError, Terminated
from lia_bench.core.names import printable
from lia_bench.core.number_types import Real
from lia_bench.core.provenance import VERSION
from lia_bench.core.registry import load_attribute
from lia_bench.core.streams import any_console
from lia_bench.core.suggestions import unknown

COMMANDS = (
    "animate",
    "datasets",
    "evaluate",
    "interpret",
    "leaderboard",
    "metrics",
    "models",
    "preprocess",
    "quickstart",
    "score",
    "study",
    "train",
    "weights",
)
INTERRUPTED = 130
# sysexits.h's EX_TEMPFAIL, "try again": only a run that saved its state ends with it, so a job may be queued anew.
TRY_AGAIN = 75


class LazyGroup(click.Group):
    """A group whose subcommands live in modules of their own name, imported when they are asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Names in the order of the help page."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command:
        """The subcommand, or a usage error with the nearest name."""
        if name not in COMMANDS:
            context.fail(unknown("command", name, COMMANDS))
        command: click.Command = load_attribute(f"lia_bench.cli.{name}:command")
        return command


# click would take escape sequences out of what is printed into a pipe; the stream shows those that stand in names.
@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "color": True})
@click.version_option(VERSION, prog_name="lia-bench")
@click.option(
    "--largest-picture",
    metavar="MEGAPIXELS",
    type=Real(0, 1e6, min_open=True),
    help="Size up to which pictures are read; 178 by default.",
)
def cli(largest_picture: float | None) -> None:
    """Image animation from footage to leaderboard: prepare data, train models, compare them.

    \b
    Start here:
      lia-bench quickstart
    Each command explains itself with an example:
      lia-bench train --help

    A last --debug on any command shows the traceback of an error.
    """
    if largest_picture is not None:
        # Workers inherit the environment, and nothing else of a command.
        os.environ["LIA_BENCH_LARGEST_PICTURE"] = f"{largest_picture:g}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 only if all of it worked."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    sys.exit(run([word for word in words if word != "--debug"], debug))


def run(words: Sequence[str], debug: bool) -> int:
    """The exit code of one command line; errors are printed to standard error as one line."""
    with any_console():
        return _run(words, debug)


def _run(words: Sequence[str], debug: bool) -> int:
    try:
        cli.main(args=list(words), prog_name="lia-bench", standalone_mode=False)
    except click.exceptions.Exit as exit_request:
        return exit_request.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort) as stop:
        # click puts its own Abort in the place of every KeyboardInterrupt.
        if isinstance(stop.__cause__, Terminated):
            return _fail("terminated: the state is saved; run the same command again to go on", debug, TRY_AGAIN)
        return _fail("interrupted: what was finished stays; run the same command again to go on", debug, INTERRUPTED)
    except LiaBenchError as error:
        return _fail(f"error: {printable(str(error))}", debug)
    except OSError as error:
        return _fail(f"error: {_reason(error)}", debug)
    except Exception as error:
        return _fail(f"error: unexpected {type(error).__name__}: {error} (--debug shows where)", debug)
    return 0


def _fail(message: str, debug: bool, code: int = 1) -> int:
    if debug:
        traceback.print_exc()
    click.echo("\n".join(printable(line) for line in message.splitlines()[:1]), err=True)
    return code


def _reason(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"{where}the disk is full: make room, then run the same command again"
    return f"{where}{error.strerror or error}"
