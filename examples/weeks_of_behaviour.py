"""Teach a tiny WBM to recognise people by their weeks, and let strangers' weeks look for each other.

    python examples/weeks_of_behaviour.py [steps]

Makes four weeks of steps and heart rate for people with habits of their own, who take the device off at times. Then each
week of people whom the network has never met looks for its nearest neighbour among all of theirs: a minute of one core.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from wearfm.recipes import create
from wearfm.signals.recording import SECOND, Channel, Recording
from wearfm.signals.spans import Spans
from wearfm.store import Store
from wearfm.training import TrainingConfig, train
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load

MONDAY = 1_700_438_400 * SECOND  # 2023-11-20, midnight on the wearer's clock
WEEKS = 4
TINY = {"variables": ("steps", "hr"), "width": 32, "states": 8, "head_width": 16, "hidden_size": 64, "projection_size": 32}


def minutes(person: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return steps and heart rate of every minute: whoever rises late does so every day, and goes out on the same evenings."""
    habits = np.random.default_rng([7, person])
    hour = np.arange(WEEKS * 7 * 24 * 60) / 60
    day, hour = (hour // 24).astype(int) % 7, hour % 24
    rising = habits.normal(7, 1) + habits.normal(1.5, 1) * (day >= 5) + generator.normal(0, 0.5, WEEKS * 7).repeat(1440)
    awake = (hour > rising) & (hour < rising + habits.normal(16, 0.7))
    out = awake & habits.choice([False, True], 7, p=[0.6, 0.4])[day] & (abs(hour - habits.uniform(16, 20)) < 1)
    active = generator.uniform(size=len(hour)) < np.where(out, 0.6, 0.08 * habits.uniform(0.5, 1.5)) * awake
    steps = generator.poisson(90, len(hour)) * active
    hr = habits.normal(62, 5) + 12 * awake + 35 * active + generator.normal(0, 4, len(hour))
    return steps.astype(np.float32), hr.astype(np.float32)


def store_of(folder: Path, people: range) -> Store:
    """Return a store with some weeks of each person; everybody takes the device off for some hours."""
    recordings = []
    for person in people:
        generator = np.random.default_rng(person)
        made = dict(zip(("steps", "hr"), minutes(person, generator), strict=True))
        count = len(made["hr"])
        off = np.sort(generator.choice(count // 600, 12, replace=False)) * 600
        worn = Spans.of([(start, start + 300) for start in off.tolist()]).complement(count)
        channels = [
            Channel(name=name, modality=name, rate_hz=1 / 60, start_ns=MONDAY, samples=samples, valid=worn)
            for name, samples in made.items()
        ]
        recordings.append(Recording(participant=f"p{person:02}", name="weeks", channels=tuple(channels), clock="local"))
    store = Store.create(folder)
    store.commit(recordings)
    return store


@torch.no_grad()
def recognised(recipe, store: Store) -> float:
    """Return the share of weeks whose nearest other week is of the same person."""
    index = WindowIndex.build(store, recipe.input, stride_s=7 * 86_400)
    vector = recipe.eval().embed(load(store, index, np.arange(len(index)))).vector
    unit = torch.nn.functional.normalize(vector - vector.mean(dim=0), dim=1)
    nearest = (unit @ unit.T).fill_diagonal_(-1).argmax(dim=1).numpy()
    return float((index.participant[nearest] == index.participant).mean())


def main(folder: Path, steps: int) -> None:
    """Train, recognise."""
    strangers = store_of(folder / "test", range(60, 80))
    recipe = create("wbm", **TINY)
    config = TrainingConfig(
        seed=0, steps=steps, batch_size=16, learning_rate=3e-3, weight_decay=1e-5, warmup_steps=steps // 20,
        validation_share=0.0, stride_s=86_400.0, log_every=max(steps // 5, 1),
    )  # fmt: skip
    before = recognised(recipe, strangers)
    train(recipe, store_of(folder / "train", range(60)), config=config, run=folder / "run", progress=show)
    print(f"weeks of strangers recognised by chance {3 / 79:.0%}, before training {before:.0%}")
    print(f"weeks of strangers recognised after training {recognised(recipe, strangers):.0%}")


def show(line) -> None:
    """Print a log line."""
    if "loss" in line:
        print(f"step {line['step']:4d}  loss {line['loss']:.2f}  rank {line['effective_rank']:.1f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary), steps=int(sys.argv[1]) if len(sys.argv) > 1 else 100)
