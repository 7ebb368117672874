"""How well a risk orders people: Harrell's C and the AUROC at a horizon, for thousands of resamples of people at once.

A resample is a row of `counts`: how often every person was drawn. Risks are out of fold, and a pair is compared only if
the same probe scored both; so each fold of each deal has one matrix of pairs won, and a resample is two products with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wearfm.evaluation.ranking import chunks, ratio
from wearfm.evaluation.survival.follow_up import Curve, FollowUp, censoring, survival

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Risks:
    """Risks of N people, out of fold. risk: (M, N) of M deals of the folds, more is sooner. fold: (M, N) who scored whom."""

    follow_up: FollowUp
    risk: Floats
    fold: NDArray[np.int64]

    @classmethod
    def of(cls, follow_up: FollowUp, risk: NDArray[np.floating]) -> Risks:
        """Return risks that one model gave to everybody."""
        return cls(
            follow_up=follow_up,
            risk=risk.astype(np.float64)[None],
            fold=np.zeros((1, len(follow_up)), dtype=np.int64),
        )

    def parts(self) -> Iterator[tuple[NDArray[np.int64], Floats]]:
        """Yield (rows, their risks) of every group of people whom one probe has scored."""
        for risk, fold in zip(self.risk, self.fold, strict=True):
            for each in np.unique(fold):
                rows = np.flatnonzero(fold == each)
                yield rows, risk[rows]


def c_index(risks: Risks, counts: Floats | None = None) -> Floats:
    """Return Harrell's C of every resample, (R,): the share of comparable pairs in which the higher risk came first.

    Two people are comparable if the one with the shorter time had the event, or if at equal times one had the event and the
    other was censored, who lived on. Two events at the same time are not comparable. Equal risks count half. NaN
    without any comparable pair. counts: (R, N), None for everybody once. Harrell et al. 1996
    (doi:10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4).
    """
    return ratio(*compared(risks, counts))


def compared(risks: Risks, counts: Floats | None = None) -> tuple[Floats, Floats]:
    """Return (comparable pairs won, comparable pairs) of every resample, (R,) each: what C is the ratio of."""
    drawn = np.ones((1, len(risks.follow_up))) if counts is None else counts
    won, pairs = np.zeros(len(drawn)), np.zeros(len(drawn))
    for rows, risk in risks.parts():
        people = risks.follow_up.select(rows)
        weight = drawn[:, rows]
        cases = np.flatnonzero(people.event)
        for start, stop in chunks(len(cases), len(rows)):
            chosen = cases[start:stop]
            later = _outlives(people, chosen)  # (cases, people)
            wins = beats(risk[chosen], risk) * later
            own = weight[:, chosen]
            won += ((own @ wins) * weight).sum(axis=1)
            pairs += ((own @ later) * weight).sum(axis=1)
    return won, pairs


def auroc_at(risks: Risks, horizons_days: Sequence[float], counts: Floats | None = None) -> Floats:
    """Return the AUROC at every horizon t of every resample, (R, H): who has the event by t against who lives on after t.

    Sum over cases i (event, T_i <= t) and controls j (T_j > t) of w_i [risk_i > risk_j] / sum of w_i, with w_i = 1 / G(T_i-)
    and G the Kaplan-Meier curve of censoring, estimated anew in every resample, continuous from the left. Equal risks
    count half. NaN where a horizon has no case or no control. Uno et al. 2007 (doi:10.1198/016214507000000149); Hung &
    Chiang 2010 (doi:10.1111/j.1467-9469.2009.00683.x).
    """
    drawn = np.ones((1, len(risks.follow_up))) if counts is None else counts
    days, event = risks.follow_up.time_days, risks.follow_up.event
    won, pairs = np.zeros((2, len(drawn), len(horizons_days)))
    parts = list(risks.parts())
    for start, stop in chunks(len(drawn), len(days)):
        weight = drawn[start:stop]
        uncensored = censoring(risks.follow_up, weight).before(days)
        inverse = np.where(weight > 0, weight / np.where(uncensored > 0, uncensored, 1.0), 0.0)
        for place, horizon in enumerate(horizons_days):
            case, control = event & (days <= horizon), days > horizon
            for rows, risk in parts:
                one, other = np.flatnonzero(case[rows]), np.flatnonzero(control[rows])
                more, of = _pairs(risk[one], risk[other], inverse[:, rows[one]], weight[:, rows[other]])
                won[start:stop, place] += more
                pairs[start:stop, place] += of
    return ratio(won, pairs)


def mean_auroc(risks: Risks, horizons_days: Sequence[float], counts: Floats | None = None) -> Floats:
    """Return the mean of the AUROC over horizons, (R,), each weighted by the share of events since the horizon before.

    The integral of AUROC(t) over -dS(t) / (1 - S(t_last)), with S the Kaplan-Meier curve; horizons without a value are left
    out. Lambert & Chevret 2016 (doi:10.1177/0962280213515571), as in scikit-survival.
    """
    drawn = np.ones((1, len(risks.follow_up))) if counts is None else counts
    return average_over(horizons_days, auroc_at(risks, horizons_days, drawn), survival(risks.follow_up, drawn))


def average_over(horizons_days: Sequence[float], area: Floats, curve: Curve) -> Floats:
    """Return that mean, (R,), from AUROCs (R, H) and the survival curve of the same resamples."""
    order = np.argsort(horizons_days)
    share = -np.diff(curve.at(np.asarray(horizons_days, dtype=np.float64)[order]), axis=1, prepend=1.0)
    known = np.isfinite(area[:, order])
    weight = np.where(known, share, 0.0)
    won = np.where(known, weight * area[:, order], 0.0)
    return ratio(np.asarray(won.sum(axis=1)), np.asarray(weight.sum(axis=1)))


def beats(first: Floats, second: Floats) -> Floats:
    """Return the matrix of pairs won, (A, B): 1 where first is larger, 0.5 where equal."""
    return np.asarray((np.sign(first[:, None] - second[None, :]) + 1) / 2, dtype=np.float64)


def _outlives(people: FollowUp, cases: NDArray[np.int64]) -> Floats:
    """Return who is comparable with every case, (cases, N): those who were seen without the event after it, or at its time."""
    own, other = people.time_days[cases, None], people.time_days[None, :]
    later: NDArray[np.bool_] = (other > own) | ((other == own) & ~people.event[None, :])
    return later.astype(np.float64)


def _pairs(first: Floats, second: Floats, ahead: Floats, behind: Floats) -> tuple[Floats, Floats]:
    """Return (pairs won, pairs) of every resample. ahead, behind: (R, A) and (R, B) weights."""
    won = np.zeros(len(ahead))
    for start, stop in chunks(len(first), len(second)):
        won += ((ahead[:, start:stop] @ beats(first[start:stop], second)) * behind).sum(axis=1)
    return won, ahead.sum(axis=1) * behind.sum(axis=1)
