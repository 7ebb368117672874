"""What is known of people's later fate: how long each was followed, and whether the follow-up ended in the event.

    FollowUp ── time in days, event or censored, of N people
    Curve    ── Kaplan-Meier: the share without event (or not yet censored) as a step function, for many resamples at once

At equal times events come before censorings: whoever is censored on a day was seen without the event on that day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class FollowUp:
    """Follow-up of N people.

    time_days: (N,) from the recording to the event or, without one, to the last news. event: (N,) False is censored.
    """

    time_days: Floats
    event: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.time_days.shape != self.event.shape or self.time_days.ndim != 1 or self.event.dtype != np.bool_:
            raise BadConfiguration(
                f"times {self.time_days.shape} and events {self.event.dtype}{self.event.shape}; give (N,) days and (N,) bool"
            )
        if not (np.isfinite(self.time_days).all() and (self.time_days >= 0).all()):
            raise BadConfiguration("a follow-up time is negative or not a number; leave such people out")

    def __len__(self) -> int:
        return len(self.time_days)

    @property
    def events(self) -> int:
        """How many had the event."""
        return int(self.event.sum())

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> FollowUp:
        """Return the chosen people."""
        return FollowUp(time_days=self.time_days[rows], event=self.event[rows])


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """A Kaplan-Meier curve for R resamples. days: (U,) increasing times of change. share: (R, U) after each of them."""

    days: Floats
    share: Floats

    def at(self, days: Floats) -> Floats:
        """Return the share at times (M,), changes at the very time included, (R, M)."""
        return self._read(np.searchsorted(self.days, days, side="right"))

    def before(self, days: Floats) -> Floats:
        """Return the share just before times (M,), (R, M): the curve continuous from the left."""
        return self._read(np.searchsorted(self.days, days, side="left"))

    def _read(self, place: NDArray[np.int64]) -> Floats:
        padded = np.concatenate((np.ones((len(self.share), 1)), self.share), axis=1)
        return np.asarray(padded[:, place])


def survival(follow_up: FollowUp, counts: Floats | None = None) -> Curve:
    """Return the share of people without the event over time. counts: (R, N) how often each is drawn; None for once.

    The product over event times u of 1 - events at u / people followed up to u or longer.
    Kaplan & Meier 1958 (doi:10.1080/01621459.1958.10501452).
    """
    return _curve(follow_up, counts, follow_up.event, lost_first=np.zeros_like(follow_up.event))


def censoring(follow_up: FollowUp, counts: Floats | None = None) -> Curve:
    """Return the share of people not yet censored: the same with the roles turned, events leaving before censorings."""
    return _curve(follow_up, counts, ~follow_up.event, lost_first=follow_up.event)


def _curve(follow_up: FollowUp, counts: Floats | None, ends: NDArray[np.bool_], *, lost_first: NDArray[np.bool_]) -> Curve:
    """Return the product-limit curve of `ends`; those in `lost_first` are no longer at risk at their own time."""
    drawn = np.ones((1, len(follow_up))) if counts is None else counts
    days, place = np.unique(follow_up.time_days, return_inverse=True)
    order = np.argsort(place, kind="stable")
    first = np.searchsorted(place[order], np.arange(len(days)))
    total, ended, lost = (
        np.add.reduceat(np.where(which, drawn, 0.0)[:, order], first, axis=1)  # (R, N) -> (R, U)
        for which in (np.ones_like(ends), ends, lost_first)
    )
    at_risk = np.cumsum(total[:, ::-1], axis=1)[:, ::-1] - lost
    stays = 1 - np.where(at_risk > 0, ended / np.where(at_risk > 0, at_risk, 1.0), 0.0)
    return Curve(days=days, share=np.cumprod(stays, axis=1))
