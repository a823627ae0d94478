"""`lia-bench studio`: a page to animate, edit and compare in."""

from pathlib import Path

import click

from lia_bench.cli.options import names

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option(
    "--models",
    callback=names,
    metavar="NAME[:VARIANT][@CHECKPOINT],...",
    help="Models to offer.  [default: every run that has a checkpoint]",
)
@click.option("--runs", default=Path("runs"), show_default=True, type=FOLDER, help="Folder of trained runs.")
@click.option(
    "--results", default=Path("results"), show_default=True, type=FOLDER, help="Folder of results to compare."
)
@click.option("--device", help="cpu, cuda or cuda:N [default: the GPU where there is one].")
@click.option("--port", default=8777, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
def command(models: tuple[str, ...] | None, runs: Path, results: Path, device: str | None, port: int) -> None:
    """Open a page on this machine: animate pictures, move them along a model's directions, compare results.

    Only this machine reaches the page, and the page reaches nothing else. What is uploaded, and what is made of it, is
    deleted when the command ends, with Ctrl-C.

    \b
    Examples:
      lia-bench studio
      lia-bench studio --models lia:vox-256@vox.pt,fomm:vox-256@vox-cpk.pth.tar
    """
    from lia_bench.core.memory import keep_freed_memory
    from lia_bench.studio.server import serve_studio
    from lia_bench.studio.workshop import StudioSettings

    keep_freed_memory()
    serve_studio(StudioSettings(models or (), runs, results, device), port, click.echo)
