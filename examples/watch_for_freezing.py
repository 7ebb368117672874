"""Watch simulated walkers for freezing of gait: pretrain without labels, fine-tune on a few people, sleep while nothing moves.

    python examples/watch_for_freezing.py

Everybody stands, walks and, now and then, trembles in place for a few seconds. The network is LIFT-PD's; it looks only while
a gate on the cheapest of statistics is open. Simulated freezing is easy to find: the figures say that the parts fit together.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch

from wearfm.evaluation.episodes import Watch, tally, threshold_for
from wearfm.recipes.lift_pd import LiftPD, small
from wearfm.recipes.supervised import Supervised
from wearfm.signals.movement import Gate, activity
from wearfm.signals.recording import SECOND, Channel, Events, Recording
from wearfm.signals.spans import Spans
from wearfm.store import Store
from wearfm.training import TrainingConfig, train
from wearfm.windows.hop import every, hop
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import load
from wearfm.windows.view import View

RATE_HZ = 64.0
SWINGS = {"stands": (0.0, 0.0), "walks": (1.8, 0.25), "freezes": (6.0, 0.08)}  # Hz, g
DAY = (("stands", 40), ("walks", 20), ("freezes", 5), ("walks", 15), ("stands", 40), ("walks", 10), ("freezes", 4))


def walker(name: str, generator: np.random.Generator) -> Recording:
    """Return six minutes of a person with a sensor at the lower back; what is done when is an event."""
    tempo, lean = generator.uniform(0.85, 1.15), generator.normal(0, 0.2, 3)
    rows, parts, onset_s = [], [], 0
    for what, seconds in DAY * 3:
        hz, strength_g = SWINGS[what]
        angle = 2 * np.pi * hz * tempo * np.arange(seconds * RATE_HZ) / RATE_HZ
        swing = strength_g * np.stack((0.4 * np.sin(angle / 2), 0.3 * np.sin(angle + 1), np.sin(angle)))
        parts.append(swing + generator.normal(0, 0.01, swing.shape))
        rows.append((what, onset_s * SECOND, seconds * SECOND, what, float("nan")))
        onset_s += seconds
    signal_g = np.concatenate(parts, axis=1) + (np.array([0.0, 0.0, 1.0]) + lean)[:, None]
    channels = [
        Channel(name=f"acc {axis}", modality="acc", rate_hz=RATE_HZ, start_ns=0, samples=g, valid=Spans.all(len(g)), axis=axis)
        for axis, g in zip("xyz", signal_g.astype(np.float32), strict=True)
    ]
    return Recording(participant=name, name="day", channels=tuple(channels), events=Events.of(rows))


def look(store: Store, index: WindowIndex, detector: Supervised) -> tuple[np.ndarray, np.ndarray]:
    """Return how probable freezing is in each window, and how much it moves, g."""
    batch = load(store, index, np.arange(len(index)))
    with torch.no_grad():
        score = detector.eval().embed(batch).vector[:, 1].double().numpy()
    return score, activity(batch.streams["acc"].signal.numpy(), batch.streams["acc"].valid.numpy())


def main(folder: Path) -> None:
    """Simulate, pretrain, fine-tune, choose a threshold, watch strangers."""
    generator = np.random.default_rng(0)
    store = Store.create(folder / "store")
    people = {side: [f"{side} {number}" for number in range(4)] for side in ("learn", "tune", "watch")}
    store.commit([walker(name, generator) for names in people.values() for name in names])
    learners = View(store, participants=people["learn"])
    method = LiftPD(small(), seed=0)
    config = TrainingConfig(seed=0, epochs=30, batch_size=64, learning_rate=3e-3, validation_share=0.0, stride_s=2.0)
    train(method, learners, config=config, run=folder / "pretrained")

    dense = WindowIndex.build(store, method.input, stride_s=0.25)
    frozen = [store.events(row.id, "freezes") for row in store.recordings()]
    episodes = {code: Spans.of(np.stack((e.onset_ns, e.onset_ns + e.duration_ns), axis=1)) for code, e in enumerate(frozen)}
    label = Watch.of(dense, episodes).touched().astype(np.int64)  # 1 where any of the window freezes
    mine = dense.with_targets(label=label).of_participants(people["learn"])
    balanced = mine.select(hop(mine, mine.targets["label"], training=people["learn"], common_s=1.0))
    detector = Supervised.on_top_of(method, seed=0, classes=("moves", "freezes"), hidden=0, dropout=0.0, encoder_rate=0.1)
    config = TrainingConfig(seed=0, epochs=10, batch_size=64, learning_rate=3e-3, validation_share=0.0)
    train(detector, learners, config=config, run=folder / "tuned", index=balanced)

    once_a_second = dense.select(every(dense, hop_s=1.0))
    tuning, watched = (once_a_second.of_participants(people[side]) for side in ("tune", "watch"))
    score, moved = look(store, tuning, detector)
    threshold = threshold_for(Watch.of(tuning, episodes), score, false_alarms_per_h=1.0)
    gate = Gate(on=float(np.quantile(moved[Watch.of(tuning, episodes).touched()], 0.05)))
    score, moved = look(store, watched, detector)
    counts = tally(Watch.of(watched, episodes), score >= threshold, is_open=gate.decide(moved, watched.recording))
    rates, hits, all_of = counts.figures(), counts.found.sum(), counts.episodes.sum()
    print(f"found {hits:.0f} of {all_of:.0f} episodes, on average {rates['delay_s']:.1f} s after their onset")
    print(f"{rates['false_alarms_per_h']:.1f} false alarms an hour; the network ran for {rates['duty']:.0%} of the windows")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary))
