"""Shape indices on pulses whose answer is known, and on the same pulse cut elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from wearfm.signals.morphology import (
    beat_ipa,
    beat_sqi,
    beat_svri,
    beats,
    equal_bins,
    polarity,
    rise_skewness,
    window_ipa,
    window_sqi,
    window_svri,
)

RATE_HZ = 125.0


def _pulse(*, seconds: float, rise: float = 0.2, period_s: float = 1.0, seed: int | None = None) -> np.ndarray:
    """Return triangles that rise for a share of their period and fall for the rest, with beats of slightly unequal height."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    phase = (time_s / period_s) % 1.0
    shape = np.where(phase < rise, phase / rise, (1 - phase) / (1 - rise))
    if seed is None:
        return shape
    heights = 1 + 0.05 * np.random.default_rng(seed).standard_normal(int(seconds / period_s) + 2)
    return shape * heights[(time_s / period_s).astype(int)]


def _bumps(*, seconds: float, second: float, at_s: float = 0.42, width_s: float = 0.07) -> np.ndarray:
    """Return a systolic bump at 0.2 s of each second and one `second` times as high at `at_s`."""
    phase = (np.arange(round(seconds * RATE_HZ)) / RATE_HZ) % 1.0
    return sum(
        height * np.exp(-0.5 * ((phase - centre - turn) / width_s) ** 2)
        for centre, height in ((0.2, 1.0), (at_s, second))
        for turn in (-1, 0, 1)
    )


def _cuts(pulse: np.ndarray, *, count: int = 20, length: int = 1250, step: int = 25) -> np.ndarray:
    return np.stack([pulse[start : start + length] for start in range(0, count * step, step)])


def _whole(windows: np.ndarray) -> np.ndarray:
    return np.ones(windows.shape, dtype=bool)


class TestWindows:
    def test_svri_by_hand(self) -> None:
        assert window_svri(np.array([[0.0, 1.0, 4.0, 2.0]]))[0] == pytest.approx(((1 + 0.5) / 2) / ((0 + 0.25) / 2))

    def test_svri_has_no_answer_if_the_first_sample_is_highest_or_nothing_moves(self) -> None:
        assert np.isnan(window_svri(np.array([[4.0, 1.0, 2.0], [3.0, 3.0, 3.0]]))).all()

    def test_svri_does_not_know_scale_and_level(self) -> None:
        windows = _pulse(seconds=10, seed=1)[None]
        np.testing.assert_allclose(window_svri(3 * windows - 7), window_svri(windows))

    def test_sqi_is_the_mean_of_both_halves(self) -> None:
        half = np.array([0.0, 0.0, 3.0])  # m2 = 2, m3 = 2: skewness 2 / 2^1.5
        assert window_sqi(np.concatenate((half, -half))[None])[0] == pytest.approx(0.0)
        assert window_sqi(np.concatenate((half, half))[None])[0] == pytest.approx(2**-0.5)

    def test_ipa_by_hand(self) -> None:
        beat = [0, 4, 8, 6, 2, 4, 3, 1]  # notch at 2
        window = np.array([5, 3, *beat, 0, 4, 8, 6, 2, 4, 3, 1, 0, 9], dtype=float)
        before, behind = np.trapezoid(beat[:4]), np.trapezoid(beat[4:])
        assert window_ipa(window[None], rate_hz=15.0)[0] == pytest.approx(before / behind)

    def test_ipa_is_0_without_two_minima_or_without_a_notch(self) -> None:
        assert window_ipa(np.arange(100.0)[None], rate_hz=25.0)[0] == 0
        assert window_ipa(_pulse(seconds=10)[None], rate_hz=RATE_HZ)[0] == 0

    def test_ipa_of_a_standardised_window_may_be_negative(self) -> None:
        window = _bumps(seconds=10, second=0.6)[None]
        assert window_ipa(window, rate_hz=RATE_HZ)[0] > 0
        assert window_ipa((window - window.mean()) / window.std(), rate_hz=RATE_HZ)[0] < 0


