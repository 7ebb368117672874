"""Signal quality: which windows can be trusted, and for each that cannot, why.

    assessment = quality(signal, rate_hz=125.0, modality="ppg")       signal: (N, T) in the modality's unit
    assessment.indices["template"]   (N,) numbers                     what was measured
    assessment.good                  (N,) bool                        within all limits of LIMITS["ppg"]
    assessment.reasons[7]            ("flat_s", "template")           the limits that window 7 breaks

Windows must be whole: a gap is no matter of quality but of `valid`. Indices without a limit are given for information.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wearfm.errors import BadConfiguration, UnknownName
from wearfm.signals import indices as measure
from wearfm.signals.filter import Butterworth
from wearfm.signals.peaks import SHORTEST_S, find_pulse_peaks, find_r_peaks, find_r_peaks_by_rules

Array = NDArray[np.float64]
Indices = dict[str, Array]

NON_WEAR_S = 1800.0  # shorter windows of a sleeping wrist are as still as an empty strap


@dataclass(frozen=True, kw_only=True)
class Limit:
    """The range of an index in which a window is good, both ends included, and who says so."""

    low: float = -np.inf
    high: float = np.inf
    source: str


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """The quality of N windows. indices: name -> (N,). good: (N,). reasons: for each window the limits it breaks."""

    indices: Indices
    good: NDArray[np.bool_]
    reasons: list[tuple[str, ...]]


_ORPHANIDOU = "Orphanidou et al. 2015, IEEE J. Biomed. Health Inform. 19:832"
_ZHAO = "Zhao & Zhang 2018, Front. Physiol. 9:727: below is 'unqualified'"
_KLECKNER = "Kleckner et al. 2018, IEEE TBME 65:1460"
_VAN_HEES = "van Hees et al. 2013, PLoS ONE 8:e61691"

LIMITS: dict[str, dict[str, Limit]] = {
    "ppg": {
        "flat_s": Limit(high=1.0, source="our choice: a pulse moves every sample within a beat"),
        "clipped": Limit(high=0.02, source="our choice: a saturated crest lasts several samples a beat"),
        "snr_db": Limit(low=0.0, source="our choice: at least as much power in 0.5 to 8 Hz as above"),
        "rate": Limit(low=40.0, high=180.0, source=_ORPHANIDOU),
        "longest_s": Limit(high=3.0, source=_ORPHANIDOU),
        "spread": Limit(high=2.2, source=_ORPHANIDOU),
        "template": Limit(low=0.86, source=_ORPHANIDOU),
    },
    "ecg": {
        "flat_s": Limit(high=1.0, source="Hayn et al. 2012, Physiol. Meas. 33:1449: a constant second is no ECG"),
        "clipped": Limit(high=0.02, source="our choice: R waves that reach the end of the range stay there briefly"),
        "rate": Limit(low=40.0, high=180.0, source=_ORPHANIDOU),
        "longest_s": Limit(high=3.0, source=_ORPHANIDOU),
        "agreement": Limit(low=0.6, source=_ZHAO),
        "qrs_share": Limit(low=0.4, source=_ZHAO + "; their upper bound 0.8 would reject every left bundle branch block"),
        "baseline": Limit(low=0.5, source="our choice: more ECG than drift; 0.9 (Zhao & Zhang) rejects half of MIT-BIH"),
        "kurtosis": Limit(low=5.0, source="Li et al. 2008, Physiol. Meas. 29:15: noise is Gaussian (3), an ECG is not"),
    },
    "eda": {
        "lowest": Limit(low=0.05, source=_KLECKNER),
        "highest": Limit(high=60.0, source=_KLECKNER),
        "slope": Limit(high=10.0, source=_KLECKNER),
    },
    "acc": {
        "clipped": Limit(high=0.02, source="our choice: 2 % of samples at the end of the range falsify mean and peaks"),
        "std": Limit(low=0.013, source=_VAN_HEES),
        "range": Limit(low=0.05, source=_VAN_HEES),
    },
    "eeg": {
        "flat_s": Limit(
            high=1.0, source="our choice, stricter than the 5 s of Bigdely-Shamlo et al. 2015, Front. Neuroinform. 9:16"
        ),
        "std": Limit(low=1.0, source="our choice: electrode and amplifier noise alone is about 1 uV"),
        "amplitude": Limit(high=250.0, source="our choice: above slow waves of deep sleep (200 uV), below movement"),
        "line_share": Limit(high=0.5, source="our choice: more hum than brain"),
        "high_share": Limit(high=0.5, source="our choice: 30 Hz and up is muscle when it dominates (Muthukumaraswamy 2013)"),
    },
}


def quality(signal: NDArray[np.floating], *, rate_hz: float, modality: str) -> Assessment:
    """Return the quality indices of windows, which windows keep all limits, and which limits the others break.

    signal: (N, T) in the modality's canonical unit, finite, at least 2 s. modality: a key of `LIMITS`. The accelerometer's
    limits of stillness count only for windows of half an hour and more.
    """
    if modality not in LIMITS:
        raise UnknownName("modality with quality limits", modality, LIMITS)
    if signal.ndim != 2 or signal.shape[1] < SHORTEST_S * rate_hz:
        raise BadConfiguration(f"windows {signal.shape} at {rate_hz:g} Hz must be (N, T) and last at least {SHORTEST_S:g} s")
    rows = signal.astype(np.float64)
    if not np.isfinite(rows).all():
        raise BadConfiguration(
            "windows with NaN or infinite samples cannot be judged; choose windows that are valid throughout"
        )
    found = _MEASURES[modality](rows, rate_hz)
    limits = {name: limit for name, limit in LIMITS[modality].items() if name in found}
    broken = np.array([(found[name] < limit.low) | (found[name] > limit.high) for name, limit in limits.items()])
    reasons: list[list[str]] = [[] for _ in rows]
    names = list(limits)
    for window, index in np.argwhere(broken.T).tolist():
        reasons[window].append(names[index])
    return Assessment(indices=found, good=np.asarray(~broken.any(axis=0)), reasons=[tuple(each) for each in reasons])


def _ppg(signal: Array, rate_hz: float) -> Indices:
    """PPG indices; the set of Elgendi 2016 (Bioengineering 3:21), and the beat rules of Orphanidou et al. 2015."""
    half = rate_hz / 2
    pulse, slow, rest = measure.band_power(signal, ((0.5, 8.0), (1.0, 2.25), (8.0, half)), rate_hz=rate_hz)
    wave = _pass(signal, 0.5, min(8.0, 0.45 * rate_hz), rate_hz=rate_hz)
    beats = find_pulse_peaks(signal, np.ones(signal.shape, dtype=bool), rate_hz=rate_hz)
    rate, longest, spread = measure.beat_spacing(beats, num_windows=len(signal), rate_hz=rate_hz)
    return {
        "flat_s": measure.longest_flat_s(signal, rate_hz=rate_hz),
        "clipped": measure.clipped(signal),
        "skewness": measure.moment_ratio(wave, power=3),
        "kurtosis": measure.moment_ratio(wave, power=4),
        "entropy": measure.entropy(signal),
        "perfusion": measure.perfusion(signal),
        "crossings_hz": measure.zero_crossings(wave, rate_hz=rate_hz),
        "relative_power": measure.ratio(slow, pulse),
        "snr_db": 10 * np.log10((pulse + np.finfo(float).tiny) / (rest + np.finfo(float).tiny)),
        "rate": rate,
        "longest_s": longest,
        "spread": spread,
        "template": measure.template_correlation(wave, beats),
    }


def _ecg(signal: Array, rate_hz: float) -> Indices:
    """ECG indices: bSQI, pSQI, kSQI and basSQI of Li et al. 2008 and Clifford et al. 2012 (Physiol. Meas. 33:1419)."""
    valid = np.ones(signal.shape, dtype=bool)
    first, second = (find(signal, valid, rate_hz=rate_hz) for find in (find_r_peaks, find_r_peaks_by_rules))
    bands = ((5.0, 15.0), (5.0, 40.0), (0.0, 1.0), (0.0, 40.0))
    qrs, wide, drift, everything = measure.band_power(signal, bands, rate_hz=rate_hz)
    rate, longest, spread = measure.beat_spacing(first, num_windows=len(signal), rate_hz=rate_hz)
    wave = _pass(signal, 0.5, min(40.0, 0.45 * rate_hz), rate_hz=rate_hz)
    return {
        "flat_s": measure.longest_flat_s(signal, rate_hz=rate_hz),
        "clipped": measure.clipped(signal),
        "rate": rate,
        "longest_s": longest,
        "spread": spread,
        "agreement": measure.agreement(first, second, num_windows=len(signal), tolerance=0.15 * rate_hz),
        "qrs_share": measure.ratio(qrs, wide),
        "baseline": 1 - measure.ratio(drift, everything),
        "skewness": measure.moment_ratio(wave, power=3),
        "kurtosis": measure.moment_ratio(wave, power=4),
        "template": measure.template_correlation(wave, first),
    }


def _eda(signal: Array, rate_hz: float) -> Indices:
    """EDA indices, uS and uS/s; slopes over a quarter of a second, one sample of the 4 Hz wrist devices."""
    return {
        "flat_s": measure.longest_flat_s(signal, rate_hz=rate_hz),
        "lowest": signal.min(axis=1),
        "highest": signal.max(axis=1),
        "slope": measure.steepest(signal, rate_hz=rate_hz, lag_s=0.25),
    }


def _acc(signal: Array, rate_hz: float) -> Indices:
    """Accelerometer indices of single axes, g."""
    found = {"clipped": measure.clipped(signal), "flat_s": measure.longest_flat_s(signal, rate_hz=rate_hz)}
    if signal.shape[1] >= NON_WEAR_S * rate_hz:
        found |= {"std": signal.std(axis=1), "range": np.ptp(signal, axis=1)}
    return found


def _eeg(signal: Array, rate_hz: float) -> Indices:
    """EEG indices, uV; hum is looked for at 50 and at 60 Hz where the rate reaches them."""
    high_hz = rate_hz / 2
    bands = ((0.5, high_hz), (49.0, 51.0), (59.0, 61.0), (30.0, 48.0))
    everything, fifty, sixty, high = measure.band_power(signal, bands, rate_hz=rate_hz)
    return {
        "flat_s": measure.longest_flat_s(signal, rate_hz=rate_hz),
        "std": signal.std(axis=1),
        "amplitude": np.abs(signal - np.median(signal, axis=1, keepdims=True)).max(axis=1),
        "line_share": measure.ratio(np.maximum(fifty, sixty), everything),
        "high_share": measure.ratio(high, everything),
    }


def _pass(signal: Array, low_hz: float, high_hz: float, *, rate_hz: float) -> Array:
    """Return the band of each window."""
    return Butterworth(low_hz=low_hz, high_hz=high_hz, order=2)(signal, rate_hz=rate_hz)


_MEASURES: dict[str, Callable[[Array, float], Indices]] = {"ppg": _ppg, "ecg": _ecg, "eda": _eda, "acc": _acc, "eeg": _eeg}
