"""How far two devices on one body stand apart on their clocks, from how much each of them moved.

    chest   __.:##:..__.##.__        movement a quarter of a second, as a logarithm
    wrist        __.:#::..__.#:.__   the shift at which the two resemble each other most: the wrist's clock is 5 steps ahead

Whoever walks moves chest and wrist together. The shift is believed if the two curves resemble each other there clearly
more than at every shift that is not beside it; `Shift.is_clear` says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import correlate

Array = NDArray[np.float64]

STEP_S = 0.25  # ours: 8 samples of the slowest sensor that this is for (32 Hz)
BESIDE_S = 10.0  # ours: neighbours of the best shift, which resemble it because movement lasts
LEAST = 0.3  # ours: correlation of a shift that is believed
CLEARLY = 1.2  # ours: how much better it is than all that is not beside it
_QUIET_G = 0.01  # noise of a sensor below which stillness is stillness
_SHARE = 0.5  # of the shorter curve that must overlap


@dataclass(frozen=True, kw_only=True)
class Shift:
    """seconds: to add to a time since the first device's start to get the time since the second's. correlation: there.

    rival: the highest correlation at a shift that is not beside it.
    """

    seconds: float
    correlation: float
    rival: float

    @property
    def is_clear(self) -> bool:
        """Whether the shift may be believed."""
        return self.correlation >= max(LEAST, CLEARLY * self.rival)


def movement(acceleration_g: Array, *, rate_hz: float) -> Array:
    """Return the logarithm of the movement in every step, (3, T) -> (steps,): deviations of the axes, summed, in g."""
    samples = rate_hz * STEP_S
    edges = np.rint(np.arange(int(acceleration_g.shape[1] / samples) + 1) * samples).astype(np.int64)
    count = np.diff(edges)
    mean, square = (np.add.reduceat(acceleration_g**power, edges[:-1], axis=1)[:, : len(count)] for power in (1, 2))
    if edges[-1] < acceleration_g.shape[1]:  # the last reduction ran on to the end
        tail = acceleration_g[:, edges[-1] :]
        mean[:, -1] -= tail.sum(axis=1)
        square[:, -1] -= (tail**2).sum(axis=1)
    variance = np.maximum(square / count - (mean / count) ** 2, 0.0)
    return np.asarray(np.log(_QUIET_G + np.sqrt(variance).sum(axis=0)), dtype=np.float64)


def align(first: Array, second: Array) -> Shift:
    """Return the shift at which two curves of movement, (steps,) each, resemble each other most."""
    score = _correlations(first, second)
    best = int(np.argmax(score))
    beside = round(BESIDE_S / STEP_S)
    away = np.abs(np.arange(len(score)) - best) > beside
    rival = float(score[away].max(initial=-1.0))
    return Shift(seconds=(best - len(first) + 1) * STEP_S, correlation=float(score[best]), rival=rival)


def _correlations(first: Array, second: Array) -> Array:
    """Return the correlation of what overlaps, for shifts -(first - 1) to second - 1; -1 where too little overlaps."""
    first, second = first - first.mean(), second - second.mean()
    ones = np.ones_like(first), np.ones_like(second)
    count = np.rint(correlate(ones[1], ones[0], method="fft"))
    products = correlate(second, first, method="fft")
    sums = correlate(second, ones[0], method="fft"), correlate(ones[1], first, method="fft")
    squares = correlate(second**2, ones[0], method="fft"), correlate(ones[1], first**2, method="fft")
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = products - sums[0] * sums[1] / count
        spread = np.sqrt(np.maximum((squares[0] - sums[0] ** 2 / count) * (squares[1] - sums[1] ** 2 / count), 0.0))
        score = covariance / spread
    enough = (count >= _SHARE * min(len(first), len(second))) & (spread > 1e-9)
    return np.where(enough, score, -1.0)
