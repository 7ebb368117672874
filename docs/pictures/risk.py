"""Makes the page behind risk.png: fourteen simulated outcomes of 600 simulated people, some planted, some not.

The picture is a photograph of its head:

    python docs/pictures/risk.py WORK
    chromium --headless --window-size=1200,910 --screenshot=docs/pictures/risk.png file://WORK/risk.html
"""

import sys
from pathlib import Path

import numpy as np

from wearfm.embeddings.table import EmbeddingTable, Header
from wearfm.evaluation.survival import FollowUp, Outcomes, assess

PEOPLE, WINDOWS, YEAR = 600, 4, 365.25
FACTORS = (5.0, 4.0, 3.0, 2.5, 2.0, 1.75, 1.5, 1.25, 1.0, 1.0, 1.0, 1.0, 1.0)  # of the hazard, for one deviation of its latent


def table(vector: np.ndarray, recipe: str) -> EmbeddingTable:
    """Return a table of four windows a person."""
    return EmbeddingTable(
        participant=np.repeat([f"person {n:03d}" for n in range(PEOPLE)], WINDOWS),
        recording=np.full(PEOPLE * WINDOWS, "night"),
        start_ns=np.tile(np.arange(WINDOWS) * 10**10, PEOPLE),
        duration_s=np.full(PEOPLE * WINDOWS, 10.0),
        vector=vector.astype(np.float32),
        header=Header(recipe=recipe),
    )


def outcomes(latent: np.ndarray, generator: np.random.Generator) -> Outcomes:
    """Return eight years of follow-up for an outcome of every factor, and for one that almost nobody has."""
    names, times, events = [], [], []
    for place, factor in enumerate((*FACTORS, 1.0)):
        usual = 1e-4 if place == len(FACTORS) else 0.05  # events a year
        comes = generator.exponential(1 / (usual * factor ** latent[:, place % latent.shape[1]]))
        last = np.minimum(generator.exponential(20.0, PEOPLE), 8.0)
        planted = f"hazard × {factor:g} a deviation" if factor > 1 else f"no cause, number {place - 7}"
        names.append("hardly ever" if place == len(FACTORS) else planted)
        times.append(np.minimum(comes, last) * YEAR)
        events.append(comes <= last)
    return Outcomes(
        participant=np.tile([f"person {n:03d}" for n in range(PEOPLE)], len(names)),
        outcome=np.repeat(names, PEOPLE),
        follow_up=FollowUp(time_days=np.concatenate(times), event=np.concatenate(events)),
    )


def main(folder: Path) -> None:
    """Make tables and outcomes, and write the page."""
    generator = np.random.default_rng(0)
    latent = generator.normal(size=(PEOPLE, 6))
    mixed = np.repeat(latent @ generator.normal(size=(6, 24)), WINDOWS, axis=0)
    tables = {
        "simulated embedding": table(mixed + 0.6 * generator.normal(size=mixed.shape), "simulated"),
        "one number": table(np.repeat(latent[:, :1], WINDOWS, axis=0) + generator.normal(size=(PEOPLE * WINDOWS, 1)), "one"),
    }
    print(assess(tables, outcomes(latent, generator)).write(folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
