"""Which breath goes with this heart? Three encoders learn without labels what belongs to the same half minute.

    python examples/signals_of_half_a_minute.py [steps]

Simulates sleepers whose brain, breathing and heart slow down together, each half minute at its own pace, and trains a tiny
SleepFM of 2024: each signal has its own encoder, and each must find the mean of the other two among the batch. Then it is
asked about strangers: among twenty windows, how often is the breath that is nearest to a heart the one it belongs to?
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from wearfm.evaluation.retrieval import Figure, retrieve
from wearfm.recipes.sleepfm_2024 import Sensors, SleepFM2024, small
from wearfm.signals.recording import Channel, Recording
from wearfm.signals.spans import Spans
from wearfm.store import Store
from wearfm.training import TrainingConfig, train
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import spread

RATE_HZ, WINDOW_S, WINDOWS = 32.0, 30.0, 12  # half minutes of a sleeper
POOL = 20  # windows among which a partner is looked for
SENSORS = tuple(Sensors(name=name, slots=(slot,)) for name, slot in (("breath", "resp"), ("brain", "eeg"), ("heart", "ecg")))
TINY = replace(small(), sensors=SENSORS, rate_hz=RATE_HZ, window_s=WINDOW_S, log_scale=2.5, dropout=0.0)


def sleeper(number: int) -> Recording:
    """Return six minutes in which breath, brain and heart follow one pace, which changes every half minute."""
    generator = np.random.default_rng([5, number])
    pace = np.repeat(generator.uniform(0.6, 1.6, WINDOWS), int(WINDOW_S * RATE_HZ))
    phase = np.cumsum(pace) / RATE_HZ  # s, if the pace is 1
    tilt = np.exp(0.03 * generator.standard_normal(3))  # nobody is quite like another
    breath, brain = np.sin(2 * np.pi * tilt[0] * 0.3 * phase), np.sin(2 * np.pi * tilt[1] * 4.0 * phase)
    heart = tilt[2] * 1.1 * phase % 1 < 0.1 * pace  # beats of the same length
    signals = np.stack([breath, brain, heart]) + 0.1 * generator.standard_normal((3, len(pace)))
    made = [
        Channel(name=slot, modality=slot, rate_hz=RATE_HZ, start_ns=0, samples=line, valid=Spans.all(len(line)))
        for slot, line in zip(("resp", "eeg", "ecg"), signals.astype(np.float32), strict=True)
    ]
    return Recording(participant=f"p{number:02d}", name="night", channels=tuple(made), clock="relative")


def found(recipe: SleepFM2024, store: Store) -> Figure:
    """Return how often the breath nearest to a heart is that of the same half minute, and how often it would be by chance."""
    index = WindowIndex.build(store, recipe.input)
    (batch,) = spread(store, index, count=len(index), batch_size=len(index))
    with torch.no_grad():
        vectors = recipe.eval().embed(batch).channels  # (windows, groups, width)
    names = [sensors.name for sensors in SENSORS]
    heart, breath = (vectors[:, names.index(name)].numpy() for name in ("heart", "breath"))
    return retrieve(heart, breath, pool=POOL, seed=0, top=(1,)).forward.top[1]


def main(folder: Path, steps: int) -> None:
    """Simulate, ask, train, ask again."""
    known, strangers = Store.create(folder / "known"), Store.create(folder / "strangers")
    known.commit([sleeper(number) for number in range(24)])
    strangers.commit([sleeper(number) for number in range(50, 60)])
    recipe = SleepFM2024(TINY, seed=0)
    before = found(recipe, strangers)
    print(f"strangers' hearts that find their breath among {POOL}: {before.mean:.2f} (chance: {before.chance:.2f})")
    run = TrainingConfig(seed=0, steps=steps, batch_size=48, learning_rate=1e-2, validation_share=0.0, log_every=steps)
    train(recipe, known, config=run, run=folder / "run")
    print(f"and after {steps} steps without a label: {found(recipe, strangers).mean:.2f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary), steps=int(sys.argv[1]) if len(sys.argv) > 1 else 80)
