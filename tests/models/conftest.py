"""Fixtures of the goldens: a module names its own as GOLDEN."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.conftest import golden
from tests.models.authors_files import golden_image


@pytest.fixture(scope="module")
def expected(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The module's golden."""
    return golden(request.module.GOLDEN)


@pytest.fixture(scope="module")
def source(expected: dict[str, Any]) -> Tensor:
    """Its source frame, (3, H, W)."""
    return golden_image(expected["inputs"]["source"])


@pytest.fixture(scope="module")
def driving(expected: dict[str, Any]) -> Tensor:
    """Its driving frames, (T, 3, H, W)."""
    return torch.stack([golden_image(entry) for entry in expected["inputs"]["driving"]])
