"""Files of deterministic weights in the layouts that others published."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.weights import WEIGHTS, WeightFile, weights_home
from tests.core.published import take_any
from tests.deterministic import fill

SEED = 31

RULES = {
    "running_mean": "mean",
    "running_var": "var",
    "num_batches_tracked": "const",
    "bias": "bias",
}


def deterministic_state(network: nn.Module, normalisations: tuple[str, ...], gain: float) -> dict[str, Tensor]:
    """A state dict in the network's layout, its batch counters left out as in files of PyTorch 0.3.

    `normalisations`: what the last but one part of a normalisation's keys begins with. `gain`: of the convolutions, so
    that signals neither vanish nor explode; 1.4 makes up for ReLUs.
    """
    state = {}
    for key, value in network.state_dict().items():
        module, kind = key.split(".")[-2:]
        rule = RULES.get(kind, "scale" if module.startswith(normalisations) else "conv")
        values = fill(key, tuple(value.shape), SEED, f"conv*{gain}" if rule == "conv" else rule)
        if values is not None:
            state[key] = torch.from_numpy(values)
    return state


def put_file(name: str, content: object, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Save `content` where `locate(name)` finds it; a name that carries a hash is made to carry this file's."""
    monkeypatch.setenv("LIA_BENCH_HOME", str(home))
    published = take_any(monkeypatch, name)
    path = weights_home() / published.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path)
    if published.sha256_prefix is not None:
        file_name = published.file_name.replace(published.sha256_prefix, sha256_of_file(path)[:8])
        path = path.rename(path.with_name(file_name))
        file = WeightFile(name, file_name, published.source, published.used_by, published.licence)
        monkeypatch.setitem(WEIGHTS._load(), name, file)
    return path


def without_last_key(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of a network that lacks one tensor of this one."""
    return dict(list(state.items())[:-1])
