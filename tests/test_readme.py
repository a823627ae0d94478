"""README.md does what it shows."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lia_bench

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.slow
def test_the_python_example_runs_as_it_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (program,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(program, str(README), "exec"), names)
    table = names["results"].table()
    assert set(table["model"]) == {"lia", "identity"}
    assert table["l1"].notna().sum() == 2
    assert "reconstruction" in capsys.readouterr().out
    history = names["run"].history()
    assert history["validation_l1"].iloc[-1] < 0.4
    written, fps = lia_bench.read_video("moved.mp4")
    assert (len(written), fps) == (len(names["driving"]), 25)
    frames = names["frames"]
    assert frames.shape == (len(names["driving"]), 3, 64, 64)
    assert np.isfinite(frames.numpy()).all()
