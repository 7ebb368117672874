"""The probe of a later event: ridge-penalised proportional hazards on frozen vectors, cross-fitted over people.

The penalty is a share of the total variance of the standardised features, as in `ridge` and `logistic`, so that one
ladder fits 3 features and 3 000; the loss is per event, not per row, since only events tell the weights apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.evaluation.ridge import conditioned, other_of, rotated, standardised
from wearfm.evaluation.survival.cox import TOLERANCE, PartialLikelihood, Ties, fit
from wearfm.evaluation.survival.follow_up import FollowUp

Floats = NDArray[np.float64]

STRENGTHS: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)  # tens of events tell little: stronger than ridge's
CHOICE_TOLERANCE = 1e-4  # slope at which a fit ends while penalties are only compared


@dataclass(frozen=True, kw_only=True)
class CoxFit:
    """Out-of-fold log-hazards, (N,), the strength chosen for every fold, and the share of fits that reached the optimum."""

    risk: Floats
    strength: Floats
    solved: float


@dataclass(frozen=True, kw_only=True)
class CoxProbe:
    """Ridge-penalised proportional hazards. ties: how events at the same time are counted. strengths: penalties, increasing."""

    ties: Ties = "breslow"
    strengths: Sequence[float] = STRENGTHS

    def __post_init__(self) -> None:
        if self.ties not in ("breslow", "efron"):
            raise BadConfiguration(f"ties={self.ties!r} is not known; use 'breslow' or 'efron'")
        if not self.strengths or min(self.strengths) <= 0 or list(self.strengths) != sorted(self.strengths):
            raise BadConfiguration(f"strengths={tuple(self.strengths)} must be above 0 and increase; use {STRENGTHS}")

    def cross_fit(self, features: NDArray[np.floating], follow_up: FollowUp, fold: NDArray[np.int64]) -> CoxFit:
        """Return out-of-fold log-hazards, each fold's penalty chosen on its training side alone.

        features: (N, D), one row a person. fold: (N,) 0 to k - 1, k >= 3, an event in every training side. The fit without
        folds i and j informs the penalty of i by how much the log partial likelihood of everybody but i gains when j comes
        in: folds are too small to be likelihoods of their own. Verweij & van Houwelingen 1993 (doi:10.1002/sim.4780122407).
        """
        z, k = conditioned(features), int(fold.max()) + 1
        loss, ended = np.zeros((k, len(self.strengths))), []
        for pair in combinations(range(k), 2):
            side = _Side(z, follow_up, ~np.isin(fold, pair), self.ties)
            wider = {tested: side.likelihood_of(fold != other_of(tested, *pair)) for tested in pair}
            for place, weights, solved in side.path(self.strengths, tolerance=CHOICE_TOLERANCE):
                inside = side.own.value(weights) * side.own.events
                for tested, likelihood in wider.items():
                    loss[other_of(tested, *pair), place] += likelihood.value(weights) * likelihood.events - inside
                ended.append(solved)
        best = len(self.strengths) - 1 - loss[:, ::-1].argmin(axis=1)  # the stronger one in a tie
        risk = np.empty(len(follow_up))
        for each in range(k):
            side = _Side(z, follow_up, fold != each, self.ties)
            *_, (_, weights, solved) = side.path(self.strengths[int(best[each]) :], tolerance=TOLERANCE)
            risk[fold == each] = side.rows[fold == each] @ weights
            ended.append(solved)
        return CoxFit(risk=risk, strength=np.asarray(self.strengths)[best], solved=float(np.mean(ended)))


class _Side:
    """One training side: everybody's features in its scale, and the likelihood of its people.

    With more features than training people, in the space of the training rows: the optimum is the same there.
    """

    def __init__(self, z: Floats, follow_up: FollowUp, train: NDArray[np.bool_], ties: Ties) -> None:
        taught, (self.rows,) = standardised(z[train], [z])
        self._size = max(int(np.any(taught != 0, axis=0).sum()), 1)
        if taught.shape[1] > len(taught):
            _, _, (self.rows,) = rotated(taught, [self.rows])
        self._follow_up, self._ties = follow_up, ties
        self.own = self.likelihood_of(train)

    def likelihood_of(self, people: NDArray[np.bool_]) -> PartialLikelihood:
        """Return the likelihood of some people, in the scale of the training side."""
        return PartialLikelihood(self.rows[people], self._follow_up.select(people), ties=self._ties)

    def path(self, strengths: Sequence[float], *, tolerance: float) -> list[tuple[int, Floats, bool]]:
        """Return (place, weights, solved) of every strength, the strongest first: each optimum is close to the one before."""
        weights, found = np.zeros(self.rows.shape[1]), []
        for place in reversed(range(len(strengths))):
            weights, solved = fit(self.own, penalty=strengths[place] * self._size, start=weights, tolerance=tolerance)
            found.append((place, weights, solved))
        return found
