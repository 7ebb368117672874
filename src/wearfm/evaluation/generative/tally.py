"""Errors as sums: what is kept of a million guesses, by person and series, so that memory does not grow with the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wearfm.evaluation.intervals import Difference, Interval, compare, interval
from wearfm.evaluation.metrics import Metric, Outcome

Floats = NDArray[np.float64]


def _mean(outcome: Outcome, counts: Floats) -> Floats:
    """Return the mean error of every resample, (R,); NaN for one in which nothing was scored."""
    scored = counts @ outcome.labels
    return np.where(scored > 0, (counts @ outcome.prediction) / np.where(scored > 0, scored, 1.0), np.nan)


# Here a row is a person: label, how many values were scored; prediction, the sum of their errors.
MAE = Metric(name="mae", title="mean absolute error", kinds=("regression",), resampled=_mean, larger_is_better=False)
RMSE = Metric(
    name="rmse",
    title="root mean square error",
    kinds=("regression",),
    resampled=lambda outcome, counts: np.sqrt(_mean(outcome, counts)),
    larger_is_better=False,
)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """The errors of one method on one task. persons: how many can be judged. sums: series -> (3, persons)."""

    persons: int
    sums: dict[str, Floats] = field(default_factory=dict)

    def add(self, *, person: NDArray[np.int64], names: Sequence[str], error: Floats, scored: NDArray[np.bool_]) -> None:
        """Take in the errors of B windows, (B, C, T); only scored values count. person: (B,) codes."""
        counted = np.where(scored, error, 0.0)
        parts = (scored.sum(axis=2), np.abs(counted).sum(axis=2), np.square(counted).sum(axis=2))  # each (B, C)
        for place, name in enumerate(names):
            own = self.sums.setdefault(name, np.zeros((3, self.persons)))
            for row, part in zip(own, parts, strict=True):
                np.add.at(row, person, part[:, place])

    @property
    def count(self) -> Floats:
        """Scored values of each person, (persons,)."""
        return np.asarray(sum((own[0] for own in self.sums.values()), start=np.zeros(self.persons)))

    def absolute(self, name: str) -> Outcome:
        """Return the absolute errors of a series."""
        return _outcome(self.sums[name][0], self.sums[name][1])

    def squared(self, name: str) -> Outcome:
        """Return the squared errors of a series."""
        return _outcome(self.sums[name][0], self.sums[name][2])

    def normalised(self, scales: dict[str, float]) -> Outcome:
        """Return the squared errors of all series in units of `scales` together; series without a scale do not count."""
        known = [name for name in sorted(self.sums) if np.isfinite(scales.get(name, np.nan))]
        count = sum((self.sums[name][0] for name in known), start=np.zeros(self.persons))
        total = sum((self.sums[name][2] / scales[name] ** 2 for name in known), start=np.zeros(self.persons))
        return _outcome(count, total)


def bounded(metric: Metric, outcome: Outcome, draws: Floats) -> Interval:
    """Return a figure with its interval over the persons who have any scored value; draws: (R, persons)."""
    there, counts = _there(outcome, draws)
    if there.persons == 0:
        return Interval(value=np.nan, low=np.nan, high=np.nan)
    return interval(metric, there, counts=counts)


def difference(metric: Metric, first: Outcome, second: Outcome, draws: Floats) -> Difference:
    """Return how much smaller the first error is than the second on the same values."""
    own, counts = _there(first, draws)
    return compare(metric, own, _there(second, draws)[0], counts=counts)


def _outcome(count: Floats, total: Floats) -> Outcome:
    rows = np.arange(len(count))
    return Outcome(labels=count, prediction=total, person=rows, fold=rows * 0, persons=len(rows))


def _there(outcome: Outcome, draws: Floats) -> tuple[Outcome, Floats]:
    """Return the persons who have any scored value, and how often they are drawn; draws without any of them are left out."""
    there = outcome.labels > 0
    counts = draws[:, there]
    return outcome.select(there), counts[counts.sum(axis=1) > 0]
