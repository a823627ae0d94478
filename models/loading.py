"""From a name, a variant and perhaps a checkpoint to a model that animates."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from lia_bench.core.configuration import merge, read_yaml, validate
from lia_bench.core.errors import CheckpointError, DeviceError, InputError, UnknownNameError
from lia_bench.core.registry import load_attribute
from lia_bench.core.suggestions import unknown
from lia_bench.models.authors_layout import NamingLayout, authors_layout
from lia_bench.models.card import PUBLISHED, UNTRAINED, published_checkpoint, published_variants
from lia_bench.models.checkpoint import ZooEntry, own_checkpoint_folder, read_own_checkpoint
from lia_bench.models.export.exported_model import CARD
from lia_bench.models.fit import NothingDrawn, fill
from lia_bench.models.specification import MODELS, ModelSpecification
from lia_bench.models.training.configuration import (
    KEY,
    ExperimentConfiguration,
    ModelConfiguration,
    settings_of_ablation,
    with_own_keys,
)
from lia_bench.models.training.runs import resolve_checkpoint
from lia_bench.models.weights_file import read_authors, state_in_file

if TYPE_CHECKING:
    from lia_bench.models.animator import Animator

# The caller of `lia_bench.load_model`, which hands over to the one here.
_STACK = 3


def load_model(
    name: str,
    checkpoint: str | Path | None = None,
    variant: str | None = None,
    device: str | None = None,
    **overrides: Any,
) -> "Animator":
    """A model of the zoo, in evaluation mode.

    Args:
        name: as `lia-bench models list` shows it.
        checkpoint: what `train` wrote (a run folder or a checkpoint in it), `save_pretrained` or `models convert`
            wrote, or the file that the model's authors published; the content tells which. "published": that file
            as `lia-bench weights fetch` put it in its place. "untrained", or None with a warning: fresh weights.
        variant: a published configuration; by default the checkpoint's own, else the model's default.
        device: "cpu", "cuda", "cuda:1", ...; by default the GPU where there is one.
        overrides: fields of the configuration's `model` section, such as size=128.

    Raises:
        UnknownNameError: no such model, variant or field.
        MissingWeightsError: the published checkpoint is not on this machine; the text says how to get it.
        CheckpointError: the checkpoint is damaged, unsafe, or of another model or variant; or a weight is NaN.
        DeviceError: there is no such device.
    """
    check_variant(name, variant)
    target = pick_device(device)
    path = None
    if checkpoint == PUBLISHED:
        variant = variant or MODELS[name].default_variant
        path = published_checkpoint(name, variant)
    elif checkpoint not in (None, UNTRAINED):
        path = resolve_checkpoint(Path(checkpoint))
    animator = load_from(path, name, variant, target, [{"model": overrides}] if overrides else [])
    if checkpoint is None and any(True for _ in animator.parameters()):
        chosen = animator.zoo_entry.variant if animator.zoo_entry else ""
        warnings.warn(_untrained(name, chosen), stacklevel=_STACK)
    return animator


def load_from(
    path: Path | None,
    name: str,
    variant: str | None,
    device: torch.device,
    layers: Sequence[Mapping[str, Any]] = (),
) -> "Animator":
    """A model in evaluation mode, of a checkpoint that is there, whoever wrote it.

    Args:
        path: its folder or file; None for fresh weights.
        name: as of `load_model`.
        variant: likewise.
        device: where the model goes.
        layers: of configuration, laid over the checkpoint's or the variant's, later ones on top.

    Raises:
        UnknownNameError: no such model, variant or field.
        CheckpointError: the checkpoint is damaged, unsafe, or of another model or variant; or a weight is NaN.
    """
    specification = MODELS[name]
    check_variant(name, variant)
    if path is None:
        return _build(specification, *load_configuration(name, variant, layers)).to(device)
    folder = own_checkpoint_folder(path)
    content = None
    if folder is None:
        if (path / CARD).is_file():
            raise CheckpointError(f"{path}: an exported model, not weights: open it with lia_bench.open_exported")
        load_configuration(name, variant, layers)
        content = read_authors(specification, path)
        state = state_in_file(specification, content, path)
        layout = authors_layout(specification)
        theirs = {"model": layout.model_settings(content)} if isinstance(layout, NamingLayout) else {}
        chosen, configuration = load_configuration(name, variant, [theirs, *layers])
        _, variant_alone = load_configuration(name, variant)
        settings = {field: getattr(configuration.model, field) for field in theirs.get("model", {})}
        trained = variant_alone.model_copy(update={"model": variant_alone.model.model_copy(update=settings)})
    else:
        own = read_own_checkpoint(folder)
        chosen = own.variant
        if own.model != name:
            known_as = f"{own.model}:{chosen}" if chosen else own.model
            raise CheckpointError(f"{path}: a checkpoint of {known_as}, not of {name}: load it as {own.model}@{path}")
        if variant is not None and variant != chosen:
            raise CheckpointError(f"{path}: a checkpoint of {name}:{chosen}, not of {name}:{variant}: leave it out")
        kind = load_attribute(specification.configuration)
        configuration = validate(kind, merge(own.experiment, *layers), str(path))
        trained = validate(kind, own.experiment, str(path))
        state = own.state
    with NothingDrawn():
        animator = _build(specification, chosen, configuration)
    fill(
        animator,
        state,
        specification=specification,
        variant=chosen,
        configuration=configuration,
        trained=trained,
        path=path,
        content=content,
    )
    return animator.to(device)


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
    """The variant's name and its configuration, with `layers` laid over the YAML file, later ones on top.

    An ablation that they name lies between: what is set beside it has the last word.
    """
    specification = MODELS[name]
    check_variant(name, variant)
    kind = load_attribute(specification.configuration)
    chosen = variant or specification.default_variant
    published: dict[str, Any] = {}
    if specification.variants is not None:
        published = read_yaml(specification.variants / f"{chosen}.yaml")
    laid_over = merge(*(with_own_keys(kind, layer) for layer in layers))
    ablation = laid_over.get(KEY)
    left_out = settings_of_ablation(specification, ablation) if isinstance(ablation, str) else {}
    configuration: ModelConfiguration = validate(
        kind, merge(published, left_out, laid_over), f"{name}:{chosen}" if chosen else name, kind.published_names
    )
    return chosen, configuration


def check_variant(name: str, variant: str | None) -> None:
    """Raise UnknownNameError unless there is such a model and it has such a variant; None is its default."""
    specification = MODELS[name]
    if variant is None or variant in specification.variant_names():
        return
    if specification.variants is None:
        raise UnknownNameError(f"{name} has no variants: leave out ':{variant}'")
    raise UnknownNameError(unknown(f"variant of {name}", variant, specification.variant_names()))


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


def _untrained(name: str, variant: str) -> str:
    published = f', or "{PUBLISHED}"' if variant in published_variants(name) else ""
    called = f"{name}:{variant}" if variant else name
    return (
        f"the weights of {called} are untrained, since load_model was given no checkpoint: "
        f'name one{published}, or say checkpoint="{UNTRAINED}" where that is meant'
    )


def _build(specification: ModelSpecification, variant: str, configuration: ModelConfiguration) -> "Animator":
    kind = load_attribute(specification.animator)
    animator: Animator = kind(configuration.model)
    animator.zoo_entry = ZooEntry(specification.name, variant, configuration.model_dump(mode="json"))
    return animator.eval()
