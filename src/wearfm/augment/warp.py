"""Smooth random warps: of the magnitude, and of time.

Both draw a few values at equally spaced knots and run a cubic spline through them. The spline is linear in the values,
so it is one fixed matrix from knots to samples. Um et al. 2017 (arXiv:1706.00527), section 3.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from torch import Tensor

from wearfm.nn.draws import Draws

_SLOWEST = 0.05  # factors and paces are kept above it: at 0 the window would be squeezed to one point, or time stand still


def warp_magnitude(signal: Tensor, valid: Tensor, draws: Draws, *, knots: int, deviation: float) -> tuple[Tensor, Tensor]:
    """Return the signal times a smooth curve around 1, the same for all channels of a row.

    signal, valid: (B, C, T). knots: values drawn between the two at the ends, which are drawn too. deviation: of the
    values, normal around 1. Gaps stay 0 and not valid.
    """
    rows, _, length = signal.shape
    factors = 1 + deviation * draws.normal(rows, knots + 2, device=signal.device)
    curve = _through(factors, length)  # (B, K) -> (B, T)
    return signal * curve[:, None].to(signal.dtype), valid


def warp_time(
    signal: Tensor, valid: Tensor, draws: Draws, *, knots: int, deviation: float, is_shared: bool
) -> tuple[Tensor, Tensor]:
    """Return the signal read along a smoothly distorted time axis that starts and ends where the window does.

    signal, valid: (B, C, T). knots: drawn between the two at the ends, which are drawn too. deviation: of the factors,
    normal around 1, by which the knots' times are multiplied. is_shared: one distortion for all channels of a row, which
    keeps simultaneous channels simultaneous; otherwise each channel has its own. The curve is scaled to end at T - 1 and
    clipped to the window; sample t of the result is the signal at curve(t), linearly interpolated. `valid` is warped
    along: a sample is valid if every sample it was made of is, and 0 if not.
    """
    rows, channels, length = signal.shape
    assert length >= 2, "a window of one sample has no time to warp"
    factors = 1 + deviation * draws.normal(rows, 1 if is_shared else channels, knots + 2, device=signal.device)
    times = torch.linspace(0, length - 1, knots + 2, device=signal.device) * factors.clamp_min(_SLOWEST)
    curve = _through(times, length)  # (B, C or 1, K) -> (B, C or 1, T)
    curve = (curve * ((length - 1) / curve[..., -1:])).clamp(0, length - 1)
    return read_at(signal, valid, curve.expand(rows, channels, length))


def warp_pace(
    signal: Tensor, valid: Tensor, draws: Draws, *, knots: int, deviation: float, is_shared: bool
) -> tuple[Tensor, Tensor]:
    """Return the signal played at a smoothly varying pace, squeezed or stretched to the window's length.

    signal, valid: (B, C, T). knots: drawn between the two at the ends, which are drawn too. deviation: of the paces, normal
    around 1. is_shared: one pace for all channels of a row; otherwise each channel has its own. Sample i arrives at the sum
    of the paces up to i, scaled so that the last one arrives at T - 1; the result at t is linearly interpolated between the
    samples that arrive around t, and is the first sample before any has arrived. A sample is valid if every sample it was
    made of is, and 0 if not. The dialect of Yuan et al. 2024 (arXiv:2206.02909); `warp_time` distorts the knots' times.
    """
    rows, channels, length = signal.shape
    assert length >= 2, "a window of one sample has no time to warp"
    paces = 1 + deviation * draws.normal(rows, 1 if is_shared else channels, knots + 2, device=signal.device)
    arrival = _through(paces, length).clamp_min(_SLOWEST).cumsum(dim=-1)  # (B, C or 1, K) -> (B, C or 1, T)
    arrival = arrival * ((length - 1) / arrival[..., -1:])
    return read_at(signal, valid, _departed(arrival).expand(rows, channels, length))


def _departed(arrival: Tensor) -> Tensor:
    """Return which fractional sample arrives at 0, 1 ... T - 1, given when each sample arrives, rising; (..., T) both."""
    length = arrival.shape[-1]
    time = torch.arange(length, dtype=arrival.dtype, device=arrival.device).expand_as(arrival).contiguous()
    after = torch.searchsorted(arrival.contiguous(), time, right=True).clamp(1, length - 1)
    early, late = arrival.gather(-1, after - 1), arrival.gather(-1, after)
    return after - 1 + ((time - early) / (late - early)).clamp(0, 1)


def read_at(signal: Tensor, valid: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
    """Return the signal at fractional sample numbers, linearly interpolated, and where that is valid.

    signal, valid, position: (B, C, T); 0 <= position <= T - 1. A position on a sample needs that sample only.
    """
    before = position.floor().long().clamp_max(signal.shape[2] - 2)
    weight = (position - before).to(signal.dtype)
    left, right = signal.gather(2, before), signal.gather(2, before + 1)
    is_valid = (valid.gather(2, before) | (weight == 1)) & (valid.gather(2, before + 1) | (weight == 0))
    return torch.lerp(left, right, weight).where(is_valid, 0.0), is_valid


def _through(values: Tensor, length: int) -> Tensor:
    """Return the cubic spline through values at equally spaced knots, (..., K) -> (..., T), in float32 always."""
    with torch.autocast(values.device.type, enabled=False):
        return values @ spline(values.shape[-1], length).to(values).T


@lru_cache(maxsize=16)
def spline(knots: int, length: int) -> Tensor:
    """Return the matrix from values at equally spaced knots to the samples of their cubic spline, (T, K) float32.

    The first and last knot lie on the first and last sample; ends are "not-a-knot" (de Boor 1978, chapter IV), so that
    cubic polynomials are reproduced exactly. knots: at least 2.
    """
    at = np.linspace(0, length - 1, knots)
    return torch.from_numpy(CubicSpline(at, np.eye(knots))(np.arange(length)).astype(np.float32))
