"""Teach a tiny PAT what weeks look like, let it restore hours that it has not seen, and ask where it looks.

    python examples/week_of_activity.py [steps]

Makes weeks of activity counts for people with habits of their own, hides three quarters of each week, and trains the
network to restore it: half a minute. Then people it has never met lose their afternoons, and it fills them in.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from wearfm.recipes import create
from wearfm.recipes.pat import hours_of_week
from wearfm.signals.recording import SECOND, Channel, Recording
from wearfm.signals.spans import Spans
from wearfm.store import Store
from wearfm.training import TrainingConfig, train
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load

MONDAY = 1_700_438_400 * SECOND  # 2023-11-20, midnight on the wearer's clock
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
TINY = {"patch": 60, "width": 48, "heads": 3, "head_width": 16, "mlp_width": 96, "dropout": 0.0, "mask_share": 0.75}


def week(person: int, generator: np.random.Generator) -> np.ndarray:
    """Return counts a minute from Monday at midnight: asleep at night, later at weekends, up to a commute or a market."""
    habits = np.random.default_rng([7, person])
    hour = np.arange(7 * 24 * 60) / 60
    day, hour = (hour // 24).astype(int), hour % 24
    rising = habits.normal(7, 1) + 1.5 * (day >= 5)
    awake = 1 / (1 + np.exp(-4 * (hour - rising))) / (1 + np.exp(4 * (hour - rising - habits.normal(16, 0.7))))
    commute = np.where(day < 5, np.exp(-((hour - rising - 1) ** 2)) + np.exp(-((hour - rising - 10) ** 2)), 0)
    market = np.where(day == 5, np.exp(-(((hour - rising - 3) / 1.5) ** 2)), 0)
    level = 10 + 250 * habits.uniform(0.6, 1.4) * awake * (1 + 2 * commute + 3 * market)
    return np.round(level * generator.gamma(2.0, 0.5, len(level))).astype(np.float32)


def store_of(folder: Path, people: range) -> Store:
    """Return a store with two weeks of each person; each takes the device off for an evening."""
    recordings = []
    for person in people:
        generator = np.random.default_rng(person)
        counts = np.concatenate([week(person, generator) for _ in range(2)])
        off = int(generator.integers(13)) * 1440 + 20 * 60
        worn = Spans.of([(off, off + 180)]).complement(len(counts))
        channel = Channel(name="wrist", modality="counts", rate_hz=1 / 60, start_ns=MONDAY, samples=counts, valid=worn)
        recordings.append(Recording(participant=f"p{person:02}", name="two weeks", channels=(channel,), clock="local"))
    store = Store.create(folder)
    store.commit(recordings)
    return store


def main(folder: Path, steps: int) -> None:
    """Train, fill in, look."""
    recipe = create("pat", preset="small", **TINY)
    config = TrainingConfig(seed=0, steps=steps, batch_size=16, learning_rate=2e-3, weight_decay=0.0, log_every=100)
    train(recipe, store_of(folder / "train", range(40)), config=config, run=folder / "run", progress=show)
    strangers = store_of(folder / "test", range(40, 52))
    index = WindowIndex.build(strangers, recipe.input)
    batch = load(strangers, index, np.arange(len(index)))
    recipe.eval().requires_grad_(False)
    series = recipe.series(batch)
    afternoon = (torch.arange(series.values.shape[2]) // 60 % 24 - 14.5).abs() < 3  # 12 to 18 o'clock
    hidden = afternoon.expand_as(series.values) & series.valid
    others = series.values[series.valid & ~hidden].mean().expand_as(series.values)
    for name, guess in (("the mean of other hours", others), ("PAT", recipe.fill(batch, hidden))):
        hourly = [part.unflatten(2, (-1, 60)).mean(dim=3) for part in (guess, series.values)]  # (B, 1, T) -> (B, 1, hours)
        error = (hourly[0] - hourly[1])[hidden[..., ::60]].abs().mean()
        print(f"afternoons restored by {name}: {error:.0f} counts a minute off")
    share = hours_of_week(recipe.attention(batch), valid=series.valid[:, 0], local_ns=batch.local_ns)
    print("where the network looks, midnight to midnight:")
    for day, row in zip(DAYS, share / share.max(), strict=True):
        print(f"  {day} {''.join(' .:-=+*#%@'[int(9 * value**0.5)] for value in row)}")


def show(line) -> None:
    """Print a log line."""
    if "loss" in line:
        print(f"step {line['step']:4d}  all minutes {line['reconstruction']:.3f}  hidden ones {line['hidden']:.3f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary), steps=int(sys.argv[1]) if len(sys.argv) > 1 else 600)
