"""Each index is its definition, on windows small enough to check by eye."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from wearfm.signals import indices
from wearfm.signals.peaks import Beats

FLAT = np.full((1, 40), 2.5)


def _beats(*pairs: tuple[int, int]) -> Beats:
    row, sample = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return Beats(row, sample)


def test_moment_ratios_are_skewness_and_kurtosis() -> None:
    signal = np.random.default_rng(0).gamma(2.0, size=(3, 500))
    np.testing.assert_allclose(indices.moment_ratio(signal, power=3), stats.skew(signal, axis=1))
    np.testing.assert_allclose(indices.moment_ratio(signal, power=4), stats.kurtosis(signal, axis=1, fisher=False))


def test_entropy_is_one_for_equal_bins_and_zero_for_one_bin() -> None:
    assert indices.entropy(np.arange(160.0)[None])[0] == pytest.approx(1.0)
    assert indices.entropy(FLAT)[0] == 0.0
    assert indices.entropy(np.array([[0.0, 0.0, 0.0, 1.0]]))[0] == pytest.approx(
        -(0.75 * np.log(0.75) + 0.25 * np.log(0.25)) / np.log(16)
    )


def test_perfusion_is_the_pulse_in_per_cent_of_the_level() -> None:
    assert indices.perfusion(np.array([[99.0, 101.0]]))[0] == pytest.approx(2.0)


def test_crossings_are_counted_per_second() -> None:
    signal = np.sin(2 * np.pi * 2.0 * (np.arange(1000) + 0.5) / 100)[None]
    assert indices.zero_crossings(signal, rate_hz=100.0)[0] == pytest.approx(4.0, abs=0.15)


def test_the_longest_run_is_measured_in_seconds() -> None:
    signal = np.array([[1, 1, 2, 3, 3, 3, 3, 4], [1, 2, 3, 4, 5, 6, 7, 8], [5, 5, 5, 5, 5, 5, 5, 5]], dtype=float)
    assert indices.longest_flat_s(signal, rate_hz=2.0).tolist() == [2.0, 0.0, 4.0]


def test_only_plateaus_at_the_end_of_the_range_are_clipping() -> None:
    signal = np.array([[0, 1, 2, 2, 2, 2, 1, 0, 1, 0], [0, 1, 2, 1, 0, 1, 2, 1, 0, 1]], dtype=float)
    assert indices.clipped(signal).tolist() == [0.25, 0.0]


def test_the_slope_is_per_second_over_the_lag() -> None:
    signal = np.array([[0, 0, 3, 3, 3, 3, 1, 1]], dtype=float)
    assert indices.steepest(signal, rate_hz=4.0, lag_s=0.25)[0] == 12.0
    assert indices.steepest(signal, rate_hz=4.0, lag_s=0.5)[0] == 6.0


def test_band_power_finds_the_band_of_a_sine() -> None:
    signal = 100 + np.sin(2 * np.pi * 3.0 * np.arange(1000) / 100)[None]
    inside, outside = indices.band_power(signal, ((2.0, 4.0), (5.0, 50.0)), rate_hz=100.0)
    assert inside[0] > 1e4 * outside[0]


def test_agreement_is_common_over_all_beats() -> None:
    first = _beats((0, 10), (0, 30), (0, 50), (2, 5))
    second = _beats((0, 11), (0, 52), (0, 70), (1, 30))
    expected = [2 / 4, 0.0, 0.0, 0.0]
    assert indices.agreement(first, second, num_windows=4, tolerance=2).tolist() == expected
    assert indices.agreement(second, first, num_windows=4, tolerance=2).tolist() == expected
    assert indices.agreement(_beats(), second, num_windows=2, tolerance=2).tolist() == [0.0, 0.0]


def test_spacing_gives_rate_longest_interval_and_spread() -> None:
    rate, longest, spread = indices.beat_spacing(_beats((0, 0), (0, 10), (0, 30), (1, 7)), num_windows=3, rate_hz=10.0)
    assert rate.tolist() == [40.0, 0.0, 0.0]
    assert longest.tolist() == [2.0, 0.0, 0.0]
    assert spread.tolist() == [2.0, 0.0, 0.0]


def test_equal_beats_correlate_fully_and_noise_does_not() -> None:
    shape = np.sin(np.linspace(0, np.pi, 50)) ** 3
    signal = np.stack([np.tile(shape, 10), np.random.default_rng(0).normal(size=500)])
    beats = Beats(np.repeat([0, 1], 10), np.tile(np.arange(25, 500, 50), 2))
    correlation = indices.template_correlation(signal, beats)
    assert correlation[0] == pytest.approx(1.0, abs=1e-6)
    assert correlation[1] < 0.5


def test_the_template_does_not_know_the_other_windows() -> None:
    signal = np.random.default_rng(1).normal(size=(4, 400))
    beats = Beats(np.repeat(np.arange(4), 8), np.tile(np.arange(20, 400, 50), 4))
    together = indices.template_correlation(signal, beats)
    alone = [
        indices.template_correlation(signal[[row]], Beats(np.zeros(8, dtype=np.int64), beats.sample[:8]))[0] for row in range(4)
    ]
    np.testing.assert_allclose(together, alone)
