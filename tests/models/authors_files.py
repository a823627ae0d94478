"""Files of the layouts that authors published, with deterministic weights."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lia_bench.models.animator import Animator
from lia_bench.models.loading import load_model
from tests.deterministic import difference, fill, image


def deterministic_content(golden: dict[str, Any]) -> dict[str, dict[str, Tensor]]:
    """The networks of a golden file by their names, each a state dict."""
    content: dict[str, dict[str, Tensor]] = {}
    for key, (shape, rule) in golden["state"].items():
        network, _, name = key.partition("/")
        values = fill(key, shape, golden["seed"], rule)
        tensor = torch.tensor(golden["constants"][key]) if values is None else torch.from_numpy(values)
        content.setdefault(network, {})[name] = tensor
    return content


def authors_model(
    golden: dict[str, Any], folder: Path, optimisers: Sequence[str], beside: dict[str, Any], **overrides: Any
) -> Animator:
    """The model of a golden, through a file that also has what the authors' trainer wrote beside the networks.

    `optimisers`: names of theirs, each with an empty state; `beside`: the rest. `overrides`: as of `load_model`.
    """
    states: dict[str, Any] = {name: {"state": {}, "param_groups": []} for name in optimisers}
    file = folder / "authors.pth.tar"
    torch.save({**deterministic_content(golden), **states, **beside}, file)
    animator = load_model(golden["model"], checkpoint=file, device="cpu", **overrides, **golden["load"])
    file.unlink()
    return animator


def golden_image(entry: dict[str, Any]) -> Tensor:
    """A frame (3, H, W) in [0, 1] that a golden's `inputs` describe."""
    return torch.from_numpy(image(entry["image"], entry["size"], entry["seed"]))


def last_frame(animator: Animator, source: Tensor, driving: Tensor, transfer: str) -> Tensor:
    """The last of the driving frames alone, (1, 3, H, W), moved as it is since the first; not clamped.

    For a mode whose keypoints a golden holds frame by frame: what renders them is the same for all modes.
    """
    with animator.evaluating():
        return animator.render(animator.encode_source(source[None], driving[:1], transfer), driving[-1:])


def largest_difference(frames: Tensor, summaries: Sequence[dict[str, Any]]) -> float:
    """Of frames (T, 3, H, W) from as many summaries of a golden's `outputs`."""
    return max(difference(frame.numpy(), summary) for frame, summary in zip(frames, summaries, strict=True))


def mean_change(golden: dict[str, Any], animator: Animator, source: Tensor, driving: Tensor, **overrides: Any) -> float:
    """How far frames move on average where a golden's model has the same weights and `overrides`."""
    other = load_model(golden["model"], device="cpu", **overrides, **golden["load"])
    other.load_state_dict(animator.state_dict())
    return float((other.animate(source, driving) - animator.animate(source, driving)).abs().mean())
