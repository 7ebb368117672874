"""Skin: level and slope of conductance and temperature, contact of the electrodes.

value   median of a minute (conductance) or mean (temperature); least-squares slope within the minute
"""

from __future__ import annotations

import numpy as np

from wearfm.signals.minutes.column import LEAST_SHARE, Column, Columns, half_measured
from wearfm.signals.minutes.grid import Array, ByMinute
from wearfm.signals.quality import LIMITS

CONTACT_US = LIMITS["eda"]["lowest"].low  # 0.05 uS: less is a dry or lifted electrode (Kleckner et al. 2018)


def conductance(minute: ByMinute) -> Columns:
    """Return level (uS), slope (uS/min) and contact (share) of skin conductance; minute: in uS.

    The level is the median ("central admittance", as Google's export guide words it), the slope that of the least-squares
    line, both over samples in contact. Contact is the share of measured samples of at least 0.05 uS (Kleckner et al.
    2018, IEEE TBME 65:1460).
    """
    touching = ByMinute(values=minute.values, valid=minute.valid & (minute.values >= CONTACT_US), expected=minute.expected)
    contact = touching.count / np.maximum(minute.count, 1.0)
    rule = "less than half of the minute measured with contact"
    enough = touching.share >= LEAST_SHARE
    return {
        "eda": Column(values=median(touching), good=enough, rule=rule),
        "eda_slope": Column(values=slope(touching), good=enough, rule=rule),
        "eda_contact": half_measured(contact, minute.share),
    }


def temperature(minute: ByMinute) -> Columns:
    """Return the mean (degC) and the least-squares slope (degC/min) of skin temperature; minute: in degC."""
    return {
        "temp": half_measured(minute.mean(), minute.share),
        "temp_slope": half_measured(slope(minute), minute.share),
    }


def altitude(minute: ByMinute) -> Columns:
    """Return the standard deviation of altitude within each minute, m; minute: in m."""
    centred = np.where(minute.valid, minute.values - minute.mean()[:, None], 0.0)
    spread = np.sqrt(np.square(centred).sum(axis=1) / np.maximum(minute.count, 1.0))
    return {"altitude_std": half_measured(spread, minute.share)}


def slope(minute: ByMinute) -> Array:
    """Return the slope of each minute's least-squares line, units a minute, (M,); 0 for fewer than two samples."""
    time = np.arange(minute.values.shape[1]) / minute.expected  # minutes
    count = np.maximum(minute.count, 1.0)
    centre = minute.valid @ time / count
    value = np.where(minute.valid, minute.values - minute.mean()[:, None], 0.0)
    away = np.where(minute.valid, time - centre[:, None], 0.0)
    spread = np.square(away).sum(axis=1)
    return np.asarray((away * value).sum(axis=1) / np.where(spread > 0, spread, 1.0), dtype=np.float64)


def median(minute: ByMinute) -> Array:
    """Return the median of the valid samples of each minute, (M,); 0 for none."""
    ordered = np.sort(np.where(minute.valid, minute.values, np.inf), axis=1)
    count = minute.count.astype(np.int64)
    row = np.arange(len(ordered))
    middle = ordered[row, np.maximum(count - 1, 0) // 2] + ordered[row, count // 2]
    return np.where(count > 0, 0.5 * middle, 0.0)
