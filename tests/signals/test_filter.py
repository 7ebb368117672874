"""Filters pass what they promise, shift nothing, bend no edge, and never look across a gap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import sosfreqz

from wearfm.errors import BadConfiguration
from wearfm.signals.filter import (
    Butterworth,
    Chebyshev2,
    Detrend,
    Filter,
    Gaussian,
    MovingAverage,
    Notch,
    filter_channel,
    filter_rows,
    shortfall,
)
from wearfm.signals.recording import Channel
from wearfm.signals.spans import Spans

RATE_HZ = 100.0
ALL: list[Filter] = [
    Butterworth(low_hz=0.5, high_hz=8.0, order=2),
    Butterworth(low_hz=0.5),
    Butterworth(high_hz=8.0, order=4),
    Chebyshev2(low_hz=0.5, high_hz=12.0),
    Notch(at_hz=20.0),
    MovingAverage(window_s=0.5),
    Gaussian(sigma_s=0.1),
    Detrend(degree=1),
]


def _run(signal: np.ndarray, by: Filter) -> np.ndarray:
    out, valid = filter_rows(signal, np.ones(signal.shape, dtype=bool), by=by, rate_hz=RATE_HZ)
    assert valid.all()
    return out


def _sine(frequency_hz: float, seconds: float = 60.0) -> np.ndarray:
    return np.sin(2 * np.pi * frequency_hz * np.arange(seconds * RATE_HZ) / RATE_HZ)[None]


@pytest.mark.parametrize("by", ALL[:5])
def test_the_gain_of_a_sine_is_the_square_of_the_response_and_its_phase_is_kept(by: Filter) -> None:
    for frequency_hz in (0.2, 2.0, 7.0, 20.0):
        _, response = sosfreqz(by.sections(RATE_HZ), worN=[frequency_hz], fs=RATE_HZ)  # type: ignore[attr-defined]
        expected = abs(response[0]) ** 2 * _sine(frequency_hz)
        np.testing.assert_allclose(_run(_sine(frequency_hz), by)[0, 2000:4000], expected[0, 2000:4000], atol=2e-3)


@pytest.mark.parametrize("by", [Butterworth(high_hz=8.0), MovingAverage(window_s=0.5), Gaussian(sigma_s=0.1)])
def test_smoothing_leaves_a_line_alone_up_to_its_ends(by: Filter) -> None:
    line = np.linspace(-3.0, 8.0, 500)[None]
    np.testing.assert_allclose(_run(line, by), line, rtol=0, atol=1e-5)  # two settling times leave 1e-4 of the lag


@pytest.mark.parametrize("by", [Butterworth(low_hz=0.5), Butterworth(low_hz=0.5, high_hz=8.0), Detrend(degree=0)])
def test_a_high_pass_takes_a_constant_away_at_once(by: Filter) -> None:
    assert np.abs(_run(np.full((1, 1500), 1e4), by)).max() < 1e-6


def test_detrending_removes_the_polynomial_and_nothing_else() -> None:
    position = np.arange(800.0)
    noise = np.random.default_rng(0).normal(size=800)
    parabola = 3 - 0.02 * position + 1e-5 * position**2
    out = _run((parabola + noise)[None], Detrend(degree=2))[0]
    expected = noise - np.polyval(np.polyfit(position, noise, 2), position)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-8)


def test_moving_average_is_the_mean_of_its_window() -> None:
    signal = np.random.default_rng(1).normal(size=(2, 300))
    out = _run(signal, MovingAverage(window_s=0.5))
    assert out[1, 100] == pytest.approx(signal[1, 75:126].mean())


@pytest.mark.parametrize("by", ALL)
def test_reversing_time_reverses_the_result(by: Filter) -> None:
    signal = np.random.default_rng(2).normal(size=(1, 3000))
    np.testing.assert_allclose(_run(signal[:, ::-1], by)[:, ::-1], _run(signal, by), rtol=0, atol=2e-2)
    middle = slice(1400, 1600)
    np.testing.assert_allclose(_run(signal[:, ::-1], by)[:, ::-1][:, middle], _run(signal, by)[:, middle], rtol=0, atol=1e-6)


@given(st.lists(st.tuples(st.integers(0, 999), st.integers(1, 200)), max_size=4), st.sampled_from(ALL))
@settings(max_examples=40, deadline=None)
def test_nothing_leaks_across_a_gap(gaps: list[tuple[int, int]], by: Filter) -> None:
    signal = np.random.default_rng(3).normal(size=(1, 1000))
    valid = np.ones_like(signal, dtype=bool)
    for start, length in gaps:
        valid[0, start : start + length] = False
    out, out_valid = filter_rows(signal, valid, by=by, rate_hz=RATE_HZ)
    kept = [pair for pair in Spans.from_mask(valid[0]).bounds.tolist() if pair[1] - pair[0] >= by.shortest(RATE_HZ)]
    assert Spans.from_mask(out_valid[0]) == Spans.of(kept)
    assert np.all(out[~out_valid] == 0)
    for start, stop in kept:
        elsewhere = np.full_like(signal, np.nan)
        elsewhere[0, start:stop] = signal[0, start:stop]
        again, _ = filter_rows(elsewhere, valid, by=by, rate_hz=RATE_HZ)
        assert np.array_equal(again[0, start:stop], out[0, start:stop])


def test_what_is_too_short_is_masked_and_counted() -> None:
    by = Butterworth(low_hz=0.5)
    short, long = by.shortest(RATE_HZ) - 1, by.shortest(RATE_HZ)
    valid = Spans.of([(0, short), (1000, 1000 + long)])
    channel = _channel(np.zeros(2000, dtype=np.int16), valid=valid)
    assert filter_channel(channel, by).valid == Spans.of([(1000, 1000 + long)])
    (finding,) = shortfall(valid, by, rate_hz=RATE_HZ)
    assert (finding.action, finding.samples) == ("masked", short)
    assert finding.reason == f"valid for less than {long / RATE_HZ:.3g} s, too short to filter"
    assert shortfall(Spans.all(2000), by, rate_hz=RATE_HZ) == ()


def test_a_slow_corner_needs_a_long_piece() -> None:
    assert Butterworth(low_hz=0.05).shortest(RATE_HZ) > 9 * Butterworth(low_hz=0.5).shortest(RATE_HZ)


def _channel(samples: np.ndarray, *, valid: Spans) -> Channel:
    return Channel(name="x", modality="eda", rate_hz=RATE_HZ, start_ns=5, samples=samples, valid=valid, scale=0.01, offset=1.0)


def test_a_channel_is_filtered_in_physical_units_by_each_in_turn() -> None:
    samples = np.random.default_rng(4).integers(-900, 900, size=1500).astype(np.int16)
    channel = _channel(samples, valid=Spans.all(1500))
    out = filter_channel(channel, Detrend(degree=1), MovingAverage(window_s=0.1))
    expected = _run(_run(channel.physical()[None], Detrend(degree=1)), MovingAverage(window_s=0.1))[0]
    np.testing.assert_allclose(out.physical(), expected, rtol=0, atol=1e-5)
    assert (out.samples.dtype, out.start_ns, out.rate_hz, out.unit) == (np.float32, 5, RATE_HZ, "uS")


@pytest.mark.parametrize(
    ("by", "message"),
    [
        (Butterworth(), "a filter without corners passes everything; give low_hz, high_hz or both"),
        (Butterworth(low_hz=8.0, high_hz=0.5), "corners of 8 to 0.5 Hz must rise between 0 and 50 Hz"),
        (Butterworth(high_hz=60.0), "corners of 60 Hz must rise between 0 and 50 Hz, half of the sampling rate"),
        (Notch(at_hz=0.0), "corners of 0 Hz must rise"),
        (MovingAverage(window_s=0.0), "a smoothing length of 0 s must be positive"),
    ],
)
def test_impossible_designs_are_refused(by: Filter, message: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        _run(np.zeros((1, 1000)), by)
    assert message in str(caught.value)
