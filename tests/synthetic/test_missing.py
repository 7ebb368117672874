from dataclasses import replace

import numpy as np
import pytest

from wearfm.synthetic.config import CohortConfig
from wearfm.synthetic.missing import go_missing

DAY = CohortConfig(session_hours=24.0, start_hour=8.0)


def days(config, count=60):
    return [go_missing(config, np.random.default_rng(i)) for i in range(count)]


def test_charging_takes_one_to_two_hours_mostly_in_the_evening():
    spans = np.concatenate([day.charging for day in days(DAY)])
    hours = np.diff(spans).ravel() / 3600
    assert 0.99 < np.median(hours) <= hours.max() <= 2.0
    start = spans[:, 0] / 3600 + 8
    assert np.mean((start > 17) & (start < 23)) > 0.85
    assert 40 < len(spans) <= 60


def test_a_morning_session_is_not_charged_through():
    morning = replace(DAY, session_hours=2.0)
    assert all(len(day.charging) == 0 for day in days(morning, 20))


def test_dropouts_last_seconds():
    lengths = np.concatenate([np.diff(day.watch_radio).ravel() for day in days(DAY, 20)])
    assert 2 < np.median(lengths) < 10
    assert len(lengths) / 20 == pytest.approx(24, abs=6)


def test_level_zero_is_perfect_and_two_is_worse():
    assert all(
        len(getattr(day, name)) == 0
        for day in days(replace(DAY, missingness=0.0, artefacts=0.0), 5)
        for name in ("charging", "watch_radio", "patch_radio", "loose")
    )
    ours, twice = (sum(len(day.watch_radio) for day in days(replace(DAY, missingness=level), 20)) for level in (1.0, 2.0))
    assert twice == pytest.approx(2 * ours, rel=0.2)


def test_the_patch_keeps_measuring_while_the_watch_charges():
    day = next(day for day in days(DAY) if len(day.charging))
    second = int(day.charging[0].mean())
    length = int(DAY.session_s)
    assert not day.present("ppg", rate_hz=1.0, length=length).mask(length)[second]
    assert day.present("ecg", rate_hz=1.0, length=length).total > 0.98 * length
