"""`lia-bench models`: the zoo."""

import click


@click.group()
def command() -> None:
    """The models of the zoo.

    \b
    Example:
      lia-bench models list
    """


@command.command("list")
def list_models() -> None:
    """Every model, its variants and what it can do."""
    from rich.console import Console
    from rich.table import Table

    from lia_bench.models.registry import MODELS

    table = Table("model", "what", "variants", "transfer", "trained", box=None, pad_edge=False)
    for name, specification in MODELS.items():
        marked = [
            f"{variant} (default)" if variant == specification.default_variant else variant
            for variant in specification.variant_names()
        ]
        table.add_row(
            name,
            specification.summary,
            ", ".join(marked) or "-",
            ", ".join(specification.transfer_modes),
            "yes" if specification.recipe else "no",
        )
    Console().print(table)
