"""One trainer for all models: plans a run, starts or continues it, and sees it to its end."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lia_bench.core.errors import CheckpointError, DeviceError, InputError
from lia_bench.core.names import counted
from lia_bench.core.processes import alone_in_folder, leave_processes
from lia_bench.core.provenance import provenance
from lia_bench.core.registry import load_attribute
from lia_bench.models.acceleration import compiler_advice
from lia_bench.models.card import published_checkpoint, published_checkpoints
from lia_bench.models.checkpoint import load_training_state, own_checkpoint_folder
from lia_bench.models.fit import Differences
from lia_bench.models.loading import load_model
from lia_bench.models.training import random_states
from lia_bench.models.training.batches import Share, lost_workers_named, pair_batches
from lia_bench.models.training.configuration import DataConfiguration
from lia_bench.models.training.hardware import Fabric, launch
from lia_bench.models.training.held_out import HeldOut, held_out_partition
from lia_bench.models.training.loop import TrainingLoop
from lia_bench.models.training.planned_run import PlannedRun, TrainingRequest, plan
from lia_bench.models.training.recipe import TrainingRecipe
from lia_bench.models.training.run_folder import RunDescription, RunFolder, Session, TrainingData
from lia_bench.models.training.runs import resolve_checkpoint


@dataclass(frozen=True)
class Donor:
    """What a run begins from.

    Attributes:
        path: of the checkpoint.
        training: states under "networks" (those that the animator does not hold) and "optimisers"; None where the
            animator alone is taken.
    """

    path: Path
    training: Mapping[str, Any] | None


def train(request: TrainingRequest, say: Callable[[str], None] = print) -> RunFolder:
    """Train as `request` says, from the start or from the run's last checkpoint; the run's folder.

    Args:
        say: takes the lines that tell the user what is about to happen.

    Raises:
        KeyboardInterrupt: stopped by the user, or by SIGTERM as Terminated; what was trained is saved.
        LiaBenchError: see `plan` and `TrainingLoop.run`; MissingWeightsError where a loss needs weights.
    """
    run = plan(request)
    if run.start >= run.stop:
        say(f"{run.folder.path} is finished: {run.start:,} of {run.stop:,} iterations are done")
        return run.folder
    experiment = run.experiment
    held_out = HeldOut.read(run.dataset, experiment.frame_size)
    announcement = list(_announcement(run, held_out))
    random_states.seed_weights(experiment.schedule.seed)
    recipe: TrainingRecipe = load_attribute(run.specification.recipe or "")(experiment)
    donor = begin_from(run, recipe)
    if donor:
        begun = held_out.l1(recipe.animator)
        announcement.append(f"begins from {donor.path}: a validation L1 of {begun:.4f}")
    # Every check is made, so that the processes started now have nothing to complain about once more.
    fabric = launch(run.hardware)
    with _only_writer(run, fabric):
        _train(run, recipe, donor, fabric, held_out, announcement, say)
    return run.folder


def _train(
    run: PlannedRun,
    recipe: TrainingRecipe,
    donor: Donor | None,
    fabric: Fabric,
    held_out: HeldOut,
    announcement: list[str],
    say: Callable[[str], None],
) -> None:
    experiment = run.experiment
    if fabric.is_global_zero:
        _write_start(run)
        for line in announcement:
            say(line)
    fabric.barrier()
    batches = pair_batches(
        run.pairs,
        Share(experiment.data.batch_size, fabric.global_rank, fabric.world_size, experiment.data.accumulate),
        start=run.start,
        stop=run.stop,
        workers=run.workers,
        pinned=fabric.device.type == "cuda",
    )
    try:
        with lost_workers_named(), compiler_advice() if run.hardware.compile else nullcontext():
            TrainingLoop(fabric, recipe, run, batches, held_out, donor.training if donor else None).run()
    except KeyboardInterrupt:
        leave_processes()
        if fabric.is_global_zero:
            say(f"stopped after {run.folder.last_step():,} of {run.stop:,} iterations, which are saved")
        raise
    except torch.OutOfMemoryError as error:
        raise DeviceError(_smaller(experiment.data, fabric.world_size)) from error
    leave_processes()
    if fabric.is_global_zero:
        best, lowest = run.folder.best(), run.folder.lowest_l1()
        say(f"finished: {run.folder.path}; best checkpoint {best and best.name} with a validation L1 of {lowest:.4f}")


@contextmanager
def _only_writer(run: PlannedRun, fabric: Fabric) -> Iterator[None]:
    """Keep other trainings out of the run's folder; all processes of this one end where its first cannot."""
    busy = "another training is writing this run; wait until it is over, or take another --name"
    with ExitStack() as stack:
        problem = ""
        if fabric.is_global_zero:
            try:
                stack.enter_context(alone_in_folder(run.folder.path, busy, "take another --name or --runs"))
                # It was looked at before, when another may still have been at work.
                if run.folder.last() != run.last:
                    problem = f"{run.folder.path}: another training has gone on with this run; start this one again"
            except InputError as error:
                problem = str(error)
        if problem := fabric.broadcast(problem):
            raise InputError(problem)
        yield


