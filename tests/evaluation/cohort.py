"""A toy cohort: people with an age, a group and windows, and tables that know it, do not know it, leak or collapse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.recordings import channel, recording
from wearfm.embeddings.table import EmbeddingTable, Header
from wearfm.evaluation.labels import event_label, fact, fact_in
from wearfm.evaluation.task import Task
from wearfm.signals.recording import SECOND, Events
from wearfm.store import Store

WINDOWS = 6  # a person
WINDOW_S = 10.0
STATES = ("rest", "walk", "run")

ILLNESS = Task(
    name="toy_illness",
    question="Does this person have the illness?",
    dataset="toy",
    kind="binary",
    level="participant",
    label=fact_in("ill", {"yes": "ill", "no": "well"}),
    classes=("well", "ill"),
    positive="ill",
    metric="auroc",
    demographics=("sex",),
)
AGE = Task(
    name="toy_age",
    question="How old is this person?",
    dataset="toy",
    kind="regression",
    unit="years",
    level="participant",
    label=fact("age_years"),
    metric="mae",
    demographics=("sex",),
)
STATE = Task(
    name="toy_state",
    question="What is this person doing?",
    dataset="toy",
    kind="multiclass",
    level="window",
    label=event_label("activity", min_share=0.5),
    classes=STATES,
    metric="auroc_ovo",
)


def people(number: int) -> list[str]:
    return [f"p{place:03d}" for place in range(number)]


def is_ill(place: int) -> bool:
    return place % 2 == 0


def age(place: int) -> float:
    return 20.0 + (place * 7) % 60


def state(window: int) -> str:
    return STATES[window % 3]


def make_store(folder: Path, *, number: int = 24, twins: int = 0) -> Store:
    """A store of `number` people; the last `twins` of them hold the raw data of the first ones."""
    generator = np.random.default_rng(5)
    samples = [generator.integers(-1000, 1000, 120, dtype=np.int16) for _ in range(number - twins)]
    samples += samples[:twins]
    made = []
    for place, name in enumerate(people(number)):
        bouts = [
            ("activity", round(w * WINDOW_S * SECOND), round(WINDOW_S * SECOND), state(w), float("nan")) for w in range(WINDOWS)
        ]
        facts = {"ill": "yes" if is_ill(place) else "no", "age_years": age(place), "sex": "F" if place % 3 else "M"}
        made.append(recording(name, "night", channel(samples[place], rate_hz=2.0), events=Events.of(bouts), **facts))
    store = Store.create(folder)
    store.commit(made)
    return store


def make_table(vector: NDArray[np.floating], *, number: int, recipe: str = "toy", fingerprint: str = "") -> EmbeddingTable:
    """A table of WINDOWS windows a person; vector: (number * WINDOWS, D)."""
    return EmbeddingTable(
        participant=np.repeat(np.array(people(number)), WINDOWS),
        recording=np.full(number * WINDOWS, "night"),
        start_ns=np.tile(np.arange(WINDOWS) * round(WINDOW_S * SECOND), number).astype(np.int64),
        duration_s=np.full(number * WINDOWS, WINDOW_S),
        vector=vector.astype(np.float32),
        header=Header(recipe=recipe, store_fingerprint=fingerprint, skipped={"too little valid signal": 36.0}),
    )


def informative(number: int, *, seed: int = 0, noise: float = 1.0, width: int = 8) -> NDArray[np.float64]:
    """Vectors that know illness, age and state behind noise of every person and window."""
    generator = np.random.default_rng(seed)
    place = np.repeat(np.arange(number), WINDOWS)
    vector = noise * (generator.normal(size=(number, width))[place] + generator.normal(size=(number * WINDOWS, width)))
    vector[:, 0] += 2.0 * (place % 2 == 0)
    vector[:, 1] += np.array([age(each) for each in range(number)])[place] / 10
    vector[:, 2] += 2.0 * (np.tile(np.arange(WINDOWS), number) % 3 == 0)
    vector[:, 3] += 2.0 * (np.tile(np.arange(WINDOWS), number) % 3 == 1)
    return vector


def noise(number: int, *, seed: int = 1, width: int = 8) -> NDArray[np.float64]:
    """Vectors that know nothing."""
    return np.random.default_rng(seed).normal(size=(number * WINDOWS, width))
