from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import coherence

from wearfm.synthetic.day import REST, SLEEP, WALKING
from wearfm.synthetic.motion import acceleration, move
from wearfm.synthetic.pulse import LIGHTS, clean_pulse, make_pulses
from wearfm.synthetic.rhythm import make_beats

NO_SPANS = np.zeros((0, 2))
LANDMARKS_S = (0.065, 0.125, 0.185, 0.235, 0.325)  # waves a to e of the second derivative


def ageing_index(vascular_age_years: float) -> float:
    """(b - c - d - e) / a at the landmarks of the second derivative."""
    pulse = clean_pulse(vascular_age_years, rr_s=0.85, rate_hz=1000.0)
    second = np.gradient(np.gradient(pulse))
    a, b, c, d, e = second[[round(1000 * s) for s in LANDMARKS_S]]
    return float((b - c - d - e) / a)


def watch(who, activity, spend, *, loose=NO_SPANS, cadence_hz=0.0):
    schedule, body, config = spend(activity, who=who, cadence_hz=cadence_hz)
    motion = move(who, schedule, body, config, np.random.default_rng(0))
    beats = make_beats(who, body, np.random.default_rng(1))
    generators = {"generator": np.random.default_rng(2), "artefact_generator": np.random.default_rng(3)}
    return motion, beats, config, make_pulses(who, body, beats, motion, loose, config, **generators)


def test_the_ageing_index_rises_as_measured():
    ages = np.array([20.0, 35.0, 50.0, 65.0, 80.0])
    slope, level = np.polyfit(ages, [ageing_index(age) for age in ages], 1)
    assert slope == pytest.approx(0.0162, abs=0.001)  # Choi and Park 2023
    assert level == pytest.approx(-1.1389, abs=0.06)


def test_a_pulse_is_one_high_and_returns_to_its_foot():
    for age in (20, 50, 80):
        pulse = clean_pulse(age, rr_s=0.85, rate_hz=200.0)
        assert pulse.max() == pytest.approx(1.0, abs=0.02)
        assert abs(pulse[0]) < 0.02
        assert abs(pulse[-1]) < 0.05


def test_a_faster_heart_has_shorter_pulses():
    slow, fast = (np.argmax(clean_pulse(40, rr_s=rr, rate_hz=1000.0)) for rr in (1.0, 0.5))
    assert fast < 0.85 * slow


def test_pulses_arrive_a_fifth_of_a_second_after_the_beats(person, spend):
    _, beats, config, pulses = watch(person, REST, spend)
    signal = pulses.ejected + pulses.reflected
    lags = np.arange(0, 0.6, 1 / config.ppg_hz)
    index = [np.round((beats.times_s[5:-20] + lag) * config.ppg_hz).astype(int) for lag in lags]
    delay = lags[np.argmax([np.mean(signal[k]) for k in index])]
    assert 0.3 < delay < 0.5  # 0.2 s to the foot, then the rise


def test_darker_skin_loses_signal_most_in_blue_and_least_in_infrared(person, spend):
    def quality(tone, light):
        who = replace(person, skin_tone=tone)
        _, _, config, pulses = watch(who, REST, spend)
        noisy = pulses.through(light, who, rate_hz=config.ppg_hz, generator=np.random.default_rng(5))
        return np.std(noisy) / light.pulse

    loss = {light.name: quality(6, light) / quality(1, light) for light in LIGHTS}
    assert loss["blue"] < loss["green"] < loss["red"] < loss["infrared"] < 1.02
    assert 0.4 < loss["green"] < 0.75


def coherence_at(frequency_hz, who, activity, spend, *, cadence_hz=0.0) -> float:
    motion, _, config, pulses = watch(who, activity, spend, cadence_hz=cadence_hz)
    ppg = pulses.through(LIGHTS[0], who, rate_hz=config.ppg_hz, generator=np.random.default_rng(5))
    acc = acceleration(motion, rate_hz=64.0, length=len(ppg), generator=np.random.default_rng(6))
    frequency, values = coherence(ppg[:, None], acc, 64.0, nperseg=1024, axis=0)
    return float(values[np.abs(frequency - frequency_hz) < 0.1].max())


def test_artefacts_are_coherent_with_the_accelerometer_and_rest_is_not(person, spend):
    walking = coherence_at(1.9, person, WALKING, spend, cadence_hz=1.9)
    assert walking > 0.7
    assert walking > coherence_at(1.9, person, REST, spend) + 0.2  # at rest only fidgets are shared
    assert walking > 2 * coherence_at(1.9, person, SLEEP, spend)


def test_walking_drowns_more_seconds_than_rest(person, spend):
    shares = []
    for activity, cadence in ((REST, 0.0), (WALKING, 1.9)):
        _, _, config, pulses = watch(person, activity, spend, cadence_hz=cadence)
        shares.append(pulses.drowned(LIGHTS[0], person, rate_hz=config.ppg_hz).mean())
    assert shares[0] < 0.15 < shares[1]


def test_a_loose_strap_is_noisier(person, spend):
    loose = np.array([[600.0, 1200.0]])
    _, _, config, pulses = watch(person, REST, spend, loose=loose)
    line = pulses.through(LIGHTS[0], person, rate_hz=config.ppg_hz, generator=np.random.default_rng(5))
    rough = np.abs(np.diff(line, n=2))
    assert np.median(rough[pulses.loose[2:]]) > 2 * np.median(rough[~pulses.loose[2:]])


def test_no_artefact_level_means_no_artefact(person, spend):
    schedule, body, config = spend(WALKING, cadence_hz=1.9)
    still = replace(config, artefacts=0.0)
    motion = move(person, schedule, body, still, np.random.default_rng(0))
    beats = make_beats(person, body, np.random.default_rng(1))
    generators = {"generator": np.random.default_rng(2), "artefact_generator": np.random.default_rng(3)}
    assert not make_pulses(person, body, beats, motion, NO_SPANS, still, **generators).artefact.any()


def test_fibrillation_makes_pulses_uneven(person, spend):
    def unevenness(burden):
        who = replace(person, af_burden=burden, premature_per_hour=0.0)
        _, beats, _, pulses = watch(who, REST, spend)
        signal = pulses.ejected + pulses.reflected
        start = np.round(beats.times_s[(beats.times_s > 0) & (beats.times_s < 1790)] * 64).astype(int)
        peaks = np.array([signal[k + 13 : k + 32].max() for k in start])
        return np.std(np.diff(peaks)) / peaks.mean()

    assert unevenness(0.99) > 1.5 * unevenness(0.0)  # sinus pulses vary too, with the breath
