"""Curves through the visible values of many series at once."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Mask = NDArray[np.bool_]
Number = TypeVar("Number", bound=np.generic)


def around(visible: Mask) -> tuple[Places, Places]:
    """Return the last visible place at or before each one and the first at or after it, (..., T); -1 for none."""
    length = visible.shape[-1]
    place = np.arange(length)
    before = np.maximum.accumulate(np.where(visible, place, -1), axis=-1)
    after = np.minimum.accumulate(np.where(visible, place, length)[..., ::-1], axis=-1)[..., ::-1]
    return before, np.where(after == length, -1, after)


def lines(values: Floats, visible: Mask) -> Floats:
    """Return straight lines between visible values, ends held, (..., T); anything where nothing is visible."""
    left, right = _ends(visible)
    low, high = _at(values, left), _at(values, right)
    share = (np.arange(values.shape[-1]) - left) / np.maximum(right - left, 1)
    return np.asarray(low + share * (high - low))


def monotone_cubics(values: Floats, visible: Mask) -> Floats:
    """Return cubics between visible values that never leave the range of the two they stand between; ends held.

    Slopes are weighted harmonic means of the two secants beside a value, 0 at a local extreme. Fritsch & Butland 1984
    (doi:10.1137/0905021); the same as scipy's PchipInterpolator, for all rows at once.
    """
    left, right = _ends(visible)
    slope, step = _slopes(values, visible), np.maximum(right - left, 1)
    s = np.where(right > left, (np.arange(values.shape[-1]) - left) / step, 0.0)
    low, high = _at(values, left), _at(values, right)
    bent = s * (1 - s) * step * ((1 - s) * _at(slope, left) - s * _at(slope, right))
    return np.asarray(low + s**2 * (3 - 2 * s) * (high - low) + bent)  # cubic Hermite


def _slopes(values: Floats, visible: Mask) -> Floats:
    """Return the slope of the curve at every visible value, (..., T)."""
    before, after = around(visible)
    place, none = np.arange(values.shape[-1]), np.full_like(before[..., :1], -1)
    left = np.concatenate([none, before[..., :-1]], axis=-1)
    right = np.concatenate([after[..., 1:], none], axis=-1)
    has_left, has_right = left >= 0, right >= 0
    h_left, h_right = np.where(has_left, place - left, 1), np.where(has_right, right - place, 1)
    m_left = np.where(has_left, (values - _at(values, left)) / h_left, 0.0)
    m_right = np.where(has_right, (_at(values, right) - values) / h_right, 0.0)
    inner = _harmonic(m_left, m_right, 2.0 * h_right + h_left, h_right + 2.0 * h_left)
    first = _one_sided(h_right, _at(h_right, right), m_right, _at(m_right, right), is_line=~_at(has_right, right))
    last = _one_sided(h_left, _at(h_left, left), m_left, _at(m_left, left), is_line=~_at(has_left, left))
    return np.where(has_left & has_right, inner, np.where(has_right, first, last))


def _harmonic(one: Floats, other: Floats, weight: Floats, other_weight: Floats) -> Floats:
    """Return the weighted harmonic mean of two secants, 0 where they point to different sides."""
    same = one * other > 0
    inverse = weight / np.where(same, one, 1.0) + other_weight / np.where(same, other, 1.0)
    return np.where(same, (weight + other_weight) / np.where(same, inverse, 1.0), 0.0)


def _one_sided(step: Places, next_step: Places, secant: Floats, next_secant: Floats, *, is_line: Mask) -> Floats:
    """Return the three-point slope at an end, held back so that the curve stays monotone; the secant of a line."""
    slope = ((2 * step + next_step) * secant - step * next_secant) / (step + next_step)
    slope = np.where(np.sign(slope) != np.sign(secant), 0.0, slope)
    steep = (np.sign(secant) != np.sign(next_secant)) & (np.abs(slope) > 3 * np.abs(secant))
    return np.where(is_line, secant, np.where(steep, 3 * secant, slope))


def _ends(visible: Mask) -> tuple[Places, Places]:
    """Return the visible places that each one stands between, its nearest one twice beyond the first and the last."""
    before, after = around(visible)
    return np.where(before >= 0, before, after), np.where(after >= 0, after, before)


def _at(values: NDArray[Number], places: Places) -> NDArray[Number]:
    """Return the values at some places; anything for place -1."""
    return np.take_along_axis(values, np.maximum(places, 0), axis=-1)
