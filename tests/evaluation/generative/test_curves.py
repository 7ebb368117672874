"""Curves through what is visible; the twin of the cubics is scipy's, row by row."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from wearfm.evaluation.generative.curves import around, lines, monotone_cubics


def rows(share: float, *, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Rows with plateaus and extremes, at least three values of each visible."""
    generator = np.random.default_rng(seed)
    values = np.round(generator.standard_normal((200, 30)).cumsum(axis=1), 1)
    values[::4] = np.round(values[::4])
    visible = generator.uniform(size=values.shape) < share
    visible[:, [3, 10, 20]] = True
    return np.where(visible, values, 99.0), visible


def test_the_visible_places_around_each_one() -> None:
    before, after = around(np.array([[False, True, False, False, True, False]]))
    assert before.tolist() == [[-1, 1, 1, 1, 4, 4]]
    assert after.tolist() == [[1, 1, 4, 4, 4, -1]]


@pytest.mark.parametrize("share", [0.0, 0.2, 0.6, 1.0])
def test_cubics_are_those_of_scipy_inside_and_held_outside(share: float) -> None:
    values, visible = rows(share)
    made = monotone_cubics(values, visible)
    for row, there, curve in zip(values, visible, made, strict=True):
        known = np.flatnonzero(there)
        place = np.arange(30).clip(known[0], known[-1])
        np.testing.assert_allclose(curve, PchipInterpolator(known, row[known])(place), rtol=1e-10, atol=1e-10)


def test_cubics_never_leave_the_range_of_the_values_beside_them() -> None:
    values, visible = rows(0.2)
    made, (before, after) = monotone_cubics(values, visible), around(visible)
    for row in range(200):
        for t in range(30):
            beside = values[row, [before[row, t] if before[row, t] >= 0 else after[row, t], after[row, t]]]
            if after[row, t] >= 0:
                assert beside.min() - 1e-9 <= made[row, t] <= beside.max() + 1e-9


def test_two_values_make_a_line_and_one_a_level() -> None:
    values = np.array([[0.0, 2.0, 0.0, 0.0, 8.0, 0.0], [0.0, 0.0, 5.0, 0.0, 0.0, 0.0]])
    visible = values > 0
    expected = [[2.0, 2.0, 4.0, 6.0, 8.0, 8.0], [5.0] * 6]
    for curve in (lines, monotone_cubics):
        np.testing.assert_allclose(curve(values, visible), expected)


def test_all_visible_values_come_back() -> None:
    values, visible = rows(0.4)
    for curve in (lines, monotone_cubics):
        np.testing.assert_allclose(curve(values, visible)[visible], values[visible], rtol=1e-12)
