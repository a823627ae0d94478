"""`lia-bench doctor`: what is installed, what is here, and what each missing part would give."""

import os
import shutil
import sys
from pathlib import Path

import click

CODECS = {"h264": "H.264", "hevc": "H.265", "vp9": "VP9", "av1": "AV1", "prores": "ProRes"}
"""What footage comes in, by FFmpeg's names."""


@click.command()
def command() -> None:
    """Say what is installed, which weights are here, and what this machine has.

    Every package is imported once, which takes some seconds. Ends with an error where a package that is always needed
    is missing or broken; parts that are optional are named with what they would give.

    \b
    Example:
      lia-bench doctor
    """
    from lia_bench.core.errors import InputError
    from lia_bench.core.installation import EXTRAS, packages
    from lia_bench.core.provenance import VERSION

    click.echo(f"lia-bench {VERSION}, Python {sys.version.split()[0]}, {Path(sys.prefix)}")
    found = packages()
    click.echo("\nPackages")
    for package in found:
        if not package.extra or not package.trouble:
            _line(package.trouble == "", f"{package.name} {package.version or ''}".rstrip(), package.trouble)
    for extra, gives in EXTRAS.items():
        lacking = [package for package in found if package.extra == extra and package.trouble]
        if lacking:
            reasons = ", ".join(f"{package.name} {package.trouble}" for package in lacking)
            _line(False, f"extra '{extra}'", f"{reasons}; gives {gives}")
    broken = [package.name for package in found if not package.extra and package.trouble]
    click.echo("\nMachine")
    _print_machine("torch" in broken)
    click.echo("\nVideo")
    _print_video()
    click.echo("\nWeights")
    _print_weights()
    if broken:
        raise InputError(f"{', '.join(broken)}: install anew what the lines above name")


def _line(sound: bool, what: str, remark: str = "") -> None:
    click.echo(f"  {'ok' if sound else '--':3}{what}{': ' if remark else ''}{remark}")


def _print_machine(without_torch: bool) -> None:
    from lia_bench.core.provenance import usable_cores
    from lia_bench.core.weights import weights_home

    _line(True, f"{usable_cores()} cores")
    if hasattr(os, "sysconf"):
        _line(True, f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB of memory")
    for folder in dict.fromkeys((Path.cwd(), _existing(weights_home()))):
        _line(True, f"{shutil.disk_usage(folder).free / 2**30:.1f} GiB free at {folder}")
    if without_torch:
        return
    import torch

    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    for gpu in gpus:
        _line(True, f"GPU {gpu}")
    if not gpus:
        _line(False, "no GPU that PyTorch can use", "models run on the CPU")


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())


def _print_video() -> None:
    try:
        import av
    except Exception as error:
        _line(False, "no video can be read", f"{type(error).__name__}: {error}")
        return
    for name, title in CODECS.items():
        _line(name in av.codecs_available, f"reads {title}")
    _line("libx264" in av.codecs_available, "writes H.264")


def _print_weights() -> None:
    from lia_bench.core.weights import WEIGHTS, weights_home
    from lia_bench.models.card import published_checkpoints

    click.echo(f"  in {weights_home()}; 'lia-bench weights fetch NAME' gets what is missing")
    for file in sorted(WEIGHTS.values(), key=lambda file: file.name):
        _line(file.path.is_file(), file.name, f"for {file.used_by}")
    checkpoints = published_checkpoints()
    here = [name for name, files in checkpoints.items() if all(file.path.is_file() for file in files)]
    for name in here:
        _line(True, name)
    _line(bool(here), f"{len(here)} of {len(checkpoints)} published checkpoints")
