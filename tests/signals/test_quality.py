"""Good windows pass, broken ones do not, and the reason given is the damage done."""

from __future__ import annotations

import numpy as np
import pytest

from tests.signals.waves import ECG, PULSE, beat_times, wave
from wearfm.errors import BadConfiguration, UnknownName
from wearfm.signals.quality import LIMITS, Limit, quality

RATES_HZ = {"ppg": 125.0, "ecg": 250.0, "eda": 4.0, "acc": 50.0, "eeg": 200.0}


def _clean(modality: str, *, seconds: float = 10.0, seed: int = 0) -> np.ndarray:
    """One window (T,) that nobody would throw away."""
    rate_hz = RATES_HZ[modality]
    generator = np.random.default_rng(seed)
    clock = np.arange(round(seconds * rate_hz)) / rate_hz
    noise = generator.normal(size=len(clock))
    if modality == "ppg":
        return 10 + wave(beat_times(seconds), PULSE, seconds=seconds, rate_hz=rate_hz) + 0.01 * noise
    if modality == "ecg":
        return wave(beat_times(seconds), ECG, seconds=seconds, rate_hz=rate_hz) + 0.01 * noise
    if modality == "eda":
        return 3 + 0.5 * np.sin(0.3 * clock) + 0.01 * noise
    if modality == "acc":
        return 0.5 + 0.1 * np.sin(2 * clock) + 0.01 * noise
    return 20 * np.sin(2 * np.pi * 10 * clock) + 10 * np.sin(2 * np.pi * 2 * clock) + 5 * noise


@pytest.mark.parametrize("modality", LIMITS)
def test_clean_windows_are_good(modality: str) -> None:
    windows = np.stack([_clean(modality, seed=seed) for seed in range(4)])
    found = quality(windows, rate_hz=RATES_HZ[modality], modality=modality)
    assert found.reasons == [()] * 4
    assert found.good.all()


def _flat(signal: np.ndarray) -> np.ndarray:
    return np.full_like(signal, signal[0])


def _noise(signal: np.ndarray) -> np.ndarray:
    return signal.mean() + signal.std() * np.random.default_rng(5).normal(size=len(signal))


def _clip(signal: np.ndarray) -> np.ndarray:
    return np.clip(signal, *np.quantile(signal, [0.1, 0.9]))


def _add(value: float) -> object:
    return lambda signal: signal + value


def _hum(signal: np.ndarray) -> np.ndarray:
    return signal + 60 * np.sin(2 * np.pi * 50 * np.arange(len(signal)) / 200)


def _muscle(signal: np.ndarray) -> np.ndarray:
    return signal + 60 * np.sin(2 * np.pi * 38 * np.arange(len(signal)) / 200)


def _step(signal: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(signal)) < len(signal) // 2, signal, signal + 20)


@pytest.mark.parametrize(
    ("modality", "damage", "reason"),
    [
        ("ppg", _flat, "flat_s"), ("ppg", _noise, "template"), ("ppg", _noise, "snr_db"), ("ppg", _clip, "clipped"),
        ("ecg", _flat, "flat_s"), ("ecg", _noise, "qrs_share"), ("ecg", _noise, "kurtosis"), ("ecg", _clip, "clipped"),
        ("eda", _add(-3.0), "lowest"), ("eda", _add(60.0), "highest"), ("eda", _step, "slope"),
        ("acc", _clip, "clipped"),
        ("eeg", _flat, "flat_s"), ("eeg", _flat, "std"), ("eeg", _hum, "line_share"), ("eeg", _muscle, "high_share"),
        ("eeg", lambda signal: 20 * signal, "amplitude"),
    ],
)  # fmt: skip
def test_damage_is_named(modality: str, damage: object, reason: str) -> None:
    window = damage(_clean(modality))  # type: ignore[operator]
    found = quality(window[None], rate_hz=RATES_HZ[modality], modality=modality)
    assert reason in found.reasons[0]
    assert not found.good[0]


@pytest.mark.parametrize("modality", LIMITS)
def test_a_window_is_judged_alone(modality: str) -> None:
    windows = np.stack([_clean(modality, seed=1), _noise(_clean(modality)), _flat(_clean(modality)), _clean(modality, seed=2)])
    together = quality(windows, rate_hz=RATES_HZ[modality], modality=modality)
    for row in range(4):
        alone = quality(windows[[row]], rate_hz=RATES_HZ[modality], modality=modality)
        assert alone.reasons[0] == together.reasons[row]
        for name, values in alone.indices.items():
            np.testing.assert_allclose(values[0], together.indices[name][row], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("modality", LIMITS)
def test_no_index_is_ever_nan(modality: str) -> None:
    rate_hz = RATES_HZ[modality]
    length = round(3 * rate_hz)
    spike = np.zeros(length)
    spike[length // 2] = 1.0
    windows = np.stack([np.zeros(length), np.full(length, -1e9), spike, np.resize([1e9, -1e9], length)])
    found = quality(windows, rate_hz=rate_hz, modality=modality)
    for name, values in found.indices.items():
        assert values.shape == (4,), name
        assert np.isfinite(values).all(), name


def test_stillness_counts_only_in_half_an_hour() -> None:
    still = np.random.default_rng(0).normal(0.5, 0.002, size=(1, 50 * 1800))
    assert quality(still, rate_hz=50.0, modality="acc").reasons == [("std", "range")]
    assert quality(still[:, : 50 * 60], rate_hz=50.0, modality="acc").reasons == [()]


@pytest.mark.parametrize("polarity", [1.0, -1.0])
def test_an_inverted_electrocardiogram_is_as_good(polarity: float) -> None:
    assert quality(polarity * _clean("ecg")[None], rate_hz=250.0, modality="ecg").good[0]


def test_every_limit_has_a_source_and_an_order() -> None:
    for modality, limits in LIMITS.items():
        for name, limit in limits.items():
            assert isinstance(limit, Limit)
            assert limit.source, (modality, name)
            assert limit.low < limit.high, (modality, name)


def test_every_limit_is_measured() -> None:
    for modality, limits in LIMITS.items():
        seconds = 1800.0 if modality == "acc" else 10.0
        found = quality(_clean(modality, seconds=seconds)[None], rate_hz=RATES_HZ[modality], modality=modality)
        assert set(limits) <= set(found.indices), modality


def test_what_cannot_be_judged_is_refused() -> None:
    with pytest.raises(UnknownName, match="modality with quality limits 'pgg' is not known; did you mean 'ppg'"):
        quality(np.zeros((1, 1000)), rate_hz=100.0, modality="pgg")
    with pytest.raises(BadConfiguration, match=r"windows \(1, 100\) at 100 Hz must be \(N, T\) and last at least 2 s"):
        quality(np.zeros((1, 100)), rate_hz=100.0, modality="ppg")
    with pytest.raises(BadConfiguration, match="windows with NaN or infinite samples cannot be judged"):
        quality(np.full((1, 1000), np.nan), rate_hz=100.0, modality="ppg")
