"""Proportional hazards: the partial likelihood of Cox with its slope and curvature, and its ridge-penalised optimum.

Minimised: -log partial likelihood / events + penalty / 2 * |weights|^2, in float64, by Newton's method with step halving.
Cox 1972 (doi:10.1111/j.2517-6161.1972.tb00899.x).

Every event is a term: minus its own log-hazard, plus the log of the hazard at risk just then. Of d events at the same time
    Breslow 1974 (doi:10.2307/2529620)                  each sees all who are at risk
    Efron 1977 (doi:10.1080/01621459.1977.10480613)     the n-th sees all, less (n - 1) / d of the d
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from wearfm.evaluation.survival.follow_up import FollowUp

Floats = NDArray[np.float64]
Ties = Literal["breslow", "efron"]

TOLERANCE = 1e-8  # largest derivative at which a problem counts as solved
_MOST_STEPS = 50
_LARGEST = 500.0  # log-hazard beyond which its exponential would leave float64


@dataclass(frozen=True, kw_only=True, eq=False)
class _At:
    """What every term sees at some weights.

    log_hazard: (N,). hazard: (N,) exp(log_hazard - shift). seen: (E,) hazard at risk, less the share of Efron.
    """

    log_hazard: Floats
    hazard: Floats
    seen: Floats
    shift: float


class PartialLikelihood:
    """The negative log partial likelihood per event, of features (N, D) and follow-up of N people with an event or more."""

    def __init__(self, features: Floats, follow_up: FollowUp, *, ties: Ties = "breslow") -> None:
        order = np.argsort(-follow_up.time_days, kind="stable")  # latest first: who is at risk is a prefix
        days, event = follow_up.time_days[order], follow_up.event[order]
        self._features = features[order]
        self._event = event
        own = np.flatnonzero(event)  # (E,) the row of every term
        self._upto = np.searchsorted(-days, -days[own], side="right")  # rows at risk are [0, upto)
        _, self._group, size = np.unique(days[own], return_inverse=True, return_counts=True)
        starts = np.cumsum(size) - size
        rank = np.empty(len(own))
        rank[np.argsort(self._group, kind="stable")] = np.arange(len(own)) - np.repeat(starts, size)
        self._less = rank / size[self._group] if ties == "efron" else np.zeros(len(own))
        self._own, self._groups, self._efron = own, len(size), bool(self._less.any())

    @property
    def events(self) -> int:
        """How many terms there are."""
        return len(self._own)

    def value(self, weights: Floats) -> float:
        """Return minus the log partial likelihood per event."""
        at = self._at(weights)
        return float((np.log(at.seen) + at.shift - at.log_hazard[self._own]).mean())

    def slope(self, weights: Floats) -> Floats:
        """Return its derivative, (D,)."""
        return self._slope(self._at(weights))

    def curvature(self, weights: Floats) -> Floats:
        """Return its second derivative, (D, D): at every event, the covariance of the features of those at risk."""
        return self._curvature(self._at(weights))

    def slope_and_curvature(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return both derivatives."""
        at = self._at(weights)
        return self._slope(at), self._curvature(at)

    def _at(self, weights: Floats) -> _At:
        log_hazard = self._features @ weights
        shift = float(log_hazard.max())
        hazard = np.exp(np.maximum(log_hazard - shift, -_LARGEST))
        return _At(log_hazard=log_hazard, hazard=hazard, seen=self._seen(hazard), shift=shift)

    def _seen(self, rows: Floats) -> Floats:
        """Return the sum of (N, ...) rows over those at risk at every term, (E, ...), less the share of the tied."""
        total = np.cumsum(rows, axis=0)[self._upto - 1]
        if not self._efron:
            return np.asarray(total)
        tied = np.zeros((self._groups, *rows.shape[1:]))
        np.add.at(tied, self._group, rows[self._own])
        less = self._less.reshape(-1, *(1,) * (rows.ndim - 1))
        return np.asarray(total - less * tied[self._group])

    def _share(self, at: _At) -> Floats:
        """Return how much every row weighs in the sum over terms, (N,): its hazard times the inverse of what they see."""
        inverse = 1 / at.seen
        later = np.bincount(self._upto - 1, weights=inverse, minlength=len(at.hazard))
        share = np.cumsum(later[::-1])[::-1]  # row j is seen by every term with upto > j
        if self._efron:
            share[self._own] -= np.bincount(self._group, weights=self._less * inverse)[self._group]
        return np.asarray(share * at.hazard)

    def _slope(self, at: _At) -> Floats:
        return np.asarray((self._share(at) - self._event) @ self._features / self.events)

    def _curvature(self, at: _At) -> Floats:
        weighted = self._features * self._share(at)[:, None]
        mean = self._seen(self._features * at.hazard[:, None]) / at.seen[:, None]  # (E, D)
        return np.asarray((self._features.T @ weighted - mean.T @ mean) / self.events)


def fit(likelihood: PartialLikelihood, *, penalty: float, start: Floats, tolerance: float = TOLERANCE) -> tuple[Floats, bool]:
    """Return the weights (D,) of the penalised optimum, and whether the slope there is below the tolerance.

    start: (D,) weights to begin with. penalty: > 0, without which a feature that orders all events has no optimum.
    """
    weights = start
    value = _penalised(likelihood, weights, penalty)
    for _ in range(_MOST_STEPS):
        slope, curvature = likelihood.slope_and_curvature(weights)
        slope = slope + penalty * weights
        if np.abs(slope).max(initial=0.0) <= tolerance:
            return weights, True
        curvature[np.diag_indices_from(curvature)] += penalty
        step = linalg.solve(curvature, slope, assume_a="pos", check_finite=False)
        moved = _shortened(likelihood, weights, step, float(slope @ step), value, penalty)
        if moved is None:
            break
        weights, value = moved
    return weights, bool(np.abs(likelihood.slope(weights) + penalty * weights).max(initial=0.0) <= tolerance)


def _shortened(
    likelihood: PartialLikelihood, weights: Floats, step: Floats, gain: float, value: float, penalty: float
) -> tuple[Floats, float] | None:
    """Return weights and value after a step, halved until it lowers the value enough (Armijo); None if no length does."""
    length, noise = 1.0, 1e-14 * abs(value)
    for _ in range(40):
        moved = weights - length * step
        after = _penalised(likelihood, moved, penalty)
        if after <= value - 1e-4 * length * gain + noise:
            return moved, after
        length /= 2
    return None


def _penalised(likelihood: PartialLikelihood, weights: Floats, penalty: float) -> float:
    return likelihood.value(weights) + penalty / 2 * float(weights @ weights)
