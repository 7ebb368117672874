"""Teach a small encoder to recognise people by eight seconds of their pulse, and ask what it learned.

    python examples/pretrain_contrastive.py [folder]

Simulates a cohort, trains participant-level contrastive learning on it for a few minutes, and compares the embeddings
of people the encoder has never seen: how often is a window's nearest neighbour of the same person, a week apart?
"""

import sys
import tempfile
from pathlib import Path

import torch

from wearfm.recipes import create
from wearfm.store import Store
from wearfm.synthetic import Cohort, CohortConfig
from wearfm.training import TrainingConfig, train
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load


def simulate(folder: Path, *, people: int, seed: int) -> Store:
    """Return a store with two sessions of wrist PPG, a week apart, of each participant."""
    config = CohortConfig(num_participants=people, session_hours=0.2, modalities=("ppg",))
    store = Store.create(folder)
    store.commit(list(Cohort(config, seed=seed).recordings()))
    return store


def recognised(recipe, store) -> float:
    """Return the share of windows whose nearest neighbour among the other session's windows is the same person's."""
    index = WindowIndex.build(store, recipe.input, stride_s=30.0)
    batch = load(store, index, torch.arange(len(index)).numpy())
    with torch.no_grad():
        vector = torch.nn.functional.normalize(recipe.eval().embed(batch).vector, dim=1)
    similar = vector @ vector.T
    similar[batch.recording[:, None] == batch.recording] = -torch.inf
    nearest = similar.argmax(dim=1)
    return float((batch.participant[nearest] == batch.participant).float().mean())


def main(folder: Path, steps: int) -> None:
    """Simulate, train, compare."""
    training, strangers = simulate(folder / "train", people=60, seed=0), simulate(folder / "test", people=20, seed=1)
    recipe = create("apple_contrastive", preset="small")
    print(f"recognised before training: {recognised(recipe, strangers):.2f} (chance 0.05)")
    config = TrainingConfig(
        seed=0,
        steps=steps,
        batch_size=48,
        optimiser="adam",
        learning_rate=3e-3,
        weight_decay=1e-5,
        warmup_steps=steps // 20,
        log_every=50,
    )
    train(recipe, training, config=config, run=folder / "run", progress=show)
    print(f"recognised after training:  {recognised(recipe, strangers):.2f}")


def show(line) -> None:
    """Print a log line: the loss, and whether the embeddings spread (effective rank) or collapse."""
    if "loss" in line:
        print(f"step {line['step']:4d}  nce {line['nce']:.2f}  effective rank {line['effective_rank']:.1f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary), steps=int(sys.argv[1]) if len(sys.argv) > 1 else 400)
