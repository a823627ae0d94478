"""Checkpoints on disk: our own folders, and files that a model's authors published."""

import argparse
import json
import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from lia_bench.core.atomic import replacing, write_json
from lia_bench.core.errors import CheckpointError, UnsafeCheckpointError
from lia_bench.models.animator import Animator
from lia_bench.models.training.configuration import ExperimentConfiguration

WEIGHTS = "model.safetensors"
DESCRIPTION = "model.json"
TRAINING = "training.pt"
FORMAT = 1
# How torch's restricted unpickler names what it refuses to call.
CODE_IN_PICKLE = re.compile(r"(?:GLOBAL|[Uu]nsupported class|Unsupported global: GLOBAL) (\S+)")


@dataclass(frozen=True)
class OwnCheckpoint:
    """A folder that `train` wrote: what it is of, and the weights."""

    model: str
    variant: str
    experiment: dict[str, Any]
    step: int
    state: dict[str, Tensor]


def save_checkpoint(
    folder: Path,
    *,
    model: str,
    variant: str,
    experiment: ExperimentConfiguration,
    animator: Animator,
    step: int,
    training: Mapping[str, Any],
) -> None:
    """Write a checkpoint folder atomically: weights, their description, and what training needs to go on.

    Args:
        training: optimiser, schedule and random states; tensors and plain data only, since it is read back
            with `weights_only=True`.
    """
    with replacing(folder) as temporary:
        temporary.mkdir()
        state = {key: value.detach().cpu().contiguous() for key, value in animator.state_dict().items()}
        save_file(state, temporary / WEIGHTS, metadata={"format": "pt"})
        torch.save(dict(training), temporary / TRAINING)
        write_json(
            temporary / DESCRIPTION,
            {
                "format": FORMAT,
                "model": model,
                "variant": variant,
                "step": step,
                "experiment": experiment.model_dump(mode="json"),
            },
        )


def own_checkpoint_folder(path: Path) -> Path | None:
    """The folder of our own checkpoint that `path` (the folder or its weights file) is, or None."""
    folder = path.parent if path.name == WEIGHTS else path
    return folder if (folder / DESCRIPTION).is_file() else None


def read_description(folder: Path) -> dict[str, Any]:
    """The content of a checkpoint folder's model.json.

    Raises:
        CheckpointError: it is damaged or of a later format.
    """
    path = folder / DESCRIPTION
    try:
        description: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        format_number = description["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: damaged ({error}): train again or take another checkpoint") from error
    if format_number > FORMAT:
        raise CheckpointError(f"{path}: written by a later lia-bench (format {format_number}): upgrade lia-bench")
    return description


def read_own_checkpoint(folder: Path) -> OwnCheckpoint:
    """A checkpoint folder's description and weights.

    Raises:
        CheckpointError: a file is missing, damaged or cut short.
    """
    description = read_description(folder)
    weights = folder / WEIGHTS
    try:
        state = load_file(weights)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{weights}: missing, damaged or cut short ({error}): take another checkpoint") from error
    return OwnCheckpoint(
        model=description["model"],
        variant=description["variant"],
        experiment=description["experiment"],
        step=description["step"],
        state=state,
    )


def load_training_state(folder: Path) -> dict[str, Any]:
    """What `save_checkpoint` was given as `training`, on the CPU."""
    return read_pickle(folder / TRAINING)


def read_pickle(path: Path) -> dict[str, Any]:
    """The dict in a file of `torch.save`, on the CPU; tensors and plain data alone are loaded.

    `argparse.Namespace` is let through: LIA's trainer stored its arguments so, and it can run nothing.

    Raises:
        UnsafeCheckpointError: the pickle names code to run; nothing of it was run.
        CheckpointError: not such a file, damaged, cut short, or no dict inside.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint")
    try:
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            # torch warns of pickle protocols that it does not read, and then says so once more by an error.
            warnings.simplefilter("ignore", UserWarning)
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if code := CODE_IN_PICKLE.search(str(error)):
            raise UnsafeCheckpointError(
                f"{path}: refused, it carries code beside the weights ({code[1]}) and nothing of it was run: "
                "get a file from a source you trust, or one with weights alone"
            ) from error
        raise CheckpointError(f"{path}: damaged or no checkpoint: fetch or train it again") from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path}: damaged, cut short or no checkpoint: fetch or train it again") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path}: holds a {type(content).__name__}, not a dict of weights")
    return content
