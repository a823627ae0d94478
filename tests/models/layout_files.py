"""Small files of every layout that authors published, and their full-size entries without numbers."""

from functools import cache
from typing import Any

import torch
from torch import Tensor

from lia_bench.models.authors_layout import AuthorsLayout, authors_layout
from lia_bench.models.loading import load_model
from lia_bench.models.specification import MODELS
from tests.conftest import golden

GOLDENS = {
    "fomm": "fomm-vox-256",
    "fvv": "fvv-vox-256",
    "iapm": "iapm-vox-256",
    "lia": "lia-vox-256",
    "liax": "liax-512",
    "liveportrait": "liveportrait-512",
    "monkeynet": "monkeynet-vox",
    "mraa": "mraa-vox-256",
    "tpsmm": "tpsmm-vox-256",
    "x2face": "x2face-256",
}


def layout_of(name: str) -> AuthorsLayout:
    """The layout of a model that has one."""
    layout = authors_layout(MODELS[name])
    assert layout is not None
    return layout


@cache
def _small(name: str) -> dict[str, dict[str, Tensor]]:
    torch.manual_seed(3)
    content = layout_of(name).authors_content(load_model(name, variant="demo-64", device="cpu").state_dict())
    assert content is not None
    return content


def small_content(name: str) -> dict[str, dict[str, Tensor]]:
    """The networks of an untrained demo-64 as the authors store them; the caller may leave out or add entries."""
    return {network: dict(part) for network, part in _small(name).items()}


def full_size_content(name: str) -> dict[str, dict[str, Tensor]]:
    """The networks that the authors published, all zeros but for what their architecture fixes; takes no memory."""
    expected: dict[str, Any] = golden(GOLDENS[name])
    content: dict[str, dict[str, Tensor]] = {}
    for key, (shape, rule) in expected["state"].items():
        network, _, entry = key.partition("/")
        zeros = torch.zeros(()).expand(shape)
        content.setdefault(network, {})[entry] = torch.tensor(expected["constants"][key]) if rule == "const" else zeros
    return content