def _write_start(run: PlannedRun) -> None:
    """Make the run folder, or note in it that the run goes on, and with which settings."""
    folder, hardware = run.folder, run.hardware
    session = Session(
        **provenance(),
        from_step=run.start,
        to_step=run.stop,
        accelerator=run.accelerator,
        devices=hardware.devices,
        nodes=hardware.nodes,
        precision=hardware.precision,
        compile=hardware.compile,
        channels_last=hardware.channels_last,
        checkpoint_activations=hardware.checkpoint_activations,
        shard_optimisers=hardware.shard_optimisers,
    )
    if folder.exists():
        description = folder.description()
        folder.restore_index()
        folder.tidy()
    else:
        trained_on = TrainingData(name=run.dataset.name, folder=str(run.dataset.folder), hash=run.dataset.hash)
        description = RunDescription(
            model=run.specification.name, variant=run.variant, dataset=trained_on, started=session.date, sessions=()
        )
    folder.begin(description.with_session(session), run.experiment.model_dump(mode="json"))


def _announcement(run: PlannedRun, held_out: HeldOut) -> Iterator[str]:
    data = run.experiment.data
    name = f"{run.specification.name}:{run.variant}" if run.variant else run.specification.name
    clips = counted(len(run.dataset.partition("train")), "train clip")
    partition = held_out_partition(run.dataset)
    yield from run.dataset.remarks
    yield f"training {name} on {run.dataset.folder}: {clips}, validated on {partition} clips"
    if run.pairs.plan.repeats > data.repeats:
        yield f"fewer than a batch of {data.batch_size}: an epoch goes through them {run.pairs.plan.repeats} times"
    yield (
        f"{counted(run.stop, 'iteration')} of {counted(data.batch_size, 'pair')} = "
        f"{run.stop / run.iterations_per_epoch:,.1f} epochs; iterations in an epoch: {run.iterations_per_epoch:,}"
    )
    yield (f"on {run.hardware.processes} x {run.accelerator}, {run.hardware.precision}; run folder: {run.folder.path}")
    yield f"validation L1 of copying the source, to be beaten: {held_out.copying_l1():.4f}"
    if run.last:
        yield f"going on after iteration {run.start:,}, from {run.last}"


def _smaller(data: DataConfiguration, devices: int) -> str:
    """That the GPU's memory is too small, and what to try."""
    share = data.batch_size // devices
    part = share // data.accumulate
    more = next((parts for parts in range(data.accumulate + 1, share + 1) if share % parts == 0), None)
    tries = "--checkpoint-activations, --precision bf16-mixed, a smaller model or a larger GPU"
    if more:
        tries = f"--set data.accumulate={more}, which takes {share // more} pairs at once with the same gradients, or "
        tries += f"--set data.batch_size={data.batch_size // 2}"
    return f"the GPU is out of memory with {counted(part, 'pair')} at once: try {tries}"


def begin_from(run: PlannedRun, recipe: TrainingRecipe) -> Donor | None:
    """Fill the animator of a run that begins with the weights that its configuration names; None where it names none.

    Raises:
        CheckpointError: no such checkpoint, one of another model or of other sizes, or with weights alone where
            everything is asked for.
        MissingWeightsError: a published checkpoint that is not on this machine.
    """
    start = run.experiment.start
    if start.checkpoint is None or run.last is not None:
        return None
    model = run.specification.name
    if start.checkpoint in published_checkpoints():
        owner, _, variant = start.checkpoint.partition(":")
        path = published_checkpoint(owner, variant)
    else:
        path = resolve_checkpoint(Path(start.checkpoint))
    folder = own_checkpoint_folder(path)
    donor = load_model(model, path, variant=None if folder else run.variant, device="cpu").state_dict()
    _check_same_network(path, "animator", donor, recipe.animator)
    recipe.animator.load_state_dict(donor)
    if not start.everything:
        return Donor(path, None)
    if folder is None:
        raise CheckpointError(
            f"{path}: the authors' file has no optimisers of ours: take --from in place of --from-all"
        )
    training = load_training_state(folder)
    for name, state in training["networks"].items():
        if name in recipe.networks:
            _check_same_network(path, name, state, recipe.networks[name])
    return Donor(path, training)


def _check_same_network(path: Path, name: str, donor: Mapping[str, Tensor], network: nn.Module) -> None:
    differences = Differences.between(donor, network.state_dict())
    if differences:
        apart = [*differences.missing, *differences.unknown, *differences.reshaped]
        raise CheckpointError(
            f"{path}: its {name} is not that of this run ({counted(len(apart), 'weight')} differ, such as {apart[0]}): "
            "give this run the configuration that the checkpoint has"
        )
