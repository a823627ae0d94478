"""`lia-bench weights`: third-party weights, from their publishers to this machine."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lia_bench.core.weights import WeightFile

PIPED_WIDTH = 140


@click.group(name="weights")
def command() -> None:
    """Third-party weights: what they are for, whether they are on this machine, and how they get there.

    NAME is one of `lia-bench weights list`, or a metric: then all weights that the metric loads are meant.

    \b
    Examples:
      lia-bench weights list
      lia-bench weights fetch lpips
    """


@command.command(name="list")
@click.argument("names", nargs=-1, metavar="[NAME]...")
def list_weights(names: tuple[str, ...]) -> None:
    """All weights and whether each file is here and the published one; of the NAMEs given, all that is known.

    \b
    Examples:
      lia-bench weights list
      lia-bench weights list vgg19
    """
    from lia_bench.core.weights import WEIGHTS

    if names:
        for file in _files(names):
            _print_details(file)
    else:
        _print_table(sorted(WEIGHTS.values(), key=lambda file: file.name))


@command.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="All weights of the list.")
def fetch(names: tuple[str, ...], everything: bool) -> None:
    """Download weights, check them and put them in place.

    What was broken off is continued, what is here already is left alone, and a file that is not the published one is
    refused.

    \b
    Examples:
      lia-bench weights fetch vgg19
      lia-bench weights fetch lpips fid
      lia-bench weights fetch --all
    """
    from lia_bench.core import http_download
    from lia_bench.core.errors import InputError
    from lia_bench.core.weight_delivery import fetch as download
    from lia_bench.core.weights import WEIGHTS

    if bool(names) == everything:
        raise InputError("give the names of weights or metrics, or --all ('lia-bench weights list' has the names)")

    def fetch_one(file: "WeightFile") -> None:
        placed = download(file, http_download.PATIENCE)
        if not placed:
            click.echo(f"{file.name}: already here: {file.path}")
        for one in placed:
            _print_placed(one)

    _each(list(WEIGHTS.values()) if everything else _files(names), fetch_one)


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as", "name", metavar="NAME", help="Whose file it is.  [default: told by the file's name]")
def add(file: Path, name: str | None) -> None:
    """Copy a downloaded FILE into the folder of weights, checked.

    For machines without a network, and for files that only a browser can fetch. FILE may also be the zip archive that
    weights are published in.

    \b
    Examples:
      lia-bench weights add usb/vgg19-dcbb9e9d.pth
      lia-bench weights add Downloads/model.pth --as openpose
    """
    from lia_bench.core.weight_delivery import add as copy

    for one in copy(file, name):
        _print_placed(one)


@command.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
def verify(names: tuple[str, ...]) -> None:
    """Read the weights that are here, or the NAMEs given, and compare them with the published hashes.

    Fails if one is wrong. Where no hash is published, the file's own SHA-256 is there to be compared by eye.

    \b
    Examples:
      lia-bench weights verify
      lia-bench weights verify vgg19
    """
    from lia_bench.core.weights import WEIGHTS, weights_home

    files = _files(names) if names else [file for file in WEIGHTS.values() if file.path.is_file()]
    if not files:
        click.echo(f"none of the weights are in {weights_home()}")
    _each(files, _verify)


def _verify(file: "WeightFile") -> None:
    from lia_bench.core.weights import locate

    locate(file.name)
    click.echo(f"{file.name}: {_hash(file)}")


def _files(names: Iterable[str]) -> "list[WeightFile]":
    """The files that names of weights and metrics mean, each once."""
    from lia_bench.core.weights import WEIGHTS

    found: list[WeightFile] = []
    for name in names:
        found += [WEIGHTS[name]] if name in WEIGHTS else (WEIGHTS[needed] for needed in _of_metric(name))
    return list(dict.fromkeys(found))


def _of_metric(name: str) -> list[str]:
    from lia_bench.core.errors import UnknownNameError
    from lia_bench.core.suggestions import unknown
    from lia_bench.core.weights import WEIGHTS
    from lia_bench.metrics.registry import METRICS, usual_names, weights_of

    known = {*METRICS, *usual_names()}
    if name not in known:
        raise UnknownNameError(unknown("weights or metric", name, {*known, *WEIGHTS}))
    needed = weights_of(name)
    if not needed:
        click.echo(f"{name}: this metric needs no weights")
    return needed


def _each(files: "Sequence[WeightFile]", action: "Callable[[WeightFile], None]") -> None:
    """Do something with every file, also after one has failed; a line for each failure, and an error at the end."""
    from lia_bench.core.errors import InputError, LiaBenchError

    failures = 0
    for file in files:
        try:
            action(file)
        except LiaBenchError as error:
            if len(files) == 1:
                raise
            failures += 1
            click.echo(f"error: {error}", err=True)
    if failures:
        raise InputError(f"{failures} of {len(files)} files are not as they should be: the lines above say why")


def _print_placed(file: "WeightFile") -> None:
    click.echo(f"{file.name}: now at {file.path}, {_hash(file)}")


def _hash(file: "WeightFile") -> str:
    from lia_bench.core.provenance import sha256_of_file

    judgement = "as published" if file.sha256_prefix else "none is published to compare with"
    return f"SHA-256 {sha256_of_file(file.path)} ({judgement})"


def _print_table(files: "Iterable[WeightFile]") -> None:
    from rich.table import Table

    from lia_bench.core.console import wide_console
    from lia_bench.core.weights import weights_home

    console = wide_console(PIPED_WIDTH)
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "status"):
        table.add_column(heading, no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    for heading in ("used by", "licence"):
        table.add_column(heading, overflow="fold")
    for file in files:
        table.add_row(file.name, file.status(), _size(file), file.used_by, file.licence)
    console.print(table)
    click.echo(f"\nThey belong in {weights_home()}; 'lia-bench weights list NAME' gives path and address.")


def _print_details(file: "WeightFile") -> None:
    click.echo(f"{file.name}: {file.status()}")
    click.echo(f"  used by  {file.used_by}")
    click.echo(f"  licence  {file.licence}")
    click.echo(f"  size     {_size(file)}")
    click.echo(f"  path     {file.path}")
    click.echo(f"  address  {file.address}{' (by hand, with a browser)' if file.by_hand else ''}")
    if file.member:
        click.echo(f"  archive  {file.member} in the zip at the address")


def _size(file: "WeightFile") -> str:
    size = file.path.stat().st_size if file.path.is_file() else file.size_bytes
    return "not stated" if size is None else f"{size / 1e6:.1f} MB"
