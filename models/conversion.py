"""Checkpoints from one layout to the other: the zoo's own folder, and the file of a model's authors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from lia_bench.core.atomic import replacing
from lia_bench.core.errors import InputError, LiaBenchError
from lia_bench.core.processes import alone_at
from lia_bench.models.animator import Animator
from lia_bench.models.authors_layout import FolderLayout, OwnWriting, authors_layout, first_names, named_as_in_file
from lia_bench.models.checkpoint import DESCRIPTION, TRAINING, own_checkpoint_folder, write_weights
from lia_bench.models.lineup import find_checkpoint
from lia_bench.models.loading import load_model
from lia_bench.models.reference import ModelReference
from lia_bench.models.specification import MODELS
from lia_bench.models.weights_file import read_authors

FILE_SUFFIXES = (".pt", ".pth", ".tar", ".safetensors")
BUSY = ("another conversion is writing it; wait until it is over, or name another OUTPUT", "name another OUTPUT")


@dataclass(frozen=True)
class Converted:
    """What was written.

    Attributes:
        path: the folder or file.
        of: model and variant, as users write them.
        tensors: how many it holds.
        left_out: what of the source is not in it, one text each.
    """

    path: Path
    of: str
    tensors: int
    left_out: list[str]


def convert_to_own(
    reference: ModelReference, output: Path, changed: Mapping[str, Any] | None = None, *, replace: bool = False
) -> Converted:
    """Write the checkpoint of `reference` as a folder of the zoo's own layout, without training state.

    Args:
        output: the folder; made.
        changed: fields of the configuration's `model` section, which the folder then holds.
        replace: an earlier folder of weights alone may be replaced.

    Raises:
        InputError: no checkpoint is named, or `output` is there.
        CheckpointError: the checkpoint is damaged, or of another model or variant.
    """
    if output.suffix in FILE_SUFFIXES:
        raise InputError(f"{output}: a folder is written, give it a folder's name (--to authors writes a file)")
    with alone_at(output, *BUSY):
        _check_folder(output, replace)
        animator, source = _loaded(reference, changed)
        entry = animator.zoo_entry
        assert entry is not None
        state = animator.state_dict()

        def write(temporary: Path) -> None:
            temporary.mkdir()
            write_weights(temporary, entry, state)

        _write(output, write)
    return Converted(output, str(entry), len(state), _left_out(reference.name, source, state))


def convert_to_authors(
    reference: ModelReference, output: Path, changed: Mapping[str, Any] | None = None, *, replace: bool = False
) -> Converted:
    """Write the checkpoint of `reference` as a file of the layout that the model's authors published.

    Args:
        output: the file, as torch.save writes it; or the folder, where the authors published several files.
        changed: fields of the configuration's `model` section, where the checkpoint is of such a network.
        replace: an earlier file may be replaced.

    Raises:
        InputError: no checkpoint is named, `output` is there, or the authors have no layout.
        CheckpointError: the checkpoint is damaged, or of another model or variant.
    """
    layout = authors_layout(MODELS[reference.name])
    if layout is None:
        raise InputError(f"{reference.name} has no layout of its authors: only the folder of lia-bench can be written")
    if output.is_dir() and not isinstance(layout, FolderLayout):
        raise InputError(f"{output}: a folder; the authors' layout is a file, such as {output / 'checkpoint.pth'}")
    with alone_at(output, *BUSY):
        if output.exists() and not replace:
            raise InputError(f"{output}: there already; give --force to replace it")
        animator, source = _loaded(reference, changed)
        content = layout.authors_content(animator.state_dict())
        if content is None:
            raise LiaBenchError(f"{reference}: the layout of its authors cannot hold this network")
        plain = {
            network: {name: value.detach().cpu().contiguous().clone() for name, value in part.items()}
            for network, part in content.items()
        }
        write = layout.write_files if isinstance(layout, OwnWriting) else torch.save
        _write(output, lambda temporary: write(plain, temporary))
    return Converted(
        output,
        str(animator.zoo_entry),
        sum(len(part) for part in plain.values()),
        [
            "optimisers, discriminator and counts of the training (their code animates with it, "
            "and cannot go on training); what no frame depends on is zeros",
            *([TRAINING] if (source / TRAINING).is_file() else []),
        ],
    )


def _loaded(reference: ModelReference, changed: Mapping[str, Any] | None) -> tuple[Animator, Path]:
    """The animator on the processor, and the checkpoint's folder or file."""
    source = find_checkpoint(reference, Path("runs")) if reference.checkpoint else None
    if source is None:
        raise InputError(
            f"{reference}: names no checkpoint to convert: write {reference}@FILE or {reference}@published"
        )
    animator = load_model(reference.name, checkpoint=source, variant=reference.variant, device="cpu", **(changed or {}))
    return animator, own_checkpoint_folder(source) or source


def _left_out(name: str, source: Path, state: Mapping[str, Tensor]) -> list[str]:
    """What of the checkpoint at `source` could not be had back from `state`."""
    if source.is_dir():
        return [TRAINING] if (source / TRAINING).is_file() else []
    layout = authors_layout(MODELS[name])
    content = read_authors(MODELS[name], source)
    back = (layout.authors_content(state) if layout else None) or {}
    if not back.keys() & content.keys():
        return []
    left_out = [entry for entry in content if entry not in back]
    theirs = named_as_in_file({network: part for network, part in content.items() if network in back})
    ours = named_as_in_file(back)
    if lost := [entry for entry, value in theirs.items() if entry not in ours or not torch.equal(value, ours[entry])]:
        left_out.append(f"entries that no frame depends on ({first_names(lost)})")
    return left_out


def _check_folder(folder: Path, replace: bool) -> None:
    """Raise InputError unless `folder` may be written; only a folder of weights alone is ever replaced."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / DESCRIPTION).is_file() or (folder / TRAINING).exists():
        raise InputError(f"{folder}: there already, and no folder of weights alone: name another")
    if not replace:
        raise InputError(f"{folder}: there already; give --force to replace it")


def _write(output: Path, write: Callable[[Path], None]) -> None:
    try:
        with replacing(output) as temporary:
            write(temporary)
    # torch and safetensors have errors of their own for a disk that takes no more.
    except (RuntimeError, SafetensorError) as error:
        raise LiaBenchError(f"{output}: cannot be written ({' '.join(str(error).split())}): make room there") from error
