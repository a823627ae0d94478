"""What to type where an optional library is missing."""

from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from lia_bench.core import extras
from lia_bench.core.extras import not_installed


def test_a_checkout_is_installed_from_where_it_lies() -> None:
    assert not_installed("this needs that", "study") == (
        "this needs that, which is not installed: pip install '.[study]'"
    )


@pytest.mark.parametrize(
    ("origin", "command"),
    [(None, "'lia-bench[study]'"), ('{"url": "file:///somewhere", "dir_info": {}}', "'.[study]'")],
)
def test_a_release_is_installed_by_name(
    origin: str | None, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In site-packages no pyproject.toml lies above; pip notes where a package came from that has no release."""
    monkeypatch.setattr(extras, "__file__", str(tmp_path / "lia_bench" / "core" / "extras.py"))
    if origin is not None:
        (tmp_path / "direct_url.json").write_text(origin)
    monkeypatch.setattr(extras, "distribution", lambda name: PathDistribution(tmp_path))
    assert not_installed("this needs that", "study").endswith(f"pip install {command}")
