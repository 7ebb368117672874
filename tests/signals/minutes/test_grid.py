"""Samples stand in the minute in which they were taken."""

from __future__ import annotations

import numpy as np
import pytest

from wearfm.signals.minutes.grid import MINUTE_NS, MinuteGrid, by_minute
from wearfm.signals.recording import SECOND


def test_a_grid_has_every_minute_that_holds_some_of_the_time():
    grid = MinuteGrid.over(90 * SECOND, 181 * SECOND)
    assert (grid.first_ns, grid.count) == (60 * SECOND, 3)
    assert MinuteGrid.over(120 * SECOND, 180 * SECOND).count == 1
    assert MinuteGrid.over(-30 * SECOND, 30 * SECOND).first_ns == -MINUTE_NS
    assert grid.starts_s(90 * SECOND).tolist() == [-30.0, 30.0, 90.0]


@pytest.mark.parametrize("rate_hz", [64.0, 31.25, 0.1, 1 / 60, 49.87])
@pytest.mark.parametrize("start_s", [0.0, 12.3, 59.999, 1.7e9 + 0.5])
def test_samples_by_minute_are_those_of_a_loop(rate_hz, start_s):
    start_ns = round(start_s * SECOND)
    length = round(400 * rate_hz) + 1
    values = np.arange(1, length + 1, dtype=np.float64)
    valid = np.arange(length) % 7 != 3
    stop_ns = start_ns + round(length * SECOND / rate_hz)
    grid = MinuteGrid.over(start_ns, stop_ns)
    minute = by_minute(values, valid, grid.edges(start_ns, rate_hz=rate_hz), rate_hz=rate_hz)
    for number in range(grid.count):
        first_ns = grid.first_ns + number * MINUTE_NS
        expected = [
            float(values[k])
            for k in range(length)
            if valid[k] and first_ns - 1 <= start_ns + round(k * SECOND / rate_hz) < first_ns + MINUTE_NS - 1
        ]
        assert minute.values[number][minute.valid[number]].tolist() == expected


def test_every_valid_sample_is_in_exactly_one_minute_after_two_weeks():
    rate_hz, start_ns = 12.8, 1_700_000_000_123_456_789
    length = round(14 * 86400 * rate_hz)
    grid = MinuteGrid.over(start_ns, start_ns + 14 * 86400 * SECOND)
    edges = grid.edges(start_ns, rate_hz=rate_hz)
    assert edges[0] <= 0
    assert edges[-1] >= length
    assert set(np.diff(edges).tolist()) == {768}


def test_a_share_is_of_what_a_minute_should_hold():
    grid = MinuteGrid(first_ns=0, count=2)
    minute = by_minute(np.ones(15), np.ones(15, dtype=bool), grid.edges(0, rate_hz=0.2), rate_hz=0.2)
    assert minute.share.tolist() == [1.0, 0.25]
    assert minute.mean().tolist() == [1.0, 1.0]


def test_no_sample_and_no_minute_are_no_mistake():
    assert by_minute(np.zeros(0), np.zeros(0, dtype=bool), np.array([0]), rate_hz=4.0).values.shape == (0, 0)
    assert by_minute(np.zeros(0), np.zeros(0, dtype=bool), np.array([0, 240]), rate_hz=4.0).share.tolist() == [0.0]
    assert by_minute(np.zeros(0), np.zeros(0, dtype=bool), np.array([0, 3, 7]), rate_hz=4.0).share.tolist() == [0.0, 0.0]