class TestBeats:
    def test_beats_go_from_foot_to_foot(self) -> None:
        found = [beat for _, beat in beats(_pulse(seconds=10)[None], np.ones((1, 1250), dtype=bool), rate_hz=RATE_HZ)]
        assert len(found) >= 7
        assert {len(beat) for beat in found} == {126}
        assert all(beat[0] == beat[-1] == beat.min() for beat in found)

    def test_a_triangle_has_the_same_mean_on_both_sides_of_its_peak(self) -> None:
        window = _pulse(seconds=10)[None]
        assert beat_svri(window, _whole(window), rate_hz=RATE_HZ)[0] == pytest.approx(1.0, abs=0.05)

    def test_a_second_bump_moves_area_behind_the_notch(self) -> None:
        windows = np.stack([_bumps(seconds=10, second=height, at_s=0.45, width_s=0.06) for height in (0.3, 0.45, 0.6)])
        ratio = beat_ipa(windows, _whole(windows), rate_hz=RATE_HZ)
        assert (np.diff(ratio) < 0).all()
        np.testing.assert_allclose(
            ratio, [1 / 0.3, 1 / 0.45, 1 / 0.6], rtol=0.15
        )  # two bumps of one width: the ratio of their heights

    def test_moving_the_window_changes_indices_of_beats_little_and_those_of_windows_a_lot(self) -> None:
        heights = 1 + 0.05 * np.random.default_rng(3).standard_normal(31)
        windows = _cuts(_bumps(seconds=30, second=0.5) * np.interp(np.arange(3750) / RATE_HZ, np.arange(31), heights))
        standard = (windows - windows.mean(axis=1, keepdims=True)) / windows.std(axis=1, keepdims=True)
        beat = [f(windows, _whole(windows), rate_hz=RATE_HZ) for f in (beat_svri, beat_ipa)]
        window = [window_svri(windows), window_ipa(standard, rate_hz=RATE_HZ)]
        for steady, jumping in zip(beat, window, strict=True):
            assert np.ptp(steady) < 0.1 * np.median(steady)
            assert np.ptp(jumping) > 3 * np.ptp(steady)

    def test_scale_and_level_change_nothing(self) -> None:
        window = _bumps(seconds=10, second=0.5)[None]
        for index in (beat_svri, beat_ipa, beat_sqi):
            one, other = (index(each, _whole(window), rate_hz=RATE_HZ) for each in (window, 5 * window + 40))
            np.testing.assert_allclose(one, other, rtol=1e-6)

    def test_beats_across_a_gap_do_not_count_and_no_beat_gives_no_answer(self) -> None:
        window = np.tile(_bumps(seconds=10, second=0.5), (3, 1))
        valid = _whole(window)
        window[1, 600:640], valid[1, 600:640] = 1e6, False
        valid[2] = False
        for index in (beat_svri, beat_ipa, beat_sqi):
            whole, gapped, empty = index(window, valid, rate_hz=RATE_HZ)
            assert gapped == pytest.approx(whole, rel=0.02)
            assert np.isnan(empty)


class TestClasses:
    def test_bins_are_equally_wide_and_what_lies_outside_goes_to_the_end(self) -> None:
        values = np.array([-1.0, 0.0, 0.24, 0.25, 0.99, 1.0, 7.0, np.nan])
        assert equal_bins(values, low=0.0, high=1.0, count=4).tolist() == [0, 0, 0, 1, 3, 3, 3, -1]

    def test_the_largest_may_be_a_class_of_its_own(self) -> None:
        assert equal_bins(np.array([0.0, 0.99, 1.0]), low=0.0, high=1.0, count=4, clip=False).tolist() == [0, 3, 4]

    def test_without_a_range_there_is_one_class(self) -> None:
        assert equal_bins(np.array([2.0, 2.0, np.nan]), low=2.0, high=2.0, count=4).tolist() == [0, 0, -1]


class TestPolarity:
    def test_a_pulse_that_rises_fast_stands_upright_and_turned_over_it_does_not(self) -> None:
        windows = _cuts(_pulse(seconds=30, seed=2))
        assert polarity(windows, _whole(windows)) == (1, 1.0)
        assert polarity(-windows, _whole(windows)) == (-1, 1.0)
        np.testing.assert_allclose(rise_skewness(-windows, _whole(windows)), -rise_skewness(windows, _whole(windows)))

    def test_steps_into_a_gap_do_not_count(self) -> None:
        windows = _pulse(seconds=10)[None]
        valid = _whole(windows)
        gapped = windows.copy()
        gapped[0, 500:510], valid[0, 500:510] = np.nan, False
        assert rise_skewness(gapped, valid)[0] == pytest.approx(rise_skewness(windows, _whole(windows))[0], rel=0.05)

    def test_nobody_can_tell_of_what_does_not_move(self) -> None:
        assert polarity(np.zeros((3, 100)), np.ones((3, 100), dtype=bool)) == (1, 0.0)
