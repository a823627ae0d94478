"""Files of the layout that FOMM's authors published, with deterministic weights."""

from typing import Any

import torch
from torch import Tensor

from tests.deterministic import fill


def deterministic_content(golden: dict[str, Any]) -> dict[str, dict[str, Tensor]]:
    """The networks of a golden file by their names, each a state dict."""
    content: dict[str, dict[str, Tensor]] = {}
    for key, (shape, rule) in golden["state"].items():
        network, _, name = key.partition("/")
        values = fill(key, shape, golden["seed"], rule)
        tensor = torch.tensor(golden["constants"][key]) if values is None else torch.from_numpy(values)
        content.setdefault(network, {})[name] = tensor
    return content
