"""Ask which resolution of a pulse knows the most: HiMAE has five embeddings of every window, from fine to coarse.

    python examples/levels_of_a_pulse.py [steps]

Simulates people with a wrist sensor, hides four fifths of every ten seconds of their pulse from a small network that learns
to fill them in, and asks each of its levels for the heart rate of other people, by a linear probe.
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from wearfm.embeddings.extract import Cut, embed
from wearfm.embeddings.table import EmbeddingTable
from wearfm.evaluation import TASKS, evaluate
from wearfm.recipes.himae import HiMAE, small
from wearfm.store import Store
from wearfm.synthetic import Cohort, CohortConfig
from wearfm.training import TrainingConfig, train


def simulate(folder: Path, *, people: int, seed: int) -> Store:
    """Return a store with one session of wrist PPG of each participant."""
    config = CohortConfig(num_participants=people, num_sessions=1, session_hours=0.25, modalities=("ppg",))
    store = Store.create(folder)
    store.commit(list(Cohort(config, seed=seed).recordings()))
    return store


def levels(recipe: HiMAE, store: Store) -> dict[str, EmbeddingTable]:
    """Return an embedding table of each level, named by the seconds that one of its positions covers."""
    tables = {}
    for level in range(len(recipe.config.widths)):
        recipe.config = replace(recipe.config, level=level)
        step_s = 2 ** (level + 1) / recipe.config.rate_hz
        tables[f"{step_s:.2f} s"] = embed(recipe, store, cut=Cut(stride_s=20.0))
    return tables


def main(folder: Path, steps: int) -> None:
    """Simulate, pretrain, and print the error of the heart rate at every level."""
    watched, strangers = simulate(folder / "train", people=30, seed=0), simulate(folder / "test", people=20, seed=1)
    recipe = HiMAE(small())
    config = TrainingConfig(seed=0, steps=steps, batch_size=64, learning_rate=1e-3, warmup_steps=steps // 10, log_every=50)
    train(recipe, watched, config=config, run=folder / "run", progress=show)
    report = evaluate(
        levels(recipe, strangers), [TASKS["synthetic_heart_rate"]], store=strangers, probe="ridge", bootstrap=100, few_shot=0
    )
    print("error of the heart rate, beats a minute, from the mean over positions of")
    for score in report.results[0].scores:
        print(f"  {score.model:<14} {score.interval.value:5.1f}  ({score.features} numbers)")


def show(line) -> None:
    """Print a log line: how far the network is from what it did not see."""
    if "loss" in line:
        print(f"step {line['step']:4d}  squared error of what is hidden {line['loss']:.3f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary), steps=int(sys.argv[1]) if len(sys.argv) > 1 else 200)
