"""Every option and argument of every command with values that are none, by walking click's tree."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

import click
from click.types import FloatParamType, IntParamType

from lia_bench.cli.main import cli
from tests.fuzz.world import EVALUATE, RUN, TRAIN

LONG = "x" * 5000
NO_TEXT = "\udcff"
"""What Python makes of a byte that is no UTF-8."""
NUMBERS = (
    *("0", "-1", "-0", "9" * 30, "9" * 5000, "1e12", "1e999", "nan", "inf", "-inf", "", "1_0", "0x10", "²", "many"),
    NO_TEXT,
)
PATHS = (
    *("", "missing", "missing/deep/er", "clip.mp4", "clip.mp4/inner", "data", "../..", "/proc/nothing", ".", LONG),
    *(NO_TEXT, "a\nb", "-", "~nobody"),
)
TEXTS = (
    *("", " ", "nan", "-1", "9" * 30, LONG, NO_TEXT, "../..", "/proc/x", ",", ",,", "a,b,,c", "a\nb", "\x1b[31m", "é"),
    *("=1", "=", "a=", "a.b=c", "model.size=-1", "model.size=[", "data=1", ":", "@", "lia:", "lia@", ":x@y"),
    *("lia@missing", "cuda:99", "cpu", "0/0", "1/1", "9/3", "http://", "1,2,3,4", "0,0,0,9999999", "l1", "psnr,l1"),
    *("lia", "identity", "name", "last"),
)

NEVER = {("animate", "--compile"), ("train", "--compile"), ("", "--version")}
"""What starts compilers, and what is no input."""

_EVALUATE = f"--models identity {EVALUATE} --no-videos"
_PREPARE = "--output out --size 64 --workers 1"
BASES: dict[str, tuple[str, str]] = {
    "": ("", "weights list vgg19"),
    "animate": ("--source face.png --driving clip.mp4 --no-crop --device cpu --output out.mp4", f"lia@{RUN}"),
    "datasets common": ("--output list.txt", "data/own data/own"),
    "datasets list": ("", ""),
    "datasets merge": ("--output out", "shards/shard-1 shards/shard-2"),
    "datasets pack": ("--output out --workers 1", "data/own"),
    "datasets show": ("", "data/own"),
    "datasets verify": ("--workers 1", "data/own"),
    "doctor": ("", ""),
    "edit": ("--image face.png --set direction-01=0.5 --no-crop --device cpu --output out.png", f"lia@{RUN}"),
    "evaluate": (_EVALUATE, ""),
    "experiment list": ("", ""),
    "experiment run": ("--models identity --device cpu --no-videos --results out", "lia-table1-vox"),
    "experiment show": ("", "lia-table1-vox"),
    "interpret": ("--image face.png --no-crop --device cpu --steps 2 --output out", f"lia@{RUN}"),
    "leaderboard": ("", "results/toy"),
    "leaderboard compare": ("--name toy", "lia fomm"),
    "leaderboard html": ("--output out", "results/toy"),
    "metrics list": ("", ""),
    "models convert": ("", f"lia@{RUN} out"),
    "models list": ("", ""),
    "models show": ("", "identity"),
    "preprocess aist": (f"--footage footage --detector mediapipe-pose {_PREPARE}", ""),
    "preprocess bair": (f"--footage moving-gif {_PREPARE}", ""),
    "preprocess dfdc": (f"--footage dfdc --detector mediapipe --min-size 8 --test-share 0 {_PREPARE}", ""),
    "preprocess fashion": (f"--footage fashion {_PREPARE}", ""),
    "preprocess folder": (f"--footage squares --whole-frames --test-share 0 {_PREPARE}", ""),
    "preprocess mgif": (f"--footage moving-gif {_PREPARE}", ""),
    "preprocess nemo": (f"--footage footage --detector mediapipe {_PREPARE}", ""),
    "preprocess portraits": (f"--footage pictures --aligned {_PREPARE}", ""),
    "preprocess sample": ("--output out --identities 4 --frames 2 --workers 1", ""),
    "preprocess taichi": (f"--footage footage --metadata taichi.csv {_PREPARE}", ""),
    "preprocess ted": (f"--footage footage --metadata ted.csv {_PREPARE}", ""),
    "preprocess vox": (f"--footage footage --metadata vox.csv {_PREPARE}", ""),
    "quickstart": ("--folder clip.mp4", ""),
    "score": ("--generated generated --reference generated --metrics l1 --device cpu --name again --no-videos", ""),
    "study create": ("--results results/toy --output out", ""),
    "study report": ("", "study"),
    "study serve": ("--port 0", "study"),
    "train": (f"--dataset data/own --name other --set schedule.iterations=2 {TRAIN}", "lia:demo-64"),
    "weights add": ("", "vgg19-dcbb9e9d.pth"),
    "weights fetch": ("", "vgg19"),
    "weights list": ("", "vgg19"),
    "weights verify": ("", "vgg19"),
}  # fmt: skip
"""Of each command what is typed beside: its options, and its arguments; others are not run."""
NEEDS = (
    *("data", "shards", "results", "runs", "study", "home", "squares", "footage", "moving-gif", "pictures"),
    *("generated", "fashion", "dfdc", "face.png", "clip.mp4", "vox.csv", "taichi.csv", "ted.csv"),
    "vgg19-dcbb9e9d.pth",
)
"""What commands read, by the first part of its path."""


@dataclass(frozen=True)
class OptionCase:
    """A command with a value that is none.

    Attributes:
        seed: of what was drawn.
        command: the words that call it.
        name: of the option or the argument.
        words: what is typed.
    """

    seed: int
    command: str
    name: str
    words: tuple[str, ...]

    @property
    def subject(self) -> str:
        """What counts are made of."""
        return f"lia-bench {self.command}".strip()

    def __str__(self) -> str:
        shown = " ".join(repr(word[:60]) if word in NUMBERS + PATHS + TEXTS else word for word in self.words)
        return f"seed {self.seed}: {self.command or 'lia-bench'} {self.name}: {shown}"


@cache
def parameters() -> tuple[tuple[str, click.Command, click.Parameter], ...]:
    """Every option and argument there is, by the command that it belongs to."""
    return tuple(
        (path, command, parameter)
        for path, command in _leaves(cli)
        for parameter in command.params
        if path in BASES and (path, parameter.opts[0]) not in NEVER
    )


def option_case(seed: int) -> OptionCase:
    """What a seed means."""
    random = Random(seed)
    path, _, parameter = random.choice(parameters())
    options, arguments = (words.split() for words in BASES[path])
    if isinstance(parameter, click.Option):
        values = [] if parameter.is_flag else [random.choice(_values(parameter)) for _ in range(parameter.nargs)]
        name = random.choice([*parameter.opts, *parameter.secondary_opts]) if parameter.is_flag else parameter.opts[0]
        if path:
            return OptionCase(seed, path, name, (*path.split(), *options, name, *values, *arguments))
        return OptionCase(seed, path, name, (name, *values, *arguments))
    value = random.choice(_values(parameter))
    if arguments:
        arguments[random.randrange(len(arguments))] = value
    # What begins with a dash is an argument after two of them.
    return OptionCase(seed, path, str(parameter.name), (*path.split(), *options, "--", *(arguments or [value])))


def _values(parameter: click.Parameter) -> Sequence[str]:
    kind = parameter.type.types[0] if isinstance(parameter.type, click.Tuple) else parameter.type
    if isinstance(kind, IntParamType | FloatParamType):
        return NUMBERS
    if isinstance(kind, click.Path):
        # `quickstart` would begin with all of its work in any folder.
        return ("clip.mp4", "clip.mp4/inner", LONG) if parameter.opts[0] == "--folder" else PATHS
    return TEXTS


def _leaves(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """All commands below one, and itself, by the words that call them."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _leaves(inner, f"{path} {name}".strip())
