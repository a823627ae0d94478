"""The loop over iterations: data in, the recipe's updates, and what is written on the way."""

import math
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from lia_bench.core.errors import CheckpointError, LiaBenchError, Terminated
from lia_bench.models.checkpoint import load_training_state, read_own_checkpoint, save_checkpoint
from lia_bench.models.training import random_states
from lia_bench.models.training.hardware import Fabric
from lia_bench.models.training.held_out import HeldOut
from lia_bench.models.training.journal import Journal, Meter, opened_journal, peak_memory
from lia_bench.models.training.memory import gather_states
from lia_bench.models.training.optimisers import AveragedAnimator, load_optimiser
from lia_bench.models.training.planned_run import PlannedRun
from lia_bench.models.training.recipe import PairBatch, TrainingRecipe
from lia_bench.models.training.step import LateNumbers, Step

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether the run was asked to stop, and whether by termination, as a cluster does, rather than by Ctrl-C."""

    requested = False
    terminated = False


@contextmanager
def deferred_interruption() -> Iterator[Interruption]:
    """Inside, the first Ctrl-C (or SIGTERM, a cluster's warning) sets `requested`; a second Ctrl-C stops at once.

    A second SIGTERM does no more than the first: schedulers and a sweep send it on, and who means it kills.
    """
    interruption = Interruption()
    # Python takes signal handlers in the main thread alone; elsewhere signals keep their meaning.
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    previous = {number: signal.getsignal(number) for number in SIGNALS}

    def put_back() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        interruption.requested = True
        interruption.terminated |= number == signal.SIGTERM
        signal.signal(signal.SIGINT, previous[signal.SIGINT])

    for number in SIGNALS:
        signal.signal(number, note)
    try:
        yield interruption
    finally:
        put_back()


class TrainingLoop:
    """Trains `recipe` from the planned run's first iteration to its last, in each process of the run."""

    def __init__(
        self,
        fabric: Fabric,
        recipe: TrainingRecipe,
        run: PlannedRun,
        batches: Iterator[Tensor],
        held_out: HeldOut,
        begin_with: Mapping[str, Any] | None = None,
    ) -> None:
        """
        Args:
            batches: this process's share of every iteration, as `pair_batches` gives them.
            begin_with: the "networks" beside the animator and "optimisers" of another run to begin with.
        """
        self._fabric = fabric
        self._recipe = recipe
        self._run = run
        self._batches = batches
        self._held_out = held_out
        self._schedule = run.experiment.schedule
        self._rates = {
            name: [group["lr"] for group in optimiser.param_groups] for name, optimiser in recipe.optimisers.items()
        }
        self._step = Step(
            fabric,
            recipe,
            run.experiment.data.accumulate,
            compiled=run.hardware.compile,
            channels_last=run.hardware.channels_last,
            checkpoint_activations=run.hardware.checkpoint_activations,
            shard_optimisers=run.hardware.shard_optimisers,
        )
        self._numbers = LateNumbers(fabric)
        self._milestones = recipe.milestones()
        self._average = AveragedAnimator(recipe.animator, self._schedule.ema) if self._schedule.ema else None
        # What is validated, drawn from and saved for use.
        self._animator = self._average.animator if self._average else recipe.animator
        self._bring_to_start(begin_with)

    def run(self) -> None:
        """Train to the end.

        Raises:
            KeyboardInterrupt: asked to stop, by SIGTERM as Terminated; the state at the end of the iteration was
                saved first.
            LiaBenchError: data cannot be read, a loss or gradient is no number, or a checkpoint cannot be written.
        """
        run = self._run
        meter = Meter()
        with deferred_interruption() as interruption, self._journal() as journal:
            for step in range(run.start + 1, run.stop + 1):
                begun = time.perf_counter()
                batch = self._next_batch(step - 1)
                waiting = time.perf_counter() - begun
                self._set_rates(step - 1)
                self._iterate(step, batch, interruption)
                stopping = self._take(meter, everything=self._writes(step))
                if stopping:
                    # What is written has been looked at.
                    self._take(meter, everything=True)
                meter.add_time(run.experiment.data.batch_size, time.perf_counter() - begun, waiting)
                if journal:
                    journal.advance(meter.summary())
                if self._report(step, stopping is not None or step == run.stop, meter, journal):
                    meter = Meter()
                if stopping:
                    raise stopping

    def _journal(self) -> AbstractContextManager[Journal | None]:
        run = self._run
        if not self._fabric.is_global_zero:
            return nullcontext()
        return opened_journal(run.folder, f"train {run.specification.name}", run.start, run.stop)

    def _next_batch(self, iteration: int) -> PairBatch:
        frames = as_images(self._fabric.to_device(next(self._batches)))
        references = frames[:, 2:] if self._run.experiment.references else None
        return PairBatch(frames[:, 0], frames[:, 1], self._run.pairs.plan.epoch(iteration), references)

    def _set_rates(self, iteration: int) -> None:
        epoch = self._run.pairs.plan.epoch(iteration)
        factor = 0.1 ** sum(milestone <= epoch for milestone in self._milestones)
        for name, optimiser in self._recipe.optimisers.items():
            for group, rate in zip(optimiser.param_groups, self._rates[name], strict=True):
                group["lr"] = rate * factor

    def _iterate(self, step: int, batch: PairBatch, interruption: Interruption) -> None:
        """One iteration, whose losses and norms of gradients are then on their way."""
        result = self._step(batch)
        if self._average:
            self._average.update(step)
        asked = {"stop": interruption.requested, "terminated": interruption.terminated}
        self._numbers.put(step, result.losses, result.gradient_norms, asked)

    def _take(self, meter: Meter, *, everything: bool) -> KeyboardInterrupt | None:
        """Check and note the numbers that have arrived; how to stop, if at all."""
        stopping: KeyboardInterrupt | None = None
        for numbers in self._numbers.arrived(everything=everything):
            for name, value in numbers.losses.items():
                self._check_finite(numbers.step, f"the loss '{name}'", value)
            for name, value in numbers.gradient_norms.items():
                self._check_finite(numbers.step, f"the gradient of '{name}'", value)
            meter.add(numbers.losses, numbers.gradient_norms)
            if numbers.flags["stop"]:
                stopping = Terminated() if numbers.flags["terminated"] else KeyboardInterrupt()
        return stopping

    def _writes(self, step: int) -> bool:
        """Whether anything is due after `step`, so that its own numbers have to be known."""
        schedule = self._schedule
        every = (schedule.checkpoint_every, schedule.log_every, schedule.picture_every)
        return step == self._run.stop or any(step % interval == 0 for interval in every)

    def _check_finite(self, step: int, what: str, value: float) -> None:
        # Before anything of this step or a later one is written, so that every checkpoint there is can be gone on from.
        if math.isfinite(value):
            return
        last = self._run.folder.last_step()
        kept = f"the checkpoint of step {last} is good" if last else "no checkpoint had been written"
        raise LiaBenchError(
            f"step {step}: {what} is {value}: the run has diverged; {kept}; try a lower learning rate, "
            "in a run of another --name, or --precision 32-true"
        )

    def _report(self, step: int, final: bool, meter: Meter, journal: Journal | None) -> bool:
        """Write what is due after `step`; whether a row of the table was."""
        schedule = self._schedule
        checkpoint = final or step % schedule.checkpoint_every == 0
        noting = checkpoint or step % schedule.log_every == 0
        picturing = final or step % schedule.picture_every == 0
        random = random_states.gathered(self._fabric) if checkpoint else []
        if checkpoint:
            gather_states(self._recipe.optimisers.values())
        problem = ""
        if journal:
            validation = self._held_out.l1(self._animator) if checkpoint else math.nan
            picture = self._held_out.picture(self._animator) if picturing else None
            video = self._held_out.video(self._animator) if picturing else []
            if noting:
                values = self._values(meter) | ({"validation_l1": validation} if checkpoint else {})
                journal.note(step, step / self._run.iterations_per_epoch, values)
            if picture is not None:
                journal.show(step, picture)
                journal.play(step, video)
            if checkpoint:
                problem = self._save(step, validation, random)
        if checkpoint and (problem := self._fabric.broadcast(problem)):
            raise LiaBenchError(problem)
        return noting

    def _values(self, meter: Meter) -> dict[str, float]:
        """A row of the table but for the validation."""
        rates = {name: optimiser.param_groups[0]["lr"] for name, optimiser in self._recipe.optimisers.items()}
        return {
            **meter.losses(),
            **{f"learning_rate_{name}": rate for name, rate in rates.items()},
            **{f"gradient_norm_{name}": norm for name, norm in meter.gradient_norms().items()},
            **self._recipe.readings(),
            "images_per_second": meter.images_per_second(),
            "data_wait": meter.data_wait(),
            "peak_memory_mib": peak_memory(self._fabric.device),
        }

    def _save(self, step: int, validation_l1: float, random: list[Any]) -> str:
        """Write the checkpoint of `step`; the problem in words, or nothing."""
        run = self._run
        folder = run.folder.checkpoint(step)
        try:
            save_checkpoint(
                folder,
                model=run.specification.name,
                variant=run.variant,
                experiment=run.experiment,
                animator=self._animator,
                step=step,
                weights=f"moving average, decay {self._schedule.ema}" if self._average else "as trained",
                training={
                    **self._state_beside_the_animator(),
                    **({"animator": self._recipe.animator.state_dict()} if self._average else {}),
                    "random": random,
                },
            )
            run.folder.record(step, validation_l1)
        # torch and safetensors have errors of their own for a disk that takes no more.
        except (OSError, RuntimeError, SafetensorError) as error:
            reason = " ".join(str(error).split())
            free = shutil.disk_usage(run.folder.path).free / 2**20
            before = run.folder.last_step()
            return (
                f"{folder}: the checkpoint cannot be written with {free:,.1f} MB free on that disk ({reason}); "
                + (f"the one of step {before} is intact: " if before else "it was the first: ")
                + "make room, then run the same command again to go on"
            )
        return ""

    def _state_beside_the_animator(self) -> dict[str, dict[str, Any]]:
        return {
            "networks": {name: network.state_dict() for name, network in self._beside_the_animator()},
            "optimisers": {name: value.state_dict() for name, value in self._recipe.optimisers.items()},
        }

    def _beside_the_animator(self) -> Iterator[tuple[str, nn.Module]]:
        """Networks that the animator does not hold, such as a discriminator."""
        held = {id(tensor) for tensor in self._recipe.animator.state_dict(keep_vars=True).values()}
        for name, network in self._recipe.networks.items():
            if any(id(tensor) not in held for tensor in network.state_dict(keep_vars=True).values()):
                yield name, network

    def _bring_to_start(self, begin_with: Mapping[str, Any] | None) -> None:
        """Seed for the first iteration, or put back the state of the checkpoint to go on from."""
        last = self._run.last
        random_states.seed_process(self._schedule.seed, self._run.start, self._fabric.global_rank)
        if last is None:
            if begin_with:
                own = self._state_beside_the_animator()
                self._put_back({kind: {**own[kind], **begin_with[kind]} for kind in own})
            return
        state, training = read_own_checkpoint(last).state, load_training_state(last)
        try:
            self._go_on_from(state, training)
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise CheckpointError(
                f"{last}: does not fit the settings of the run ({' '.join(str(error).split())[:100]}): "
                "put back the run's files as they were, or start a run of another --name"
            ) from error

    def _go_on_from(self, state: Mapping[str, Tensor], training: Mapping[str, Any]) -> None:
        self._animator.load_state_dict(state)
        if self._average:
            self._recipe.animator.load_state_dict(training["animator"])
        self._put_back(training)
        # On another number of devices the shares differ, and the fresh seed of the start is as good as any.
        if len(training["random"]) == self._fabric.world_size:
            random_states.restore(training["random"][self._fabric.global_rank])

    def _put_back(self, training: Mapping[str, Any]) -> None:
        for name, network in self._beside_the_animator():
            network.load_state_dict(training["networks"][name])
        for name, optimiser in self._recipe.optimisers.items():
            load_optimiser(optimiser, training["optimisers"][name])


def as_images(batch: Tensor) -> Tensor:
    """Frames uint8 (..., 3, H, W), whatever the order of their pixels, as images float32 in [0, 1] in the usual one."""
    return batch.to(torch.float32, memory_format=torch.contiguous_format).div_(255)
