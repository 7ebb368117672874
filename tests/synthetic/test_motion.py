from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import welch

from wearfm.synthetic.day import EXERCISE, REST, SLEEP, STRESS, WALKING
from wearfm.synthetic.motion import MOTION_HZ, acceleration, move, on_clock


def moved(who, activity, spend, *, cadence_hz=0.0):
    schedule, body, config = spend(activity, who=who, cadence_hz=cadence_hz)
    return move(who, schedule, body, config, np.random.default_rng(0))


def test_a_resting_wrist_feels_one_g(person, spend):
    motion = moved(person, SLEEP, spend)
    line = acceleration(motion, rate_hz=32.0, length=len(motion.gravity), generator=np.random.default_rng(1))
    assert np.median(np.linalg.norm(line, axis=1)) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("cadence_hz", [1.7, 2.1])
def test_gait_has_its_peak_at_the_cadence(person, spend, cadence_hz):
    motion = moved(person, WALKING, spend, cadence_hz=cadence_hz)
    vertical = (motion.dynamic * motion.gravity).sum(axis=1)
    frequency, power = welch(vertical, MOTION_HZ, nperseg=1024)
    assert frequency[np.argmax(power)] == pytest.approx(cadence_hz, abs=0.1)


def test_activities_differ_in_vigour(person, spend):
    vigour = [
        float(np.mean(moved(person, activity, spend, cadence_hz=cadence).vigour()))
        for activity, cadence in ((SLEEP, 0.0), (REST, 0.0), (WALKING, 1.9), (EXERCISE, 2.6))
    ]
    assert vigour == sorted(vigour)
    assert vigour[3] > 2 * vigour[2] > 4 * vigour[1] > 4 * vigour[0]


def test_postures_change_but_gravity_keeps_its_length(person, spend):
    gravity = moved(person, STRESS, spend).gravity
    assert np.allclose(np.linalg.norm(gravity, axis=1), 1.0)
    assert len(np.unique(np.round(gravity[::320], 1), axis=0)) > 3


def test_tremor_has_its_frequency_and_only_when_asked_for(person, spend):
    shaking = moved(replace(person, tremor_hz=5.0), REST, spend)
    still = moved(replace(person, tremor_hz=0.0), REST, spend)
    frequency, power = welch(shaking.dynamic, MOTION_HZ, nperseg=1024, axis=0)
    band = np.abs(frequency - 5.0) < 0.5
    calm = welch(still.dynamic, MOTION_HZ, nperseg=1024, axis=0)[1]
    assert power[band].sum() > 20 * calm[band].sum()


def test_another_rate_keeps_the_times_of_the_line():
    line = np.arange(33.0)
    assert np.allclose(on_clock(line, rate_hz=64.0, length=60), np.arange(60) / 2)
