"""From a name, a variant and perhaps a checkpoint to a model that animates."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lia_bench.core.configuration import merge, read_yaml, validate
from lia_bench.core.errors import CheckpointError, DeviceError, InputError, UnknownNameError
from lia_bench.core.registry import load_attribute
from lia_bench.core.suggestions import unknown
from lia_bench.models.animator import Animator
from lia_bench.models.checkpoint import own_checkpoint_folder, read_own_checkpoint, read_pickle
from lia_bench.models.registry import MODELS
from lia_bench.models.specification import ModelSpecification
from lia_bench.models.training.configuration import ExperimentConfiguration, ModelConfiguration
from lia_bench.models.training.run_folder import resolve_checkpoint


def load_model(
    name: str,
    checkpoint: str | Path | None = None,
    variant: str | None = None,
    device: str | None = None,
    **overrides: Any,
) -> Animator:
    """A model of the zoo, in evaluation mode.

    Args:
        name: as `lia-bench models list` shows it.
        checkpoint: what `train` wrote (a run folder or a checkpoint in it), or the file that the model's
            authors published; the content tells which. None: fresh weights.
        variant: a published configuration; by default the checkpoint's own, else the model's default.
        device: "cpu", "cuda", "cuda:1", ...; by default the GPU where there is one.
        overrides: fields of the configuration's `model` section, such as size=128.

    Raises:
        UnknownNameError: no such model, variant or field.
        CheckpointError: the checkpoint is damaged, unsafe, or of another model or variant.
        DeviceError: there is no such device.
    """
    specification = MODELS[name]
    target = pick_device(device)
    layer: dict[str, Any] = {"model": overrides} if overrides else {}
    if checkpoint is None:
        _, configuration = load_configuration(name, variant, [layer])
        return _build(specification, configuration).to(target)
    path = resolve_checkpoint(Path(checkpoint))
    folder = own_checkpoint_folder(path)
    if folder is None:
        _, configuration = load_configuration(name, variant, [layer])
        state = _authors_state(specification, path)
    else:
        own = read_own_checkpoint(folder)
        if own.model != name:
            raise CheckpointError(f"{path}: a checkpoint of {own.model}, not of {name}: load it as {own.model}@{path}")
        if variant is not None and variant != own.variant:
            raise CheckpointError(f"{path}: a checkpoint of {name}:{own.variant}, not of {name}:{variant}")
        kind = load_attribute(specification.configuration)
        configuration = validate(kind, merge(own.experiment, layer), str(path))
        state = own.state
    animator = _build(specification, configuration)
    _fill(animator, state, path)
    return animator.to(target)


def load_experiment(
    name: str, variant: str | None, layers: Sequence[Mapping[str, Any]] = ()
) -> tuple[str, ExperimentConfiguration]:
    """As `load_configuration`, for a model that is trained; InputError for one that is not."""
    chosen, configuration = load_configuration(name, variant, layers)
    if not isinstance(configuration, ExperimentConfiguration):
        raise InputError(f"{name} has nothing to train: use it as it is")
    return chosen, configuration


def load_configuration(
    name: str, variant: str | None, layers: Sequence[Mapping[str, Any]] = ()
) -> tuple[str, ModelConfiguration]:
    """The variant's name and its configuration, with `layers` laid over the YAML file, later ones on top."""
    specification = MODELS[name]
    kind = load_attribute(specification.configuration)
    chosen = variant or specification.default_variant
    published: dict[str, Any] = {}
    if specification.variants is not None:
        if chosen not in specification.variant_names():
            raise UnknownNameError(unknown(f"variant of {name}", chosen, specification.variant_names()))
        published = read_yaml(specification.variants / f"{chosen}.yaml")
    elif variant:
        raise UnknownNameError(f"{name} has no variants: leave out ':{variant}'")
    configuration: ModelConfiguration = validate(
        kind, merge(published, *layers), f"{name}:{chosen}" if chosen else name
    )
    return chosen, configuration


def pick_device(name: str | None) -> torch.device:
    """The device called `name`; None is the first GPU, or the CPU where there is none."""
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeviceError(f"unknown device '{name}': take cpu, cuda or cuda:N") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"no device '{name}' here: {torch.cuda.device_count()} GPUs are visible; take --device cpu")
    return device


def _build(specification: ModelSpecification, configuration: ModelConfiguration) -> Animator:
    kind = load_attribute(specification.animator)
    animator: Animator = kind(configuration.model)
    return animator.eval()


def _authors_state(specification: ModelSpecification, path: Path) -> dict[str, Tensor]:
    content = read_pickle(path)
    state = _converted(specification, content)
    if state is not None:
        return state
    others = [name for name, other in MODELS.items() if _converted(other, content) is not None]
    found = f"a checkpoint of {others[0]}" if others else f"no known layout (keys: {', '.join(map(str, content))[:80]})"
    raise CheckpointError(f"{path}: not a checkpoint of {specification.name}, but {found}")


def _converted(specification: ModelSpecification, content: Mapping[str, Any]) -> dict[str, Tensor] | None:
    if specification.authors_checkpoint is None:
        return None
    state: dict[str, Tensor] | None = load_attribute(specification.authors_checkpoint)(content)
    return state


def _fill(animator: Animator, state: Mapping[str, Tensor], path: Path) -> None:
    expected = animator.state_dict()
    if missing := sorted(expected.keys() - state.keys()):
        raise CheckpointError(f"{path}: {_some(missing)} missing: the checkpoint is incomplete or of another variant")
    if surplus := sorted(state.keys() - expected.keys()):
        raise CheckpointError(f"{path}: {_some(surplus)} not in this variant: name the variant it was trained as")
    for key, value in state.items():
        if value.shape != expected[key].shape:
            raise CheckpointError(
                f"{path}: {key} has shape {tuple(value.shape)} where this variant has {tuple(expected[key].shape)}: "
                "name the variant and size it was trained as"
            )
    animator.load_state_dict(dict(state))


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{rest}"
