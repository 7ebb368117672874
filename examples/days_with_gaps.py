"""Learn from days that are half missing, then fill in the heart rate of an afternoon.

    python examples/days_with_gaps.py [steps]

Simulates heart rate, steps and wrist temperature of 60 people, takes half of the minutes away as devices lose them, trains
LSM-2 (adaptive and inherited masking) for half a minute, and hides the heart rate of two hours of strangers' days.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from wearfm.recipes.base import preset
from wearfm.recipes.lsm2 import LSM2
from wearfm.signals.minutes.features import MINUTE_HZ
from wearfm.signals.recording import Channel, Recording
from wearfm.signals.spans import Spans
from wearfm.store import Store
from wearfm.training import TrainingConfig, train
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load

DAYS, MINUTES = 3, 3 * 1440
AFTERNOON = slice(14 * 60, 16 * 60)


def live(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the minutes of one person: asleep at night, on the move now and then, warm skin in bed."""
    hour = np.arange(MINUTES) / 60 % 24
    awake = (hour > rng.normal(7, 1)) & (hour < rng.normal(23, 1))
    moves = awake & np.repeat(rng.random(MINUTES // 20) < rng.uniform(0.1, 0.4), 20)
    pace, rest = rng.normal(60, 10), rng.normal(62, 7)
    hr = rest + 10 * awake + 25 * moves + rng.normal(0, 3, MINUTES)
    return {"hr": hr, "steps": moves * rng.poisson(pace, MINUTES), "temp": 34.5 - 2.0 * awake + rng.normal(0, 0.2, MINUTES)}


def lose(valid: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return which minutes are left when half of them are lost in blocks of about an hour and a half."""
    while valid.mean() > 0.5:
        start = int(rng.integers(MINUTES))
        valid[start : start + int(rng.exponential(90))] = False
    return valid


def simulate(folder: Path, *, people: int, seed: int) -> Store:
    """Return a store of people with half of their minutes."""
    store, recordings = Store.create(folder), []
    for number in range(people):
        rng = np.random.default_rng([seed, number])
        channels = [
            Channel(
                name=name, modality=name, rate_hz=MINUTE_HZ, start_ns=0, samples=series.astype(np.float32),
                valid=Spans.from_mask(lose(np.ones(MINUTES, dtype=bool), rng)),
            )
            for name, series in live(rng).items()
        ]  # fmt: skip
        recordings.append(Recording(participant=f"{seed}-{number}", name="a", channels=tuple(channels), clock="local"))
    store.commit(recordings)
    return store


def error(recipe: LSM2, store: Store, *, feature: str) -> tuple[float, float]:
    """Return the root mean squared error of hidden afternoons of one feature, the others being there: ours, the mean's."""
    index = WindowIndex.build(store, recipe.input)
    batch = load(store, index, np.arange(len(index)))
    series, number = recipe.series(batch), recipe.config.features.index(feature)
    hidden = torch.zeros_like(series.valid)
    hidden[:, number, AFTERNOON] = True
    asked = hidden & series.valid
    guesses = recipe.eval().fill(batch, hidden), recipe.mean[:, None].expand(series.values.shape)
    ours, mean = ((guess - series.values)[asked].square().mean().sqrt().item() for guess in guesses)
    return ours, mean


def main(folder: Path, steps: int) -> None:
    """Simulate, train, fill."""
    seen, strangers = simulate(folder / "train", people=60, seed=0), simulate(folder / "test", people=20, seed=1)
    recipe = LSM2(preset(LSM2, "small", features=("hr", "steps", "temp")))
    rate = {"learning_rate": 2e-3, "warmup_steps": steps // 10, "log_every": max(steps // 4, 1)}
    config = TrainingConfig(seed=0, steps=steps, batch_size=16, validation_share=0.0, **rate)
    train(recipe, seen, config=config, run=folder / "run", progress=show)
    ours, mean = error(recipe, strangers, feature="hr")
    print(f"error of the heart rate in hidden afternoons of strangers: {ours:.1f} 1/min (its mean: {mean:.1f})")


def show(line) -> None:
    """Print a log line: the loss, and which share of the tokens had to be computed."""
    if "loss" in line:
        print(f"step {line['step']:4d}  error {line['reconstruction']:.2f}  encoded {line['encoded_share']:.0%} of the tokens")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary), steps=int(sys.argv[1]) if len(sys.argv) > 1 else 350)
