"""Entry point of `lia-bench`: finds the subcommand, and turns every error into one line."""

import atexit
import contextlib
import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import NoReturn

import click

from lia_bench.core.errors import EndedEarlyError, LiaBenchError, Terminated
from lia_bench.core.extras import system_packages
from lia_bench.core.names import printable
from lia_bench.core.number_types import Real
from lia_bench.core.provenance import VERSION
from lia_bench.core.registry import load_attribute
from lia_bench.core.streams import any_console
from lia_bench.core.suggestions import unknown

COMMANDS = (
    "animate",
    "datasets",
    "doctor",
    "edit",
    "evaluate",
    "experiment",
    "interpret",
    "leaderboard",
    "metrics",
    "models",
    "preprocess",
    "quickstart",
    "score",
    "studio",
    "study",
    "train",
    "weights",
)
INTERRUPTED = 130
ENDED = 143
"""By SIGTERM, as shells count it."""
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
    code = run([word for word in words if word != "--debug"], debug)
    if code in (INTERRUPTED, ENDED, TRY_AGAIN):
        _leave(code)
    sys.exit(code)


def run(words: Sequence[str], debug: bool) -> int:
    """The exit code of one command line; errors are printed to standard error as one line."""
    with any_console(), _ended_by_sigterm():
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
        reason = stop.__cause__ or stop
        if isinstance(reason, Terminated):
            return _fail("terminated: the state is saved; run the same command again to go on", debug, TRY_AGAIN)
        if isinstance(reason, EndedEarlyError):
            return _fail("terminated: what was finished stays; run the same command again to go on", debug, ENDED)
        return _fail("interrupted: what was finished stays; run the same command again to go on", debug, INTERRUPTED)
    except LiaBenchError as error:
        return _fail(f"error: {printable(str(error))}", debug)
    except OSError as error:
        return _fail(f"error: {_reason(error)}", debug)
    except ImportError as error:
        way_out = system_packages(str(error)) or "lia-bench doctor names what is broken"
        return _fail(f"error: cannot import a package ({error}): {way_out}", debug)
    except Exception as error:
        return _fail(f"error: unexpected {type(error).__name__}: {error} (--debug shows where)", debug)
    return 0


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Inside, the first SIGTERM ends the command as Ctrl-C does; a second one kills."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise EndedEarlyError

    # Python takes signal handlers in the main thread alone; somebody else's stays.
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _leave(code: int) -> NoReturn:
    """End a stopped process at once: libraries whose threads still work abort where the interpreter is taken down."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Ends the workers.
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.flush()
    os._exit(code)


def _fail(message: str, debug: bool, code: int = 1) -> int:
    if debug:
        traceback.print_exc()
    click.echo("\n".join(printable(line) for line in message.splitlines()[:1]), err=True)
    return code


def _reason(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"{where}the disk is full: make room, then run the same command again"
    # MediaPipe opens the system's libraries when it first detects something, as files.
    way_out = system_packages(str(error))
    return f"{where}{error.strerror or error}{': ' if way_out else ''}{way_out}"
