"""`lia-bench weights`: third-party weights, from their publishers to this machine."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lia_bench.core.weight_file import Status, WeightFile

PIPED_WIDTH = 140


@click.group(name="weights")
def command() -> None:
    """Third-party weights: what they are for, whether they are on this machine, and how they get there.

    NAME is one of `lia-bench weights list`, such as vgg19, or lia:vox-256 for the checkpoint that LIA's authors
    published; or a metric: then all weights that the metric loads are meant.

    \b
    Examples:
      lia-bench weights list
      lia-bench weights fetch lpips
      lia-bench weights fetch lia:vox-256
    """


@command.command(name="list")
@click.argument("names", nargs=-1, metavar="[NAME]...")
def list_weights(names: tuple[str, ...]) -> None:
    """All weights and whether each is here and the published one; of the NAMEs given, all that is known.

    \b
    Examples:
      lia-bench weights list
      lia-bench weights list vgg19
    """
    if names:
        for file in _files(names):
            _print_details(file)
    else:
        _print_table(_known())


@command.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="All weights but the models' checkpoints.")
def fetch(names: tuple[str, ...], everything: bool) -> None:
    """Download weights, check them and put them in place; the licence of each is printed before.

    What was broken off is continued, what is here already is left alone, and a file that is not the published one is
    refused: by the hash that its publisher gives, else by that of the file which first came here.

    \b
    Examples:
      lia-bench weights fetch vgg19
      lia-bench weights fetch lpips fid
      lia-bench weights fetch lia:vox-256 fomm:vox-256
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

    for one in copy(file, name, {one.name: one for files in _known().values() for one in files}):
        _print_placed(one)


@command.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
def verify(names: tuple[str, ...]) -> None:
    """Read the weights that are here, or the NAMEs given, and compare them with the published hashes.

    Fails if one is wrong. Where no hash is published, the file has to be the one that first came here.

    \b
    Examples:
      lia-bench weights verify
      lia-bench weights verify vgg19
    """
    from lia_bench.core.weights import weights_home

    known = (file for files in _known().values() for file in files)
    files = _files(names) if names else [file for file in known if file.path.is_file()]
    if not files:
        click.echo(f"none of the weights are in {weights_home()}")
    _each(files, _verify)


def _verify(file: "WeightFile") -> None:
    from lia_bench.core.errors import MissingWeightsError
    from lia_bench.core.weights import how_to_get, verified

    if not file.path.is_file():
        raise MissingWeightsError(f"'{file.name}' is not on this machine: {how_to_get(file)}")
    verified(file)
    click.echo(f"{file.name}: {_hash(file)}")


def _known() -> "dict[str, tuple[WeightFile, ...]]":
    """The files of all weights and checkpoints, by what users call them."""
    from lia_bench.core.weights import WEIGHTS
    from lia_bench.models.card import published_checkpoints

    networks = {name: (file,) for name, file in WEIGHTS.items()}
    return dict(sorted(networks.items())) | published_checkpoints()


def _files(names: Iterable[str]) -> "list[WeightFile]":
    """The files that names of weights, checkpoints and metrics mean, each once."""
    known = _known()
    parts = {file.name: (file,) for files in known.values() for file in files}
    found = [file for name in names for file in known.get(name) or parts.get(name) or _of_metric(name, known)]
    return list(dict.fromkeys(found))


def _of_metric(name: str, known: "Mapping[str, tuple[WeightFile, ...]]") -> "list[WeightFile]":
    from lia_bench.core.errors import UnknownNameError
    from lia_bench.core.suggestions import unknown
    from lia_bench.core.weights import WEIGHTS
    from lia_bench.metrics.registry import METRICS, plain_names, weights_of

    metrics = {*METRICS, *plain_names()}
    if name not in metrics:
        of_model = [other for other in known if other.startswith(f"{name}:")]
        if of_model:
            raise UnknownNameError(f"'{name}' is a model: name one of its checkpoints: {', '.join(of_model)}")
        raise UnknownNameError(unknown("weights or metric", name, {*metrics, *known}))
    needed = weights_of(name)
    if not needed:
        click.echo(f"{name}: this metric needs no weights")
    return [WEIGHTS[one] for one in needed]


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
    from lia_bench.core.provenance import sha256_once

    if file.has_published_hash:
        judgement = "as published"
    elif file.first_fetched:
        judgement = "none is published: compared with this one from now on"
    else:
        judgement = "none is published to compare with"
    return f"SHA-256 {sha256_once(file.path)} ({judgement})"


def _print_table(known: "Mapping[str, tuple[WeightFile, ...]]") -> None:
    from lia_bench.core.console import print_in_parts
    from lia_bench.core.weights import weights_home

    rows = [(name, _status(files), _sizes(files), files[0].used_by, files[0].licence) for name, files in known.items()]
    print_in_parts(("name", "status", "size", "used by", "licence"), rows, right=("size",), piped_width=PIPED_WIDTH)
    click.echo(f"\nThey belong in {weights_home()}; 'lia-bench weights list NAME' gives path and address.")


def _status(files: "Sequence[WeightFile]") -> str:
    """Of all files together: the first thing that is not as it should be."""
    found = {file.status() for file in files}
    order: tuple[Status, ...] = ("missing", "wrong hash", "present, no hash published", "as first fetched", "verified")
    return next(status for status in order if status in found)


def _sizes(files: "Sequence[WeightFile]") -> str:
    sizes = [_bytes(file) for file in files]
    known = [size for size in sizes if size is not None]
    return f"{sum(known) / 1e6:.1f} MB" if len(known) == len(sizes) else "not stated"


def _print_details(file: "WeightFile") -> None:
    by_hand = " (by hand, with a browser)" if file.by_hand else ""
    click.echo(f"{file.name}: {file.status()}")
    click.echo(f"  used by  {file.used_by}")
    click.echo(f"  licence  {file.licence}")
    click.echo(f"  size     {_sizes([file])}")
    click.echo(f"  path     {file.path}")
    for address in (file.address, *file.mirrors):
        click.echo(f"  address  {address}{by_hand}")
    if file.member:
        click.echo(f"  archive  {file.member} in the zip at the address")


def _bytes(file: "WeightFile") -> int | None:
    return file.path.stat().st_size if file.path.is_file() else file.size_bytes
