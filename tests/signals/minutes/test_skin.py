"""Level, slope and contact, on lines whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from wearfm.signals.minutes.grid import ByMinute
from wearfm.signals.minutes.skin import altitude, conductance, median, slope, temperature


def minute(values: np.ndarray, valid: np.ndarray | None = None) -> ByMinute:
    rows = np.atleast_2d(np.asarray(values, dtype=np.float64))
    there = np.ones(rows.shape, dtype=bool) if valid is None else np.broadcast_to(valid, rows.shape)
    return ByMinute(values=np.where(there, rows, 0.0), valid=there, expected=rows.shape[1])


def test_the_slope_of_a_line_is_its_slope_whatever_is_missing():
    line = 33.0 + 0.2 * np.arange(240) / 240  # 0.2 a minute
    holes = np.arange(240) % 3 != 0
    assert slope(minute(line)) == pytest.approx(0.2)
    assert slope(minute(line, holes)) == pytest.approx(0.2)
    assert slope(minute(line, np.zeros(240, dtype=bool))) == 0.0
    assert slope(minute([5.0])) == 0.0


def test_the_slope_is_that_of_polyfit():
    values = np.random.default_rng(0).normal(size=(5, 60))
    valid = np.random.default_rng(1).random((5, 60)) < 0.7
    time = np.arange(60) / 60
    expected = [np.polyfit(time[row_valid], row[row_valid], 1)[0] for row, row_valid in zip(values, valid, strict=True)]
    np.testing.assert_allclose(slope(ByMinute(values=np.where(valid, values, 0), valid=valid, expected=60)), expected)


def test_the_median_is_that_of_numpy():
    values = np.random.default_rng(2).normal(size=(7, 9))
    valid = np.random.default_rng(3).random((7, 9)) < 0.6
    valid[0], valid[1] = True, False
    expected = [np.median(row[there]) if there.any() else 0.0 for row, there in zip(values, valid, strict=True)]
    np.testing.assert_allclose(median(ByMinute(values=np.where(valid, values, 0), valid=valid, expected=9)), expected)


def test_a_lifted_electrode_is_no_level():
    touching = np.repeat([[2.0] * 240, [2.0] * 60 + [0.01] * 180], 1, axis=0)
    found = conductance(minute(touching))
    assert found["eda_contact"].values.tolist() == [1.0, 0.25]
    assert found["eda_contact"].good.tolist() == [True, True]
    assert found["eda"].values.tolist() == [2.0, 2.0]
    assert found["eda"].good.tolist() == found["eda_slope"].good.tolist() == [True, False]
    assert found["eda"].rule == "less than half of the minute measured with contact"


def test_half_of_a_minute_is_enough_for_a_temperature():
    found = temperature(minute(np.full((2, 10), 33.0), np.array([[True] * 5 + [False] * 5, [True] * 4 + [False] * 6])))
    assert found["temp"].good.tolist() == found["temp_slope"].good.tolist() == [True, False]
    assert found["temp"].values[0] == 33.0


def test_altitude_spreads_by_its_standard_deviation():
    assert altitude(minute([1.0, 3.0] * 5))["altitude_std"].values == pytest.approx(1.0)
