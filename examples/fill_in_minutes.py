"""Hide an hour of heart rate and let a small masked model fill it in from what the other sensors saw.

    python examples/fill_in_minutes.py [steps]

Makes minute data of people who rest and walk (heart rate follows the steps, skin conductance follows slowly), pretrains
LSM on some of them, and hides the middle hour of heart rate in windows of others. A straight line across the gap knows
when the gap began and how it ended; the model also sees who walked in between.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from wearfm.recipes.base import preset
from wearfm.recipes.lsm import LSM
from wearfm.signals.minutes.features import MINUTE_HZ
from wearfm.signals.recording import Channel, Recording
from wearfm.signals.spans import Spans
from wearfm.store import Store
from wearfm.training import TrainingConfig, train
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load

MINUTES = 3 * 1440
HOUR = slice(60, 120)  # of the 180 minutes of a window


def person(name: str, generator: np.random.Generator) -> Recording:
    """Return three days: bouts of walking, and a heart and a skin that follow, each at its own pace."""
    pace = np.repeat(generator.choice([0, 0, 0, 60, 110], MINUTES // 15), 15)
    steps = np.round(pace * generator.uniform(0.9, 1.1, MINUTES))
    resting, gain = generator.normal(62, 6), generator.uniform(0.3, 0.5)
    series = {
        "steps": steps,
        "hr": resting + gain * lagging(steps, minutes=2) + generator.normal(0, 1.5, MINUTES),
        "eda": 2 + 0.02 * lagging(steps, minutes=30) + generator.normal(0, 0.1, MINUTES),
    }
    channels = [
        Channel(
            name=feature,
            modality=feature,
            rate_hz=MINUTE_HZ,
            start_ns=0,
            samples=values.astype(np.float32),
            valid=Spans.all(MINUTES),
        )
        for feature, values in series.items()
    ]
    return Recording(participant=name, name="days", channels=tuple(channels))


def lagging(values: np.ndarray, *, minutes: float) -> np.ndarray:
    """Return what follows the values with a time constant."""
    weights = np.exp(-np.arange(5 * minutes) / minutes)
    return np.convolve(values, weights / weights.sum())[: len(values)]


def main(folder: Path, steps: int) -> None:
    """Make two groups of people, train on one, fill in for the other."""
    generator = np.random.default_rng(0)
    known, strangers = Store.create(folder / "known"), Store.create(folder / "strangers")
    known.commit([person(f"known {n}", generator) for n in range(24)])
    strangers.commit([person(f"stranger {n}", generator) for n in range(6)])

    recipe = LSM(
        preset(LSM, "small", features=("hr", "steps", "eda"), window_s=10_800.0, width=64, hidden_share=0.5, mask_sensor=1.0)
    )
    config = TrainingConfig(
        seed=0, steps=steps, batch_size=32, learning_rate=3e-3, stride_s=3600.0, warmup_steps=steps // 20, log_every=50
    )
    train(recipe, known, config=config, run=folder / "run", progress=show)

    index = WindowIndex.build(strangers, recipe.input)
    batch = load(strangers, index, np.arange(len(index)))
    truth = recipe.eval().series(batch).values[:, 0]  # heart rate
    hidden = torch.zeros(len(batch), 3, 180, dtype=torch.bool)
    hidden[:, 0, HOUR] = True
    with torch.no_grad():
        filled = recipe.fill(batch, hidden)[:, 0]
    line = truth[:, [59]] + (truth[:, [120]] - truth[:, [59]]) * torch.arange(1, 61) / 61
    errors = [float((guess - truth[:, HOUR]).abs().mean()) for guess in (filled[:, HOUR], line)]
    print(f"an hidden hour of heart rate, {len(batch)} windows of strangers, mean error in beats per minute:")
    print(f"  LSM {errors[0]:.1f}, linear interpolation {errors[1]:.1f}")


def show(line) -> None:
    """Print a log line: the loss, in squared deviations, and that of interpolation on the same patches."""
    if "loss" in line:
        print(f"step {line['step']:4d}  loss {line['loss']:.3f}  interpolation {line['interpolation']:.3f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary), steps=int(sys.argv[1]) if len(sys.argv) > 1 else 400)
