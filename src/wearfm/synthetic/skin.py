"""The skin: how well it conducts (EDA) and how warm it is (TEMP)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from wearfm.synthetic.body import Body
from wearfm.synthetic.config import CohortConfig
from wearfm.synthetic.day import EXERCISE, REST, SLEEP, STRESS, WALKING, Schedule
from wearfm.synthetic.motion import Motion, on_clock
from wearfm.synthetic.noise import Line, lag, wander
from wearfm.synthetic.participant import Participant

# responses per min: at rest 1 to 3, in high arousal 20 (Boucsein 2012, sec. 2.5.2; Dawson et al. 2017)
_RESPONSES_PER_MIN = {SLEEP: 0.6, REST: 2.0, WALKING: 4.0, EXERCISE: 5.0, STRESS: 11.0}
_RISE_S, _FALL_S = 0.75, 2.0  # Alexander et al. 2005 (doi:10.1016/j.jneumeth.2005.02.001), time constants of the Bateman curve
_RESPONSE_US, _RESPONSE_SPREAD = 0.16, 0.7  # median height and spread of its logarithm
_BODY_HZ = 4.0


def responses(
    person: Participant, schedule: Schedule, config: CohortConfig, generator: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return onsets in s, rising, and heights in uS of the phasic responses, (N,) each: Poisson, rate by activity."""
    most = max(_RESPONSES_PER_MIN.values())
    onset = np.sort(generator.uniform(0, config.session_s, generator.poisson(most * config.session_s / 60)))
    rates = np.array([_RESPONSES_PER_MIN[activity] for activity in range(5)])
    rate = rates[schedule.values(onset, "activity").astype(np.int64)]
    height = _RESPONSE_US * person.sweat_response * np.exp(_RESPONSE_SPREAD * generator.standard_normal(len(onset)))
    kept = generator.random(len(onset)) < rate / most
    return onset[kept], height[kept]


def conductance(
    person: Participant,
    body: Body,
    motion: Motion,
    events: tuple[NDArray[np.float64], NDArray[np.float64]],
    config: CohortConfig,
    generator: np.random.Generator,
) -> Line:
    """Return skin conductance of the session, (T,) uS: a drifting level and the responses on it.

    The level follows arousal within minutes and sweating in exercise within a quarter of an hour.
    """
    rate_hz, length = config.eda_hz, config.length("eda")
    times = np.arange(length) / rate_hz
    sweat = lag(body.effort, rate_hz=_BODY_HZ, time_s=600.0)
    level = 0.25 * wander(generator, len(body.times_s), rate_hz=_BODY_HZ, time_s=900.0)
    level += 0.35 * lag(body.arousal, rate_hz=_BODY_HZ, time_s=90.0) + 1.6 * sweat - 0.4 * body.asleep
    tonic = person.skin_conductance_us * np.exp(body.at(level, times))
    jerks = 0.05 * config.artefacts * on_clock(motion.vigour(), rate_hz=rate_hz, length=length)
    line = tonic + _phasic(*events, rate_hz=rate_hz, length=length) + (0.004 + jerks) * generator.standard_normal(length)
    return np.asarray(np.clip(line, 0.05, 60.0))


def _phasic(onset_s: Line, height_us: Line, *, rate_hz: float, length: int) -> Line:
    """Return the sum of bi-exponential responses, (T,) uS: impulses through the difference of two first-order decays."""
    impulses = np.bincount(np.minimum((onset_s * rate_hz).astype(np.int64), length - 1), weights=height_us, minlength=length)
    fall, rise = np.exp(-1 / (rate_hz * _FALL_S)), np.exp(-1 / (rate_hz * _RISE_S))
    curve = np.asarray(lfilter([1.0], [1.0, -fall], impulses) - lfilter([1.0], [1.0, -rise], impulses))
    peak_s = np.log(_FALL_S / _RISE_S) * _FALL_S * _RISE_S / (_FALL_S - _RISE_S)
    return np.asarray(curve / (np.exp(-peak_s / _FALL_S) - np.exp(-peak_s / _RISE_S)))


def temperature(person: Participant, body: Body, config: CohortConfig, generator: np.random.Generator) -> Line:
    """Return wrist skin temperature of the session, (T,) degC.

    Warmest at 3 h by 0.5 degC, 1 degC more asleep when the skin sheds heat (Sarabia et al. 2008);
    sweating cools, then muscle heat arrives; stress constricts; the room drifts.
    """
    rate_hz, length = config.temp_hz, config.length("temp")
    circadian = 0.5 * np.cos(2 * np.pi * (body.local_hour - 3) / 24)
    asleep = 1.0 * lag(body.asleep, rate_hz=_BODY_HZ, time_s=1200.0)
    cooling = -1.8 * lag(body.effort, rate_hz=_BODY_HZ, time_s=300.0)
    heat = 2.4 * lag(body.effort, rate_hz=_BODY_HZ, time_s=1800.0)
    stress = -0.6 * lag(body.arousal, rate_hz=_BODY_HZ, time_s=180.0)
    room = 0.5 * wander(generator, len(body.times_s), rate_hz=_BODY_HZ, time_s=2400.0)
    line = person.skin_temp_degc + circadian + asleep + cooling + heat + stress + room
    noise = 0.01 * generator.standard_normal(length)
    return np.asarray(np.clip(body.at(line, np.arange(length) / rate_hz) + noise, 22.0, 42.0))
