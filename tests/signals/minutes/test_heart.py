"""Rates and variability of hearts that beat as told."""

from __future__ import annotations

import math
from statistics import median as median_of
from statistics import quantiles, stdev

import numpy as np
import pytest

from tests.signals.minutes.days import NOON_S, intervals, pulse, raw
from tests.signals.waves import ECG, beat_times, wave
from wearfm.signals.minutes import heart
from wearfm.signals.minutes.grid import MinuteGrid
from wearfm.signals.recording import SECOND


def noon(count: int) -> MinuteGrid:
    return MinuteGrid(first_ns=NOON_S * SECOND, count=count)


@pytest.mark.parametrize("per_min", [45.0, 72.0, 150.0])
def test_a_sine_of_72_a_minute_is_a_heart_rate_of_72(per_min):
    column = heart.rate(heart.from_channel(pulse(6, per_min=per_min)), noon(6))
    assert column.good.all()
    np.testing.assert_allclose(column.values, per_min, atol=0.1)


def test_an_electrocardiogram_gives_its_rate_and_its_swing():
    times = beat_times(360, mean_s=0.8, swing_s=0.05)
    signal = wave(times, ECG, seconds=360, rate_hz=250.0)
    found = heart.from_channel(raw(signal, name="ECG", modality="ecg", rate_hz=250.0))
    np.testing.assert_allclose(heart.rate(found, noon(6)).values, 75.0, atol=0.7)
    inside = np.diff(times)[(times[1:] >= 60) & (times[1:] < 360)]
    low, high = np.quantile(inside, heart.TRIM)
    columns = heart.variability(found, noon(6))
    typical = inside[(inside >= low) & (inside <= high)]
    assert columns["sdnn"].values[3] == pytest.approx(1000 * typical.std(ddof=1), abs=1.0)
    assert columns["rr_median"].values[3] == pytest.approx(1000 * np.median(inside), abs=1.0)


def test_no_interval_bridges_a_gap():
    column = heart.rate(heart.from_channel(pulse(6, gaps=((95.0, 200.0),))), noon(6))
    assert column.good.tolist() == [True, True, False, True, True, True]
    np.testing.assert_allclose(column.values[column.good], 72.0, atol=0.5)


def test_noise_is_not_a_heart():
    noise = np.random.default_rng(4).normal(size=64 * 360)
    assert not heart.rate(heart.from_channel(raw(noise, name="BVP", modality="ppg", rate_hz=64.0)), noon(6)).good.any()
    flat = raw(np.zeros(64 * 360), name="BVP", modality="ppg", rate_hz=64.0)
    assert not heart.rate(heart.from_channel(flat), noon(6)).good.any()


def test_a_short_channel_is_no_mistake():
    column = heart.rate(heart.from_channel(pulse(0.05)), noon(1))
    assert column.good.tolist() == [False]


def test_a_beat_beside_a_step_may_be_the_step():
    found = heart.from_channel(pulse(6))
    step_ns = np.arange(NOON_S + 65, NOON_S + 115, 0.5) * SECOND
    walked = heart.apart_from_steps(found, step_ns.astype(np.int64))
    inside = (found.series.end_s >= 65 - 1.1) & (found.series.end_s <= 114.5 + 1.1)
    assert not walked.series.normal[inside].any()
    assert (walked.series.normal[~inside] == found.series.normal[~inside]).all()
    assert heart.rate(walked, noon(6)).good.tolist() == [True, False, True, True, True, True]
    assert heart.apart_from_steps(found, np.zeros(0, dtype=np.int64)) is found


def test_intervals_of_a_device_give_its_rate():
    found = heart.from_events(intervals([0.75] * 480), stop_ns=(NOON_S + 360) * SECOND)
    column = heart.rate(found, noon(6))
    assert column.good.all()
    np.testing.assert_allclose(column.values, 80.0)
    columns = heart.variability(found, noon(6))
    assert columns["rr_p20"].values[3] == columns["rr_median"].values[3] == columns["rr_p80"].values[3] == pytest.approx(750.0)
    assert columns["sdnn"].values[3] == columns["rmssd"].values[3] == pytest.approx(0.0, abs=1e-6)
    assert columns["rr_entropy"].values[3] == columns["rr_change_entropy"].values[3] == 0.0
    assert columns["rr_valid_share"].values[3] == pytest.approx(1.0, abs=0.01)


