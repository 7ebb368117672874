"""Sparse arrays of MATLAB files, made dense if what the file spends on them allows it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadRecording
from wearfm.readers.matlab_bytes import MOST_GROWTH
from wearfm.readers.matlab_values import Array, Shape, Unread


@dataclass(frozen=True, kw_only=True)
class Places:
    """The values that are not zero: row and column of each, from 0, and the value, (N,) each."""

    rows: NDArray[Any]
    columns: NDArray[Any]
    values: NDArray[Any]


def dense(
    shape: Shape,
    dtype: np.dtype[Any],
    places: Callable[[], Places],
    *,
    num_stored: int,
    refuse: Callable[[str], BadRecording],
) -> Array | Unread:
    """Return a sparse array as a dense one, made when it is asked for; `Unread` if that is too large for what is stored.

    num_stored: the bytes that the file spends on it. refuse: reason -> the error of places that cannot be.
    """
    if len(shape) != 2 or math.prod(shape) * dtype.itemsize > num_stored * MOST_GROWTH:
        return Unread(shape=shape, reason="is sparse, and too large with its zeros written out; save the columns you need")

    def raw() -> NDArray[Any]:
        found = places()
        for where, side in ((found.rows, shape[0]), (found.columns, shape[1])):
            if not ((where >= 0) & (where < side)).all():  # NaN is neither
                raise refuse(f"a sparse array of {shape[0]} rows and {shape[1]} columns with a value outside")
        table = np.zeros(shape, dtype=dtype)
        table[found.rows.astype(np.int64), found.columns.astype(np.int64)] = found.values
        return table

    return Array(shape=shape, dtype=dtype, stored=dtype, raw=raw, refuse=refuse)


def column_of_each(
    ends: NDArray[Any], num_columns: int, *, num_values: int, refuse: Callable[[str], BadRecording]
) -> NDArray[np.int64]:
    """Return the column of each value, (N,), of which `ends` says where each column begins and the last one ends.

    num_values: how many there are; the last column may end before.
    """
    bounds = ends.astype(np.int64)
    counts: NDArray[np.int64] = bounds[1:] - bounds[:-1]
    if len(ends) != num_columns + 1 or bounds[0] != 0 or not (counts >= 0).all():
        raise refuse(f"a sparse array of {num_columns} columns that do not follow one another")
    if bounds[-1] > num_values:
        raise refuse(f"a sparse array of {bounds[-1]} values, of which {num_values} are there")
    return np.repeat(np.arange(num_columns), counts)
