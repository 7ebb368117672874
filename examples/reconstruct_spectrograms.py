"""Teach a small network how bodies move by hiding moments and frequencies, and look at what it fills in.

    python examples/reconstruct_spectrograms.py [steps]

Simulates a cohort with an accelerometer, trains SelfPAB on its spectra, and hides two seconds in the middle of windows of
people it has never seen. The guess is compared with the two that need no network: the straight line from before to
after, and the mean over everybody.
"""

import sys
import tempfile
from pathlib import Path

import torch

from wearfm.recipes.base import preset
from wearfm.recipes.selfpab import SelfPAB
from wearfm.store import Store
from wearfm.synthetic import Cohort, CohortConfig
from wearfm.training import TrainingConfig, train
from wearfm.windows.batch import Batch
from wearfm.windows.index import WindowIndex
from wearfm.windows.load import spread

HIDDEN = slice(8, 12)  # of 19 frames


def simulate(folder: Path, *, people: int, seed: int) -> Store:
    """Return a store with an hour of acceleration of each participant."""
    config = CohortConfig(num_participants=people, num_sessions=1, session_hours=1.0, modalities=("acc",), acc_hz=50.0)
    store = Store.create(folder)
    store.commit(list(Cohort(config, seed=seed).recordings()))
    return store


def straight_line(values: torch.Tensor) -> torch.Tensor:
    """Return each series with the hidden frames interpolated between their neighbours."""
    before, after = values[..., HIDDEN.start - 1, None], values[..., HIDDEN.stop, None]
    share = torch.arange(1, HIDDEN.stop - HIDDEN.start + 1) / (HIDDEN.stop - HIDDEN.start + 1)
    return before + share * (after - before)


def main(steps: int) -> None:
    """Simulate, train, fill in."""
    recipe = SelfPAB(preset(SelfPAB, "small"), seed=0)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        config = TrainingConfig(
            seed=0,
            steps=steps,
            batch_size=64,
            learning_rate=1e-3,
            weight_decay=1e-5,
            betas=(0.9, 0.98),
            warmup_steps=steps // 14,
            log_every=max(steps // 5, 1),
        )
        train(recipe, simulate(folder / "train", people=10, seed=0), config=config, run=folder / "run", progress=show)
        strangers = simulate(folder / "test", people=5, seed=1)
        index = WindowIndex.build(strangers, recipe.input)
        (batch,) = spread(strangers, index, count=500, batch_size=500)
    compare(recipe.eval(), batch)


@torch.no_grad()
def compare(recipe: SelfPAB, batch: Batch) -> None:
    """Print how far each guess is off, in standard deviations of each series."""
    series = recipe.series(batch)
    whole = series.valid.all(dim=2).all(dim=1)  # windows without a gap
    hidden = torch.zeros_like(series.valid)
    hidden[..., HIDDEN] = True
    mean = series.values[whole].mean(dim=(0, 2), keepdim=True)
    guesses = {
        "network": recipe.fill(batch, hidden)[..., HIDDEN],
        "straight line": straight_line(series.values),
        "mean": mean.expand(series.values.shape)[..., HIDDEN],
    }
    deviation = series.values[whole].std(dim=(0, 2), keepdim=True)
    for name, guess in guesses.items():
        error = ((guess - series.values[..., HIDDEN]).abs() / deviation)[whole].mean()
        print(f"hidden amplitudes, {name}: off by {float(error):.2f} standard deviations")


def show(line) -> None:
    """Print a log line."""
    if "loss" in line:
        print(f"step {line['step']:4d}  masked L1 {line['masked_l1']:.3f}")


if __name__ == "__main__":
    main(steps=int(sys.argv[1]) if len(sys.argv) > 1 else 300)
