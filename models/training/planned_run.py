"""From a request to a run that can start or go on; nothing is written here, and every check is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lia_bench.core.configuration import merge, read_yaml, setting_changes, validate
from lia_bench.core.errors import InputError
from lia_bench.core.names import is_text
from lia_bench.core.prepared_dataset import PreparedDataset, open_dataset
from lia_bench.core.registry import load_attribute
from lia_bench.models.checkpoint import DESCRIPTION, read_description
from lia_bench.models.loading import load_experiment
from lia_bench.models.specification import MODELS, ModelSpecification
from lia_bench.models.training.batches import Share, usual_workers
from lia_bench.models.training.configuration import ExperimentConfiguration, with_own_keys
from lia_bench.models.training.hardware import Hardware, check_hardware
from lia_bench.models.training.pairs import FramePairs, check_lengths
from lia_bench.models.training.run_folder import RunFolder, run_folder
from lia_bench.models.training.runs import newest_of_model

# Settings that change how long a run is, what it writes or how it reads, but not what it computes. The
# dataset is compared by its content, so that it may move.
FREE = {
    "data.accumulate",
    "data.cache_megabytes",
    "data.dataset",
    "data.fill_batch",
    "data.workers",
    "schedule.checkpoint_every",
    "schedule.epochs",
    "schedule.iterations",
    "schedule.log_every",
    "schedule.picture_every",
}


@dataclass(frozen=True)
class TrainingRequest:
    """What to train.

    Attributes:
        model: name in the registry; `variant` is one of its own, None for its default or, with `resume`, the run's.
        layers: settings over the variant's, later ones on top.
        dataset: name of a prepared dataset or a folder; None for the configuration's.
        data_folder: where prepared datasets lie.
        runs: where run folders lie; the run's is `runs/<model>/<name>`.
        name: of the run; None for `<variant>-<dataset>`, or with `resume` the model's newest run.
        suffix: what the name ends with, so that runs of a sweep are told apart.
        resume: go on with a run that exists, with the configuration it has.
    """

    model: str
    variant: str | None = None
    layers: tuple[Mapping[str, Any], ...] = ()
    dataset: str | None = None
    data_folder: Path = Path("data")
    runs: Path = Path("runs")
    name: str | None = None
    suffix: str = ""
    resume: bool = False
    hardware: Hardware = field(default_factory=Hardware)


@dataclass(frozen=True)
class PlannedRun:
    """A run with all that decides its course.

    Attributes:
        accelerator: "cpu" or "cuda", as `hardware` means it here.
        workers: processes that read pairs, for each device.
        last: the checkpoint that it goes on from; None at its beginning.
        start, stop: the iterations still to do are those after `start` up to `stop`.
        iterations_per_epoch: whole batches in an epoch.
    """

    specification: ModelSpecification
    variant: str
    experiment: ExperimentConfiguration
    dataset: PreparedDataset
    pairs: FramePairs
    workers: int
    folder: RunFolder
    hardware: Hardware
    accelerator: str
    last: Path | None
    start: int
    stop: int
    iterations_per_epoch: int


def plan(request: TrainingRequest) -> PlannedRun:
    """Check `request` and resolve it.

    Raises:
        UnknownNameError: no such model, variant, dataset or configuration key.
        InputError: the model is not trained, the data will not do, the run is another one or not there.
        DeviceError: the devices are not there.
    """
    specification = MODELS[request.model]
    if specification.recipe is None:
        raise InputError(f"{request.model} is not trained here: it has nothing to learn or no recipe")
    accelerator, processes = check_hardware(request.hardware), request.hardware.processes
    existing = _run_to_resume(request) if request.resume else None
    if existing:
        variant, experiment = _configuration_of(existing, request, specification)
    else:
        variant, experiment = load_experiment(request.model, request.variant, _layers(request))
    experiment.check_perceptual_loss()
    dataset = open_dataset(experiment.data.dataset, request.data_folder, experiment.frame_size)
    name = (request.name or _name(variant, experiment, dataset)) + request.suffix
    folder = existing or run_folder(request.runs, request.model, name)
    if not is_text(str(folder.path)):
        raise InputError(f"{folder.path}: no UTF-8 text, which TensorBoard needs of its folders: take other --runs")
    if folder.exists():
        _check_same(folder, specification, variant, experiment, dataset)
    last = folder.last()
    if last and not folder.exists():
        raise InputError(
            f"{folder.path}: run.json is lost, and checkpoints are there: restore it, or take another --name"
        )
    if last:
        _check_as_trained(folder, last, specification, experiment)
    clips = dataset.partition("train")
    if experiment.data.pairs != "ordered":
        check_lengths(clips)
    asked = experiment.data.workers
    workers = usual_workers(accelerator, request.hardware.devices) if asked is None else asked
    pairs = FramePairs(clips, experiment, workers)
    Share(experiment.data.batch_size, processes=processes, parts=experiment.data.accumulate)
    return PlannedRun(
        specification=specification,
        variant=variant,
        experiment=experiment,
        dataset=dataset,
        pairs=pairs,
        workers=workers,
        folder=folder,
        hardware=request.hardware,
        accelerator=accelerator,
        last=last,
        start=int(last.name) if last else 0,
        stop=pairs.plan.iterations(experiment.schedule),
        iterations_per_epoch=pairs.plan.iterations_per_epoch,
    )


def _name(variant: str, experiment: ExperimentConfiguration, dataset: PreparedDataset) -> str:
    """`<variant>-<dataset>`, without the size that prepared datasets carry in their names."""
    plain = dataset.name.removesuffix(f"-{experiment.frame_size}")
    return f"{variant}-{plain}" if variant else plain


def _layers(request: TrainingRequest) -> list[Mapping[str, Any]]:
    chosen = [{"data": {"dataset": request.dataset}}] if request.dataset else []
    return [*request.layers, *chosen]


def _run_to_resume(request: TrainingRequest) -> RunFolder:
    if request.name is None:
        newest = newest_of_model(request.runs, request.model)
        if newest is None:
            raise InputError(f"--resume: no run with a checkpoint in {request.runs / request.model}; leave it out")
        return newest
    folder = run_folder(request.runs, request.model, request.name)
    if not folder.exists():
        raise InputError(f"--resume: no run in {folder.path}; leave --resume out to start one")
    return folder


def _configuration_of(
    folder: RunFolder, request: TrainingRequest, specification: ModelSpecification
) -> tuple[str, ExperimentConfiguration]:
    variant = folder.description().variant
    if request.variant not in (None, variant):
        raise InputError(f"{folder.path} is a run of {request.model}:{variant}, not of {request.variant}: give --name")
    kind = load_attribute(specification.configuration)
    values = merge(read_yaml(folder.configuration), *(with_own_keys(kind, layer) for layer in _layers(request)))
    return variant, _validated(specification, values, folder)


def _check_same(
    folder: RunFolder,
    specification: ModelSpecification,
    variant: str,
    experiment: ExperimentConfiguration,
    dataset: PreparedDataset,
) -> None:
    description = folder.description()
    if description.dataset.hash != dataset.hash:
        raise InputError(
            f"{folder.path} was trained on other clips ({description.dataset.folder} as it was then) than "
            f"{dataset.folder} holds now: give a new --name"
        )
    there = _validated(specification, read_yaml(folder.configuration), folder).model_dump(mode="json")
    here = experiment.model_dump(mode="json")
    if changed := _changes({"variant": description.variant, **there}, {"variant": variant, **here}):
        raise InputError(
            f"{folder.path} was started with other settings ({'; '.join(changed)}): "
            "give a new --name, or the same settings to go on with it"
        )


def _check_as_trained(
    folder: RunFolder, checkpoint: Path, specification: ModelSpecification, experiment: ExperimentConfiguration
) -> None:
    """Raise InputError where the run's own configuration was changed since its checkpoint was written."""
    trained = read_description(checkpoint).experiment
    there: ExperimentConfiguration = validate(
        load_attribute(specification.configuration), trained, str(checkpoint / DESCRIPTION)
    )
    if changed := _changes(there.model_dump(mode="json"), experiment.model_dump(mode="json")):
        raise InputError(
            f"{folder.configuration}: not the settings that {checkpoint.name} was trained with ({'; '.join(changed)}): "
            "put back what was there, or start a run of another --name"
        )


def _changes(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """What differs of that which decides what a run computes, in words."""
    return [f"{key} was {old}, now {new}" for key, old, new in setting_changes(there, here) if key not in FREE]


def _validated(
    specification: ModelSpecification, values: Mapping[str, Any], folder: RunFolder
) -> ExperimentConfiguration:
    experiment: ExperimentConfiguration = validate(
        load_attribute(specification.configuration), values, str(folder.configuration)
    )
    return experiment
