"""The band of a pulse: what passes, both forms, derivatives, windows, flat lines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.recordings import channel
from wearfm.errors import BadConfiguration
from wearfm.signals.filter import filter_channel
from wearfm.signals.pulse_filter import PulseBand, cut_windows, derivatives, flat_share, standardise_windows

RATE_HZ = 64.0


def _wave(frequency_hz: float, *, seconds: float = 60.0, rate_hz: float = RATE_HZ) -> np.ndarray:
    return np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * rate_hz)) / rate_hz)[None]


@pytest.mark.parametrize("in_sections", [True, False])
def test_the_pulse_passes_and_breath_and_hum_do_not(in_sections: bool) -> None:
    band = PulseBand(in_sections=in_sections)
    inner = slice(640, -640)
    for frequency_hz, least, most in ((1.5, 0.95, 1.05), (0.1, 0.0, 0.05), (20.0, 0.0, 0.05)):
        gain = np.std(band(_wave(frequency_hz), rate_hz=RATE_HZ)[0, inner]) / np.std(_wave(frequency_hz)[0, inner])
        assert least <= gain <= most


def test_nothing_moves_in_time() -> None:
    wave = _wave(1.5)
    filtered = PulseBand()(wave, rate_hz=RATE_HZ)
    lags = [np.dot(wave[0, 640:-640], filtered[0, 640 + lag : len(wave[0]) - 640 + lag]) for lag in range(-3, 4)]
    assert int(np.argmax(lags)) == 3


def test_both_forms_agree_until_the_rate_is_too_high_for_polynomials() -> None:
    apart = {}
    for rate_hz in (64.0, 500.0):
        wave = 100 * _wave(1.5, rate_hz=rate_hz) + 30 * _wave(0.2, rate_hz=rate_hz) + 1000
        sections, polynomials = (PulseBand(in_sections=form)(wave, rate_hz=rate_hz) for form in (True, False))
        apart[rate_hz] = np.abs(sections - polynomials).max()
    assert apart[64.0] < 1e-5
    assert apart[500.0] > 1e-3


def test_smoothing_starts_at_75_hz() -> None:
    waves = {rate_hz: _wave(8.0, rate_hz=rate_hz) for rate_hz in (74.0, 76.0)}
    plain, smooth = (np.std(PulseBand()(wave, rate_hz=rate_hz)) for rate_hz, wave in waves.items())
    assert smooth < 0.7 * plain


def test_a_channel_keeps_its_gaps() -> None:
    given = channel(_wave(1.5)[0].astype(np.float32), name="ppg", modality="ppg", rate_hz=RATE_HZ, gaps=[(1000, 1100)])
    filtered = filter_channel(given, PulseBand())
    assert (filtered.mask() == given.mask()).all()
    assert not filtered.physical()[1000:1100].any()


def test_a_band_that_does_not_fit_the_rate_is_refused() -> None:
    with pytest.raises(BadConfiguration, match=r"a band of 0.5 to 12 Hz does not fit a rate of 20 Hz; lower high_hz"):
        PulseBand()(_wave(1.0, rate_hz=20.0), rate_hz=20.0)


def test_the_shortest_piece_can_be_filtered_and_one_sample_less_cannot() -> None:
    for band in (PulseBand(), PulseBand(in_sections=False), replace(PulseBand(), order=2)):
        for rate_hz in (64.0, 500.0):
            shortest = band.shortest(rate_hz)
            assert np.isfinite(band(np.ones((1, shortest)), rate_hz=rate_hz)).all()


def test_derivatives_of_a_parabola() -> None:
    time = np.arange(200.0)[None]
    velocity, acceleration, jerk = derivatives(time**2, rate_hz=100.0)
    np.testing.assert_allclose(velocity[:, 5:-5], 2 * time[:, 5:-5])
    np.testing.assert_allclose(acceleration[:, 5:-5], 2.0)
    np.testing.assert_allclose(jerk[:, 5:-5], 0.0, atol=1e-9)


@pytest.mark.parametrize(("seconds", "kept", "published"), [(42, 4, 4), (40, 4, 3), (9, 0, 0)])
def test_windows_are_counted_as_stated(seconds: int, kept: int, published: int) -> None:
    pulse = _wave(1.5, seconds=seconds)[0]
    assert cut_windows(pulse, rate_hz=RATE_HZ).shape == (kept, 1250)
    assert len(cut_windows(pulse, rate_hz=RATE_HZ, drop_last_full=True)) == published


def test_windows_have_mean_0_and_deviation_1() -> None:
    windows = standardise_windows(5 + 3 * np.random.default_rng(0).standard_normal((4, 500)))
    np.testing.assert_allclose(windows.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(windows.std(axis=1), 1, rtol=1e-5)


def test_flat_runs_count_only_if_they_last() -> None:
    rising = np.arange(100.0)
    signal = np.stack([rising, np.where((rising >= 20) & (rising < 60), 20.0, rising), np.where(rising % 10 < 2, 5.0, rising)])
    np.testing.assert_allclose(flat_share(signal, rate_hz=10.0, shortest_s=1.0), [0.0, 0.41, 0.0], atol=0.02)
