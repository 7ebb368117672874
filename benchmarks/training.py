"""Pretraining: what masking saves in a whole step, what the loop adds to a bare one, what a durable checkpoint costs."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch.optim import AdamW

from benchmarks.row import Row, interleave
from wearfm.nn.draws import Draws
from wearfm.recipes.normwear import NormWear, NormWearConfig, small
from wearfm.recipes.papagei import PaPaGei
from wearfm.signals.recording import Channel, Recording
from wearfm.signals.spans import Spans
from wearfm.store import Store
from wearfm.training import TrainingConfig, load, train
from wearfm.training.data import from_store
from wearfm.training.distributed import Place

STEPS, BATCH, CHANNELS, RATE_HZ = 8, 32, 4, 65.0
ALONE = Place(rank=0, world=1, device=torch.device("cpu"))


@contextmanager
def workplace() -> Iterator[tuple[Path, Store]]:
    """A folder and a store of 8 people x 4 channels x 10 minutes of int16 samples, windows of 6 s."""
    folder = Path(tempfile.mkdtemp())
    generator = np.random.default_rng(0)
    length = round(600 * RATE_HZ)
    try:
        with Store.create(folder / "store") as store:
            store.commit([_recording(f"p{number}", generator, length) for number in range(8)])
            yield folder, store
    finally:
        shutil.rmtree(folder)


def _recording(participant: str, generator: np.random.Generator, length: int) -> Recording:
    walks = generator.integers(-9, 10, (CHANNELS, length)).cumsum(axis=1).clip(-30000, 30000).astype(np.int16)
    channels = [
        Channel(name=str(n), modality="ppg", rate_hz=RATE_HZ, start_ns=0, samples=walk, valid=Spans.all(length), scale=0.01)
        for n, walk in enumerate(walks)
    ]
    return Recording(participant=participant, name="a", channels=tuple(channels))


def settings(**changes: Any) -> TrainingConfig:
    return TrainingConfig(
        **{"seed": 0, "steps": STEPS, "batch_size": BATCH, "workers": 1, "validation_share": 0.0, "log_every": STEPS, **changes}
    )


def pretraining(folder: Path, store: Store, config: NormWearConfig, **changes: Any) -> Callable[[], dict[str, float]]:
    """Return a function that makes a new run each time and returns its last log line."""
    numbers = itertools.count()

    def go() -> dict[str, float]:
        run = folder / f"run {config.time_share} {next(numbers)}"
        metrics = dict(train(NormWear(config), store, config=settings(**changes), run=run).metrics)
        shutil.rmtree(run)
        return metrics

    return go


def masked_step() -> Row:
    """Whole runs of 8 steps: loader, augmentation, optimiser, log and checkpoint included."""
    everything = replace(small(), time_share=0.0, scale_share=0.0)
    with workplace() as (folder, store):
        ours, theirs = interleave(
            pretraining(folder, store, small(), steps=3 * STEPS),
            pretraining(folder, store, everything, steps=3 * STEPS),
            repeats=3,
        )
    windows = 3 * STEPS * BATCH
    return Row(
        name=f"pretraining run, preset small, {CHANNELS} channels, {3 * STEPS} steps of {BATCH}",
        reference="the same run, encoding all patches",
        ours=windows / median(ours),
        reference_value=windows / median(theirs),
        unit="windows/s of CPU",
        ratio=median(theirs) / median(ours),
        target=">= 3x",
        met=median(theirs) >= 3 * median(ours),
        note="start, cost count and one checkpoint included",
    )


def loader_stall() -> Row:
    """Share of wall time that the loop waits for batches."""
    with workplace() as (folder, store):
        go = pretraining(folder, store, small(), steps=6 * STEPS, log_every=2 * STEPS)
        shares = [go()["loader_stall_share"] for _ in range(5)]
    share = median(shares)
    return Row(
        name="share of wall time waiting for the loader",
        reference="nothing to wait for",
        ours=100 * share,
        reference_value=0.0,
        unit="%",
        ratio=1 - share,
        target="<= 2 %",
        met=share <= 0.02,
        note=f"{min(shares):.2%} to {max(shares):.2%} in 5 runs, 1 loader thread",
    )


def contrastive_stall() -> Row:
    """Share of wall time that pretraining of a 5 M parameter 1D-CNN by contrast waits for batches, both cores at work."""
    recipe = PaPaGei(PaPaGei.presets()["paper"]())
    parameters = sum(p.numel() for p in recipe.encoder.parameters())
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with workplace() as (folder, store):
            config = settings(steps=4, batch_size=16, log_every=2, workers=1)

            def share(number: int) -> float:
                run = folder / f"papagei {number}"
                return float(train(recipe, store, config=config, run=run).metrics["loader_stall_share"])

            shares = [share(number) for number in range(3)]
    finally:
        torch.set_num_threads(before)
    stall = median(shares)
    return Row(
        name=f"share of wall time waiting for the loader, contrast of a {parameters / 1e6:.1f} M parameter 1D-CNN",
        reference="nothing to wait for",
        ours=100 * stall,
        reference_value=0.0,
        unit="%",
        ratio=1 - stall,
        target="<= 2 %",
        met=stall <= 0.02,
        note=f"PaPaGei-S, preset paper, batches of 16; {min(shares):.2%} to {max(shares):.2%} in 3 runs, 1 loader thread",
    )


def loop_overhead() -> Row:
    """The loop against the ten lines that one would write by hand, on the same batches."""
    with workplace() as (folder, store):
        data = from_store(NormWear(small()), store, config=settings(), place=ALONE)

        def by_hand() -> None:
            recipe = NormWear(small()).train()
            optimiser = AdamW(recipe.parameters(), lr=1e-3)
            for step, batch in enumerate(itertools.islice(data.train.epoch(0, 0), 3 * STEPS)):
                optimiser.zero_grad()
                recipe.loss(batch, Draws(seed=0, step=step)).total.backward()
                torch.nn.utils.clip_grad_norm_(recipe.parameters(), 1.0)
                optimiser.step()

        ours, theirs = interleave(pretraining(folder, store, small(), steps=3 * STEPS), by_hand, repeats=5)
    return Row(
        name=f"training loop, {3 * STEPS} steps",
        reference="a bare loop on the same batches",
        ours=1e3 * median(ours) / (3 * STEPS),
        reference_value=1e3 * median(theirs) / (3 * STEPS),
        unit="ms/step of CPU",
        ratio=median(theirs) / median(ours),
        target=">= 0.9x",
        met=median(theirs) >= 0.9 * median(ours),
        note="index, cost count (one extra step), log and a durable checkpoint included",
    )


def verified_load() -> Row:
    """Loading with every byte hashed against torch.load of a pickle."""
    with workplace() as (folder, store):
        run = folder / "run"
        summary = train(NormWear(small()), store, config=settings(steps=1), run=run)
        torch.save(load(run).state_dict(), folder / "weights.pt")

        def pickled() -> None:
            NormWear(small()).load_state_dict(torch.load(folder / "weights.pt", weights_only=True))

        ours, theirs = interleave(lambda: load(summary.checkpoint), pickled, repeats=7)
    return Row(
        name="load a checkpoint, every byte verified",
        reference="torch.load, nothing verified",
        ours=1e3 * median(ours),
        reference_value=1e3 * median(theirs),
        unit="ms of CPU",
        ratio=median(theirs) / median(ours),
        target="no target",
    )


BENCHMARKS = (masked_step, loader_stall, contrastive_stall, loop_overhead, verified_load)
