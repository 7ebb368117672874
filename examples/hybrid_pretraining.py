"""Teach one small encoder four things at once: hidden pulses, whose pulse it is, what went wrong, when the next beat comes.

    python examples/hybrid_pretraining.py [steps]

Simulates a cohort, trains the hybrid recipe with all four parts on, and asks strangers' windows: how often does it tell a
corruption from the others, and how far off is the next beat, beside the best constant?
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from wearfm.nn.draws import Draws
from wearfm.recipes.hybrid import Hybrid, small
from wearfm.store import Store
from wearfm.synthetic import Cohort, CohortConfig
from wearfm.training import TrainingConfig, train
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import Loader


def simulate(folder: Path, *, people: int, seed: int) -> Store:
    """Return a store with six minutes of wrist PPG of each participant."""
    config = CohortConfig(num_participants=people, num_sessions=1, session_hours=0.1, modalities=("ppg",))
    store = Store.create(folder)
    store.commit(list(Cohort(config, seed=seed).recordings()))
    return store


@torch.no_grad()
def ask(recipe: Hybrid, store: Store) -> dict[str, float]:
    """Return the parts of the loss over the windows of a store, and the error of the best constant for the next beat."""
    index = recipe.survey(store, WindowIndex.build(store, recipe.input))
    loader = Loader(store=store, index=index, plan=recipe.plan(index, seed=0), batch_size=20)
    parts = [recipe.loss(batch, Draws(0, step)).parts for step, batch in enumerate(loader.epoch(0))]
    wait_s = index.targets["next_beat_s"]
    told = {name: float(np.mean([part[name] for part in parts])) for name in parts[0]}
    return told | {"constant_s": float(np.nanmean(np.abs(wait_s - np.nanmedian(wait_s))))}


def show(line) -> None:
    """Print a log line: every part that is learnt, unweighted."""
    if "loss" in line:
        parts = ("reconstruction", "contrast", "corruption", "beat")
        print(f"step {line['step']:4d}  " + "  ".join(f"{part} {line[part]:.2f}" for part in parts))


def main(folder: Path, steps: int) -> None:
    """Simulate, train, ask."""
    training, strangers = simulate(folder / "train", people=40, seed=0), simulate(folder / "test", people=20, seed=1)
    recipe = Hybrid(replace(small(), window_s=6.0, apart_s=6.0, corruption_weight=0.2, beat_weight=0.5))
    config = TrainingConfig(
        seed=0, steps=steps, batch_size=32, learning_rate=2e-3, warmup_steps=steps // 20, log_every=max(1, steps // 5)
    )
    train(recipe, training, config=config, run=folder / "run", progress=show)
    told = ask(recipe.eval(), strangers)
    print(f"strangers: corruption told in {told['corruption_accuracy']:.0%} of windows (chance 20 %)")
    print(f"strangers: next beat off by {told['beat_error_s']:.2f} s (a constant: {told['constant_s']:.2f} s)")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary), steps=int(sys.argv[1]) if len(sys.argv) > 1 else 200)