def test_an_alternating_heart_has_the_difference_as_its_rmssd():
    found = heart.from_events(intervals([0.79, 0.81] * 240), stop_ns=(NOON_S + 384) * SECOND)
    columns = heart.variability(found, noon(6))
    assert columns["rmssd"].values[3] == pytest.approx(20.0, abs=1e-3)
    assert columns["sdnn"].values[3] == pytest.approx(10.0, abs=0.05)
    assert columns["rr_entropy"].values[3] == pytest.approx(1.0, abs=1e-3)  # 780 to 800 ms and 800 to 820 ms, each half


def test_what_the_device_left_out_is_no_difference_and_no_cover():
    found = heart.from_events(intervals([0.8] * 750, leave_out=slice(75, 525)), stop_ns=(NOON_S + 600) * SECOND)
    assert heart.rate(found, noon(10)).good.tolist() == [True] + [False] * 6 + [True] * 3
    columns = heart.variability(found, noon(10))
    share = columns["rr_valid_share"]
    assert share.values[2] == pytest.approx(0.2, abs=0.01)
    assert share.good.all()
    assert not columns["sdnn"].good[2]


def test_rest_is_a_still_minute_after_a_still_minute():
    rate = heart.rate(heart.from_events(intervals([0.75] * 400), stop_ns=(NOON_S + 300) * SECOND), noon(5))
    column = heart.rate_at_rest(rate, np.array([True, True, False, True, True]))
    assert column.good.tolist() == [False, True, False, False, True]


def test_variability_is_that_of_a_loop_over_windows():
    rng = np.random.default_rng(5)
    lengths = 0.8 + 0.05 * rng.normal(size=1000)
    found = heart.from_events(intervals(lengths, leave_out=slice(400, 430)), stop_ns=(NOON_S + 780) * SECOND)
    columns = heart.variability(found, noon(12))
    compared = 0
    for number in range(12):
        expected = by_hand(found.series, 60.0 * number - 120, 60.0 * number + 180)
        for name, value in expected.items():
            if columns[name].good[number]:
                assert columns[name].values[number] == pytest.approx(value), (name, number)
                compared += 1
    assert compared > 60


def by_hand(series, start_s: float, stop_s: float) -> dict[str, float]:
    """The figures of one window, written from their definitions."""
    inside = [k for k in range(len(series)) if series.normal[k] and start_s <= series.end_s[k] < stop_s]
    values = [1000 * float(series.length_s[k]) for k in inside]
    if len(values) < 50:
        return {}
    parts = quantiles(values, n=100, method="inclusive")
    typical = [k for k, value in zip(inside, values, strict=True) if parts[4] <= value <= parts[94]]
    steps = [1000 * float(series.length_s[k] - series.length_s[k - 1]) for k in inside if k - 1 in inside and series.follows[k]]
    typical_steps = [
        1000 * float(series.length_s[k] - series.length_s[k - 1]) for k in typical if k - 1 in typical and series.follows[k]
    ]
    return {
        "rr_p20": parts[19],
        "rr_median": median_of(values),
        "rr_p80": parts[79],
        "sdnn": stdev([1000 * float(series.length_s[k]) for k in typical]),
        "rmssd": math.sqrt(sum(step**2 for step in typical_steps) / len(typical_steps)),
        "rr_entropy": shannon([math.floor(value / 20) for value in values]),
        "rr_change_entropy": shannon([math.floor(step / 20) for step in steps]),
    }


def shannon(codes: list[int]) -> float:
    return -sum(codes.count(code) / len(codes) * math.log2(codes.count(code) / len(codes)) for code in set(codes))


def test_the_trimmed_sdnn_of_a_gaussian_is_four_fifths_of_the_whole():
    """The published means hang together only so: 20th to 80th percentile of 94 ms, SDNN of 45 ms."""
    lengths = 0.8 + 0.056 * np.random.default_rng(6).normal(size=3000)
    inside = np.ones((1, 3000), dtype=bool)
    figures, _ = heart._figures(1000 * lengths[None], inside, inside)
    assert figures["rr_p80"][0] - figures["rr_p20"][0] == pytest.approx(94, abs=4)
    assert figures["sdnn"][0] == pytest.approx(44, abs=2)
