"""Teach an accelerometer encoder what a frozen pulse encoder sees in the same eight seconds.

    python examples/distil_ppg_into_acc.py [steps]

Simulates a cohort, trains a pulse encoder on it, distils it into an encoder of three axes of acceleration, and asks, on
people that neither has seen: given the acceleration, which of 64 windows of pulse belongs to it? The simulated wrist does
not shake with the heart: all that both sensors share is how the arm moves, so this is what the student learns.
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

import wearfm
from wearfm.recipes.apple_contrastive import small
from wearfm.recipes.distillation import Teaching
from wearfm.recipes.method import Method
from wearfm.store import Store
from wearfm.synthetic import Cohort, CohortConfig
from wearfm.training import TrainingConfig, load, train
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load as load_batch
from wearfm.windows.view import View

POOL = 64


def simulate(folder: Path, *, people: int, seed: int) -> Store:
    """Return a store with a session of wrist pulse and acceleration of each participant."""
    config = CohortConfig(num_participants=people, num_sessions=2, session_hours=0.2, modalities=("ppg", "acc"))
    store = Store.create(folder)
    store.commit(list(Cohort(config, seed=seed).recordings()))
    return store


def found(recipe, store) -> float:
    """Return the share of windows whose acceleration is nearest to its own pulse, among POOL windows of strangers."""
    index = WindowIndex.build(store, recipe.input, stride_s=16.0)
    rows = np.random.default_rng(0).permutation(len(index))
    shares = []
    for pool in np.array_split(rows[: len(rows) // POOL * POOL], len(rows) // POOL):
        student, teacher = recipe.projections(load_batch(store, index, pool))
        alike = (student / student.norm(dim=1, keepdim=True)) @ (teacher / teacher.norm(dim=1, keepdim=True)).T
        shares.append(float((alike.argmax(dim=1).numpy() == np.arange(len(pool))).mean()))
    return float(np.mean(shares))


def show(line) -> None:
    """Print a log line."""
    if "student_finds_teacher" in line:
        print(f"step {line['step']:4d}  loss {line['nce']:.2f}  finds its teacher {line['student_finds_teacher']:.2f}")


def main(folder: Path, steps: int) -> None:
    """Simulate, train the teacher, distil, compare."""
    cohort, strangers = simulate(folder / "train", people=24, seed=0), simulate(folder / "test", people=8, seed=1)
    settings = TrainingConfig(seed=0, steps=steps, batch_size=24, learning_rate=3e-3, validation_share=0.0, log_every=25)
    teacher = wearfm.create("apple_contrastive")
    train(teacher, View(cohort, modalities=["ppg"]), config=settings, run=folder / "teacher")

    student = Method(name="apple_contrastive", config=replace(small(), modality="acc", channels=3))
    made = wearfm.distil(
        teacher,
        cohort,
        student,
        run=folder / "run",
        training=replace(settings, batch_size=64),
        teaching=Teaching(still_g=None, hidden_size=256, projection_size=64),
        progress=show,
    )
    print(f"pulse found from acceleration: {found(load(folder / 'run'), strangers):.2f} (chance {1 / POOL:.2f})")
    table = wearfm.embed(wearfm.load(made.folder), View(strangers, modalities=["acc"]))
    print(f"the student alone: {len(table)} windows of acceleration, {table.vector.shape[1]} numbers each")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary), steps=int(sys.argv[1]) if len(sys.argv) > 1 else 200)
