from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import find_peaks, welch

from wearfm.synthetic.cardiogram import electrocardiogram
from wearfm.synthetic.day import REST
from wearfm.synthetic.motion import move
from wearfm.synthetic.rhythm import make_beats


def record(who, spend):
    schedule, body, config = spend(REST, who=who)
    beats = make_beats(who, body, np.random.default_rng(1))
    motion = move(who, schedule, body, config, np.random.default_rng(0))
    return beats, electrocardiogram(who, body, beats, motion, config, np.random.default_rng(2)), config.ecg_hz


def around(line, beats, rate_hz, *, before_s, after_s):
    index = np.round(beats.times_s[5:-30] * rate_hz).astype(int)
    return np.median(line[index[:, None] + np.arange(-round(before_s * rate_hz), round(after_s * rate_hz))], axis=0)


def test_r_peaks_give_the_heart_rate_back(person, spend):
    who = replace(person, af_burden=0.0, heart_axis=(1.0,) * 5)
    beats, line, rate_hz = record(who, spend)
    peaks = find_peaks(line, height=0.5 * np.quantile(line, 0.999), distance=int(0.3 * rate_hz))[0] / rate_hz
    truth = beats.times_s[(beats.times_s > 0) & (beats.times_s < len(line) / rate_hz)]
    assert len(peaks) == pytest.approx(len(truth), rel=0.005)  # a few fidgets look like beats
    nearest = np.abs(truth[:, None] - peaks[None, :]).min(axis=1)
    assert np.median(nearest) < 1 / rate_hz


def test_p_waves_vanish_in_fibrillation_and_f_waves_appear(person, spend):
    sinus, fibrillating = replace(person, af_burden=0.0), replace(person, af_burden=0.999)
    (beats, line, rate_hz), (af_beats, af_line, _) = record(sinus, spend), record(fibrillating, spend)
    assert af_beats.is_af.mean() > 0.95
    p_height = [np.ptp(around(x, b, rate_hz, before_s=0.22, after_s=-0.08)) for x, b in ((line, beats), (af_line, af_beats))]
    assert p_height[0] > 2 * p_height[1]


def test_f_waves_sit_between_5_and_8_hz(person, spend):
    who = replace(person, af_burden=0.999, heart_axis=(0.0,) * 5)
    _, line, rate_hz = record(who, spend)
    frequency, power = welch(line, rate_hz, nperseg=1024)
    inside = frequency > 3
    assert 4.8 < frequency[inside][np.argmax(power[inside])] < 7.8


def test_pressure_raises_r_and_flattens_t(person, spend):
    beats, low, rate_hz = record(replace(person, sbp_mmHg=110.0, af_burden=0.0), spend)
    _, high, _ = record(replace(person, sbp_mmHg=170.0, af_burden=0.0), spend)
    r = [around(x, beats, rate_hz, before_s=0.02, after_s=0.02).max() for x in (low, high)]
    t = [around(x, beats, rate_hz, before_s=-0.2, after_s=0.4).max() for x in (low, high)]
    assert r[1] > r[0]
    assert t[1] < t[0]
