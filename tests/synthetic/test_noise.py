import numpy as np
import pytest
from scipy.signal import welch

from wearfm.synthetic.noise import band, lag, pink, wander


def test_lag_reaches_63_percent_after_one_time_constant():
    step = np.concatenate((np.zeros(1), np.ones(100)))
    assert lag(step, rate_hz=10.0, time_s=2.0)[20] == pytest.approx(1 - np.exp(-1))


def test_lag_starts_settled():
    assert np.allclose(lag(np.full(10, 3.0), rate_hz=4.0, time_s=5.0), 3.0)


def test_lag_filters_each_column_alone():
    line = np.random.default_rng(0).standard_normal((50, 3))
    together = lag(line, rate_hz=4.0, time_s=1.0)
    assert np.allclose(together[:, 1], lag(line[:, 1], rate_hz=4.0, time_s=1.0))


@pytest.mark.parametrize("time_s", [5.0, 50.0])
def test_wander_has_unit_variance_and_its_correlation_time(time_s):
    line = wander(np.random.default_rng(1), 200_000, rate_hz=4.0, time_s=time_s)
    shifted = int(4 * time_s)
    assert np.var(line) == pytest.approx(1, rel=0.15)
    assert np.mean(line[:-shifted] * line[shifted:]) == pytest.approx(np.exp(-1), abs=0.12)


def test_band_noise_sits_in_its_band_with_unit_variance():
    line = band(np.random.default_rng(2), 40_000, rate_hz=4.0, centre_hz=0.1, width_hz=0.01)
    frequency, power = welch(line, 4.0, nperseg=4096)
    assert np.var(line) == pytest.approx(1, rel=0.1)
    assert frequency[np.argmax(power)] == pytest.approx(0.1, abs=0.02)


def test_pink_noise_falls_as_one_over_f():
    line = pink(np.random.default_rng(3), 100_000, rate_hz=10.0, low_hz=0.01, high_hz=4.0)
    frequency, power = welch(line, 10.0, nperseg=8192)
    inside = (frequency > 0.05) & (frequency < 3)
    slope = np.polyfit(np.log(frequency[inside]), np.log(power[inside]), 1)[0]
    assert np.var(line) == pytest.approx(1, rel=0.15)
    assert slope == pytest.approx(-1, abs=0.1)
