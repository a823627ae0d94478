"""The loop over iterations: data in, the recipe's updates, and what is written on the way."""

import math
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from lightning_fabric import Fabric
from safetensors import SafetensorError
from torch import Tensor, nn

from lia_bench.core.errors import LiaBenchError
from lia_bench.models.checkpoint import load_training_state, read_own_checkpoint, save_checkpoint
from lia_bench.models.training import random_states
from lia_bench.models.training.hardware import gathered, mean_over_processes, set_up
from lia_bench.models.training.held_out import HeldOut
from lia_bench.models.training.interruption import Interruption, deferred_interruption
from lia_bench.models.training.journal import Journal
from lia_bench.models.training.meter import Meter
from lia_bench.models.training.recipe import PairBatch, TrainingRecipe, Update
from lia_bench.models.training.starting import PlannedRun


class TrainingLoop:
    """Trains `recipe` from the planned run's first iteration to its last, in each process of the run."""

    def __init__(
        self, fabric: Fabric, recipe: TrainingRecipe, run: PlannedRun, batches: Iterator[Tensor], held_out: HeldOut
    ) -> None:
        """`batches`: this process's share of every iteration, as `pair_batches` gives them."""
        self._fabric = fabric
        self._recipe = recipe
        self._run = run
        self._batches = batches
        self._held_out = held_out
        self._schedule = run.experiment.schedule
        self._rates = {
            name: [group["lr"] for group in optimiser.param_groups] for name, optimiser in recipe.optimisers.items()
        }
        self._networks, self._optimisers = {}, {}
        for name, network in recipe.networks.items():
            network.train()
            self._networks[name], self._optimisers[name] = set_up(fabric, network, recipe.optimisers[name])
        for module in (recipe.animator, *recipe.frozen):
            fabric.to_device(module)
        self._bring_to_start()

    def run(self) -> None:
        """Train to the end.

        Raises:
            KeyboardInterrupt: asked to stop; the state at the end of the iteration was saved first.
            LiaBenchError: data cannot be read, a loss is no number, or a checkpoint cannot be written.
        """
        run = self._run
        meter = Meter()
        with deferred_interruption() as interruption, self._journal() as journal:
            for step in range(run.start + 1, run.stop + 1):
                begun = time.perf_counter()
                batch = self._next_batch(step - 1)
                waiting = time.perf_counter() - begun
                self._set_rates(step - 1)
                losses, stopping = self._iterate(step, batch, interruption)
                meter.add(losses, run.experiment.data.batch_size, time.perf_counter() - begun, waiting)
                if journal:
                    journal.advance(meter.summary())
                if self._report(step, stopping or step == run.stop, meter, journal):
                    meter = Meter()
                if stopping:
                    raise KeyboardInterrupt

    def _journal(self) -> AbstractContextManager[Journal | None]:
        run = self._run
        if not self._fabric.is_global_zero:
            return nullcontext()
        return Journal(run.folder, f"train {run.specification.name}", run.start, run.stop)

    def _next_batch(self, iteration: int) -> PairBatch:
        frames = self._fabric.to_device(next(self._batches)).float() / 255
        references = frames[:, 2:] if self._run.experiment.references else None
        return PairBatch(frames[:, 0], frames[:, 1], self._run.pairs.plan.epoch(iteration), references)

    def _set_rates(self, iteration: int) -> None:
        epoch = self._run.pairs.plan.epoch(iteration)
        factor = 0.1 ** sum(milestone <= epoch for milestone in self._recipe.milestones())
        for name, optimiser in self._recipe.optimisers.items():
            for group, rate in zip(optimiser.param_groups, self._rates[name], strict=True):
                group["lr"] = rate * factor

    def _iterate(self, step: int, batch: PairBatch, interruption: Interruption) -> tuple[dict[str, float], bool]:
        """One iteration: its losses, averaged over all processes, and whether any process was asked to stop."""
        losses: dict[str, Tensor] = {}
        updates = self._recipe.updates(self._networks, batch)
        while True:
            with self._fabric.autocast():
                update = next(updates, None)
            if update is None:
                break
            for name in update.networks:
                self._optimisers[name].zero_grad()
            self._fabric.backward(self._total(update))
            for name in update.networks:
                self._optimisers[name].step()
            losses |= {name: value.detach().float() for name, value in update.losses.items()}
        asked = torch.tensor(float(interruption.requested), device=self._fabric.device)
        *values, stop = mean_over_processes(self._fabric, torch.stack([*losses.values(), asked])).tolist()
        numbers = dict(zip(losses, values, strict=True))
        for name, value in numbers.items():
            if not math.isfinite(value):
                raise LiaBenchError(
                    f"step {step}: the loss '{name}' is {value}: the run has diverged; the last checkpoint is of step "
                    f"{self._run.folder.last_step()}; try a lower learning rate or --precision 32-true"
                )
        return numbers, stop > 0

    def _total(self, update: Update) -> Tensor:
        total = torch.stack(tuple(update.losses.values())).sum()
        if self._fabric.world_size > 1:
            # DDP waits for a gradient of every weight, and a loss need not reach them all (LIA's R1 does not).
            networks = (self._recipe.networks[name] for name in update.networks)
            total = total + sum(0 * weight.sum() for network in networks for weight in network.parameters())
        return total

    def _report(self, step: int, final: bool, meter: Meter, journal: Journal | None) -> bool:
        """Write what is due after `step`; whether a row of the table was."""
        schedule = self._schedule
        checkpoint = final or step % schedule.checkpoint_every == 0
        noting = checkpoint or step % schedule.log_every == 0
        picturing = final or step % schedule.picture_every == 0
        random = gathered(self._fabric, random_states.capture()) if checkpoint else []
        problem = ""
        if journal:
            values = meter.losses() | self._current_rates()
            values |= {"images_per_second": meter.images_per_second(), "data_wait": meter.data_wait()}
            if checkpoint:
                values["validation_l1"] = self._held_out.l1(self._recipe.animator)
            if noting:
                journal.note(step, step / self._run.pairs.plan.iterations_per_epoch, values)
            if picturing:
                journal.show(step, self._held_out.picture(self._recipe.animator))
            if checkpoint:
                problem = self._save(step, values["validation_l1"], random)
        if checkpoint and (problem := self._fabric.broadcast(problem)):
            raise LiaBenchError(problem)
        return noting

    def _current_rates(self) -> dict[str, float]:
        return {
            f"learning_rate_{name}": optimiser.param_groups[0]["lr"]
            for name, optimiser in self._recipe.optimisers.items()
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
                animator=self._recipe.animator,
                step=step,
                training={
                    "networks": {name: network.state_dict() for name, network in self._beside_the_animator()},
                    "optimisers": {name: value.state_dict() for name, value in self._recipe.optimisers.items()},
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

    def _beside_the_animator(self) -> Iterator[tuple[str, nn.Module]]:
        """Networks that the animator does not hold, such as a discriminator."""
        held = {id(tensor) for tensor in self._recipe.animator.state_dict(keep_vars=True).values()}
        for name, network in self._recipe.networks.items():
            if any(id(tensor) not in held for tensor in network.state_dict(keep_vars=True).values()):
                yield name, network

    def _bring_to_start(self) -> None:
        """Seed for the first iteration, or put back the state of the checkpoint to go on from."""
        start, last = self._run.start, self._run.folder.last()
        random_states.seed_process(self._schedule.seed, start, self._fabric.global_rank)
        if last is None:
            return
        self._recipe.animator.load_state_dict(read_own_checkpoint(last).state)
        training: Mapping[str, Any] = load_training_state(last)
        for name, network in self._beside_the_animator():
            network.load_state_dict(training["networks"][name])
        for name, optimiser in self._recipe.optimisers.items():
            optimiser.load_state_dict(training["optimisers"][name])
        # On another number of devices the shares differ, and the fresh seed above is as good as any.
        if len(training["random"]) == self._fabric.world_size:
            random_states.restore(training["random"][self._fabric.global_rank])
