"""What a person does during a session: a semi-Markov chain of bouts around nights fixed by the chronotype."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wearfm.synthetic.config import CohortConfig
from wearfm.synthetic.participant import Participant

ACTIVITIES = ("sleep", "rest", "walking", "exercise", "stress")
SLEEP, REST, WALKING, EXERCISE, STRESS = range(5)
STAGES = ("light", "deep", "rem")
LIGHT, DEEP, REM = range(3)

# median dwell in minutes and spread of its logarithm; our choice, so that a day has about 15 changes of posture and pace
_DWELL = {REST: (30.0, 0.6), WALKING: (8.0, 0.6), EXERCISE: (32.0, 0.3), STRESS: (16.0, 0.4)}
_CYCLE_MIN = 90.0  # one NREM and REM cycle (Carskadon and Dement 2017, ch. 2)
_MET_ML = 3.5  # oxygen uptake at rest, ml/kg/min
_WALKING_MET = 3.0  # level walking at 4 km/h (Ainsworth et al. 2011, code 17170)
_WALKING_MOST = 0.5  # share of reserve at which people slow down rather than pant


@dataclass(frozen=True, kw_only=True)
class Bout:
    """One stretch of one activity, in seconds from the start of the session.

    effort: share of the heart rate reserve in use. cadence_hz: steps per second, 0 if not walking or running.
    """

    activity: int
    start_s: float
    stop_s: float
    effort: float = 0.0
    cadence_hz: float = 0.0


@dataclass(frozen=True)
class Schedule:
    """The bouts of a session: they touch, and together span it whole."""

    bouts: tuple[Bout, ...]

    def values(self, times_s: NDArray[np.float64], field: str) -> NDArray[np.float64]:
        """Return one field of the bout in progress at each time (the first or last bout outside the session), (T,)."""
        starts = np.array([bout.start_s for bout in self.bouts])
        row = np.maximum(np.searchsorted(starts, times_s, side="right") - 1, 0)
        return np.array([getattr(bout, field) for bout in self.bouts], dtype=np.float64)[row]

    def of(self, activity: int) -> list[Bout]:
        """Return the bouts of one activity."""
        return [bout for bout in self.bouts if bout.activity == activity]


def plan_day(person: Participant, config: CohortConfig, generator: np.random.Generator) -> Schedule:
    """Return what the person, as they are today, does from the start of the session to its end."""
    clock = config.start_hour * 3600  # local seconds since the midnight before the session
    end = config.session_s
    bouts: list[Bout] = []
    previous, now = SLEEP, 0.0
    for start, stop in _nights(person, days=int(config.session_hours // 24) + 3, generator=generator):
        while now < min(start - clock, end):
            previous = _next_activity(previous, (now + clock) / 3600, person, generator)
            bout = _wake_bout(previous, now, min(start - clock, end), person, generator)
            bouts.append(bout)
            now = bout.stop_s
        while now < min(stop - clock, end):
            bout = _night_bout(bouts[-1].activity if bouts else REST, now, min(stop - clock, end), generator)
            bouts.append(bout)
            now, previous = bout.stop_s, SLEEP
    return Schedule(tuple(bouts))


def sleep_stages(schedule: Schedule) -> Iterator[tuple[int, float, float]]:
    """Yield (stage, start_s, stop_s) over every sleep bout: 90-minute cycles, deep sleep early, REM late in the night."""
    asleep_min = 0.0  # since the night began; a gap of two hours begins another night
    last_stop = -np.inf
    for bout in schedule.of(SLEEP):
        asleep_min = 0.0 if bout.start_s - last_stop > 7200 else asleep_min
        now, last_stop = bout.start_s, bout.stop_s
        while now < bout.stop_s:
            stage, left_min = _stage(asleep_min)
            step_min = min(left_min, (bout.stop_s - now) / 60)
            yield stage, now, now + step_min * 60
            now += step_min * 60
            asleep_min += step_min
            if bout.stop_s - now < 1e-6:
                break


def _stage(asleep_min: float) -> tuple[int, float]:
    """Return the stage and the minutes left in it."""
    cycle, within = divmod(asleep_min + 1e-9, _CYCLE_MIN)
    deep_min = max(35.0 - 12 * cycle, 0.0)
    rem_min = min(8.0 + 9 * cycle, 40.0)
    edges = (20.0, 20.0 + deep_min, _CYCLE_MIN - rem_min, _CYCLE_MIN)
    for stage, edge in zip((LIGHT, DEEP, LIGHT, REM), edges, strict=True):
        if within < edge:
            return stage, edge - within
    raise AssertionError(f"minute {within} lies outside a cycle of {_CYCLE_MIN}")


def _nights(person: Participant, *, days: int, generator: np.random.Generator) -> Iterator[tuple[float, float]]:
    """Yield (start, stop) of each night, local seconds, from the one before the session to one after its end."""
    for day in range(days + 1):
        middle = (24 * day + person.mid_sleep_hour + 0.3 * generator.standard_normal()) * 3600
        half = person.sleep_hours * 1800
        yield middle - half, middle + half


def _next_activity(previous: int, hour: float, person: Participant, generator: np.random.Generator) -> int:
    """Return what comes after `previous`: exercise around 7 and 18 h, stress in working hours, in the person's own time."""
    own_hour = (hour - (person.mid_sleep_hour - 3.5)) % 24
    fit = float(np.clip(person.fitness_ml_kg_min / 35, 0.5, 1.6)) ** 2
    weights = np.zeros(5)
    weights[REST] = 1.0
    weights[WALKING] = 0.8
    weights[EXERCISE] = fit * (0.004 + 0.08 * (_bell(own_hour, 7.5) + _bell(own_hour, 18.0)))
    weights[STRESS] = person.stress_proneness * (0.08 + 0.35 * float(9 <= own_hour <= 17.5))
    if previous != SLEEP:
        weights[previous] = 0.0
    if previous in (EXERCISE, SLEEP):
        weights[[EXERCISE, STRESS]] = 0.0
    return int(generator.choice(5, p=weights / weights.sum()))


