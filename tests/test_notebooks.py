"""The notebooks run as they are, in their smallest form, one after the other in one kernel."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs" / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A running kernel; notebooks share it, since a second one would import torch anew."""
    pytest.importorskip("ipykernel", reason="ipykernel is not installed: pip install '.[dev]'")
    from jupyter_client.manager import KernelManager

    folder = tmp_path_factory.mktemp("kernel")
    manager = KernelManager()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIA_BENCH_SMALLEST", "1")
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("IPYTHONDIR", str(folder))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(folder))
        manager.start_kernel()
    yield manager
    manager.shutdown_kernel(now=True)


def notebook(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_from_the_first_cell_to_the_last(path: Path, kernel: Any, tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    from nbclient import NotebookClient

    book = nbformat.read(path, as_version=4)
    # As a kernel of its own begins: no names, in the notebook's folder.
    book.cells.insert(0, nbformat.v4.new_code_cell(f"import os\nos.chdir({str(tmp_path)!r})\n%reset -f"))
    NotebookClient(book, km=kernel, timeout=300).execute(cleanup_kc=False)
    shown = {kind for cell in book.cells for output in cell.get("outputs", ()) for kind in output.get("data", ())}
    assert "image/png" in shown
    if path.stem == "own-footage":
        assert {"text/html", "image/jpeg"} <= shown
        assert (tmp_path / "moved.mp4").stat().st_size > 0
        assert (tmp_path / "results").is_dir()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_begins_with_the_installation_and_holds_no_results(path: Path) -> None:
    cells = notebook(path)["cells"]
    programs = [cell for cell in cells if cell["cell_type"] == "code"]
    assert "%pip install --quiet lia-bench" in "".join(programs[0]["source"])
    assert [cell for cell in programs if cell["outputs"] or cell["execution_count"]] == []


def test_there_are_notebooks() -> None:
    assert {path.stem for path in NOTEBOOKS} >= {"directions", "own-footage"}
