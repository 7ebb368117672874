"""Find out which way up a pulse is, and what a foundation model makes of it if nobody does: PaPaGei-S is not blind to it.

    python examples/polarity_of_a_pulse.py [steps]

Simulates wrist sensors, half of which deliver the pulse upside down, as reflected light does before somebody turns it over.
First each recording is asked for its polarity. Then a small PaPaGei learns the shapes of upright pulses, and every window of a
stranger is turned over: among all windows, does its embedding still find itself?
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from wearfm.recipes.papagei import PaPaGei, small
from wearfm.signals import filter_channel
from wearfm.signals.morphology import polarity
from wearfm.signals.pulse_filter import PulseBand, standardise_windows
from wearfm.store import Store
from wearfm.synthetic import Cohort, CohortConfig
from wearfm.training import TrainingConfig, train
from wearfm.windows.batch import Batch, Signal


def simulate(*, people: int, seed: int):
    """Return a recording with one filtered channel of green light for each participant."""
    config = CohortConfig(num_participants=people, num_sessions=1, session_hours=0.1, modalities=("ppg",))
    for recording in Cohort(config, seed=seed).recordings():
        green = next(channel for channel in recording.channels if channel.modality == "ppg")
        yield replace(recording, channels=(filter_channel(green, PulseBand()),))


def windows_of(recording, *, sign: int = 1) -> np.ndarray:
    """Return the whole windows of 10 s of a recording that are valid throughout, standardised, times a sign, (N, T)."""
    (channel,) = recording.channels
    length = round(10 * channel.rate_hz)
    count = len(channel.physical()) // length
    windows, valid = (each[: count * length].reshape(count, length) for each in (channel.physical(), channel.mask()))
    return sign * standardise_windows(windows[valid.all(axis=1)].astype(np.float64))


def embed(recipe: PaPaGei, windows: np.ndarray) -> torch.Tensor:
    """Return unit vectors around their mean."""
    signal = torch.from_numpy(windows).float()[:, None]
    stream = Signal(signal=signal, valid=torch.ones_like(signal, dtype=torch.bool), rate_hz=recipe.config.rate_hz)
    number = torch.arange(len(signal))
    batch = Batch(streams={"ppg": stream}, participant=number, recording=number, start_ns=number, local_ns=number)
    with torch.no_grad():
        return recipe.embed(batch).vector


def found_again(recipe: PaPaGei, windows: np.ndarray) -> float:
    """Return how many of 100 windows find themselves, among all, when they are turned over."""
    upright, turned = embed(recipe, windows), embed(recipe, -windows)
    nearest = torch.cdist(turned, upright).argmin(dim=1)
    return 100 * (nearest == torch.arange(len(windows))).float().mean().item()


def main(folder: Path, steps: int) -> None:
    """Ask for polarities, train, and turn windows over."""
    strangers = list(simulate(people=30, seed=1))
    truth = [1 if number % 2 else -1 for number in range(len(strangers))]
    windows = [windows_of(recording, sign=sign) for recording, sign in zip(strangers, truth, strict=True)]
    told = [polarity(rows, np.ones(rows.shape, dtype=bool)) for rows in windows]
    right = sum(sign == true for (sign, _), true in zip(told, truth, strict=True))
    print(f"polarity right in {right} of {len(truth)} recordings, 15 of which were upside down")

    store = Store.create(folder / "store")
    store.commit(list(simulate(people=30, seed=0)))
    recipe = PaPaGei(replace(small(), polarity="upright"))
    config = TrainingConfig(seed=0, steps=steps, batch_size=64, learning_rate=1e-3, log_every=max(1, steps // 5))
    train(recipe, store, config=config, run=folder / "run")
    every = np.concatenate(windows)[::3]
    for choice in ("recorded", "upright"):
        recipe.config = replace(recipe.config, polarity=choice)
        print(f"polarity={choice!r}: {found_again(recipe, every):.0f} of 100 windows find themselves when turned over")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary), steps=int(sys.argv[1]) if len(sys.argv) > 1 else 100)
