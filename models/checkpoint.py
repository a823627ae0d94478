"""Checkpoints on disk: our own folders, and files that a model's authors published."""

import argparse
import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from lia_bench.core.atomic import replacing, write_json
from lia_bench.core.documents import Version, read_document
from lia_bench.core.errors import CheckpointError, UnsafeCheckpointError
from lia_bench.core.names import printable
from lia_bench.core.provenance import sha256_of_file, sha256_once
from lia_bench.core.torch_weights import NUMPY_NUMBERS
from lia_bench.models.training.configuration import ExperimentConfiguration

if TYPE_CHECKING:
    from lia_bench.models.animator import Animator

# The names that the Hugging Face Hub looks for.
WEIGHTS = "model.safetensors"
DESCRIPTION = "config.json"
TRAINING = "training.pt"
FORMAT: Literal[1] = 1
ZIP = b"PK\x03\x04"
# How torch's restricted unpickler names what it refuses to call.
CODE_IN_PICKLE = re.compile(r"(?:GLOBAL|[Uu]nsupported class|Unsupported global: GLOBAL) (\S+)")


@dataclass(frozen=True)
class ZooEntry:
    """What an animator was built as; plain data.

    Attributes:
        model: its name in the registry.
        variant: of its configuration; empty where there are none.
        experiment: the configuration in full, changed fields included.
    """

    model: str
    variant: str
    experiment: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.model}:{self.variant}" if self.variant else self.model


