"""Gaussian bumps on a sampled line: the one hot loop of the simulator, without a loop over beats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

_REACH = 5.5  # widths on each side; what is cut off is below 3e-7 of the height, so that derivatives stay clean
_BLOCK = 4096  # bumps at once: bounds the memory of a day


def add_bumps(line: Numbers, *, rate_hz: float, centre_s: Numbers, width_s: Numbers | float, height: Numbers | float) -> None:
    """Add height * exp(-((t - centre) / width)^2 / 2) for each bump to a (T,) line whose sample 0 is at 0 s, in place.

    centre_s, width_s, height: (N,), centres rising; a scalar stands for all. Bumps may overlap each other and the ends.
    """
    centre = centre_s * rate_hz
    width = np.broadcast_to(np.asarray(width_s) * rate_hz, centre.shape)
    tall = np.broadcast_to(np.asarray(height), centre.shape)
    for begin in range(0, len(centre), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        _add_block(line, centre[block], width[block], tall[block])


def _add_block(line: Numbers, centre: Numbers, width: Numbers, height: Numbers) -> None:
    reach = int(np.ceil(_REACH * width.max()))
    first = np.floor(centre).astype(np.int64) - reach
    sample = first[:, None] + np.arange(2 * reach + 2)  # (N,) -> (N, samples under a bump)
    distance = (sample - centre[:, None]) / width[:, None]
    values = height[:, None] * np.exp(-0.5 * distance * distance)
    low = int(first.min())
    total = np.bincount((sample - low).ravel(), weights=values.ravel())  # (N, samples) -> (span of the block,)
    start, stop = max(low, 0), min(low + len(total), len(line))
    if start < stop:
        line[start:stop] += total[start - low : stop - low]
