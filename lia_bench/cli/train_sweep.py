"""The runs of a sweep, one after the other, each by a command of its own."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import Popen
from types import FrameType
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from lia_bench.cli.main import INTERRUPTED, TRY_AGAIN
from lia_bench.core.errors import LiaBenchError, Terminated
from lia_bench.core.names import counted

if TYPE_CHECKING:
    from lia_bench.models.training.sweep import Sweep


class _Stop:
    """Whether the sweep was asked to stop, and the run that is under way."""

    error: KeyboardInterrupt | None = None
    process: "Popen[bytes] | None" = None


def train_sweep(sweep: "Sweep", shard: tuple[int, int], words: list[str]) -> None:
    """Train the runs of this shard that are not finished; a run that fails does not keep the rest from theirs.

    Each runs in a process of its own, so that no run's memory, random state or crash reaches another, and several
    devices are started for each anew.

    Args:
        shard: which share of the runs, from 1, and how many shares.
        words: the command `train` without what concerns the sweep and without the run's name.

    Raises:
        KeyboardInterrupt: stopped, as Terminated by SIGTERM; the run under way has saved its state.
        LiaBenchError: some runs failed; it lists them.
    """
    sweep.write()
    share = sweep.share(*shard)
    click.echo(f"sweep of {counted(len(sweep.runs), 'run')}, {len(share)} of them here; listed in {sweep.file}")
    failed = []
    with _stoppable() as stop:
        for position, (variation, run) in enumerate(share, start=1):
            name = run.folder.path.name
            if run.start >= run.stop:
                click.echo(f"{name} is finished: skipped")
                continue
            click.echo(f"run {position} of {len(share)}: {name}")
            code = _run([*words, *variation.words(), "--name", name], stop)
            if stop.error or code in (TRY_AGAIN, INTERRUPTED):
                raise stop.error or (Terminated() if code == TRY_AGAIN else KeyboardInterrupt())
            if code:
                failed.append(name)
                click.echo(f"{name} failed ({_ending(code)}): going on with the rest", err=True)
    if failed:
        raise LiaBenchError(
            f"{len(failed)} of {len(share)} runs failed, for the reasons above: {', '.join(failed)}; "
            "the same command tries these again and skips what is finished"
        )
    first = sweep.runs[0]
    words_to_compare = f"--models {first.specification.name}@{sweep.file} --dataset {first.dataset.folder}"
    click.echo(f"to compare them when all are trained: lia-bench evaluate {words_to_compare}")


def repeated_words(context: click.Context, without: set[str]) -> list[str]:
    """The words that a command was given, but those of the parameters `without`."""
    words = []
    for parameter in context.command.params:
        name = parameter.name or ""
        if name in without or context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        value = context.params[name]
        if isinstance(parameter, click.Argument):
            words.append(str(value))
        elif isinstance(parameter, click.Option) and parameter.is_flag:
            words += [parameter.opts[0]] if value else []
        else:
            for each in value if parameter.multiple else [value]:
                words += [parameter.opts[0], str(each)]
    return words


def _run(words: list[str], stop: _Stop) -> int:
    """The exit code of a `train` command."""
    if stop.error:
        return 0
    stop.process = Popen([sys.executable, "-m", "lia_bench", "train", *words])
    # What came while the process began was sent on to nobody.
    if isinstance(stop.error, Terminated):
        stop.process.terminate()
    try:
        return stop.process.wait()
    finally:
        stop.process = None


def _ending(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


@contextmanager
def _stoppable() -> Iterator[_Stop]:
    """Inside, Ctrl-C and SIGTERM stop the sweep after the run under way has saved its state.

    A terminal sends Ctrl-C to the run as well; SIGTERM is sent on.
    """
    stop = _Stop()

    def note(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGTERM:
            stop.error = Terminated()
            if stop.process:
                stop.process.send_signal(number)
        else:
            stop.error = stop.error or KeyboardInterrupt()

    previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
