"""Where results come from."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lia_bench.core import provenance


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def test_everything_is_plain_data_and_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/opt/bin/lia-bench", "evaluate", "--models", "a b"])
    content = json.loads(json.dumps(provenance.provenance()))
    assert content["command_line"] == "lia-bench evaluate --models 'a b'"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", content["date"])
    assert content["versions"]["lia-bench"]
    assert content["versions"]["torch"]
    assert content["hardware"]["cpu"]
    assert content["hardware"]["cores"] >= 1


def test_a_changed_checkout_is_marked(tmp_path: Path) -> None:
    git(tmp_path, "init")
    file = tmp_path / "file"
    file.write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-m", "first")
    clean = provenance._commit(tmp_path)
    assert clean is not None
    assert re.fullmatch(r"[0-9a-f]{40}", clean)
    file.write_text("two")
    assert provenance._commit(tmp_path) == f"{clean}-dirty"


def test_outside_a_checkout_there_is_no_commit(tmp_path: Path) -> None:
    assert provenance._commit(tmp_path) is None
