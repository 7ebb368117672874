"""People with known hazards: vectors that know some of what drives them, outcomes that follow it, or follow nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wearfm.embeddings.table import EmbeddingTable, Header
from wearfm.evaluation.survival import FollowUp, Outcomes

WINDOWS = 3  # a person
YEAR = 365.25


def people(number: int) -> list[str]:
    return [f"p{place:04d}" for place in range(number)]


def latent(number: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, 1]).normal(size=(number, 2))


def knowing(number: int, *, seed: int = 0, noise: float = 0.3, width: int = 6, seen: tuple[str, ...] = ()) -> EmbeddingTable:
    """Vectors of windows that hold the first latent behind noise."""
    generator = np.random.default_rng([seed, 2])
    vector = generator.normal(size=(number * WINDOWS, width))
    vector[:, 0] = np.repeat(latent(number, seed=seed)[:, 0], WINDOWS) + noise * vector[:, 0]
    return table(vector, number, recipe="knows", seen=seen)


def guessing(number: int, *, seed: int = 0, width: int = 6) -> EmbeddingTable:
    """Vectors that know nothing."""
    return table(np.random.default_rng([seed, 3]).normal(size=(number * WINDOWS, width)), number, recipe="guesses")


def table(vector: np.ndarray, number: int, *, recipe: str, seen: tuple[str, ...] = ()) -> EmbeddingTable:
    return EmbeddingTable(
        participant=np.repeat(np.array(people(number)), WINDOWS),
        recording=np.full(number * WINDOWS, "night"),
        start_ns=np.tile(np.arange(WINDOWS) * 10**10, number).astype(np.int64),
        duration_s=np.full(number * WINDOWS, 10.0),
        vector=vector.astype(np.float32),
        header=Header(recipe=recipe, seen=seen),
    )


def follow_up(number: int, *, effect: float, seed: int, events_a_year: float = 0.08) -> FollowUp:
    """Hazard events_a_year * exp(effect * first latent), ten years at most, 4 % a year leave."""
    generator = np.random.default_rng([seed, 4])
    hazard = events_a_year * np.exp(effect * latent(number)[:, 0])
    comes, leaves = generator.exponential(1 / hazard), np.minimum(generator.exponential(25, number), 10.0)
    return FollowUp(time_days=np.round(np.minimum(comes, leaves) * YEAR), event=comes <= leaves)


def outcomes(number: int, effects: dict[str, float], *, events_a_year: float = 0.08) -> Outcomes:
    parts = {
        name: follow_up(number, effect=effect, seed=place, events_a_year=0.0001 if name == "rare" else events_a_year)
        for place, (name, effect) in enumerate(effects.items())
    }
    return Outcomes(
        participant=np.tile(np.array(people(number)), len(parts)),
        outcome=np.repeat(np.array(list(parts)), number),
        follow_up=FollowUp(
            time_days=np.concatenate([part.time_days for part in parts.values()]),
            event=np.concatenate([part.event for part in parts.values()]),
        ),
    )


def write_csv(found: Outcomes, path: Path) -> Path:
    columns = (found.participant.tolist(), found.outcome.tolist(), found.follow_up.time_days, found.follow_up.event)
    lines = [f"{who},{what},{days:g},{int(event)}" for who, what, days, event in zip(*columns, strict=True)]
    path.write_text("participant,outcome,time_days,event\n" + "\n".join(lines) + "\n")
    return path
