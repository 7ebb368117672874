"""The slow state of the body on a 4 Hz grid: what it is doing, how fast the heart should beat, how it breathes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wearfm.synthetic.config import CohortConfig
from wearfm.synthetic.day import DEEP, LIGHT, REM, SLEEP, STRESS, Schedule, sleep_stages
from wearfm.synthetic.noise import Line, band, lag, wander
from wearfm.synthetic.participant import Participant

GRID_HZ = 4.0
MARGIN_S = 8.0  # the grid begins before the session and ends after it, so that no beat is missing at its ends

# change of heart rate, per min, and factor of vagal modulation in sleep. Heart rate in sleep is 10.7 below seated
# (Gonzales et al. 2023); deep sleep is the lowest and most vagal, REM close to waking (Boudreau et al. 2013)
_STAGE_HR = {LIGHT: -10.0, DEEP: -13.0, REM: -8.5}
_STAGE_VAGAL = {LIGHT: 1.2, DEEP: 1.35, REM: 1.0}
_STRESS_HR = 14.0  # rise under social-evaluative stress (Kudielka et al. 2004)


@dataclass(frozen=True, kw_only=True)
class Body:
    """Lines of (T,) at 4 Hz; sample k is at `times_s[k]` seconds of the session.

    effort: share of heart rate reserve, lagged. arousal: 0 calm to 1 stressed, lagged. asleep: 0 or 1, lagged.
    heart_rate: target in sinus rhythm, per min. vagal: factor of respiratory modulation. breath: -1 to 1, in phase with
    chest volume. mayer: unit-variance 0.1 Hz line of the baroreflex.
    """

    times_s: Line
    local_hour: Line
    effort: Line
    arousal: Line
    asleep: Line
    heart_rate: Line
    vagal: Line
    breath: Line
    mayer: Line

    def at(self, line: Line, times_s: Line) -> Line:
        """Return one of the lines at other times, linear between grid points."""
        return np.interp(times_s, self.times_s, line)


def make_body(person: Participant, schedule: Schedule, config: CohortConfig, generator: np.random.Generator) -> Body:
    """Return the slow state of the person, as they are today, over the session."""
    times = np.arange(-MARGIN_S, config.session_s + MARGIN_S, 1 / GRID_HZ)
    activity = schedule.values(times, "activity")
    effort = _effort(schedule, times, generator)
    arousal = lag((activity == STRESS).astype(np.float64), rate_hz=GRID_HZ, time_s=45.0)
    asleep = lag((activity == SLEEP).astype(np.float64), rate_hz=GRID_HZ, time_s=180.0)
    stage_hr, stage_vagal = _stages(schedule, times)
    hours = config.start_hour + times / 3600
    return Body(
        times_s=times,
        local_hour=hours,
        effort=effort,
        arousal=arousal,
        asleep=asleep,
        heart_rate=_heart_rate(person, hours=hours, effort=effort, arousal=arousal, stage_hr=stage_hr, generator=generator),
        vagal=stage_vagal * (1 - 0.45 * arousal) * np.exp(-3.5 * effort),
        breath=_breath(person, effort=effort, arousal=arousal, asleep=asleep, generator=generator),
        mayer=band(generator, len(times), rate_hz=GRID_HZ, centre_hz=0.1, width_hz=0.015),
    )


def _effort(schedule: Schedule, times: Line, generator: np.random.Generator) -> Line:
    """Return the share of heart rate reserve in use, (T,): hills and pauses of 15 %, then two lags.

    The fast part is vagal withdrawal and oxygen uptake (30 s), the slow one what drifts up and recovers late (5 min).
    """
    hills = np.clip(1 + 0.15 * wander(generator, len(times), rate_hz=GRID_HZ, time_s=100.0), 0.5, 1.2)
    asked = np.minimum(schedule.values(times, "effort") * hills, 0.95)
    return 0.7 * lag(asked, rate_hz=GRID_HZ, time_s=30.0) + 0.3 * lag(asked, rate_hz=GRID_HZ, time_s=300.0)


def _heart_rate(
    person: Participant, *, hours: Line, effort: Line, arousal: Line, stage_hr: Line, generator: np.random.Generator
) -> Line:
    """Return resting rate + circadian swing + reserve in use + stress + slow wandering, (T,) per min.

    Circadian: 2 per min around a peak at 16 h, beyond what sleep itself does; our choice.
    """
    rest = person.resting_hr_per_min
    circadian = 2.0 * np.cos(2 * np.pi * (hours - 16) / 24)
    slow = 2.0 * wander(generator, len(hours), rate_hz=GRID_HZ, time_s=240.0)
    rate = rest + circadian + stage_hr + effort * (person.max_hr_per_min - rest) + _STRESS_HR * arousal + slow
    return np.asarray(np.clip(rate, 34.0, person.max_hr_per_min), dtype=np.float64)


def _stages(schedule: Schedule, times: Line) -> tuple[Line, Line]:
    """Return what the sleep stage adds to the heart rate and multiplies vagal modulation by, both lagged, (T,)."""
    rate, vagal = np.zeros(len(times)), np.ones(len(times))
    for stage, start, stop in sleep_stages(schedule):
        inside = slice(*np.searchsorted(times, (start, stop)))
        rate[inside], vagal[inside] = _STAGE_HR[stage], _STAGE_VAGAL[stage]
    return lag(rate, rate_hz=GRID_HZ, time_s=120.0), lag(vagal, rate_hz=GRID_HZ, time_s=120.0)


def _breath(person: Participant, *, effort: Line, arousal: Line, asleep: Line, generator: np.random.Generator) -> Line:
    """Return the sine of a breathing phase whose rate follows effort, stress and sleep and jitters by 8 %, (T,)."""
    jitter = 1 + 0.08 * wander(generator, len(effort), rate_hz=GRID_HZ, time_s=20.0)
    per_min = (person.breaths_per_min + 22 * effort + 3 * arousal - 1.5 * asleep) * np.clip(jitter, 0.7, 1.3)
    return np.asarray(np.sin(2 * np.pi * np.cumsum(per_min) / (60 * GRID_HZ)), dtype=np.float64)
