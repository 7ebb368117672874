"""Movement on signals whose energy, direction and rhythm are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kurtosis

from tests.signals.minutes.days import seconds, stillness, walk
from wearfm.signals.minutes import motion
from wearfm.signals.minutes.grid import ByMinute, MinuteGrid

RATE = motion.WORK_HZ


def moved(axes: np.ndarray, valid: np.ndarray | None = None) -> motion.Motion:
    there = np.ones(axes.shape[1], dtype=bool) if valid is None else valid
    grid = MinuteGrid.over(0, round(axes.shape[1] / RATE * 1e9))
    return motion.dynamic(axes, there, grid.edges(0, rate_hz=RATE))


def along(direction: list[float], wave: np.ndarray) -> np.ndarray:
    """(3, T): gravity along z and a wave in one direction."""
    axes = np.asarray(direction)[:, None] * wave
    axes[2] += 1.0
    return axes


def test_a_sine_has_half_its_square_as_energy_and_one_direction():
    columns, principal = motion.directions(moved(along([0.6, 0.8, 0.0], 0.5 * np.sin(2 * np.pi * 2 * seconds(3, RATE)))))
    np.testing.assert_allclose(columns["acc_log_energy"].values, np.log(0.125), atol=0.01)
    np.testing.assert_allclose(columns["acc_log_energy_ratio"].values, 0.0, atol=1e-6)
    assert (columns["acc_covariance"].values > 20).all()
    np.testing.assert_allclose(principal[:2].std(axis=1), 0.5 / np.sqrt(2), rtol=1e-3)


def test_equal_movement_in_all_directions_has_condition_one():
    columns, _ = motion.directions(moved(stillness(3, rate_hz=RATE, noise_g=0.1)))
    np.testing.assert_allclose(columns["acc_covariance"].values, 0.0, atol=0.3)
    np.testing.assert_allclose(columns["acc_log_energy_ratio"].values, -np.log(3), atol=0.1)


def test_the_turn_of_the_device_changes_nothing_but_posture():
    axes = walk(3, rate_hz=RATE)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    for first, second in zip(figures(axes), figures(turn @ axes), strict=True):
        np.testing.assert_allclose(first, second, atol=1e-6)


def figures(axes: np.ndarray) -> list[np.ndarray]:
    found = moved(axes)
    columns, principal = motion.directions(found)
    columns |= motion.rhythm(principal, found) | {"acc_kurtosis": motion.peakedness(found)}
    return [columns[name].values for name in sorted(columns)]


def test_the_jerk_of_a_sine_correlates_with_itself_by_the_cosine_of_the_lag():
    for rate in (1.0, 2.0, 4.0):
        found = moved(along([1.0, 0.0, 0.0], np.sin(2 * np.pi * rate * seconds(3, RATE))))
        columns = motion.rhythm(motion.directions(found)[1], found)
        np.testing.assert_allclose(columns["acc_jerk"].values, np.cos(2 * np.pi * rate / RATE), atol=0.01)


def test_a_sine_crosses_zero_twice_a_period_and_evenly():
    found = moved(along([0.0, 1.0, 0.0], np.sin(2 * np.pi * 1.7 * seconds(3, RATE) + 0.3)))
    columns = motion.rhythm(motion.directions(found)[1], found)
    np.testing.assert_allclose(columns["acc_zero_crossing_mean"].values[1], 1 / 3.4, rtol=1e-3)
    assert columns["acc_zero_crossing_std"].values[1] < 0.005


def test_crossings_are_those_of_a_loop_and_none_spans_a_gap():
    rng = np.random.default_rng(2)
    signal, valid = rng.normal(size=(4, 200)), rng.random((4, 200)) < 0.9
    valid[2] = False
    mean, deviation = motion.crossings(signal, valid)
    for row in range(4):
        lengths = crossings_by_hand(signal[row], valid[row])
        assert mean[row] == pytest.approx(np.mean(lengths) if lengths else 60.0)
        assert deviation[row] == pytest.approx(np.std(lengths) if lengths else 0.0)


def crossings_by_hand(signal: np.ndarray, valid: np.ndarray) -> list[float]:
    lengths, last = [], None
    for k in range(1, len(signal)):
        if not (valid[k] and valid[k - 1]):
            last = None
        elif (signal[k] > 0) != (signal[k - 1] > 0):
            moment = k - 1 + abs(signal[k - 1]) / (abs(signal[k - 1]) + abs(signal[k]))
            if last is not None:
                lengths.append((moment - last) / RATE)
            last = moment
    return lengths


def test_stillness_without_noise_has_limits_and_no_nan():
    found = moved(stillness(2, rate_hz=RATE, noise_g=0.0))
    columns, principal = motion.directions(found)
    columns |= motion.rhythm(principal, found) | {"acc_kurtosis": motion.peakedness(found)}
    values = {name: column.values[0] for name, column in columns.items()}
    assert values["acc_log_energy"] < -25
    assert values["acc_zero_crossing_mean"] == 60.0
    assert values["acc_jerk"] == values["acc_kurtosis"] == values["acc_zero_crossing_std"] == 0.0
    assert all(np.isfinite(column.values).all() for column in columns.values())
    assert found.still.all()


def test_kurtosis_is_that_of_scipy():
    found = moved(stillness(2, rate_hz=RATE, noise_g=0.1))
    length = np.sqrt(np.square(found.axes).sum(axis=2))
    np.testing.assert_allclose(motion.peakedness(found).values, kurtosis(length, axis=1))


def test_walking_is_not_still_and_half_a_minute_says_enough():
    axes = walk(2, rate_hz=RATE)
    valid = np.ones(axes.shape[1], dtype=bool)
    valid[: round(40 * RATE)] = False
    found = moved(axes, valid)
    assert found.still.tolist() == [False, False]
    assert motion.directions(found)[0]["acc_log_energy"].good.tolist() == [False, True]
    np.testing.assert_allclose(found.share, [1 / 3, 1.0])


def test_enmo_is_what_exceeds_one_g_and_the_mean_axis_is_posture():
    def axis(value: list[float]) -> ByMinute:
        row = np.array([value])
        return ByMinute(values=row, valid=np.ones(row.shape, dtype=bool), expected=row.shape[1])

    columns = motion.level(axis([0.0, 0.0]), axis([0.0, 0.6]), axis([0.9, 1.2]))
    assert columns["enmo"].values[0] == pytest.approx((0.0 + np.hypot(0.6, 1.2) - 1) / 2)
    assert columns["acc_axis_mean"].values[0] == pytest.approx((0.0 + 0.3 + 1.05) / 3)
