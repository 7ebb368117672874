"""What a published method does to raw channels before it looks at them, on plain arrays."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import detrend


def condition(
    signal: NDArray[np.float64], rate_hz: float, *, target_hz: float = 65.0, quantile: float = 0.95, smoothing_s: float = 0.02
) -> NDArray[np.float64]:
    """Return the five steps of NormWear's `preproc_all`, (C, T) -> (C, ceil(T * target_hz / rate_hz)) float64.

    1. the left sample of every jump above the `quantile` of |x[i+1] - x[i]| goes; so do samples that are NaN; 2. linear
    interpolation of the rest at the target's times, ends held; 3. the least-squares line is removed; 4. Gaussian of
    `smoothing_s`, reflected ends; 5. division by mean |x|, without a floor (a constant channel becomes NaN or noise).
    Every channel needs at least two samples that stay. github.com/Mobile-Sensing-and-UbiComp-Laboratory/NormWear at 07517fc.
    """
    x = np.asarray(signal, dtype=np.float64)
    jumps = np.abs(np.diff(x, axis=1))
    limit = np.nanquantile(jumps, quantile, axis=1, keepdims=True)
    kept = np.isfinite(x)
    kept[:, :-1] &= ~(jumps > limit)
    knots = np.arange(x.shape[1]) * target_hz
    times = np.arange(ceil(x.shape[1] * target_hz / rate_hz - 1e-9)) * rate_hz
    filled = np.stack([np.interp(times, knots[keep], row[keep]) for row, keep in zip(x, kept, strict=True)])
    smooth = gaussian_filter1d(detrend(filled, axis=1), smoothing_s * target_hz, axis=1)
    return np.asarray(smooth / np.abs(smooth).mean(axis=1, keepdims=True))
