"""Steps of a known walk, counts of a known sine, a weighted sum by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.signals.minutes.days import seconds, stillness, walk
from wearfm.signals.minutes import activity
from wearfm.signals.minutes.column import Column
from wearfm.signals.minutes.grid import MinuteGrid
from wearfm.signals.minutes.motion import WORK_HZ

ALL_RATES = (1.4, 1.8, 2.2, 2.8)


def edges(axes: np.ndarray) -> np.ndarray:
    return MinuteGrid.over(0, round(axes.shape[1] / WORK_HZ * 1e9)).edges(0, rate_hz=WORK_HZ)


def steps(axes: np.ndarray, valid: np.ndarray | None = None) -> Column:
    there = whole(axes) if valid is None else valid
    return activity.steps(activity.step_samples(axes, there), there, edges(axes))


def whole(axes: np.ndarray) -> np.ndarray:
    return np.ones(axes.shape[1], dtype=bool)


@pytest.mark.parametrize("steps_hz", ALL_RATES)
def test_walking_at_1_8_a_second_is_108_steps_a_minute(steps_hz):
    axes = walk(4, steps_hz=steps_hz, rate_hz=WORK_HZ)
    column = steps(axes)
    assert column.good.all()
    np.testing.assert_allclose(column.values, 60 * steps_hz, atol=1)


def test_a_still_wrist_a_slow_turn_and_a_tremor_take_no_steps():
    time = seconds(3, WORK_HZ)
    slow = stillness(3, rate_hz=WORK_HZ)
    slow[0] += 0.5 * np.sin(2 * np.pi * 0.2 * time)
    tremor = stillness(3, rate_hz=WORK_HZ)
    tremor[2] += 0.06 * np.sin(2 * np.pi * 5.5 * time)
    for axes in (stillness(3, rate_hz=WORK_HZ), slow, tremor):
        assert steps(axes).values.sum() == 0


def test_a_few_gestures_are_no_steps():
    axes = stillness(1, rate_hz=WORK_HZ)
    time = seconds(1, WORK_HZ)
    for start in (10.0, 25.0, 40.0):
        inside = (time >= start) & (time < start + 2.0)
        axes[2, inside] += 0.3 * np.sin(2 * np.pi * 1.8 * time[inside])
    assert steps(axes).values.sum() == 0


def test_a_row_of_steps_ends_at_a_gap():
    axes = walk(1, steps_hz=1.8, rate_hz=WORK_HZ)
    valid = whole(axes)
    for start in range(0, 60, 3):
        valid[round(start * WORK_HZ) : round((start + 0.25) * WORK_HZ)] = False  # less than five steps in between
    axes[:, ~valid] = 1e6
    assert len(activity.step_samples(axes, valid)) == 0


def test_steps_in_rows_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    gap_s = np.where(rng.random(400) < 0.85, 0.55 + 0.05 * rng.normal(size=400), rng.uniform(0.1, 3.0, 400))
    time_s = np.cumsum(gap_s)
    span = (np.arange(400) > 150).astype(np.int64)
    found = activity._in_rows(time_s, span)
    assert found.tolist() == in_rows_by_hand(time_s, span)
    assert 50 < found.sum() < 390


def in_rows_by_hand(time_s: np.ndarray, span: np.ndarray) -> list[bool]:
    rows, in_reach, last = [[0]], False, 0.0
    for k in range(1, len(time_s)):
        gap = time_s[k] - time_s[k - 1]
        reachable = activity.STEP_S[0] - 1e-9 <= gap <= activity.STEP_S[1] and span[k] == span[k - 1]
        steady = not in_reach or abs(gap - last) <= activity.STEADY * last
        if reachable and steady:
            rows[-1].append(k)
        else:
            rows.append([k])
        in_reach, last = reachable, gap
    return [len(row) >= activity.BOUT_STEPS for row in rows for _ in row]


def test_counts_of_a_sine_are_its_mean_beyond_the_dead_band():
    height_g, time = 0.5, seconds(4, WORK_HZ)
    axes = np.stack((height_g * np.sin(2 * np.pi * 1.0 * time), np.zeros_like(time), np.ones_like(time)))
    column = activity.counts(axes, whole(axes), edges(axes))
    mean_g = 2 / np.pi * height_g * np.sqrt(1 - (activity.DEAD_G / height_g) ** 2)
    np.testing.assert_allclose(column.values[1:3], 600 * mean_g / activity.COUNT_G, rtol=0.03)


def test_counts_add_as_vectors_and_stillness_has_none():
    axes = stillness(3, rate_hz=WORK_HZ)
    assert activity.counts(axes, whole(axes), edges(axes)).values.tolist() == [0.0, 0.0, 0.0]
    wave = 0.5 * np.sin(2 * np.pi * seconds(3, WORK_HZ))
    one, two = np.zeros((3, len(wave))), np.zeros((3, len(wave)))
    one[0], two[0], two[1] = wave, wave, wave
    single, double = (activity.counts(axes, whole(axes), edges(axes)).values for axes in (one, two))
    np.testing.assert_allclose(double, np.sqrt(2) * single)


def test_a_total_needs_the_whole_minute():
    axes = walk(3, rate_hz=WORK_HZ)
    valid = whole(axes)
    valid[round(70 * WORK_HZ) : round(72 * WORK_HZ)] = False
    for column in (steps(axes, valid), activity.counts(axes, valid, edges(axes))):
        assert column.good.tolist() == [True, False, True]
        assert column.rule == "a total of a minute that was not wholly measured"


def test_the_sleep_index_is_the_weighted_sum_of_seven_minutes():
    values = np.array([0, 100, 0, 0, 400, 0, 50, 0, 1e6])
    column = activity.sleep_index(Column(values=values, good=np.ones(9, dtype=bool), rule=""))
    assert column.good.tolist() == [False] * 4 + [True] * 3 + [False] * 2
    assert column.values[4] == pytest.approx(0.054 * 1 + 0.230 * 4 + 0.067 * 0.5)
    assert column.values[6] == pytest.approx(0.058 * 4 + 0.230 * 0.5 + 0.067 * 300)


def test_a_missing_minute_takes_seven_with_it():
    good = np.ones(20, dtype=bool)
    good[10] = False
    column = activity.sleep_index(Column(values=np.zeros(20), good=good, rule=""))
    assert np.flatnonzero(~column.good).tolist() == [0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 18, 19]
