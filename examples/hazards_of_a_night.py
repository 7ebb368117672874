"""Whose night tells of trouble? Log-hazards of Cox's model on a frozen SleepFM, and how well they order strangers.

    python examples/hazards_of_a_night.py [steps]

Simulates two minutes of heart and breathing of many sleepers. A heart that beats fast at night is a hazard here: its owner
falls ill sooner. A tiny SleepFM learns without labels which breath belongs to which heart; then a head learns from some people
when they fell ill, or that they had not when last seen. The C-index says of strangers: of two people, did the riskier one fall
ill first? Heads that have learnt nothing may follow the heart too, this way or that: eight of them are asked before.
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from wearfm.evaluation.survival import FollowUp, Risks, c_index
from wearfm.recipes.sleep_risk import SleepRisk, SleepRiskConfig
from wearfm.recipes.sleepfm import Group, SleepFM, small
from wearfm.signals.recording import Channel, Recording
from wearfm.signals.spans import Spans
from wearfm.store import Store
from wearfm.training import TrainingConfig, train
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import spread

RATE_HZ, NIGHT_S = 128.0, 120.0
YEARS = 10.0  # until the study ends
GROUPS = tuple(Group(name=name, modalities=(name,), channels=1) for name in ("resp", "ecg"))
TINY = replace(
    small(), groups=GROUPS, window_s=30.0, widths=(4, 8, 16), width=32, depth=1, mlp_width=64, log_scale=1.5, dropout=0.0
)


def person(number: int) -> tuple[float, float, float]:
    """Return a heart rate at night, Hz, the years until illness or the last news, and 1.0 if it was illness, else 0.0."""
    generator = np.random.default_rng([3, number])
    pace = generator.standard_normal()
    ill = generator.exponential(8.0) * np.exp(-1.5 * pace)  # years; e^1.5 times the hazard for each deviation of the pace
    lost = min(YEARS, generator.uniform(2.0, 20.0))
    return 1.0 * np.exp(0.15 * pace), min(ill, lost), float(ill <= lost)


def night(number: int) -> Recording:
    """Return two minutes of spikes of 60 ms and of a breath that takes about four of them."""
    generator, heart_hz = np.random.default_rng([4, number]), person(number)[0]
    beats = np.cumsum(heart_hz * (1 + 0.05 * generator.standard_normal(int(NIGHT_S * RATE_HZ)))) / RATE_HZ
    breath = np.sin(2 * np.pi * beats / 4 * np.exp(0.05 * generator.standard_normal()))
    signals = np.stack([beats % 1 < 0.06 * heart_hz, breath]) + 0.1 * generator.standard_normal((2, len(beats)))
    made = [
        Channel(name=name, modality=name, rate_hz=RATE_HZ, start_ns=0, samples=line, valid=Spans.all(len(line)))
        for name, line in zip(("ecg", "resp"), signals.astype(np.float32), strict=True)
    ]
    return Recording(participant=f"p{number:03d}", name="night", channels=tuple(made), clock="relative")


def fates(index: WindowIndex) -> np.ndarray:
    """Return (heart rate, years, ill or not) of the sleepers of an index, (3, nights)."""
    return np.array([person(int(index.participants[code][1:])) for code in index.participant]).T


def concordance(recipe: SleepRisk, store: Store) -> tuple[float, float]:
    """Return the C-index of the log-hazards, and that of the heart rate itself, which nothing can beat but by luck."""
    index = WindowIndex.build(store, recipe.input)
    (batch,) = spread(store, index, count=len(index), batch_size=len(index))
    with torch.no_grad():
        hazard = recipe.eval().embed(batch).vector[:, 0].double().numpy()
    heart_hz, years, ill = fates(index)
    known = FollowUp(time_days=365.25 * years, event=ill > 0)
    return float(c_index(Risks.of(known, hazard))[0]), float(c_index(Risks.of(known, heart_hz))[0])


def main(folder: Path, steps: int) -> None:
    """Simulate, train the base without labels and the head with them, ask strangers before and after."""
    known, strangers = Store.create(folder / "known"), Store.create(folder / "strangers")
    known.commit([night(number) for number in range(96)])
    strangers.commit([night(number) for number in range(100, 180)])
    base = SleepFM(TINY, seed=0)
    run = TrainingConfig(seed=0, steps=steps, batch_size=48, learning_rate=3e-3, validation_share=0.0, log_every=steps)
    train(base, known, config=run, run=folder / "base")
    sizes = {"demographics": 0, "outcomes": 1, "heads": 4, "mlp_width": 64, "hidden": 8, "layers": 1, "dropout": 0.0}
    config = SleepRiskConfig(base=TINY, night_s=NIGHT_S, **sizes)
    recipe, *others = (SleepRisk(config, seed=seed).after(base) for seed in range(8))
    before = [concordance(each, strangers)[0] for each in (recipe, *others)]
    print(f"C-index among strangers, of heads that have learnt nothing: {min(before):.2f} to {max(before):.2f}")
    index = WindowIndex.build(known, recipe.input)
    _, years, ill = fates(index)
    train(recipe, known, config=run, run=folder / "head", index=index.with_targets(time=years, event=ill))
    guessed, truth = concordance(recipe, strangers)
    print(f"and after {steps} steps on {len(index)} people, {int(ill.sum())} of whom fell ill: {guessed:.2f}")
    print(f"a risk that knows the heart rate itself: {truth:.2f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary), steps=int(sys.argv[1]) if len(sys.argv) > 1 else 40)
