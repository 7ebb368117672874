"""Folds over persons: who is tested by which probe, the same for every model that is compared."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.windows import split

_ENOUGH_ROWS = 200  # judged rows below which the folds are dealt again, and the results pooled
_MOST_REPEATS = 10


def assign(person: NDArray[np.str_], stratum: NDArray[np.str_], *, k: int, seed: int) -> NDArray[np.int64]:
    """Return the fold number of every row, (N,), 0 to k - 1; all rows of a person share it.

    stratum: (N,) a class, or a quarter of a number's range; every person is dealt with the one it has most often, so
    that the folds are alike.
    """
    if not 3 <= k <= 20:
        raise BadConfiguration(f"folds={k}: the inner choice of the penalty needs 3, and more than 20 gain nothing; use 5")
    names, code = np.unique(person, return_inverse=True)
    if len(names) < k:
        raise BadConfiguration(f"{k} folds of {len(names)} persons: every fold needs somebody; use folds={len(names)} or fewer")
    levels, level = np.unique(stratum, return_inverse=True)
    table = np.zeros((len(names), len(levels)), dtype=np.int64)
    np.add.at(table, (code, level), 1)
    usual = levels[table.argmax(axis=1)]
    return split.folds(person, k=k, seed=seed, stratify=usual[code].tolist())


def repeats(rows: int) -> int:
    """Return how often the folds are dealt anew: once for many rows, up to ten times for few, to tame the luck of the deal."""
    return int(np.clip(-(-_ENOUGH_ROWS // max(rows, 1)), 1, _MOST_REPEATS))


def strata(labels: NDArray[np.generic], person: NDArray[np.str_]) -> NDArray[np.str_]:
    """Return what folds are balanced over: the class, or the quarter in which the person's mean label lies."""
    if labels.dtype.kind != "f":
        return labels.astype(np.str_)
    _, code = np.unique(person, return_inverse=True)
    mean = np.bincount(code, weights=labels.astype(np.float64)) / np.bincount(code)
    quarter = np.searchsorted(np.quantile(mean, (0.25, 0.5, 0.75)), mean, side="right")
    return quarter[code].astype(np.str_)
