"""The training loop: knows the protocol of a recipe and nothing of any method.

    global batch of step k ── this process's part ── accumulate parts ──▶ loss ──▶ gradient ──▶ optimiser ──▶ average
                                                                          └──▶ log, validation, checkpoint

Step k is a pure function of the weights before it, the seed and k, so that a run that was stopped anywhere and resumed
ends with the same bits.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from wearfm.errors import BadConfiguration
from wearfm.nn.draws import Draws
from wearfm.recipes.base import Recipe
from wearfm.training import checkpoint
from wearfm.training.config import TrainingConfig
from wearfm.training.data import Data, Loader, from_store
from wearfm.training.distributed import (
    Door,
    Place,
    gathering,
    joined,
    on_first,
    refuse_different,
    sum_over_processes,
    whole,
    wrap,
)
from wearfm.training.durable import verify_folder
from wearfm.training.ema import Average
from wearfm.training.flops import batch_flops
from wearfm.training.interrupt import Interruption, listening
from wearfm.training.log import Log, Progress
from wearfm.training.meter import NO_RESULT, Meter
from wearfm.training.optim import optimiser, set_rate
from wearfm.training.run_folder import claim, held, identity_of
from wearfm.training.schedule import learning_rate
from wearfm.training.state import State
from wearfm.training.validation import validate
from wearfm.windows.batch import Batch
from wearfm.windows.index import WindowIndex
from wearfm.windows.source import Source
from wearfm.windows.split import pseudonym


@dataclass(frozen=True, kw_only=True)
class TrainingSummary:
    """What a run came to.

    step, total: optimiser steps done and asked for. metrics: of the last log line. skipped: reason -> seconds of signal
    that no window covers. interrupted: name of the signal that ended the run early, "" if none did.
    """

    run: Path
    checkpoint: Path
    weight_hash: str
    step: int
    total: int
    metrics: Mapping[str, float]
    signal_hours: float
    skipped: Mapping[str, float]
    interrupted: str


def train(
    recipe: Recipe,
    store: Source,
    *,
    config: TrainingConfig,
    run: str | Path,
    index: WindowIndex | None = None,
    progress: Progress | None = None,
) -> TrainingSummary:
    """Train a recipe on a store, or go on where a run in the folder `run` stopped.

    index: the windows to train on, with targets where the recipe learns from labels; None for all that fit the recipe.

    The recipe is trained in place (under FSDP2 it is left sharded: use `load(summary.checkpoint)`). progress: called
    with every log line and "total", the steps of the run. SIGTERM and Ctrl-C end the run after the step at hand, with a
    checkpoint.
    """
    with joined(config) as place:
        config.part_size(world=place.world)
        data = from_store(recipe, store, config=config, place=place, index=index)
        return fit(recipe, data, config=config, run=run, place=place, progress=progress)


def fit(
    recipe: Recipe,
    data: Data,
    *,
    config: TrainingConfig,
    run: str | Path,
    place: Place,
    progress: Progress | None = None,
) -> TrainingSummary:
    """Train a recipe on batches from anywhere; `train` without the store."""
    folder = Path(run)
    total = _total_steps(config, data, place)
    identity = identity_of(recipe, config, data.identity)
    refuse_different(place, identity)
    with ExitStack() as stack:
        stack.enter_context(_reproducible(config, place))
        on_first(place, lambda: stack.enter_context(held(folder)))
        on_first(place, lambda: claim(folder, identity, split=data.split))
        _calibrate(recipe, data, folder)
        recipe.to(place.device).train()
        if data.split is not None:
            recipe.seen |= {pseudonym(name) for name in data.split.train}
        door = Door(recipe, precision=config.precision, device=place.device)
        flops = _step_flops(door, data, config, place)
        module = wrap(door, config, place)
        average = None if config.ema is None else Average(recipe, config.ema)
        state = State(recipe=recipe, optimiser=optimiser(recipe, config), average=average)
        metrics = _resume(state, folder, place)
        log = stack.enter_context(Log(folder, from_step=state.step, tensorboard=config.tensorboard)) if place.is_first else None
        loop = _Loop(
            state=state, module=module, data=data, config=config, place=place, run=folder, total=total,
            meter=Meter(flops=flops, config=config, place=place), log=log, progress=progress, metrics=metrics,
        )  # fmt: skip
        loop.go_on(stack.enter_context(listening()))
        return loop.summary()


@dataclass(kw_only=True, eq=False)
class _Loop:
    """One run at work. metrics: the newest value of everything that was logged. interrupted: signal that ended it, or ""."""

    state: State
    module: nn.Module
    data: Data
    config: TrainingConfig
    place: Place
    run: Path
    total: int
    meter: Meter
    log: Log | None
    progress: Progress | None
    metrics: dict[str, float]
    interrupted: str = ""

    def go_on(self, interruption: Interruption) -> None:
        """Take the steps that are left."""
        for batch in self.meter.waiting(self._batches()):
            self.meter.add(self._optimise(batch), windows=len(batch), signal_s=batch.seconds)
            asked = interruption.name if self.place.world == 1 else ""
            if asked or self._is_due(self.config.log_every, self.config.validate_every, self.config.checkpoint_every):
                self._write_line()
                asked = self._agreed(interruption)
            if self.data.validation is not None and self._is_due(self.config.validate_every):
                self._validate(self.data.validation)
            if asked or self._is_due(self.config.checkpoint_every):
                self._save()
            if asked:
                self.interrupted = asked
                return

    def summary(self) -> TrainingSummary:
        """Return what the run came to."""
        newest = self._save()
        return TrainingSummary(
            run=self.run,
            checkpoint=newest,
            weight_hash=checkpoint.read_provenance(newest)["weight_hash"],
            step=self.state.step,
            total=self.total,
            metrics=self.metrics,
            signal_hours=self.state.signal_s / 3600,
            skipped=self.data.skipped,
            interrupted=self.interrupted,
        )

    def _batches(self) -> Iterator[Batch]:
        """Yield the batches of the steps that are left, epoch after epoch."""
        per_epoch = len(self.data.train)
        while self.state.step < self.total:
            epoch, first = divmod(self.state.step, per_epoch)
            yield from itertools.islice(
                self.data.train.epoch(epoch, first), min(per_epoch - first, self.total - self.state.step)
            )

    def _optimise(self, batch: Batch) -> dict[str, Tensor]:
        """Take one optimiser step on this process's part of a global batch; return loss, parts and gradient norm."""
        state = self.state
        set_rate(state.optimiser, learning_rate(state.step, config=self.config, total=self.total))
        state.recipe.advance()
        values = self._gradient(batch)
        gradients = [p.grad for p in state.recipe.parameters() if p.grad is not None]
        norm = whole(get_total_norm(gradients))
        if self.config.clip_norm is not None:
            clip_grads_with_norm_(state.recipe.parameters(), self.config.clip_norm, norm)
        state.optimiser.step()
        state.optimiser.zero_grad()
        state.step += 1
        if state.average is not None:
            state.average.update(state.recipe, state.step)
        return {**values, "gradient_norm": norm.detach()}

    def _gradient(self, batch: Batch) -> dict[str, Tensor]:
        """Add up the gradient over the parts of a batch; return the means of loss and parts."""
        count = self.config.accumulate
        rows = len(batch) // count
        sums: dict[str, Tensor] = {}
        for number in range(count):
            part = batch.select(slice(number * rows, (number + 1) * rows)).to(self.place.device)
            with gathering(self.module, is_last=number == count - 1):
                values = self.module(part, self._draws(batch, number * rows, rows))
                (values["loss"] / count).backward()
            for name, value in values.items():
                sums[name] = sums.get(name, 0.0) + value.detach() / count
        return sums

    def _draws(self, batch: Batch, first: int, rows: int) -> Draws:
        local = len(batch)
        return Draws(
            seed=self.config.derived_seed("training draws"),
            step=self.state.step,
            first=self.place.rank * local + first,
            rows=rows,
            total=self.place.world * local,
        )

    def _is_due(self, *every: int) -> bool:
        """Return whether the step just taken is the last, or a multiple of one of the numbers."""
        return self.state.step == self.total or any(self.state.step % number == 0 for number in every)

    def _agreed(self, interruption: Interruption) -> str:
        """Return the signal if any process got one; the answer is the same on all of them."""
        got = torch.tensor([float(bool(interruption.name))], device=self.place.device)
        if not sum_over_processes(got).item():
            return ""
        return interruption.name or "signal to another process"

    def _write_line(self) -> None:
        """Log the mean of the steps since the last line; WearfmError if one of them was not finite."""
        line, signal_s = self.meter.line(self.state.step)
        self.state.signal_s += signal_s
        rate = self.state.optimiser.param_groups[0]["lr"]
        epoch = (self.state.step - 1) // len(self.data.train)
        self._publish({"epoch": epoch, **line, "learning_rate": rate, "signal_hours": self.state.signal_s / 3600})

    def _validate(self, loader: Loader) -> None:
        self._publish(validate(self.module, loader, state=self.state, config=self.config, place=self.place))
        self.meter.restart()

    def _publish(self, values: Mapping[str, float]) -> None:
        self.metrics.update(values)
        line = {"step": self.state.step, **values}
        if self.log is not None:
            self.log.write(line)
        if self.progress is not None and self.place.is_first:
            self.progress({**line, "total": self.total})

    def _save(self) -> Path:
        """Write a checkpoint, unless this step has one; return its folder."""
        seed = self.config.seed
        provenance = {
            "training": self.config.to_json(),
            "data": dict(self.data.identity),
            "signal_hours": self.state.signal_s / 3600,
            "seen": sorted(self.state.recipe.seen),
            "metrics": {name: value for name, value in self.metrics.items() if name not in NO_RESULT},
        }
        folder = checkpoint.save(
            self.run,
            self.state,
            place=self.place,
            position=self.state.position(steps_per_epoch=len(self.data.train), seed=seed),
            provenance=provenance,
            keep=self.config.keep,
        )
        self.meter.restart()
        return folder


