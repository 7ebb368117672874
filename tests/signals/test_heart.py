"""Intervals end at gaps, artefacts are found, and variability is what its formulas say."""

from __future__ import annotations

import numpy as np
import pytest

from wearfm.signals.heart import Intervals, find_artefacts, heart_rate, intervals, spectral_power, variability
from wearfm.signals.spans import Spans


def _series(length_s: list[float] | np.ndarray) -> Intervals:
    length_s = np.asarray(length_s, dtype=np.float64)
    follows = np.arange(len(length_s)) > 0
    return Intervals(end_s=np.cumsum(length_s), length_s=length_s, follows=follows, normal=np.ones(len(length_s), dtype=bool))


def _steady(count: int, *, seed: int = 0) -> np.ndarray:
    return 0.8 + 0.02 * np.sin(np.arange(count) / 3) + 0.005 * np.random.default_rng(seed).normal(size=count)


def test_no_interval_bridges_a_gap() -> None:
    beats = np.array([10, 90, 170, 300, 380, 460, 999])
    series = intervals(beats, valid=Spans.of([(0, 200), (250, 470)]), rate_hz=100.0)
    assert series.length_s.tolist() == [0.8, 0.8, 0.8, 0.8]
    assert series.end_s.tolist() == [0.9, 1.7, 3.8, 4.6]
    assert series.follows.tolist() == [False, True, False, True]
    assert series.normal.all()


@pytest.mark.parametrize("beats", [[], [5], [5, 900]])
def test_too_few_beats_make_no_intervals(beats: list[int]) -> None:
    series = intervals(np.array(beats, dtype=np.int64), valid=Spans.of([(0, 100), (800, 1000)]), rate_hz=100.0)
    assert len(series) == 0
    figures = variability(series).to_dict()
    assert figures.pop("num_normal") == 0
    assert all(np.isnan(value) for value in figures.values())


def test_intervals_no_heart_can_make_are_not_normal() -> None:
    series = intervals(np.array([0, 10, 90, 500]), valid=Spans.all(600), rate_hz=100.0)
    assert series.normal.tolist() == [False, True, False]  # 0.1 s is 600 a minute, 4.1 s is 15


@pytest.mark.parametrize("seed", range(5))
def test_a_calm_series_has_no_artefacts(seed: int) -> None:
    length_s = _steady(300, seed=seed)
    assert not find_artefacts(length_s, np.arange(300) > 0).any()


def test_an_ectopic_beat_spoils_both_its_intervals() -> None:
    length_s = _steady(200)
    length_s[100:102] = 0.5, 1.1
    assert np.flatnonzero(find_artefacts(length_s, np.arange(200) > 0)).tolist() == [100, 101]


def test_a_missed_beat_and_a_false_beat_are_found() -> None:
    length_s = _steady(200)
    missed = np.concatenate((length_s[:100], [length_s[100] + length_s[101]], length_s[102:]))
    assert find_artefacts(missed, np.arange(199) > 0)[100]
    false = np.concatenate((length_s[:100], [0.3, length_s[100] - 0.3], length_s[101:]))
    assert find_artefacts(false, np.arange(201) > 0)[100:102].all()


def test_changes_are_not_taken_across_a_gap() -> None:
    length_s = np.full(200, 0.8)
    length_s[99:101] = 0.775, 0.82  # a fall, and a rise that is soon undone
    follows = np.arange(200) > 0
    assert find_artefacts(length_s, follows)[100]
    follows[100] = False
    assert not find_artefacts(length_s, follows)[100]


def test_heart_rate_is_the_mean_of_the_normal_intervals_in_the_window() -> None:
    series = _series([1.0, 1.0, 0.5, 0.5, 2.0])
    series.normal[4] = False
    rate = heart_rate(series, start_s=np.array([0.0, 2.0, 2.4, 3.0, 50.0]), window_s=1.0)
    np.testing.assert_allclose(rate, [np.nan, 60 / ((1.0 + 0.5) / 2), 120.0, 120.0, np.nan])


def test_time_domain_figures_equal_their_formulas() -> None:
    length_ms = np.array([800.0, 860.0, 810.0, 820.0, 750.0, 801.0])
    found = variability(_series(length_ms / 1000))
    steps = np.diff(length_ms)
    assert found.mean_nn_ms == pytest.approx(length_ms.mean())
    assert found.sdnn_ms == pytest.approx(length_ms.std(ddof=1))
    assert found.rmssd_ms == pytest.approx(np.sqrt(np.mean(steps**2)))
    assert found.pnn50 == pytest.approx(3 / 5)  # 60, -50, 10, -70, 51
    assert found.normal_share == 1.0


def test_sd1_and_sd2_are_the_axes_of_the_return_map() -> None:
    length_ms = 1000 * _steady(500)
    found = variability(_series(length_ms / 1000))
    turned = np.stack([length_ms[1:] - length_ms[:-1], length_ms[1:] + length_ms[:-1]]) / np.sqrt(2)
    assert (found.sd1_ms, found.sd2_ms) == pytest.approx(tuple(turned.std(axis=1, ddof=1)))


def test_differences_need_two_normal_neighbours() -> None:
    series = _series([0.8, 0.9, 3.0, 0.8, 0.8])
    series.normal[2] = False
    found = variability(series)
    assert found.rmssd_ms == pytest.approx(np.sqrt((100.0**2 + 0) / 2))
    assert (found.num_normal, found.normal_share) == (4, 0.8)


@pytest.mark.parametrize(("frequency_hz", "band"), [(0.1, 0), (0.25, 1)])
def test_a_swing_has_its_variance_in_its_band(frequency_hz: float, band: int) -> None:
    times = [0.0]
    while times[-1] < 900:
        times.append(times[-1] + 0.8 + 0.03 * np.sin(2 * np.pi * frequency_hz * times[-1]))
    power = spectral_power(_series(np.diff(times)), segment_s=300.0)
    assert power[band] == pytest.approx(30.0**2 / 2, rel=0.1)
    assert power[1 - band] < 0.05 * power[band]


def test_segments_with_too_few_beats_have_no_spectrum() -> None:
    series = _series(np.full(500, 0.8))
    series.normal[::2] = False
    assert np.isnan(spectral_power(series, segment_s=300.0)).all()