def _bell(hour: float, centre: float) -> float:
    return float(np.exp(-0.5 * ((hour - centre) / 1.5) ** 2))


def _wake_bout(activity: int, start: float, latest: float, person: Participant, generator: np.random.Generator) -> Bout:
    """Return a bout with a log-normal dwell; effort in walking is that of a fixed oxygen uptake, in exercise relative.

    Share of heart rate reserve = share of oxygen uptake reserve (Swain and Leutholtz 1997,
    doi:10.1097/00005768-199703000-00018), so that the same stroll costs an unfit heart more.
    """
    median, spread = _DWELL[activity]
    stop = min(start + 60 * median * float(np.exp(spread * generator.standard_normal())), latest)
    pace = float(np.clip(1 + 0.08 * generator.standard_normal(), 0.75, 1.25))
    relative = generator.uniform(0.55, 0.85)
    effort, cadence = 0.0, 0.0
    if activity == WALKING:
        uptake = _WALKING_MET * _MET_ML * pace**2
        effort = min((uptake - _MET_ML) / (person.fitness_ml_kg_min - _MET_ML), _WALKING_MOST)
        cadence = person.cadence_hz * pace
    elif activity == EXERCISE:
        effort = float(relative)
        cadence = 1.38 * person.cadence_hz * (0.85 + 0.2 * float(relative)) * pace**0.5  # running, 2.4 to 2.9 Hz
    return Bout(activity=activity, start_s=start, stop_s=stop, effort=effort, cadence_hz=cadence)


def _night_bout(previous: int, start: float, latest: float, generator: np.random.Generator) -> Bout:
    """Return a stretch of sleep, or the few minutes awake after one."""
    if previous == SLEEP:
        return Bout(activity=REST, start_s=start, stop_s=min(start + generator.uniform(60, 360), latest))
    return Bout(activity=SLEEP, start_s=start, stop_s=min(start + 1800 + generator.exponential(9000), latest))
