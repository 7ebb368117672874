"""Learn what days look like without a label, then read sleep off a day of somebody new.

    python examples/sleep_from_a_day.py [steps]

Simulates people who wear an accelerometer from noon to noon, trains a tiny LTA2V on hidden half hours of their days, and
fits one linear map from its tokens to asleep or awake. Three encoders are compared on strangers: one that knows the time
of day, one that does not, and one whose clock is twelve hours wrong when it is tested.
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

from wearfm.recipes.lta2v import LTA2V, paper
from wearfm.signals.recording import SECOND, Recording
from wearfm.store import Store
from wearfm.synthetic import Cohort, CohortConfig
from wearfm.training import TrainingConfig, train
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import spread

TINY = replace(
    paper(), channels=(3,), rate_hz=8.0, epoch_s=120.0, width=32, depth=2, heads=4, mlp_width=64, reach=15,
    block_shortest=5, block_longest=15,
)  # fmt: skip


def simulate(*, people: int, seed: int) -> list[Recording]:
    """Return a day, noon to noon, of each participant."""
    config = CohortConfig(
        num_participants=people, num_sessions=1, session_hours=24.0, start_hour=12.0, modalities=("acc",), acc_hz=8.0
    )
    return list(Cohort(config, seed=seed).recordings())


def asleep(recordings: list[Recording]) -> np.ndarray:
    """Return whether the middle of each epoch was slept through, (people, epochs) bool."""
    rows = []
    for recording in recordings:
        middle = recording.start_ns + ((np.arange(TINY.num_tokens) + 0.5) * TINY.epoch_s * SECOND).astype(np.int64)
        events = recording.events.of_kind("activity")
        bouts = zip(events.onset_ns, events.duration_ns, events.label, strict=True)
        nights = [(middle >= onset) & (middle < onset + length) for onset, length, label in bouts if label == "sleep"]
        rows.append(np.logical_or.reduce(nights))
    return np.stack(rows)


def tokens(recipe: LTA2V, store: Store, *, people: int) -> np.ndarray:
    """Return the tokens of everybody's day, (people, epochs, D)."""
    (batch,) = spread(store, WindowIndex.build(store, recipe.input), count=people, batch_size=people)
    with torch.no_grad():
        return recipe.eval().frames(batch).numpy()


def main(folder: Path, steps: int) -> None:
    """Simulate, train, read sleep."""
    known, strangers = simulate(people=6, seed=0), simulate(people=4, seed=1)
    stores = Store.create(folder / "known"), Store.create(folder / "strangers")
    for store, recordings in zip(stores, (known, strangers), strict=True):
        store.commit(recordings)
    for clock in ("none", "day"):
        recipe = LTA2V(replace(TINY, clock=clock), seed=0)
        config = TrainingConfig(seed=0, steps=steps, batch_size=6, learning_rate=2e-3, validation_share=0.0, log_every=steps)
        train(recipe, stores[0], config=config, run=folder / clock)
        probe = LogisticRegression(max_iter=1000)
        probe.fit(tokens(recipe, stores[0], people=6).reshape(-1, TINY.width), asleep(known).ravel())
        for shift_s in (0.0, 43_200.0) if clock == "day" else (0.0,):
            shifted = LTA2V(replace(recipe.config, clock_shift_s=shift_s))
            shifted.load_state_dict(recipe.state_dict())
            guess = probe.predict(tokens(shifted, stores[1], people=4).reshape(-1, TINY.width))
            score = balanced_accuracy_score(asleep(strangers).ravel(), guess)
            print(f"clock {clock:4s} shifted by {shift_s / 3600:2.0f} h: balanced accuracy of sleep and wake {score:.2f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary), steps=int(sys.argv[1]) if len(sys.argv) > 1 else 30)