def _total_steps(config: TrainingConfig, data: Data, place: Place) -> int:
    """Return the optimiser steps of the run; BadConfiguration if it cannot take one."""
    config.part_size(world=place.world)
    if len(data.train) == 0:
        raise BadConfiguration(f"batch_size={config.batch_size} is larger than an epoch; lower it or add recordings")
    return config.total_steps(len(data.train))


def _step_flops(door: Door, data: Data, config: TrainingConfig, place: Place) -> int:
    """Return the floating-point operations of one optimiser step over all processes."""
    batch = next(iter(data.train.epoch(0, 0)))
    rows = len(batch) // config.accumulate
    part = batch.select(slice(0, rows)).to(place.device)
    draws = Draws(seed=config.derived_seed("flops"), rows=rows, total=rows)
    return batch_flops(door, part, draws) * config.accumulate * place.world


def _calibrate(recipe: Recipe, data: Data, run: Path) -> None:
    """Let the recipe look at training windows before the first step; a run that goes on has what it saw in its checkpoint."""
    if recipe.calibration_windows == 0 or checkpoint.checkpoints(run):
        return
    if data.calibration is None:
        raise BadConfiguration(f"{recipe.name} standardises with the training side; give `Data` a calibration")
    recipe.calibrate(data.calibration(recipe.calibration_windows))


def _resume(state: State, run: Path, place: Place) -> dict[str, float]:
    """Take over the newest checkpoint of the run, if there is one; return the metrics it was written with."""
    found = checkpoint.checkpoints(run)
    if not found:
        return {}
    on_first(place, lambda: verify_folder(found[-1]))
    state.read(found[-1] / "state")
    metrics: dict[str, float] = checkpoint.read_provenance(found[-1])["metrics"]
    return metrics


@contextmanager
def _reproducible(config: TrainingConfig, place: Place) -> Iterator[None]:
    """Refuse kernels whose result varies from run to run inside the block, if the config says so."""
    if config.deterministic and place.device.type == "cuda" and "CUBLAS_WORKSPACE_CONFIG" not in os.environ:
        raise BadConfiguration("deterministic=True on a GPU needs the environment CUBLAS_WORKSPACE_CONFIG=:4096:8; export it")
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(config.deterministic or before)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
