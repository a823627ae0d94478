"""`lia-bench weights`: third-party weights and whether they are here."""

import click


@click.group(name="weights")
def command() -> None:
    """Third-party weights: what they are for, and whether they are on this machine.

    \b
    Example:
      lia-bench weights list
    """


@command.command(name="list")
def list_weights() -> None:
    """List the weights, their licence, and whether each file is here and the published one.

    \b
    Example:
      lia-bench weights list
    """
    from lia_bench.core.weights import WEIGHTS

    for file in sorted(WEIGHTS.values(), key=lambda file: file.name):
        click.echo(f"{file.name}: {file.status()}")
        click.echo(f"  used by  {file.used_by}")
        click.echo(f"  licence  {file.licence}")
        click.echo(f"  size     {'not stated' if file.size_bytes is None else f'{file.size_bytes / 1e6:.0f} MB'}")
        click.echo(f"  path     {file.path}")
        click.echo(f"  address  {file.address}")
