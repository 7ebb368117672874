"""Does it matter that gaps stay gaps? AIM against the same network trained on days whose gaps are filled with the mean.

    python docs/results/aim.py ../shared/data docs/results/aim_202611.md [--sets cast fitbit depresjon] [--steps 400]

Half of the minutes of everybody are taken away in blocks as devices lose them. Two models that differ in one setting
(`gaps`) are trained with equal steps, seeds and batches on two thirds of the people and asked about the last third; three
folds, so that everybody is asked once, two seeds each. Intervals: bootstrap over people, of the pooled error.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
from aim_data import SETS, Day, Person
from aim_page import MASKS, SEEDS, Found, page, section
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV

from wearfm.recipes.lsm2 import LSM2, LSM2Config, small
from wearfm.signals.minutes.features import MINUTE_HZ
from wearfm.signals.recording import Channel, Recording
from wearfm.signals.spans import Spans
from wearfm.store import Store
from wearfm.training import TrainingConfig, train
from wearfm.windows.batch import Batch
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load
from wearfm.windows.view import View

Floats = NDArray[np.float64]
FOLDS, TOKEN = 3, 10


def plant_gaps(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which minutes stay, (S, T): device off until 35 % are gone, then single sensors until half of each is."""
    valid = np.ones(shape, dtype=bool)
    _lose(valid, share=0.35, hours=3.0, rng=rng)
    for signal in valid:
        _lose(signal[None], share=0.5, hours=0.7, rng=rng)
    return valid


def _lose(valid: NDArray[np.bool_], *, share: float, hours: float, rng: np.random.Generator) -> None:
    """Take blocks of log-normal length, median `hours`, out of all rows until `share` of the minutes is gone."""
    while (~valid).mean() < share:
        length = round(60 * hours * rng.lognormal(sigma=0.8))
        start = int(rng.integers(-length, valid.shape[1]))
        valid[:, max(start, 0) : start + length] = False


def make_store(folder: Path, people: list[Person], *, gaps: bool) -> Store:
    """Return a store of everybody's minutes, with or without the planted gaps, which are the same every time."""
    recordings = []
    for number, person in enumerate(people):
        minutes = np.stack(list(person.minutes.values()))
        there = np.isfinite(minutes)
        if gaps:
            there &= plant_gaps(minutes.shape, np.random.default_rng([2026, number]))
        channels = [
            Channel(
                name=name, modality=name, rate_hz=MINUTE_HZ, start_ns=person.start_ns, valid=Spans.from_mask(valid),
                samples=np.nan_to_num(series).astype(np.float32),
            )
            for name, series, valid in zip(person.minutes, minutes, there, strict=True)
        ]  # fmt: skip
        recordings.append(Recording(participant=person.name, name="a", channels=tuple(channels), clock="local"))
    store = Store.create(folder)
    store.commit(recordings)
    return store


