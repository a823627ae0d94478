"""What the options that recipes share make of a command line."""

import os
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from lia_bench.preprocessing import options


@click.command()
@options.detection_options("face", default="s3fd")
@options.preparation_options("toy")
def _command(options: Any, detector: Any) -> None:
    click.echo(f"{options.engine} {options.searching_engine}")


@pytest.mark.parametrize(
    ("words", "engines"),
    [
        ("", "(3, None, 'cpu') (3, None, 'cpu')"),
        ("--device cuda", "(3, None, 'cpu') (1, None, 'cuda')"),
        ("--device cuda:1 --workers 2", "(2, None, 'cpu') (2, None, 'cuda:1')"),
        ("--device cuda --ray auto", "(3, 'auto', 'cpu') (1, 'auto', 'cuda')"),
    ],
)
def test_workers(words: str, engines: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as the process may use, as jobs of a cluster may use a few of a machine's cores; a GPU takes one."""
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 5, 7}, raising=False)
    monkeypatch.setattr(options, "make_engine", lambda *arguments: (*arguments, "cpu")[:3])
    done = CliRunner().invoke(_command, words.split())
    assert done.exit_code == 0, done.exception
    assert done.output.strip() == engines


def test_help_says_how_many_workers() -> None:
    assert "one a core, one for a detector on a GPU" in " ".join(
        CliRunner().invoke(_command, ["--help"]).output.split()
    )


def test_shards() -> None:
    done = CliRunner().invoke(_command, ["--shard", "4/3", "--output", str(Path("out"))])
    assert "'4/3' is no share of the work" in done.output
