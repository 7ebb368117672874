from dataclasses import replace

import numpy as np
import pytest

from wearfm.synthetic.body import make_body
from wearfm.synthetic.config import CohortConfig
from wearfm.synthetic.day import EXERCISE, REST, SLEEP, STRESS, Bout, Schedule
from wearfm.synthetic.motion import move
from wearfm.synthetic.skin import _phasic, conductance, responses, temperature


def test_stress_brings_more_responses_than_rest_and_rest_more_than_sleep(person, spend):
    count = {}
    for activity in (SLEEP, REST, STRESS):
        schedule, _, config = spend(activity, hours=1.0)
        count[activity] = len(responses(person, schedule, config, np.random.default_rng(0))[0])
    assert count[STRESS] > 3 * count[REST] > 3 * count[SLEEP]
    assert count[REST] == pytest.approx(120, abs=45)  # 2 per min


def test_a_response_rises_fast_and_falls_slowly_to_its_height():
    curve = _phasic(np.array([2.0]), np.array([0.5]), rate_hz=100.0, length=2000)
    peak = int(np.argmax(curve))
    assert curve.max() == pytest.approx(0.5, rel=0.02)
    assert peak / 100 - 2.0 == pytest.approx(1.18, abs=0.05)  # ln(tau2/tau1) tau1 tau2 / (tau2 - tau1)
    assert np.argmin(np.abs(curve[peak:] - 0.25)) > peak - 200


def test_conductance_is_positive_and_rises_with_arousal(person, spend):
    level = {}
    for activity in (REST, STRESS):
        schedule, body, config = spend(activity)
        motion = move(person, schedule, body, config, np.random.default_rng(1))
        events = responses(person, schedule, config, np.random.default_rng(2))
        line = conductance(person, body, motion, events, config, np.random.default_rng(3))
        assert line.min() >= 0.05
        level[activity] = line.mean()
    assert level[STRESS] > 1.2 * level[REST]


def test_the_wrist_is_warmer_asleep(person, spend):
    warm = {}
    for activity in (SLEEP, REST):
        _, body, config = spend(activity, hours=2.0)
        warm[activity] = temperature(person, body, config, np.random.default_rng(0))[-600:].mean()
    assert warm[SLEEP] - warm[REST] == pytest.approx(1.0, abs=0.2)


def test_sweat_cools_before_muscle_heat_arrives(person):
    config = CohortConfig(session_hours=1.5)
    halves = (
        Bout(activity=REST, start_s=0, stop_s=1200),
        Bout(activity=EXERCISE, start_s=1200, stop_s=3600, effort=0.7),
        Bout(activity=REST, start_s=3600, stop_s=5400),
    )
    active, calm = Schedule(halves), Schedule((Bout(activity=REST, start_s=0, stop_s=5400),))
    lines = []
    for schedule in (active, calm):
        body = make_body(person, schedule, config, np.random.default_rng(1))
        lines.append(temperature(person, body, config, np.random.default_rng(0)))
    change = lines[0] - lines[1]
    assert abs(change[: 1200 * 4]).max() < 1e-9
    assert change[1500 * 4] < -0.3  # five minutes into exercise
    assert change[4800 * 4] > 0.3  # twenty minutes after it


def test_temperature_saturates_at_the_ends_of_the_sensor(person, spend):
    _, body, config = spend(REST)
    line = temperature(replace(person, skin_temp_degc=10.0), body, config, np.random.default_rng(0))
    assert line.min() == 22.0
