"""Beats of known waves are found where they are, whatever the polarity, the rate, the gaps or the length."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.signals.waves import ECG, PULSE, beat_times, wave
from wearfm.errors import BadConfiguration
from wearfm.signals import peaks
from wearfm.signals.peaks import (
    Beats,
    find_pulse_peaks,
    find_r_peaks,
    find_r_peaks_by_rules,
    pulse_onsets,
    pulse_peaks,
    r_peaks,
)
from wearfm.signals.recording import Channel
from wearfm.signals.spans import Spans

Finder = Callable[..., Beats]
ECG_FINDERS = [find_r_peaks, find_r_peaks_by_rules]


def _valid(signal: np.ndarray) -> np.ndarray:
    return np.ones(signal.shape, dtype=bool)


def _channel(samples: np.ndarray, *, modality: str, rate_hz: float, valid: Spans | None = None) -> Channel:
    stored = samples.astype(np.float32)
    spans = Spans.all(len(stored)) if valid is None else valid
    return Channel(name="x", modality=modality, rate_hz=rate_hz, start_ns=0, samples=stored, valid=spans)


@pytest.mark.parametrize("rate_hz", [32.0, 64.0, 125.0, 500.0])
def test_every_pulse_is_found_at_its_crest_and_begins_at_its_foot(rate_hz: float) -> None:
    times = beat_times(60)
    signal = 5.0 + wave(times, PULSE, seconds=60, rate_hz=rate_hz)
    channel = _channel(signal, modality="ppg", rate_hz=rate_hz)
    found = pulse_peaks(channel)
    assert len(found) == len(times)
    np.testing.assert_allclose(found / rate_hz, times, atol=0.03)
    onsets = pulse_onsets(channel, found)
    assert np.all((onsets < found) & (found - onsets <= 0.6 * rate_hz + 1))
    assert np.all(signal[onsets] < 5.2)


@pytest.mark.parametrize("finder", ECG_FINDERS)
@pytest.mark.parametrize("polarity", [1.0, -1.0])
@pytest.mark.parametrize("rate_hz", [100.0, 128.0, 360.0, 1000.0])
def test_every_r_peak_is_found_in_either_polarity(finder: Finder, polarity: float, rate_hz: float) -> None:
    times = beat_times(60)
    signal = polarity * wave(times, ECG, seconds=60, rate_hz=rate_hz)[None] + 0.3
    found = finder(signal, _valid(signal), rate_hz=rate_hz).sample
    assert len(found) == len(times)
    np.testing.assert_allclose(found / rate_hz, times, atol=1.5 / rate_hz)


@pytest.mark.parametrize("finder", ECG_FINDERS)
def test_drift_noise_and_a_tall_t_wave_are_no_beats(finder: Finder) -> None:
    generator = np.random.default_rng(0)
    times = beat_times(120)
    bumps = (*ECG[:-1], (0.27, 0.045, 0.6))
    clock = np.arange(120 * 250) / 250
    signal = wave(times, bumps, seconds=120, rate_hz=250.0) + 2 * np.sin(0.3 * clock) + 0.05 * generator.normal(size=len(clock))
    found = finder(signal[None], _valid(signal[None]), rate_hz=250.0).sample
    assert len(found) == len(times)
    np.testing.assert_allclose(found / 250, times, atol=0.03)


def test_a_beat_that_is_half_as_high_is_still_found() -> None:
    times = beat_times(60)
    signal = wave(times, ECG, seconds=60, rate_hz=250.0)
    weak = slice(round((times[30] - 0.3) * 250), round((times[30] + 0.3) * 250))
    signal[weak] *= 0.5
    for finder in ECG_FINDERS:
        assert len(finder(signal[None], _valid(signal[None]), rate_hz=250.0).sample) == len(times)


@pytest.mark.parametrize(("finder", "bumps"), [(find_pulse_peaks, PULSE), *((finder, ECG) for finder in ECG_FINDERS)])
def test_a_gap_hides_its_beats_and_changes_no_other(finder: Finder, bumps: tuple[tuple[float, float, float], ...]) -> None:
    signal = wave(beat_times(60), bumps, seconds=60, rate_hz=125.0)[None]
    valid = _valid(signal)
    valid[0, 2500:4000] = False
    found = finder(np.where(valid, signal, np.nan), valid, rate_hz=125.0).sample
    assert not np.any((found >= 2500) & (found < 4000))
    left = finder(signal[:, :2500], _valid(signal[:, :2500]), rate_hz=125.0).sample
    right = finder(signal[:, 4000:], _valid(signal[:, 4000:]), rate_hz=125.0).sample + 4000
    assert np.array_equal(found, np.concatenate((left, right)))


@pytest.mark.parametrize(("finder", "bumps"), [(find_pulse_peaks, PULSE), *((finder, ECG) for finder in ECG_FINDERS)])
def test_long_channels_are_searched_in_blocks_without_a_seam(
    finder: Finder, bumps: tuple[tuple[float, float, float], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    signal = wave(beat_times(200), bumps, seconds=200, rate_hz=100.0)[None]
    whole = finder(signal, _valid(signal), rate_hz=100.0).sample
    monkeypatch.setattr(peaks, "BLOCK_S", 23.0)
    assert np.array_equal(finder(signal, _valid(signal), rate_hz=100.0).sample, whole)


@pytest.mark.parametrize("finder", [find_pulse_peaks, *ECG_FINDERS])
def test_rows_do_not_know_each_other(finder: Finder) -> None:
    bumps = PULSE if finder is find_pulse_peaks else ECG
    rows = np.stack([wave(beat_times(10, mean_s=mean_s), bumps, seconds=10, rate_hz=100.0) for mean_s in (0.6, 0.8, 1.1)])
    together = finder(rows, _valid(rows), rate_hz=100.0)
    for row in range(3):
        alone = finder(rows[[row]], _valid(rows[[row]]), rate_hz=100.0).sample
        assert np.array_equal(together.sample[together.row == row], alone)


@pytest.mark.parametrize("finder", [find_pulse_peaks, *ECG_FINDERS])
@pytest.mark.parametrize("signal", [np.zeros((2, 1000)), np.full((1, 1000), 1e6), np.zeros((1, 50)), np.zeros((0, 1000))])
def test_silence_has_no_beats(finder: Finder, signal: np.ndarray) -> None:
    assert len(finder(signal, _valid(signal), rate_hz=100.0).sample) == 0


def test_a_channel_is_searched_in_its_valid_spans() -> None:
    signal = wave(beat_times(30), ECG, seconds=30, rate_hz=250.0)
    channel = _channel(signal, modality="ecg", rate_hz=250.0, valid=Spans.of([(2500, 7500)]))
    found = r_peaks(channel)
    assert len(found) > 20
    assert found.min() >= 2500


def test_onsets_stay_in_the_span_of_their_peak() -> None:
    signal = np.zeros(300)
    signal[100] = -9.0
    channel = _channel(signal, modality="ppg", rate_hz=100.0, valid=Spans.of([(0, 100), (110, 300)]))
    assert pulse_onsets(channel, np.array([112])).tolist() == [110]
    assert len(pulse_onsets(channel, np.zeros(0, dtype=np.int64))) == 0


def test_refining_finds_the_crest_between_samples() -> None:
    position = np.arange(40)
    signal = -((position - 12.3) ** 2)
    np.testing.assert_allclose(peaks.refine(signal, np.array([12])), [12.3])
    assert peaks.refine(signal, np.array([0, 39])).tolist() == [0.0, 39.0]
    assert peaks.refine(np.zeros(5), np.array([2])).tolist() == [2.0]


@pytest.mark.parametrize(("finder", "kind", "lowest"), [(find_pulse_peaks, "pulse", 16), (find_r_peaks, "ecg", 40)])
def test_rates_too_low_for_beats_are_refused(finder: Finder, kind: str, lowest: int) -> None:
    with pytest.raises(BadConfiguration, match=f"{kind} beats cannot be found at 10 Hz; the rate must be >= {lowest} Hz"):
        finder(np.zeros((1, 100)), np.ones((1, 100), dtype=bool), rate_hz=10.0)
