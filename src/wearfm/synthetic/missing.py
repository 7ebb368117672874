"""When nothing, or nothing good, is measured: charging, radio dropouts, a loose strap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wearfm.signals.spans import Spans
from wearfm.synthetic.config import CohortConfig

# our choice; charging of 1 to 2 h, mostly in the evening, is what multi-day wristband studies report as their main gap
_CHARGING_HOUR, _CHARGING_SPREAD = 20.0, 1.5
_DROPOUTS_PER_HOUR, _DROPOUT_S = 1.0, 6.0
_LOOSE_PER_HOUR, _LOOSE_S = 0.2, 420.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Missing:
    """Seconds of the session, (N, 2) each. charging, watch_radio: no watch samples. patch_radio: no ECG. loose: bad PPG."""

    charging: NDArray[np.float64]
    watch_radio: NDArray[np.float64]
    patch_radio: NDArray[np.float64]
    loose: NDArray[np.float64]

    def present(self, modality: str, *, rate_hz: float, length: int) -> Spans:
        """Return the samples that the device delivered."""
        gaps = (self.patch_radio,) if modality == "ecg" else (self.charging, self.watch_radio)
        return Spans.of(np.ceil(np.concatenate(gaps) * rate_hz)).complement(length)


def go_missing(config: CohortConfig, generator: np.random.Generator) -> Missing:
    """Return when the devices of one session deliver nothing, or a loose strap's noise."""
    end = config.session_s
    return Missing(
        charging=_charging(config, generator),
        watch_radio=_scatter(_DROPOUTS_PER_HOUR * config.missingness, _DROPOUT_S, end, generator),
        patch_radio=_scatter(_DROPOUTS_PER_HOUR / 2 * config.missingness, _DROPOUT_S, end, generator),
        loose=_scatter(_LOOSE_PER_HOUR * config.artefacts, _LOOSE_S, end, generator),
    )


def _charging(config: CohortConfig, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return at most one charging a day, at likelihood 0.9 for level 1, cut to the session."""
    days = int((config.start_hour + config.session_hours) // 24) + 1
    start_hour = 24 * np.arange(days) + _CHARGING_HOUR + _CHARGING_SPREAD * generator.standard_normal(days)
    hours = generator.uniform(1.0, 2.0, days)
    happens = generator.random(days) < 0.9 * config.missingness
    start = 3600 * (start_hour - config.start_hour)
    spans = np.clip(np.stack((start, start + 3600 * hours), axis=1), 0, config.session_s)[happens]  # (days, 2)
    return np.asarray(spans[spans[:, 1] > spans[:, 0]])


def _scatter(per_hour: float, mean_s: float, end_s: float, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return (N, 2) spans of a Poisson process with exponential lengths, merged where they overlap."""
    onset = np.sort(generator.uniform(0, end_s, generator.poisson(per_hour * end_s / 3600)))
    stop = np.minimum(onset + 0.5 + generator.exponential(mean_s, len(onset)), end_s)
    milliseconds = Spans.of(np.round(np.stack((onset, stop), axis=1) * 1000))
    return milliseconds.bounds / 1000
