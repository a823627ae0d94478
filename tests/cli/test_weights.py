"""`lia-bench weights`."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from lia_bench.cli.weights import command
from lia_bench.core.weights import WEIGHTS


def test_list_says_what_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / WEIGHTS["vgg19"].file_name).write_bytes(b"not it")
    result = CliRunner().invoke(command, ["list"])
    assert result.exit_code == 0, result.output
    assert "alexnet: missing" in result.output
    assert "vgg19: wrong hash" in result.output
    assert str(tmp_path / "weights" / WEIGHTS["alexnet"].file_name) in result.output
