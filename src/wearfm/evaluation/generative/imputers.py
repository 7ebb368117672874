"""Filling in without a model: six baselines that look at exactly what the judged method may look at.

training mean        the mean of the series over the training people
window mean          the mean of what is visible of the series in the window
last value           the last visible value carried forward; the first one backward before it
linear               straight lines between visible values, ends held
spline               monotone cubics between visible values, ends held (Fritsch & Butland 1984)
nearest neighbours   the mean of the training windows that are most alike in what is visible

A series of which nothing is visible gets its training mean from the first five.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wearfm.evaluation.generative.background import Background
from wearfm.evaluation.generative.curves import around, lines, monotone_cubics

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """What may be looked at of B windows. values: (B, C, T), 0 where not visible. visible: (B, C, T). names: of the series."""

    values: Floats
    visible: Mask
    names: tuple[str, ...]


Imputer = Callable[[Seen, Background], Floats]  # a guess everywhere, (B, C, T)


def training_mean(seen: Seen, background: Background) -> Floats:
    """Return the training mean of each series everywhere."""
    return np.broadcast_to(background.means(seen.names)[:, None], seen.values.shape)


def window_mean(seen: Seen, background: Background) -> Floats:
    """Return the mean of the visible values of each series."""
    count = seen.visible.sum(axis=2, keepdims=True)
    mean = np.where(seen.visible, seen.values, 0.0).sum(axis=2, keepdims=True) / np.maximum(count, 1)
    known = np.where(count > 0, mean, background.means(seen.names)[:, None])
    return np.broadcast_to(known, seen.values.shape)


def last_value(seen: Seen, background: Background) -> Floats:
    """Return the last visible value at or before each place; the first one where there is none before."""
    before, after = around(seen.visible)
    held = np.take_along_axis(seen.values, np.where(before >= 0, before, np.maximum(after, 0)), axis=2)
    return _or_mean(held, seen, background)


def linear(seen: Seen, background: Background) -> Floats:
    """Return straight lines between visible values."""
    return _or_mean(lines(seen.values, seen.visible), seen, background)


def spline(seen: Seen, background: Background) -> Floats:
    """Return monotone cubics between visible values."""
    return _or_mean(monotone_cubics(seen.values, seen.visible), seen, background)


@dataclass(frozen=True, kw_only=True)
class NearestNeighbours:
    """The mean, where valid, of the training windows nearest in mean squared distance over what both show, standardised.

    count: how many neighbours. Windows that show less than half of what is visible here come after all others.
    """

    count: int = 5

    def __call__(self, seen: Seen, background: Background) -> Floats:
        """Return the neighbours' mean; the training mean where none of them has a value."""
        mean, scale = background.means(seen.names), background.scales(seen.names)
        places = background.places(seen.names)
        known = (places >= 0) & np.isfinite(scale)
        standard = (seen.values[:, known] - mean[known, None]) / scale[known, None]
        z = np.where(seen.visible[:, known], standard, 0.0)
        nearest = self.nearest(z, seen.visible[:, known], places[known], background)
        guess = training_mean(seen, background).copy()
        for row, chosen in enumerate(nearest):
            own = np.ix_(chosen[chosen >= 0], places[known])
            valid = background.bank.valid[own]  # (k, C, T)
            average = background.bank.z[own].sum(axis=0) / np.maximum(valid.sum(axis=0), 1)
            guess[row, known] += average * scale[known, None]
        return guess

    def nearest(self, z: Floats, visible: Mask, places: NDArray[np.int64], background: Background) -> NDArray[np.int64]:
        """Return the windows of the bank, nearest first, (B, count), -1 for those that have nothing in common with it.

        z: (B, C, T) standardised, 0 where not visible. places: of the C series in the bank.
        """
        flat, shown = z.reshape(len(z), -1).astype(np.float32), visible.reshape(len(z), -1).astype(np.float32)
        enough, distances = 0.5 * shown.sum(axis=1, keepdims=True), []
        for other, valid in background.bank.blocks(places):
            common = shown @ valid.T  # (B, n)
            squares = np.square(flat) @ valid.T - 2 * flat @ other.T + shown @ np.square(other).T
            mean = squares / np.maximum(common, 1) + np.where(common < enough, 1e6, 0.0)
            distances.append(np.where(common > 0, mean, np.inf))
        distance = np.concatenate(distances, axis=1)  # (B, N)
        order = distance.argsort(axis=1, kind="stable")[:, : self.count]
        return np.where(np.isfinite(np.take_along_axis(distance, order, axis=1)), order, -1)


def imputers(*, neighbours: int) -> Mapping[str, Imputer]:
    """Return the baselines by name, the simplest first."""
    return {
        "training mean": training_mean,
        "window mean": window_mean,
        "last value": last_value,
        "linear": linear,
        "spline": spline,
        "nearest neighbours": NearestNeighbours(count=neighbours),
    }


def _or_mean(guess: Floats, seen: Seen, background: Background) -> Floats:
    """Return the guess, or the training mean for a series of which nothing is visible."""
    return np.where(seen.visible.any(axis=2, keepdims=True), guess, background.means(seen.names)[:, None])