def hide(mask: str, valid: torch.Tensor, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what a model may not look at and what is scored, both (B, S, T) bool; scored minutes were measured."""
    rows, signals, minutes = valid.shape
    hidden, scored = np.zeros(valid.shape, dtype=bool), np.zeros(valid.shape, dtype=bool)
    if mask == "random 80 %":
        hidden = np.repeat(rng.random((rows, signals, minutes // TOKEN)) < 0.8, TOKEN, axis=2)
        scored = hidden.copy()
    elif mask != "planted gaps":
        for row in range(rows):
            start = int(rng.integers(6, minutes // TOKEN - 12)) * TOKEN
            stop, last = (start + 120, start + 120) if mask == "2 h inside" else (minutes, start + 60)
            hidden[row, :, start:stop] = True
            scored[row, :, start:last] = True
    return torch.from_numpy(hidden), torch.from_numpy(scored) & valid


def line(values: torch.Tensor, seen: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
    """Return straight lines between the minutes seen, held at the ends; the mean where a signal has none."""
    out = mean[None, :, None].expand(values.shape).clone()
    for row, signal in seen.any(dim=2).nonzero().tolist():
        at = seen[row, signal].nonzero()[:, 0].numpy()
        known = values[row, signal].numpy()[at]
        out[row, signal] = torch.from_numpy(np.interp(np.arange(values.shape[2]), at, known).astype(np.float32))
    return out


def squared_errors(models: dict[str, LSM2], batch: Batch, whole: Batch, *, seed: int) -> dict[tuple[str, str], torch.Tensor]:
    """Return (mask, arm) -> (B, 2): sum of squared errors in z-scores and number of scored minutes of each window."""
    aim, filled = models["AIM"], models["filled MAE"]
    series, truth = aim.series(batch), aim.series(whole)
    gaps, sums = ~series.valid, {}
    for number, mask in enumerate(MASKS):
        hidden, scored = hide(mask, series.valid, np.random.default_rng([seed, number]))
        if mask == "planted gaps":
            scored = gaps & truth.valid
        guesses = {
            "AIM": aim.fill(batch, hidden),
            "filled MAE": filled.fill(batch, hidden | scored),
            "filled MAE, told the gaps": filled.fill(batch, hidden | gaps),
            "line": line(series.values, series.valid & ~hidden, aim.mean),
            "mean": aim.mean[:, None].expand(series.values.shape),
        }
        for arm, guess in guesses.items():
            error = torch.where(scored, (guess - truth.values) / aim.std[:, None], 0.0).square()
            sums[mask, arm] = torch.stack([error.sum(dim=(1, 2)), scored.sum(dim=(1, 2))], dim=1)
    return sums


def embedded(recipe: LSM2, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the vectors of windows with anything measured and whose they are."""
    with torch.no_grad():
        vector = recipe.embed(batch).vector
    there = recipe.series(batch).valid.flatten(1).any(dim=1)
    return vector[there], batch.participant[there]


def probe(recipe: LSM2, batch: Batch, labels: Floats, teaches: NDArray[np.bool_]) -> Floats:
    """Return a ridge probe's predictions for people that do not teach it, (people,); NaN for the others."""
    vector, person = embedded(recipe, batch)
    means = np.stack([vector[person == code].mean(dim=0).numpy() for code in range(len(labels))])
    means = (means - means[teaches].mean(axis=0)) / (means[teaches].std(axis=0) + 1e-6)
    known = np.isfinite(labels)
    ridge = RidgeCV(alphas=np.logspace(0, 5, 11)).fit(means[teaches & known], labels[teaches & known])
    return np.where(teaches, np.nan, ridge.predict(means))


def run_set(day: Day, people: list[Person], *, steps: int) -> Found:
    """Return what a data set answers, fold by fold and seed by seed."""
    found = Found(
        errors=defaultdict(lambda: np.zeros((len(people), 2))), predictions=defaultdict(lambda: np.zeros(len(people)))
    )
    fold_of = np.random.default_rng(7).permutation(len(people)) % FOLDS
    config = replace(small(), patch=TOKEN, window_s=day.window_s, features=day.features, strategies=day.strategies)
    with tempfile.TemporaryDirectory() as temporary:
        store = make_store(Path(temporary, "gaps"), people, gaps=True)
        whole = make_store(Path(temporary, "whole"), people, gaps=False)
        index = WindowIndex.build(store, LSM2(config).input)
        by_name = {person.name: person.labels for person in people}
        for label in day.labels:
            found.predictions[label, "truth"] = np.array([by_name[n].get(label, np.nan) for n in index.participants])
        rows = np.arange(len(index))
        batch, truth = load(store, index, rows), load(whole, index, rows)
        for seed, fold in product(SEEDS, range(FOLDS)):
            view = View(store, participants=[n for n, own in zip(index.participants, fold_of, strict=True) if own != fold])
            models = train_both(config, view, settings(seed, steps), run=Path(temporary, f"{seed} {fold}"))
            asked = torch.from_numpy(fold_of == fold)[batch.participant]
            sums = squared_errors(models, batch.select(asked), truth.select(asked), seed=5)
            for (mask, arm), each in sums.items():
                np.add.at(found.errors[mask, arm, str(seed)], batch.participant[asked].numpy(), each.numpy())
            for label, (arm, model) in product(day.labels, models.items()):
                guess = probe(model, batch, found.predictions[label, "truth"], fold_of != fold)
                found.predictions[label, arm] += np.nan_to_num(guess) / len(SEEDS)
            sys.stderr.write(f"{day.name} seed {seed} fold {fold}\n")
    return found


def train_both(config: LSM2Config, view: View, training: TrainingConfig, *, run: Path) -> dict[str, LSM2]:
    """Return the two models, which differ in what they take gaps for."""
    models = {}
    for arm, gaps in (("AIM", "inherited"), ("filled MAE", "filled")):
        models[arm] = LSM2(replace(config, gaps=gaps), seed=training.seed)
        train(models[arm], view, config=training, run=run / gaps)
        models[arm].eval()
    return models


def settings(seed: int, steps: int) -> TrainingConfig:
    """Return the run of either arm."""
    return TrainingConfig(
        seed=seed, steps=steps, batch_size=32, learning_rate=1e-3, warmup_steps=steps // 20, validation_share=0.0,
        log_every=steps, checkpoint_every=steps, workers=0,
    )  # fmt: skip


def main() -> None:
    """Train, ask, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("page", type=Path)
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=list(SETS))
    parser.add_argument("--steps", type=int, default=400)
    arguments = parser.parse_args()
    lines: list[str] = []
    for name in arguments.sets:
        day, people = SETS[name](arguments.data)
        lines += section(day, run_set(day, people, steps=arguments.steps))
    command = f"python docs/results/aim.py DATA PAGE --sets {' '.join(arguments.sets)} --steps {arguments.steps}"
    arguments.page.write_text(page(lines, command=command))


if __name__ == "__main__":
    main()