class CheckpointDescription(BaseModel):
    """What a checkpoint folder's config.json holds; keys that another version added stay in it.

    Attributes:
        format: version of this schema.
        model: its name in the registry; `variant` is empty where it has none.
        step: iterations of training behind it; None where the weights were converted or shared.
        weights: what the weights are, in words; None likewise.
        sha256: of each other file of the folder, by its name, in hexadecimal; None where it was written before
            files were told so.
        experiment: the configuration in full.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    format: Literal[1]
    model: str
    variant: str
    step: int | None = None
    weights: str | None = None
    sha256: dict[str, str] | None = None
    experiment: dict[str, Any]


@dataclass(frozen=True)
class OwnCheckpoint:
    """A folder that `train`, `save_pretrained` or `models convert` wrote: what it is of, and the weights."""

    model: str
    variant: str
    experiment: dict[str, Any]
    state: dict[str, Tensor]


def save_checkpoint(
    folder: Path,
    *,
    model: str,
    variant: str,
    experiment: ExperimentConfiguration,
    animator: "Animator",
    step: int,
    training: Mapping[str, Any],
    weights: str = "as trained",
) -> None:
    """Write a checkpoint folder atomically: weights, their description, and what training needs to go on.

    Args:
        training: optimiser, schedule and random states; tensors and plain data only, since it is read back
            with `weights_only=True`.
        weights: what the weights of `animator` are, in words for the description.
    """
    with replacing(folder) as temporary:
        temporary.mkdir()
        torch.save(dict(training), temporary / TRAINING)
        entry = ZooEntry(model, variant, experiment.model_dump(mode="json"))
        write_weights(temporary, entry, animator.state_dict(), {"step": step, "weights": weights})


def write_weights(
    folder: Path, entry: ZooEntry, state: Mapping[str, Tensor], history: Mapping[str, Any] | None = None
) -> None:
    """Write the weights into a folder that is there, then their description, which makes it a checkpoint.

    Args:
        history: what else the description says of how the weights came about.
    """
    plain = {key: value.detach().cpu().contiguous() for key, value in state.items()}
    with replacing(folder / WEIGHTS) as temporary:
        save_file(plain, temporary, metadata={"format": "pt"})
    files = [folder / name for name in (WEIGHTS, TRAINING) if (folder / name).is_file()]
    description = CheckpointDescription(
        format=FORMAT,
        model=entry.model,
        variant=entry.variant,
        **(history or {}),
        sha256={file.name: sha256_of_file(file) for file in files},
        experiment=entry.experiment,
    )
    write_json(folder / DESCRIPTION, description.model_dump(mode="json", exclude_unset=True))


def own_checkpoint_folder(path: Path) -> Path | None:
    """The folder of our own checkpoint that `path` (the folder or its weights file) is, or None."""
    folder = path.parent if path.name == WEIGHTS else path
    return folder if (folder / DESCRIPTION).is_file() else None


def read_description(folder: Path) -> CheckpointDescription:
    """The content of a checkpoint folder's config.json.

    Raises:
        CheckpointError: it is damaged, of a later format, or not lia-bench's.
    """
    return read_document(
        folder / DESCRIPTION,
        CheckpointDescription,
        "a checkpoint of lia-bench",
        "name a folder that lia-bench wrote, or train again",
        version=Version("format", FORMAT),
        error=CheckpointError,
    )


def read_own_checkpoint(folder: Path) -> OwnCheckpoint:
    """A checkpoint folder's description and weights.

    Raises:
        CheckpointError: a file is missing, damaged, cut short, or not the one that was saved.
    """
    description = read_description(folder)
    weights = folder / WEIGHTS
    try:
        _check_as_saved(weights, description)
        state = load_file(weights)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{weights}: missing, damaged or cut short ({error}): take another checkpoint") from error
    return OwnCheckpoint(
        model=description.model,
        variant=description.variant,
        experiment=description.experiment,
        state=state,
    )


def load_training_state(folder: Path) -> dict[str, Any]:
    """What `save_checkpoint` was given as `training`, on the CPU.

    Raises:
        CheckpointError: the checkpoint was converted or shared, and has weights alone; or it is damaged, or not the
            one that was saved.
    """
    if not (folder / TRAINING).is_file():
        raise CheckpointError(
            f"{folder}: weights alone, without {TRAINING}, as converted and shared checkpoints are: "
            "training cannot go on from it; start a run of another --name"
        )
    _check_as_saved(folder / TRAINING, read_description(folder))
    return read_pickle(folder / TRAINING)


def _check_as_saved(file: Path, description: CheckpointDescription) -> None:
    saved = (description.sha256 or {}).get(file.name)
    if saved is not None and sha256_once(file) != saved:
        raise CheckpointError(
            f"{file}: damaged, cut short or changed since it was saved (its SHA-256 is not the one in {DESCRIPTION}): "
            "take another checkpoint, or fetch it again"
        )


def read_pickle(path: Path) -> dict[str, Any]:
    """The dict in a file of `torch.save`, on the CPU; tensors and plain data alone are loaded.

    `argparse.Namespace` is let through: LIA's trainer stored its arguments so, and it can run nothing. Numpy's
    numbers, such as a best loss beside the weights, are read as Python's.

    Raises:
        UnsafeCheckpointError: the pickle names code to run; nothing of it was run.
        CheckpointError: not such a file, damaged, cut short, or no dict inside.
    """
    if path.is_dir():
        raise CheckpointError(f"{path}: a folder without {DESCRIPTION}: name a checkpoint folder or a file of weights")
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint")
    _check_sums(path)
    try:
        with torch.serialization.safe_globals([argparse.Namespace, *NUMPY_NUMBERS]), warnings.catch_warnings():
            # torch warns of pickle protocols that it does not read, and then says so once more by an error.
            warnings.simplefilter("ignore", UserWarning)
            # A path that ends in .safetensors would be read as such, whatever is in the file.
            with path.open("rb") as file:
                content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if code := CODE_IN_PICKLE.search(str(error)):
            raise UnsafeCheckpointError(
                f"{path}: refused, it carries code beside the weights ({code[1]}) and nothing of it was run: "
                "get a file from a source you trust, or one with weights alone"
            ) from error
        raise CheckpointError(f"{path}: damaged or no checkpoint: fetch or train it again") from error
    # Every way in which a file of the older format can be damaged has an error of its own.
    except Exception as error:
        raise CheckpointError(f"{path}: damaged, cut short or no checkpoint: fetch or train it again") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path}: holds a {type(content).__name__}, not a dict of weights")
    return content


def _check_sums(path: Path) -> None:
    """Raise CheckpointError where an entry of a zip file has another checksum than noted; torch's reader ignores those.

    Older files of torch are no zip files, and have no checksums.
    """
    try:
        if not _begins_as_zip(path):
            return
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    # Python's reader has an error of its own for each way in which an archive can be damaged.
    except Exception as error:
        raise CheckpointError(f"{path}: damaged, cut short or no checkpoint: fetch or train it again") from error
    if damaged is not None:
        raise CheckpointError(
            f"{path}: damaged: '{printable(damaged)}' in it is not what was saved (its checksum is another): "
            "fetch or train it again"
        )


def _begins_as_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(ZIP)) == ZIP
