"""Options that several recipes share, for `lia-bench preprocess`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click
from click.core import ParameterSource

from lia_bench.core.errors import UnknownNameError
from lia_bench.core.number_types import LARGEST_SIDE, POOL, Real, count
from lia_bench.core.provenance import usable_cores
from lia_bench.core.suggestions import unknown

if TYPE_CHECKING:
    from lia_bench.preprocessing.detection.detector import Subject
    from lia_bench.preprocessing.workers.engine import Engine


Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Command = Callable[..., Any]


@dataclass(frozen=True)
class DetectorChoice:
    """The detector that a user asked for.

    Attributes:
        name: its entry in the registry.
        device: where it runs, as torch names devices.
    """

    name: str
    device: str


def preparation_options(dataset: str, size: int = 256) -> Callable[[Command], Command]:
    """How a dataset is written: the command gets `options`, a PreparationOptions, as its first argument.

    What click calls gives the dataset's folder to who invokes the command from Python.
    """

    def decorate(function: Command) -> Command:
        @wraps(function)
        def command(
            output: Path | None,
            size: int,
            clip_format: Any,
            workers: int | None,
            shard: tuple[int, int] | None,
            ray_address: str | None,
            **others: Any,
        ) -> Path:
            from lia_bench.preprocessing.preparing import PreparationOptions

            if ray_address is not None:
                refuse_given("does not count with --ray", "workers")
            folder = output or Path("data") / f"{dataset}-{size}{_shard_suffix(shard)}"
            engine = make_engine(workers or usable_cores(), ray_address)
            detector = others.get("detector")
            device = detector.device if isinstance(detector, DetectorChoice) else "cpu"
            searchers = workers or (1 if device.startswith("cuda") else usable_cores())
            searching = make_engine(searchers, ray_address, device)
            function(PreparationOptions(folder, size, clip_format, engine, searching, shard), **others)
            return folder

        decorated: Command = command
        for option in reversed(_preparation_options(dataset, size)):
            decorated = option(decorated)
        return decorated

    return decorate


def _preparation_options(dataset: str, size: int) -> list[Callable[[Command], Command]]:
    return [
        click.option(
            "--output",
            type=click.Path(path_type=Path),
            help=f"Folder of the dataset.  [default: data/{dataset}-<size>]",
        ),
        click.option(
            "--size", type=count(2, LARGEST_SIDE), default=size, show_default=True, help="Side of the clips in pixels."
        ),
        click.option(
            "--format",
            "clip_format",
            type=click.Choice(["mp4", "png"]),
            default="mp4",
            show_default=True,
            help="H.264 files, or folders of pictures without loss.",
        ),
        click.option(
            "--workers",
            type=POOL,
            show_default="one a core, one for a detector on a GPU",
            help="Processes on this machine.",
        ),
        click.option(
            "--shard",
            callback=parse_shard,
            metavar="N/COUNT",
            help="Do this share of the work, as 3/16 in an array job; `lia-bench datasets merge` joins the shards.",
        ),
        click.option(
            "--ray",
            "ray_address",
            help="Spread the work over a Ray cluster: its address, auto, or local.",
        ),
    ]


def detection_options(subject: "Subject | None", default: str) -> Callable[[Command], Command]:
    """What finds faces or persons, or either of them: the command gets `detector`, a DetectorChoice."""

    def decorate(function: Command) -> Command:
        @wraps(function)
        def command(*arguments: Any, detector: str, device: str, **others: Any) -> Any:
            return function(*arguments, detector=DetectorChoice(detector, device), **others)

        command = click.option(
            "--device", default="cpu", show_default=True, help="Where the detector runs: cpu, cuda, cuda:1."
        )(command)
        return click.option(
            "--detector",
            type=click.Choice(_detectors(subject)),
            default=default,
            show_default=True,
            help=f"What finds {f'{subject}s' if subject else 'faces or persons'}.",
        )(command)

    return decorate


def tube_options(min_size: int | None) -> Callable[[Command], Command]:
    """Which tubes become clips: the command gets `min_size` and `min_frames`.

    Without a default the command decides: half of the clips' side, it says.
    """

    def decorate(function: Command) -> Command:
        decorated = click.option(
            "--min-frames", type=count(), default=64, show_default=True, help="Fewest frames of a tube."
        )(function)
        return click.option(
            "--min-size",
            type=count(),
            default=min_size,
            show_default=str(min_size or "half of --size"),
            help="Smallest larger side of a tube in pixels, before it grows to the crop.",
        )(decorated)

    return decorate


def split_options(what: str) -> Callable[[Command], Command]:
    """What is kept for testing: the command gets `division`, from a layout to the same one divided."""

    def decorate(function: Command) -> Command:
        @wraps(function)
        def command(*arguments: Any, test_list: Path | None, test_share: float, **others: Any) -> Any:
            from lia_bench.preprocessing.layouts import divide_by_list, divide_by_share

            if test_list is not None:
                refuse_given("does not count with --test-list", "test_share")
            division = (
                partial(divide_by_share, share=test_share)
                if test_list is None
                else partial(divide_by_list, test_list=test_list)
            )
            return function(*arguments, division=division, **others)

        decorated: Command = click.option(
            "--test-share",
            type=Real(0, 1),
            default=0.1,
            show_default=True,
            help=f"Share of {what} for testing, drawn by their names.",
        )(command)
        return click.option(
            "--test-list",
            type=click.Path(path_type=Path, dir_okay=False),
            help=f"A text file with the names of {what} for testing, one a line; instead of --test-share.",
        )(decorated)

    return decorate


def _detectors(subject: "Subject | None") -> list[str]:
    from lia_bench.preprocessing.detection.detector import DETECTORS

    return [name for name, detector in DETECTORS.items() if subject in (None, detector.subject)]


def parse_shard(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """Which share of the work, from 1, and of how many, from a text such as '3/16'; else a usage error."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", value)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise click.BadParameter(f"'{value}' is no share of the work; give one such as 3/16, from 1/16 to 16/16")
    return int(found[1]), int(found[2])


def words_of(command: click.Command, dataset: str, options: Mapping[str, Any]) -> list[str]:
    """The words of a command line that give a command's options these values; None leaves one out.

    Args:
        command: the dataset's.
        dataset: its name.
        options: by their names, with _ for -; a switch is True or False, of what may be given twice there is a list.

    Raises:
        UnknownNameError: the command has no such option.
    """
    there = {
        option.opts[0].removeprefix("--").replace("-", "_"): option
        for option in command.params
        if isinstance(option, click.Option)
    }
    words: list[str] = []
    for name, value in options.items():
        if value is None:
            continue
        if name not in there:
            raise UnknownNameError(unknown(f"option of preprocess {dataset}", name, there))
        option = there[name]
        if option.is_flag:
            words += option.opts[:1] if value else option.secondary_opts[:1]
        else:
            for one in value if option.multiple else [value]:
                words += [option.opts[0], str(one)]
    return words


def make_engine(workers: int, ray_address: str | None, device: str = "cpu") -> "Engine":
    """Processes of this machine, or the cluster at `ray_address`, where a detector on a GPU gets one to itself."""
    if ray_address is not None:
        from lia_bench.preprocessing.workers.ray_cluster import RayEngine

        return RayEngine(ray_address, gpus_per_worker=1.0 if device.startswith("cuda") else 0.0)
    from lia_bench.preprocessing.workers.engine import LocalEngine

    return LocalEngine(workers)


def _shard_suffix(shard: tuple[int, int] | None) -> str:
    return f"-shard-{shard[0]:0{len(str(shard[1]))}d}-of-{shard[1]}" if shard else ""


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
