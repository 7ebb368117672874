"""The sixteen statistics are what their names say, of the valid samples only, and never NaN."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from wearfm.errors import BadConfiguration
from wearfm.signals.statistics import STATISTICS, statistics

RATE_HZ = 50.0


def _compress(value: float) -> float:
    return float(np.sign(value) * np.log1p(abs(value)))


def _by_hand(values: np.ndarray, spectrum_of: np.ndarray) -> dict[str, float]:
    """Every statistic from its definition, with loops over frequencies."""
    terms = np.fft.fft(spectrum_of - spectrum_of.mean())[1 : len(spectrum_of) // 2 + 1]
    amplitude = [abs(term) for term in terms]
    frequency_hz = [(k + 1) * RATE_HZ / len(spectrum_of) for k in range(len(amplitude))]
    power = [a * a for a in amplitude]
    centroid = sum(f * a for f, a in zip(frequency_hz, amplitude, strict=True)) / sum(amplitude)
    variance = sum((f - centroid) ** 2 * a for f, a in zip(frequency_hz, amplitude, strict=True)) / sum(amplitude)

    def reached(share: float) -> float:
        total = 0.0
        for f, p in zip(frequency_hz, power, strict=True):
            total += p
            if total >= share * sum(power):
                return f
        return frequency_hz[-1]

    return {
        "mean": values.mean(), "std": values.std(), "max": values.max(), "min": values.min(),
        "skew": stats.skew(values), "kurtosis": stats.kurtosis(values),
        "q25": np.quantile(values, 0.25), "q50": np.quantile(values, 0.5), "q75": np.quantile(values, 0.75),
        "spectral_centroid": centroid, "spectral_spread": variance**0.5,
        "mean_frequency": sum(f * p for f, p in zip(frequency_hz, power, strict=True)) / sum(power),
        "peak_frequency": frequency_hz[int(np.argmax(power))],
        "spectral_q25": reached(0.25), "spectral_median": reached(0.5), "spectral_q75": reached(0.75),
    }  # fmt: skip


def test_each_statistic_equals_its_definition() -> None:
    signal = np.random.default_rng(0).gamma(2.0, size=(3, 201)) * [[1.0], [100.0], [1e-3]]
    out = statistics(signal, np.ones(signal.shape, dtype=bool), rate_hz=RATE_HZ)
    for row in range(3):
        expected = [_compress(_by_hand(signal[row], signal[row])[name]) for name in STATISTICS]
        np.testing.assert_allclose(out[row], expected, rtol=1e-9, atol=1e-12)


def test_only_valid_samples_count() -> None:
    signal = np.random.default_rng(1).normal(3.0, size=(1, 200))
    valid = np.ones(signal.shape, dtype=bool)
    valid[0, 50:90] = False
    out = statistics(np.where(valid, signal, np.nan), valid, rate_hz=RATE_HZ)
    values = signal[valid]
    expected = _by_hand(values, np.where(valid, signal, values.mean())[0])
    np.testing.assert_allclose(out[0], [_compress(expected[name]) for name in STATISTICS], rtol=1e-9)


def test_a_sine_has_its_frequency_everywhere() -> None:
    signal = np.sin(2 * np.pi * 5.0 * np.arange(500) / RATE_HZ)[None]
    out = dict(zip(STATISTICS, np.expm1(statistics(signal, np.ones((1, 500), dtype=bool), rate_hz=RATE_HZ)[0]), strict=True))
    for name in ("spectral_centroid", "mean_frequency", "peak_frequency", "spectral_q25", "spectral_median", "spectral_q75"):
        assert out[name] == pytest.approx(5.0, abs=1e-6)


@pytest.mark.parametrize("level", [0.0, 7.3, -1e30, 1e-30])
def test_constant_and_empty_rows_are_zero(level: float) -> None:
    signal = np.full((2, 64), level)
    valid = np.stack([np.ones(64, dtype=bool), np.zeros(64, dtype=bool)])
    assert np.array_equal(statistics(signal, valid, rate_hz=RATE_HZ), np.zeros((2, 16)))
    assert statistics(np.zeros((2, 0)), np.zeros((2, 0), dtype=bool), rate_hz=RATE_HZ).shape == (2, 16)


@given(
    arrays.arrays(np.float32, (3, 17), elements=st.floats(width=32, allow_nan=True, allow_infinity=True)),
    arrays.arrays(bool, (3, 17)),
)
@settings(deadline=None)
def test_the_result_is_finite_whatever_lies_in_the_gaps(signal: np.ndarray, valid: np.ndarray) -> None:
    valid &= np.isfinite(signal)
    assert np.isfinite(statistics(signal, valid, rate_hz=RATE_HZ)).all()


def test_scaling_time_scales_the_frequencies_only() -> None:
    signal = np.random.default_rng(2).normal(size=(2, 100))
    valid = np.ones(signal.shape, dtype=bool)
    slow, fast = (np.expm1(np.abs(statistics(signal, valid, rate_hz=rate))) for rate in (10.0, 20.0))
    np.testing.assert_allclose(fast[:, :9], slow[:, :9])
    np.testing.assert_allclose(fast[:, 9:], 2 * slow[:, 9:])


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BadConfiguration, match=r"signal \(3,\) and valid \(3,\) must both be \(N, T\)"):
        statistics(np.zeros(3), np.ones(3, dtype=bool), rate_hz=1.0)
