"""Leaderboards by a setting, and the published tables below them, for a terminal, a pipe or a log."""

import json
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from lia_bench.core.console import wide_console
from lia_bench.leaderboards.board.by_setting import SettingLeaderboard, SettingRow, SettingTable
from lia_bench.leaderboards.results.columns import arrow, score
from lia_bench.leaderboards.results.published import PublishedTable, published_tables
from lia_bench.metrics.registry import ordered


def print_by_setting(leaderboard: SettingLeaderboard) -> None:
    """Print to standard output, a table a task: means with 95 % intervals over clips, then what the paper prints."""
    console = wide_console()
    for table in leaderboard.tables:
        transfer = f", {table.transfer} transfer" if table.transfer else ""
        title = f"measured: {leaderboard.report.setting.dataset}, {table.task}{transfer}"
        console.print(Text(title, style="bold"), soft_wrap=True)
        console.print(_measured(leaderboard, table))
        if differences := table.differences():
            line = f"the rows differ in more than {leaderboard.key}: {', '.join(differences)}"
            console.print(Text(line, style="bold yellow"), soft_wrap=True)
    for line in leaderboard.left_out:
        console.print(Text(line, style="dim"), soft_wrap=True)
    tasks = dict.fromkeys(table.task for table in leaderboard.tables)
    for model in leaderboard.models:
        for task in tasks:
            for published in published_tables(model, leaderboard.key, task):
                line = f"published: {published.paper}, table {published.number}, {task}; as printed, not measured here"
                console.print(Text(line, style="bold"), soft_wrap=True)
                console.print(_published(leaderboard.key, published))


def _measured(leaderboard: SettingLeaderboard, table: SettingTable) -> Table:
    metrics = [
        metric
        for metric in ordered(leaderboard.report.setting.metrics)
        if any(row.measurement.value(metric) is not None for row in table.rows)
    ]
    named = len(leaderboard.models) > 1 or len({_text(row.value) for row in table.rows}) < len(table.rows)
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    shown.add_column(leaderboard.key)
    if named:
        shown.add_column("model", overflow="fold")
    for metric in metrics:
        shown.add_column(f"{metric} {arrow(metric)}", justify="right", no_wrap=True)
    shown.add_column("clips", justify="right")
    for row in table.rows:
        cells = [_text(row.value), *([row.measurement.label] if named else [])]
        cells += [_cell(leaderboard, row, metric) for metric in metrics]
        shown.add_row(*(Text(cell) for cell in cells), str(len(row.measurement.clips)))
    return shown


def _cell(leaderboard: SettingLeaderboard, row: SettingRow, metric: str) -> str:
    """The mean, and below it the interval."""
    value = row.measurement.value(metric)
    if value is None:
        return "-"
    decimals = score(metric).decimals
    interval = row.measurement.interval(metric, leaderboard.report.setting.seed)
    below = "\n{:.{d}f} to {:.{d}f}".format(*interval, d=decimals) if interval else ""
    return f"{value:.{decimals}f}{below}"


def _published(key: str, table: PublishedTable) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    shown.add_column(key)
    for dataset, metric in table.columns:
        shown.add_column(f"{dataset} {metric}", justify="right", no_wrap=True)
    for value in table.values:
        shown.add_row(_text(value), *(table.printed(value, column) for column in table.columns))
    return shown


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
