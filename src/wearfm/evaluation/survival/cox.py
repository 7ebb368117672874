"""Proportional hazards: the partial likelihood of Cox with its slope and curvature, and its ridge-penalised optimum.

Minimised: -log partial likelihood / events + penalty / 2 * |weights|^2, in float64, by Newton's method with step halving.
Cox 1972 (doi:10.1111/j.2517-6161.1972.tb00899.x). The curvature is never formed on the way: its product with a vector costs
as little as a slope, and conjugate gradients, preconditioned by the curvature at 0 that all penalties share, need few.

Every event is a term: minus its own log-hazard, plus the log of the hazard at risk just then. Of d events at the same time
    Breslow 1974 (doi:10.2307/2529620)                  each sees all who are at risk
    Efron 1977 (doi:10.1080/01621459.1977.10480613)     the n-th sees all, less (n - 1) / d of the d
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from wearfm.evaluation.survival.follow_up import FollowUp

Floats = NDArray[np.float64]
Ties = Literal["breslow", "efron"]

TOLERANCE = 1e-8  # largest derivative at which a problem counts as solved
_MOST_STEPS = 50
_MOST_PRODUCTS = 200  # of the curvature, in one step
_LARGEST = 500.0  # log-hazard beyond which its exponential would leave float64


class PartialLikelihood:
    """The negative log partial likelihood per event, of features (N, D) and follow-up of N people with an event or more."""

    def __init__(self, features: Floats, follow_up: FollowUp, *, ties: Ties = "breslow") -> None:
        order = np.argsort(-follow_up.time_days, kind="stable")  # latest first: who is at risk is a prefix
        days, self.event = follow_up.time_days[order], follow_up.event[order]
        self.features = features[order]
        self.own = np.flatnonzero(self.event)  # (E,) the row of every term
        self._upto = np.searchsorted(-days, -days[self.own], side="right")  # rows at risk are [0, upto)
        _, self._group, size = np.unique(days[self.own], return_inverse=True, return_counts=True)
        rank = np.empty(len(self.own))
        rank[np.argsort(self._group, kind="stable")] = np.arange(len(self.own)) - np.repeat(np.cumsum(size) - size, size)
        self._less = rank / size[self._group] if ties == "efron" else np.zeros(len(self.own))
        self._groups, self._efron = len(size), bool(self._less.any())

    @property
    def events(self) -> int:
        """How many terms there are."""
        return len(self.own)

    def at(self, weights: Floats) -> Place:
        """Return the function at some weights, (D,)."""
        return Place(self, weights)

    def value(self, weights: Floats) -> float:
        """Return minus the log partial likelihood per event."""
        return self.at(weights).value

    @cached_property
    def flat(self) -> tuple[Floats, Floats]:
        """The curvature at weights of 0, as eigenvalues (D,) and vectors (D, D)."""
        size, basis = linalg.eigh(self.at(np.zeros(self.features.shape[1])).curvature, check_finite=False)
        return np.maximum(size, 0.0), basis

    def seen(self, rows: Floats) -> Floats:
        """Return the sum of (N, ...) rows over those at risk at every term, (E, ...), less the share of the tied."""
        total = np.cumsum(rows, axis=0)[self._upto - 1]
        if not self._efron:
            return np.asarray(total)
        tied = np.zeros((self._groups, *rows.shape[1:]))
        np.add.at(tied, self._group, rows[self.own])
        less = self._less.reshape(-1, *(1,) * (rows.ndim - 1))
        return np.asarray(total - less * tied[self._group])

    def spread(self, terms: Floats) -> Floats:
        """Return the sum of (E,) terms over those that see every row, (N,): the transpose of `seen`."""
        last = np.bincount(self._upto - 1, weights=terms, minlength=len(self.event))
        total = np.cumsum(last[::-1])[::-1].copy()  # row j is seen by every term with upto > j
        if self._efron:
            total[self.own] -= np.bincount(self._group, weights=self._less * terms)[self._group]
        return np.asarray(total, dtype=np.float64)


class Place:
    """A partial likelihood at some weights. value: () per event. slope: (D,). curvature: (D, D)."""

    def __init__(self, likelihood: PartialLikelihood, weights: Floats) -> None:
        self.weights = weights
        self._of = likelihood
        log_hazard = likelihood.features @ weights
        shift = float(log_hazard.max())
        self._hazard = np.exp(np.maximum(log_hazard - shift, -_LARGEST))
        self._seen = likelihood.seen(self._hazard)
        self.value = float((np.log(self._seen) + shift - log_hazard[likelihood.own]).mean())

    @cached_property
    def _share(self) -> Floats:
        """How much every row weighs in the sum over terms, (N,): its hazard times the inverse of what they see."""
        return self._hazard * self._of.spread(1 / self._seen)

    @cached_property
    def slope(self) -> Floats:
        """The derivative by the weights."""
        return np.asarray((self._share - self._of.event) @ self._of.features / self._of.events)

    @property
    def curvature(self) -> Floats:
        """The second derivative: at every event, the covariance of the features of those at risk."""
        features = self._of.features
        mean = self._of.seen(features * self._hazard[:, None]) / self._seen[:, None]  # (E, D)
        return np.asarray((features.T @ (features * self._share[:, None]) - mean.T @ mean) / self._of.events)

    def curved(self, direction: Floats) -> Floats:
        """Return the product of the curvature with a direction, (D,), without the curvature."""
        change = self._of.features @ direction
        mean = self._of.seen(self._hazard * change) / self._seen
        pull = self._share * change - self._hazard * self._of.spread(mean / self._seen)
        return np.asarray(pull @ self._of.features / self._of.events)


def fit(likelihood: PartialLikelihood, *, penalty: float, start: Floats, tolerance: float = TOLERANCE) -> tuple[Floats, bool]:
    """Return the weights (D,) of the penalised optimum, and whether the slope there is below the tolerance.

    start: (D,) weights to begin with. penalty: > 0, without which a feature that orders all events has no optimum.
    """
    place = likelihood.at(start)
    for _ in range(_MOST_STEPS):
        slope = place.slope + penalty * place.weights
        if np.abs(slope).max(initial=0.0) <= tolerance:
            return place.weights, True
        moved = _downhill(likelihood, place, _newton_step(likelihood, place, slope, penalty), slope, penalty)
        if moved is None:
            return place.weights, False
        place = moved
    return place.weights, bool(np.abs(place.slope + penalty * place.weights).max(initial=0.0) <= tolerance)


def _newton_step(likelihood: PartialLikelihood, place: Place, slope: Floats, penalty: float) -> Floats:
    """Return step with (curvature + penalty) step = slope, as exactly as pays (Nocedal & Wright 2006, algorithm 7.1)."""
    size, basis = likelihood.flat

    def eased(vector: Floats) -> Floats:
        return np.asarray(basis @ ((basis.T @ vector) / (size + penalty)))

    length = float(np.linalg.norm(slope))
    enough = min(0.1, np.sqrt(length)) * length
    step, left = np.zeros_like(slope), slope.copy()
    direction = eased(left)
    energy = float(left @ direction)
    for _ in range(_MOST_PRODUCTS):
        curved = place.curved(direction) + penalty * direction
        along = energy / float(direction @ curved)
        step += along * direction
        left -= along * curved
        if np.linalg.norm(left) <= enough:
            break
        next_direction = eased(left)
        before, energy = energy, float(left @ next_direction)
        direction = next_direction + energy / before * direction
    return step


def _downhill(likelihood: PartialLikelihood, place: Place, step: Floats, slope: Floats, penalty: float) -> Place | None:
    """Return the place after a step, halved until it lowers the loss enough (Armijo); None if no length does."""
    before = place.value + penalty / 2 * float(place.weights @ place.weights)
    gain, noise, length = float(slope @ step), 1e-14 * abs(before), 1.0
    for _ in range(40):
        moved = likelihood.at(place.weights - length * step)
        after = moved.value + penalty / 2 * float(moved.weights @ moved.weights)
        if after <= before - 1e-4 * length * gain + noise:
            return moved
        length /= 2
    return None
