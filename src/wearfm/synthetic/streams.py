"""Independent random streams, one for each (participant, session, purpose)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

Purpose = Literal[
    "traits", "today", "day", "body", "rhythm", "ecg", "motion", "ppg", "artefact", "eda", "temp", "missing", "fate"
]
TRAITS = -1  # the session number of what stays the same over all sessions
_PURPOSES = get_args(Purpose)  # append only: the position is part of the seed


@dataclass(frozen=True)
class Streams:
    """The chance of one session: `of(purpose)` gives a fresh generator, the same one every time.

    Because the position in a seed sequence's tree is (participant, session, purpose), nothing that is drawn for one of
    them can move another: not the order, not the size of the cohort, not the choice of channels.
    """

    seed: int
    participant: int
    session: int

    def of(self, purpose: Purpose) -> np.random.Generator:
        """Return the generator of one purpose, at its beginning."""
        branch = (self.participant, self.session + 1, _PURPOSES.index(purpose))
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=branch))
