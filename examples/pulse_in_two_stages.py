"""Learn what makes two stretches of a pulse alike, then an encoder that agrees, and see what strangers' neighbours share.

    python examples/pulse_in_two_stages.py [steps]

Stage 1 learns to rebuild hidden pieces of a pulse from another window; windows that explain each other are near. Stage 2 lets
the embeddings keep that order. Then each window of a stranger is put beside its nearest one of another stranger: by how much
do their heart rates differ?
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import wearfm
from wearfm.embeddings.table import EmbeddingTable
from wearfm.evaluation.task import Rows, StoreTruth
from wearfm.evaluation.tasks import TASKS
from wearfm.recipes.pulse_ppg import PulsePPG, small
from wearfm.store import Store
from wearfm.synthetic import Cohort, CohortConfig
from wearfm.training import TrainingConfig, train

CONFIG = replace(small(), distance="learned")


def simulate(folder: Path, *, people: int, seed: int) -> Store:
    """Return a store with two sessions of the pulse of each participant, at rest and in motion."""
    config = CohortConfig(num_participants=people, session_hours=0.1, modalities=("ppg",))
    store = Store.create(folder)
    store.commit(list(Cohort(config, seed=seed).recordings()))
    return store


def heart_rates(table: EmbeddingTable, store: Store) -> NDArray[np.float64]:
    """Return the true heart rate of every window, (N,) per minute."""
    rows = Rows(participant=table.participant, recording=table.recording, start_ns=table.start_ns, duration_s=table.duration_s)
    return TASKS["synthetic_heart_rate"].label(rows, StoreTruth(store))


def apart(recipe: PulsePPG, store: Store) -> tuple[float, float]:
    """Return how far the heart rates of nearest neighbours of two people lie apart, and those of any two, in medians."""
    table = wearfm.embed(recipe, store)
    rate = heart_rates(table, store)
    unit = table.vector / np.linalg.norm(table.vector, axis=1, keepdims=True)
    is_own = table.participant[:, None] == table.participant
    nearest = np.where(is_own, -np.inf, unit @ unit.T).argmax(axis=1)
    differences = np.abs(rate[:, None] - rate)
    return float(np.nanmedian(np.abs(rate - rate[nearest]))), float(np.nanmedian(differences[~is_own]))


def show(line) -> None:
    """Print a log line of either stage."""
    names = ("rebuilding", "from_itself", "from_another", "relative", "nearest_found", "effective_rank")
    if "loss" in line:
        print(f"step {line['step']:4d}  " + "  ".join(f"{name} {line[name]:.3f}" for name in names if name in line))


def main(folder: Path, steps: int) -> None:
    """Simulate, train both stages, compare."""
    taught, strangers = simulate(folder / "taught", people=20, seed=0), simulate(folder / "strangers", people=10, seed=1)
    settings = TrainingConfig(seed=0, steps=steps, batch_size=8, learning_rate=1e-3, log_every=max(1, steps // 4))

    distance = PulsePPG(replace(CONFIG, stage="distance"))
    train(distance, taught, config=settings, run=folder / "distance", progress=show)

    recipe = PulsePPG(CONFIG).after(distance)
    before, anyone = apart(recipe, strangers)
    train(recipe, taught, config=settings, run=folder / "encoder", progress=show)
    after, _ = apart(recipe, strangers)
    print(f"heart rates of nearest strangers differ by {after:.1f} /min, before {before:.1f}, of any two by {anyone:.1f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary), steps=int(sys.argv[1]) if len(sys.argv) > 1 else 100)
