"""Intervals that resample people, not windows, and the comparison of two models on the same people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from wearfm.errors import BadConfiguration
from wearfm.evaluation.metrics import Metric, Outcome

Floats = NDArray[np.float64]

_FEW = 200  # persons up to which the jackknife behind BCa is affordable, and worth it


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A figure with its interval. undefined: share of resamples without a value (one class only, say)."""

    value: float
    low: float
    high: float
    undefined: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How much better the first model is than the second; positive is better, also for errors.

    p: two-sided, from the same paired resamples: twice the smaller share on either side of 0.
    """

    value: float
    low: float
    high: float
    p: float


def resample(persons: int, *, replicates: int, seed: int) -> Floats:
    """Return how often every person is drawn in every resample, (R, P); each row sums to P."""
    if replicates < 100:
        raise BadConfiguration(f"bootstrap={replicates} resamples cannot hold a 95 % interval; use at least 100")
    draws = np.random.default_rng(seed).multinomial(persons, np.full(persons, 1 / persons), size=replicates)
    return draws.astype(np.float64)


def interval(metric: Metric, outcome: Outcome, *, counts: Floats, level: float = 0.95) -> Interval:
    """Return the metric with its bootstrap interval over persons.

    counts: (R, P) from `resample`. Bias-corrected and accelerated up to 200 persons, percentiles beyond.
    Efron 1987 (doi:10.1080/01621459.1987.10478410); Field & Welsh 2007 on resampling clusters.
    """
    value = metric(outcome)
    low, high, undefined = _bounds(value, metric.resampled(outcome, counts), _jackknife(metric, (outcome,)), level)
    return Interval(value=value, low=low, high=high, undefined=undefined)


def compare(metric: Metric, first: Outcome, second: Outcome, *, counts: Floats, level: float = 0.95) -> Difference:
    """Return how much better `first` is than `second` on the same rows, with interval and p over paired resamples."""
    if not (np.array_equal(first.person, second.person) and np.array_equal(first.labels, second.labels)):
        raise BadConfiguration("the two models were judged on different rows; a paired comparison needs the same ones")
    sign = 1.0 if metric.larger_is_better else -1.0
    value = sign * (metric(first) - metric(second))
    draws = sign * (metric.resampled(first, counts) - metric.resampled(second, counts))
    low, high, _ = _bounds(value, draws, sign * _jackknife(metric, (first, second)), level)
    return Difference(value=value, low=low, high=high, p=_two_sided(draws))


@dataclass(frozen=True, kw_only=True, eq=False)
class Replicates:
    """Everybody once, then R resamples, then each person left out in turn: all at once, for figures worth computing once.

    counts: (1 + R + J, P) how often every person counts; J is P, or 0 for more people than a jackknife affords.
    """

    counts: Floats
    resamples: int

    @classmethod
    def of(cls, persons: int, *, replicates: int, seed: int) -> Replicates:
        """Return the counts of `resample`, with the whole before and the jackknife behind."""
        drawn = resample(persons, replicates=replicates, seed=seed)
        without = 1.0 - np.eye(persons) if persons <= _FEW else np.empty((0, persons))
        return cls(counts=np.concatenate((np.ones((1, persons)), drawn, without)), resamples=replicates)

    def interval(self, values: Floats, *, level: float = 0.95) -> Interval:
        """Return the interval, as `interval` does, of a figure with values (1 + R + J,) for these counts."""
        draws, without = values[1 : 1 + self.resamples], values[1 + self.resamples :]
        low, high, undefined = _bounds(float(values[0]), draws, without, level)
        return Interval(value=float(values[0]), low=low, high=high, undefined=undefined)

    def difference(self, values: Floats, *, level: float = 0.95) -> Difference:
        """Return the difference, as `compare` does, of two figures whose differences are the values (1 + R + J,)."""
        between = self.interval(values, level=level)
        p = _two_sided(values[1 : 1 + self.resamples])
        return Difference(value=between.value, low=between.low, high=between.high, p=p)


def holm(p: list[float]) -> list[float]:
    """Return the p values adjusted for their number, step down (Holm 1979); NaN stays NaN and does not count."""
    known = [place for place in np.argsort(p, kind="stable").tolist() if np.isfinite(p[place])]
    adjusted, reach = list(p), 0.0
    for step, place in enumerate(known):
        reach = max(reach, min(1.0, (len(known) - step) * p[place]))
        adjusted[place] = reach
    return adjusted


def _jackknife(metric: Metric, outcomes: tuple[Outcome, ...]) -> Floats:
    """Return the metric (or the difference of two) without each person in turn, (P,); empty if there are too many."""
    persons = outcomes[0].persons
    if persons > _FEW:
        return np.empty(0)
    without = 1.0 - np.eye(persons)
    values = [metric.resampled(outcome, without) for outcome in outcomes]
    return values[0] if len(values) == 1 else values[0] - values[1]


def _bounds(value: float, draws: Floats, without: Floats, level: float) -> tuple[float, float, float]:
    """Return (low, high, share of undefined resamples)."""
    defined = draws[np.isfinite(draws)]
    undefined = 1 - len(defined) / len(draws)
    if len(defined) < 0.5 * len(draws) or not np.isfinite(value):
        return float("nan"), float("nan"), undefined
    shares = _bca_shares(value, defined, without, level)
    low, high = np.quantile(defined, shares)
    return float(low), float(high), undefined


def _bca_shares(value: float, draws: Floats, without: Floats, level: float) -> Floats:
    """Return the two quantiles to read off: corrected for bias and skewness, or the plain ones where that is undefined."""
    plain = np.array([(1 - level) / 2, (1 + level) / 2])
    below = float((draws < value).mean() + 0.5 * (draws == value).mean())
    known = without[np.isfinite(without)]
    if len(known) < 3 or np.ptp(known) == 0 or not 0 < below < 1:
        return plain
    pull = known.mean() - known
    acceleration = float((pull**3).sum() / (6 * (pull**2).sum() ** 1.5))
    shifted = norm.ppf(below) + norm.ppf(plain)
    divisor = 1 - acceleration * shifted
    if np.any(divisor <= 0):
        return plain
    return np.asarray(norm.cdf(norm.ppf(below) + shifted / divisor), dtype=np.float64)


def _two_sided(draws: Floats) -> float:
    defined = draws[np.isfinite(draws)]
    if len(defined) == 0:
        return float("nan")
    tail = min((defined <= 0).sum(), (defined >= 0).sum())
    return float(min(1.0, 2 * (tail + 1) / (len(defined) + 1)))
