"""`lia-bench metrics`: the metrics there are."""

import click


@click.group(name="metrics")
def command() -> None:
    """The metrics there are, and what each rests on.

    \b
    Example:
      lia-bench metrics list
    """


@command.command("list")
def list_metrics() -> None:
    """Every metric: its id, the plain name it defines and for what, its extractor and weights.

    \b
    Example:
      lia-bench metrics list
    """
    from rich import box
    from rich.table import Table

    from lia_bench.core.console import wide_console
    from lia_bench.metrics.registry import METRICS, ordered, weights_behind

    table = Table(box=box.SIMPLE_HEAD)
    for column in ("metric", "plain name", "definition"):
        table.add_column(column, overflow="fold")
    # One below the other, where there are several.
    table.add_column("weights", overflow="fold", max_width=24)
    for name in ordered(METRICS):
        metric = METRICS[name]
        subjects = "" if metric.subjects is None else f"{metric.alias} of {' or '.join(metric.subjects) or 'anything'}"
        table.add_row(name, subjects, metric.summary, ", ".join(weights_behind(metric)))
    wide_console(150).print(table)
