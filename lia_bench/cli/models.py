"""`lia-bench models`: the zoo."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lia_bench.models.model_page import ModelPage, Table

FORMAT = click.option(
    "--format",
    "layout",
    type=click.Choice(["text", "markdown"]),
    default="text",
    show_default=True,
    help="text: for the terminal; markdown: as it stands in the documentation.",
)


@click.group()
def command() -> None:
    """The models of the zoo.

    \b
    Example:
      lia-bench models list
      lia-bench models show fomm
      lia-bench models convert lia:vox-256@vox.pt checkpoints/lia-vox
      lia-bench models export lia exports/lia
    """


@command.command("list")
@FORMAT
def list_models(layout: str) -> None:
    """Every model, its variants and what it can do.

    \b
    Example:
      lia-bench models list
    """
    if layout == "markdown":
        from lia_bench.models.model_page import overview_markdown

        click.echo(overview_markdown(), nl=False)
        return
    from lia_bench.core.console import print_in_parts
    from lia_bench.models.specification import MODELS

    rows = []
    for name, specification in MODELS.items():
        marked = [
            f"{variant} (default)" if variant == specification.default_variant else variant
            for variant in specification.variant_names()
        ]
        variants, transfer = ", ".join(marked) or "-", ", ".join(specification.transfer_modes)
        rows.append((name, specification.summary, variants, transfer, "yes" if specification.recipe else "no"))
    print_in_parts(("model", "what", "variants", "transfer", "trained"), rows)


@command.command("show")
@click.argument("model")
@FORMAT
def show(model: str, layout: str) -> None:
    """One MODEL, name[:variant]: paper, licences, size and cost, transfer modes, published weights and results.

    Parameters and multiply-adds are counted here and now, of every variant or of the one named. Multiply-adds are those
    of convolutions and matrix products: once a clip for the source, then for each driving frame.

    \b
    Examples:
      lia-bench models show fomm
      lia-bench models show fomm:taichi-256
    """
    from lia_bench.core.errors import InputError
    from lia_bench.models.model_page import model_page
    from lia_bench.models.reference import ModelReference

    reference = ModelReference.parse(model)
    if reference.checkpoint is not None:
        raise InputError(f"{model}: a card is about a model, not a checkpoint: leave out '@{reference.checkpoint}'")
    page = model_page(reference.name, reference.variant)
    if layout == "markdown":
        from lia_bench.models.model_page import model_markdown

        click.echo(model_markdown(page), nl=False)
        return
    _print_page(page)


@command.command("convert")
@click.argument("checkpoint")
@click.argument("output", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "layout",
    type=click.Choice(["lia-bench", "authors"]),
    default="lia-bench",
    show_default=True,
    help="lia-bench: a folder of config.json and model.safetensors; authors: a file that the authors' code loads.",
)
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A field of the network (model.size=384); repeatable."
)
@click.option("--force", is_flag=True, help="Replace OUTPUT, if it is a file or a folder of weights alone.")
def convert(checkpoint: str, output: Path, layout: str, settings: tuple[str, ...], force: bool) -> None:
    """Write CHECKPOINT, name[:variant]@file, as OUTPUT in another layout; no GPU is needed.

    The folder holds weights and configuration, and is what a repository of the Hugging Face Hub holds too; nothing in
    it can run code. Training cannot go on from either layout.

    \b
    Examples:
      lia-bench models convert fomm:vox-256@vox-cpk.pth.tar checkpoints/fomm-vox
      lia-bench models convert fomm@runs/fomm/last fomm.pth.tar --to authors
    """
    from lia_bench.core.configuration import parse_settings
    from lia_bench.core.errors import InputError
    from lia_bench.models.conversion import convert_to_authors, convert_to_own
    from lia_bench.models.reference import ModelReference

    layer = parse_settings(settings)
    changed = layer.pop("model", {})
    if layer or not isinstance(changed, dict):
        raise InputError(f"--set {next(iter(layer), 'model')}: only model.KEY=VALUE changes a network")
    write = convert_to_own if layout == "lia-bench" else convert_to_authors
    converted = write(ModelReference.parse(checkpoint), output, changed, replace=force)
    click.echo(f"{converted.path}: {converted.of}, {converted.tensors} tensors")
    if converted.left_out:
        click.echo(f"left out: {', '.join(converted.left_out)}")


@command.command("export")
@click.argument("model")
@click.argument("output", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "layout",
    type=click.Choice(["onnx"]),
    default="onnx",
    show_default=True,
    help="ONNX, which ONNX Runtime and OpenVINO run.",
)
@click.option(
    "--transfer",
    metavar="MODE",
    help="The one mode of the graphs.  [default: relative; of a model without it, the model's own]",
)
@click.option("--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Trained runs.")
@click.option("--force", is_flag=True, help="Replace OUTPUT, if it is an earlier export.")
def export(model: str, output: Path, layout: str, transfer: str | None, runs: Path, force: bool) -> None:
    """Write MODEL, name[:variant][@checkpoint], as graphs that run without torch.

    OUTPUT becomes a folder: source.onnx, once a clip; frame.onnx, for each driving frame; export.json, the card. The
    graphs are kept where their frames are the model's within 1e-3 of a value in [0, 1]; the card says how near they
    come. Without a checkpoint the newest run is taken, as `animate` does.

    \b
    Examples:
      lia-bench models export lia exports/lia
      lia-bench models export mraa:vox-256@published exports/mraa --transfer absolute
    """
    from lia_bench.core.errors import InputError
    from lia_bench.models.export.graphs import export_onnx
    from lia_bench.models.lineup import load_lineup
    from lia_bench.models.reference import ModelReference, NamedModel

    named = NamedModel(ModelReference.parse(model), model)
    (loaded,) = load_lineup([named], runs, "cpu", lambda line: click.echo(line, err=True)).models
    if loaded.checkpoint is None:
        raise InputError(f"{model}: has no weights: there is nothing to export")
    done = export_onnx(loaded.animator, loaded.checkpoint_sha256, output, transfer, replace=force)
    card = done.card
    click.echo(
        f"{done.folder}: {card}, {card.transfer} transfer, {card.frame_side} to {card.output_side} pixels; largest "
        f"difference to torch {card.parity.largest_difference:.1e} of 1 in {card.parity.frames} frames"
    )


def _print_page(page: "ModelPage") -> None:
    click.echo(f"{page.name}: {page.summary}\n")
    width = max(len(label) for label, _ in page.facts)
    for label, text in page.facts:
        click.echo(f"{label:<{width}}  {text}")
    for table in filter(None, (page.variants, page.ablations)):
        _print_table(table)
    if page.checkpoints:
        _print_list(page.checkpoints)
    for table in filter(None, (page.results, page.controls)):
        _print_table(table)


def _print_table(table: "Table") -> None:
    from rich.table import Table as RichTable

    from lia_bench.core.console import wide_console

    drawn = RichTable(box=None, pad_edge=False)
    for heading in table.header:
        drawn.add_column(heading, overflow="fold")
    for row in table.rows:
        drawn.add_row(*row)
    console = wide_console()
    click.echo(f"\n{table.title}\n")
    console.print(drawn)
    if table.note:
        click.echo(f"\n{table.note}")


def _print_list(table: "Table") -> None:
    """As lines, since an address that a table has folded cannot be copied."""
    click.echo(f"\n{table.title}\n")
    widths = [max(map(len, column)) for column in zip(*table.rows, strict=True)]
    for row in table.rows:
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
