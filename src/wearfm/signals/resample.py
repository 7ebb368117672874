"""Resampling by a rational factor: anti-aliased, exact at the edges, and blind to what lies behind a gap.

    input   x0   x1   x2   x3   x4   x5 ...      output m lies at input position m * down / up
    output  y0      y1      y2      y3  ...      (up = 3, down = 5) and sees `reach` samples on each side

The kernel is a sinc under a Kaiser window (Kaiser 1974; Oppenheim & Schafer 2010, eq. 7.75-7.76). Its pass band ends at
79 % of the slower of the two Nyquist rates, its stop band (80 dB) begins there. Each of its `up` phases is then corrected by
the smallest change that makes it exact for constants and straight lines. At the ends of a span the signal is continued by
point reflection (x[-i] = 2 x[0] - x[i]), which continues a straight line as itself.

Outputs are computed in blocks, as one matrix product over frames of the input: a block of `blocks * up` outputs sees a
frame of `blocks * down + 2 * reach` inputs. Factors whose matrix would be large go phase by phase, with the same taps.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration
from wearfm.signals.pieces import Float, check_rows, extend, pieces
from wearfm.signals.recording import Channel
from wearfm.signals.spans import Spans

CROSSINGS = 24  # zero crossings of the sinc on each side: transition band of 5.02 / 24 = 21 % of Nyquist at 80 dB
ATTENUATION_DB = 80.0  # below the quantisation noise of 12-bit wearables (74 dB)
BETA = 0.1102 * (ATTENUATION_DB - 8.7)  # Kaiser's rule, Oppenheim & Schafer eq. 7.75
TRANSITION = (ATTENUATION_DB - 7.95) / (2.285 * 2 * np.pi * CROSSINGS)  # share of Nyquist, eq. 7.76
TOLERANCES = (Fraction(1, 10**8), Fraction(1, 10**7), Fraction(1, 10**6))
LARGEST_FACTOR = 200_000  # taps of up to 77 MB
LARGEST_MATRIX = 2_000_000  # 16 MB
MANY_PHASES = 64
FRAME_SAMPLES = 1_000_000  # samples of one matrix product: 8 MB, near the cache


def rational(rate_hz: float, target_hz: float) -> tuple[int, int]:
    """Return the smallest (up, down) with target_hz = rate_hz * up / down, to 2 ms in two days.

    Odd ratios that would need factors above 200 000 are met to 1e-7 or 1e-6 instead (0.2 s in two days). Raises
    BadConfiguration if that is not enough, or if a rate is not positive.
    """
    if not (0 < rate_hz < np.inf and 0 < target_hz < np.inf):
        raise BadConfiguration(
            f"cannot resample from {rate_hz:g} Hz to {target_hz:g} Hz; both rates must be positive and finite"
        )
    low, high = sorted((Fraction(rate_hz), Fraction(target_hz)))
    for tolerance in TOLERANCES:
        ratio = _simplest(high / low * (1 - tolerance), high / low * (1 + tolerance))
        if ratio.numerator <= LARGEST_FACTOR:
            break
    else:
        raise BadConfiguration(
            f"resampling from {rate_hz:g} Hz to {target_hz:g} Hz needs a factor above {LARGEST_FACTOR};"
            " go by a rate between them"
        )
    large, small = ratio.numerator, ratio.denominator
    return (large, small) if target_hz > rate_hz else (small, large)


def reach(up: int, down: int) -> int:
    """Return how many input samples an output sees on each side of its position."""
    return -(-CROSSINGS * max(up, down) // up)


def resample_rows(
    signal: NDArray[Float], valid: NDArray[np.bool_], *, up: int, down: int
) -> tuple[NDArray[Float], NDArray[np.bool_]]:
    """Return the rows at up/down times their rate, and which samples are valid.

    signal: (N, T) float32 or float64, computed in float64. valid: (N, T). Both results are (N, ceil(T * up / down)).
    Output m is valid if the input sample that covers its position, floor(m * down / up), is; what is not valid is 0.
    Each valid span is resampled by itself, so nothing crosses a gap.
    """
    check_rows(signal, valid)
    if up < 1 or down < 1:
        raise BadConfiguration(f"up {up} and down {down} must be positive; `rational` gives them")
    num_out = -(-signal.shape[1] * up // down)
    covering = np.arange(num_out, dtype=np.int64) * down // up
    valid_out = valid[:, covering]
    if up == down:
        return np.where(valid, signal, signal.dtype.type(0)), valid_out
    out = np.zeros((len(signal), num_out), dtype=signal.dtype)
    for piece in pieces(valid):
        first, last = -(-piece.start * up // down), -(-piece.stop * up // down)
        if last > first:
            out[piece.rows, first:last] = _resample_piece(piece.cut(signal), start=piece.start, up=up, down=down)
    return out, valid_out


def resample_channel(channel: Channel, target_hz: float) -> Channel:
    """Return the channel at another rate: float32 samples in the channel's unit, same start, gaps kept.

    A channel that already has the rate is returned as it is, bit for bit.
    """
    up, down = rational(channel.rate_hz, target_hz)
    if up == down:
        return channel
    samples, valid = resample_rows(channel.physical()[None], channel.mask()[None], up=up, down=down)
    return replace(
        channel,
        rate_hz=target_hz,
        samples=samples[0].astype(np.float32),
        valid=Spans.from_mask(valid[0]),
        scale=1.0,
        offset=0.0,
    )


def _simplest(low: Fraction, high: Fraction) -> Fraction:
    """Return the fraction in [low, high] with the smallest denominator, 0 < low <= high (Stern-Brocot tree)."""
    whole = -(-low.numerator // low.denominator)
    if whole <= high:
        return Fraction(whole)
    floor = whole - 1
    return floor + 1 / _simplest(1 / (high - floor), 1 / (low - floor))


def _resample_piece(signal: NDArray[np.float64], *, start: int, up: int, down: int) -> NDArray[np.float64]:
    """Return the outputs that lie in [start, start + T) of rows (N, T) that are valid throughout."""
    first, last = -(-start * up // down), -(-(start + signal.shape[1]) * up // down)
    origin, radius = start // down, reach(up, down)  # output origin * up lies at input origin * down, both whole
    periods = -(-last // up) - origin
    blocks = min(_block(up, down), periods)
    in_blocks = blocks * up * (blocks * down + 2 * radius) <= LARGEST_MATRIX
    periods = -(-periods // blocks) * blocks if in_blocks else periods
    before = start - origin * down + radius
    after = (origin + periods) * down + radius - start - signal.shape[1]
    extended = extend(signal, before=before, after=max(0, after))
    if in_blocks:
        outputs = _by_blocks(extended, blocks=blocks, up=up, down=down)  # (N, T) -> (N, periods * up)
    else:
        outputs = _by_phases(extended, num_out=last - origin * up, up=up, down=down)
    return outputs[:, first - origin * up : last - origin * up]


def _block(up: int, down: int) -> int:
    """Return how many periods of `down` inputs make a block: as much new input in its frame as overlap."""
    return max(1, 2 * reach(up, down) // down)


def _by_blocks(extended: NDArray[np.float64], *, blocks: int, up: int, down: int) -> NDArray[np.float64]:
    """Return the outputs of rows that begin `reach` before the first, by matrix products over frames."""
    matrix = _matrix(up, down, blocks)  # (frame, blocks * up)
    frames = sliding_window_view(extended, len(matrix), axis=1)[:, :: blocks * down]  # (N, frames, frame)
    out = np.empty((*frames.shape[:2], matrix.shape[1]))
    step = max(1, FRAME_SAMPLES // (len(extended) * len(matrix)))
    for begin in range(0, frames.shape[1], step):
        piece = slice(begin, begin + step)
        np.matmul(np.ascontiguousarray(frames[:, piece]), matrix, out=out[:, piece])
    return out.reshape(len(extended), -1)


def _by_phases(extended: NDArray[np.float64], *, num_out: int, up: int, down: int) -> NDArray[np.float64]:
    """Return what `_by_blocks` returns, for factors whose matrix would be large.

    A long kernel of few phases goes one phase after the other; many phases of a short kernel are gathered output by output.
    """
    bank = _bank(up, down)
    views = sliding_window_view(extended, bank.shape[1], axis=1)  # (N, position, tap)
    out = np.empty((len(extended), num_out))
    if up <= MANY_PHASES:
        for first in range(min(up, num_out)):
            outputs = out[:, first::up]
            frames = views[:, first * down // up :: down][:, : outputs.shape[1]]
            np.einsum("nmk,k->nm", frames, bank[first * down % up], out=outputs)
        return out
    step = max(1, FRAME_SAMPLES // (len(extended) * bank.shape[1]))
    for begin in range(0, num_out, step):
        position, phase = np.divmod(np.arange(begin, min(begin + step, num_out)) * down, up)
        np.einsum("nmk,mk->nm", views[:, position], bank[phase], out=out[:, begin : begin + step])
    return out


@lru_cache(maxsize=64)
def _matrix(up: int, down: int, blocks: int) -> NDArray[np.float64]:
    """Return the (blocks * down + 2 * reach, blocks * up) matrix from a frame to the outputs of a block."""
    bank, radius = _bank(up, down), reach(up, down)
    matrix = np.zeros((blocks * down + 2 * radius, blocks * up))
    for output in range(blocks * up):
        position, phase = divmod(output * down, up)
        matrix[position : position + 2 * radius + 1, output] = bank[phase]
    matrix.setflags(write=False)
    return matrix


@lru_cache(maxsize=64)
def _bank(up: int, down: int) -> NDArray[np.float64]:
    """Return the (up, 2 * reach + 1) taps: phase p weighs input i + k, k = -reach ... reach, for position i + p / up."""
    radius = reach(up, down)
    distance = np.arange(-radius, radius + 1) - np.arange(up)[:, None] / up  # (up, 2 * reach + 1)
    slowdown = max(1.0, down / up)
    inside = np.clip(1 - (distance / (CROSSINGS * slowdown)) ** 2, 0, None)
    window = np.where(inside > 0, np.i0(BETA * np.sqrt(inside)), 0.0) / np.i0(BETA)
    cutoff = (1 - TRANSITION / 2) / slowdown
    bank = _exact_for_lines(cutoff * np.sinc(cutoff * distance) * window, distance=distance, window=window)
    bank.setflags(write=False)
    return bank


def _exact_for_lines(
    taps: NDArray[np.float64], *, distance: NDArray[np.float64], window: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return taps with sum 1 and first moment 0 in each phase, changed as little as possible under the window's weight."""
    moments = [np.sum(window * distance**power, axis=1) for power in range(3)]
    missing = 1 - taps.sum(axis=1)
    moment = -np.sum(taps * distance, axis=1)
    determinant = moments[0] * moments[2] - moments[1] ** 2
    level = (moments[2] * missing - moments[1] * moment) / determinant
    slope = (moments[0] * moment - moments[1] * missing) / determinant
    return np.asarray(taps + window * (level[:, None] + slope[:, None] * distance), dtype=np.float64)
