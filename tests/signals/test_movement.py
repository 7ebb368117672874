"""What movement is, when the gate opens, and how freezing shakes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wearfm.errors import BadConfiguration
from wearfm.signals.movement import Gate, activity, band_power, freeze_index

RATE_HZ = 64.0
TIME_S = np.arange(256) / RATE_HZ


def _window(*parts: tuple[float, float], axis: int = 0) -> np.ndarray:
    """One window, (1, 3, T): gravity on z, and on one axis sines of (Hz, amplitude in g)."""
    window = np.zeros((1, 3, len(TIME_S)))
    window[0, 2] = 1.0
    for hz, amplitude_g in parts:
        window[0, axis] += amplitude_g * np.sin(2 * np.pi * hz * TIME_S)
    return window


def _valid(window: np.ndarray) -> np.ndarray:
    return np.ones(window.shape, dtype=bool)


def test_activity_is_the_spread_of_the_length_and_does_not_depend_on_orientation() -> None:
    window = _window((2.0, 0.2), axis=2)
    turned = np.einsum("ij,njt->nit", np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0], window)
    assert activity(window, _valid(window)) == pytest.approx(0.2 / np.sqrt(2))
    assert activity(turned, _valid(window)) == pytest.approx(0.2 / np.sqrt(2))
    assert activity(_window(), _valid(window)) == pytest.approx(0.0)


def test_samples_that_were_not_measured_do_not_count() -> None:
    window = _window((2.0, 0.2), axis=2)
    valid = _valid(window)
    valid[0, 1, 128:] = False  # one axis is enough: the second of two equal halves does not count
    poisoned = np.where(valid, window, np.nan)
    assert activity(poisoned, valid) == pytest.approx(0.2 / np.sqrt(2))
    assert np.isnan(activity(window, np.zeros_like(valid))).all()
    assert np.isfinite(band_power(poisoned, valid, rate_hz=RATE_HZ, band_hz=(0.5, 8.0))).all()


def test_band_power_of_a_sine_is_half_its_squared_amplitude_and_all_in_its_band() -> None:
    window = _window((5.0, 0.3))
    inside = band_power(window, _valid(window), rate_hz=RATE_HZ, band_hz=(3.0, 8.0))
    outside = band_power(window, _valid(window), rate_hz=RATE_HZ, band_hz=(0.5, 3.0))
    assert inside == pytest.approx(0.3**2 / 2, rel=1e-6)
    assert outside == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(BadConfiguration, match="40 to 50 Hz: 256 samples at 64 Hz resolve nothing there"):
        band_power(window, _valid(window), rate_hz=RATE_HZ, band_hz=(40.0, 50.0))


def test_the_freeze_index_is_large_for_trembling_small_for_walking_and_nothing_at_rest() -> None:
    both = _window((1.0, 0.2), (6.0, 0.1))
    assert freeze_index(both, _valid(both), rate_hz=RATE_HZ) == pytest.approx(0.25)
    trembling, walking, rest = _window((6.0, 0.1)), _window((1.0, 0.2)), _window()
    assert freeze_index(trembling, _valid(both), rate_hz=RATE_HZ) > 1000
    assert freeze_index(walking, _valid(both), rate_hz=RATE_HZ) < 1e-3
    assert freeze_index(rest, _valid(both), rate_hz=RATE_HZ) == 0


def test_the_gate_waits_before_it_closes_and_does_not_flutter() -> None:
    gate = Gate(on=0.3, ratio=1.5, hold=2)  # closes below 0.2
    moved = np.array([0.1, 0.25, 0.3, 0.25, 0.1, 0.25, 0.1, 0.1, 0.25, 0.4])
    expected = [False, False, True, True, True, True, True, False, False, True]
    assert gate.decide(moved, np.zeros(10, dtype=np.int64)).tolist() == expected


def test_every_recording_starts_closed_and_what_was_not_measured_is_still() -> None:
    gate = Gate(on=1.0, hold=1)
    moved = np.array([2.0, 0.9, 0.9, np.nan, 2.0])
    assert gate.decide(moved, np.array([0, 0, 1, 1, 1])).tolist() == [True, True, False, False, True]


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=50), st.integers(1, 4), st.floats(1.0, 3.0))
def test_more_patience_never_closes_a_window(moved: list[float], hold: int, ratio: float) -> None:
    values, recording = np.array(moved), np.zeros(len(moved), dtype=np.int64)
    plain = Gate(on=0.5, ratio=1.0, hold=1).decide(values, recording)
    patient = Gate(on=0.5, ratio=ratio, hold=hold).decide(values, recording)
    assert plain.tolist() == (values >= 0.5).tolist()
    assert (patient >= plain).all()


def test_settings_that_make_no_gate_are_refused() -> None:
    with pytest.raises(BadConfiguration, match="on=0: a gate that opens at nothing never closes"):
        Gate(on=0.0)
    with pytest.raises(BadConfiguration, match=r"ratio=0.5, hold=2: both must be at least 1"):
        Gate(on=1.0, ratio=0.5)
    with pytest.raises(BadConfiguration, match=r"must both be \(N, C, T\)"):
        activity(np.zeros((2, 3)), np.ones((2, 3), dtype=bool))
