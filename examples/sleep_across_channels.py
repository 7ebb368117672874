"""Teach one encoder that brain, breathing, heart and muscle of the same half minute belong together, then read sleep off it.

    python examples/sleep_across_channels.py [steps]

Simulates short nights whose depth of sleep shows in every channel (slow waves, slow breath, slow heart, a limp chin),
trains a tiny SleepFM without a label, and asks it about strangers: which heart sleeps as deeply as which brain? Then a staging
head learns awake, light and deep from labels, on the frozen encoder. Of every second sleeper the chin was not measured.
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from wearfm.recipes.sleep_staging import SleepStaging, SleepStagingConfig
from wearfm.recipes.sleepfm import SleepFM, small
from wearfm.signals.recording import SECOND, Channel, Events, Recording
from wearfm.signals.spans import Spans
from wearfm.store import Store
from wearfm.training import TrainingConfig, train
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import spread

RATE_HZ, MINUTES, STAGES = 128.0, 10, ("awake", "light", "deep")
TINY = replace(small(), window_s=30.0, widths=(4, 8, 16), width=32, mlp_width=64, log_scale=1.5, dropout=0.0)


def stages(person: int) -> np.ndarray:
    """Return the stage of every half minute, which last two minutes or so."""
    changes = np.random.default_rng([7, person]).random(2 * MINUTES) < 0.3
    return np.maximum.accumulate(np.where(changes, np.arange(2 * MINUTES), 0)) * 7919 % (11 + person) % 3


def night(person: int) -> Recording:
    """Return a night in which every channel follows the depth of sleep in its own way; every second chin has come off."""
    generator = np.random.default_rng([8, person])
    depth = np.repeat(stages(person), int(30 * RATE_HZ)) / 2.0  # 0 awake, 1 deep
    noise = {name: generator.standard_normal(len(depth)) for name in ("eeg", "resp", "ecg", "emg")}
    breath, beat = (np.cumsum(rate) / RATE_HZ for rate in (0.4 - 0.2 * depth, 1.4 - 0.5 * depth))  # so many until now
    time_s = np.arange(len(depth)) / RATE_HZ
    lines = {
        "eeg": 60 * depth * np.sin(2 * np.pi * 1.5 * time_s) + 15 * noise["eeg"],
        "resp": np.sin(2 * np.pi * breath) + 0.1 * noise["resp"],
        "ecg": (beat % 1 < 0.05) + 0.05 * noise["ecg"],
        "emg": (0.05 - 0.045 * depth) * noise["emg"] + 0.01 * np.sin(2 * np.pi * 9 * time_s),
    }
    made = [
        Channel(name=name, modality=name, rate_hz=RATE_HZ, start_ns=0, samples=line.astype(np.float32),
                valid=Spans.of([(0, len(line))]))
        for name, line in lines.items() if name != "emg" or person % 2
    ]  # fmt: skip
    return Recording(participant=f"p{person:02d}", name="night", channels=tuple(made), events=Events.of(), clock="relative")


def told(index: WindowIndex) -> np.ndarray:
    """Return the stages of the nights of an index, (nights, half minutes)."""
    return np.stack([stages(int(index.participants[code][1:])) for code in index.participant])


def matched(base: SleepFM, store: Store) -> float:
    """Return how often the nearest brain of somebody else slept as deeply as the heart that looked for it."""
    index = WindowIndex.build(store, base.input)
    (batch,) = spread(store, index, count=len(index), batch_size=len(index))
    with torch.no_grad():
        brain, _, heart, _ = torch.nn.functional.normalize(base.eval().embed(batch).channels, dim=2).unbind(1)
    near = (heart @ brain.T).masked_fill(batch.participant[:, None] == batch.participant, -2.0).argmax(dim=1)
    depth = torch.from_numpy(told(index)).gather(1, (batch.start_ns // (30 * SECOND))[:, None])[:, 0]
    return float((depth[near] == depth).float().mean())


def main(folder: Path, steps: int) -> None:
    """Simulate, train without labels, ask strangers; then stage."""
    known, strangers = Store.create(folder / "known"), Store.create(folder / "strangers")
    known.commit([night(person) for person in range(12)])
    strangers.commit([night(person) for person in range(20, 26)])
    base = SleepFM(TINY, seed=0)
    print(f"strangers' hearts that found a brain as deep asleep, before: {matched(base, strangers):.2f}")
    run = TrainingConfig(seed=0, steps=steps, batch_size=16, learning_rate=3e-3, validation_share=0.0, log_every=steps)
    train(base, known, config=run, run=folder / "base")
    print(f"and after {steps} steps without a label: {matched(base, strangers):.2f}")
    sizes = {"mlp_width": 64, "hidden": 16, "dropout": 0.0}
    config = SleepStagingConfig(base=TINY, night_s=60.0 * MINUTES, stages=STAGES, stage_weight=(1.0, 1.0, 1.0), **sizes)
    head = SleepStaging(config).after(base)
    index = WindowIndex.build(known, head.input)
    run = replace(run, batch_size=4)
    train(head, known, config=run, run=folder / "head", index=index.with_targets(label=told(index)))
    index = WindowIndex.build(strangers, head.input)
    (batch,) = spread(strangers, index, count=len(index), batch_size=len(index))
    with torch.no_grad():
        guess = head.eval().embed(batch).tokens.argmax(dim=2).numpy()
    print(f"stages of strangers: {(guess == told(index).repeat(6, axis=1)).mean():.2f} right")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary), steps=int(sys.argv[1]) if len(sys.argv) > 1 else 60)
