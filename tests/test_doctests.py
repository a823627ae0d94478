"""The examples in docstrings do what they show."""

import doctest
from importlib import import_module

import pytest

from tests.test_layout import modules

WITH_EXAMPLES = [name for name, path in modules().items() if ">>> " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples(name: str) -> None:
    result = doctest.testmod(import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 0, f"{name} shows examples that doctest does not find: put them in a docstring"
    assert result.failed == 0, f"examples in {name} do not give what they show: see the output"


def test_the_public_calls_have_examples() -> None:
    assert "lia_bench" in WITH_EXAMPLES
    assert len(WITH_EXAMPLES) >= 10
