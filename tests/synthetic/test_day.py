from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from wearfm.synthetic.config import CohortConfig
from wearfm.synthetic.day import EXERCISE, REST, SLEEP, STRESS, WALKING, plan_day, sleep_stages

DAY = CohortConfig(session_hours=24.0, start_hour=9.0)


def minutes(schedule, activity) -> float:
    return sum(bout.stop_s - bout.start_s for bout in schedule.of(activity)) / 60


@pytest.fixture
def days(person):
    return [plan_day(person, DAY, np.random.default_rng(i)) for i in range(30)]


def test_bouts_touch_and_span_the_session(days):
    for day in days:
        edges = [day.bouts[0].start_s, *(bout.stop_s for bout in day.bouts)]
        assert (edges[0], edges[-1]) == (0, DAY.session_s)
        assert [bout.start_s for bout in day.bouts] == edges[:-1]
        assert all(a < b for a, b in pairwise(edges))


def test_a_day_is_spent_as_days_are(days):
    mean = {
        activity: np.mean([minutes(day, activity) for day in days]) for activity in (SLEEP, REST, WALKING, EXERCISE, STRESS)
    }
    assert 330 < mean[SLEEP] < 540
    assert 400 < mean[REST] < 750
    assert 60 < mean[WALKING] < 240
    assert 5 < mean[EXERCISE] < 100
    assert 15 < mean[STRESS] < 240


def test_late_types_fall_asleep_later(person):
    def falls_asleep(mid_sleep_hour):
        moved = replace(person, mid_sleep_hour=mid_sleep_hour)
        return np.mean([plan_day(moved, DAY, np.random.default_rng(i)).of(SLEEP)[0].start_s for i in range(10)]) / 3600

    assert falls_asleep(4.5) - falls_asleep(2.5) == pytest.approx(2.0, abs=0.3)


def test_a_session_at_night_begins_asleep(person):
    night = replace(DAY, start_hour=3.0, session_hours=1.0)
    assert plan_day(replace(person, mid_sleep_hour=4.0), night, np.random.default_rng(0)).bouts[0].activity == SLEEP


def test_the_same_stroll_costs_an_unfit_heart_more(person):
    def effort(fitness):
        day = plan_day(replace(person, fitness_ml_kg_min=fitness), DAY, np.random.default_rng(0))
        return np.mean([bout.effort for bout in day.of(WALKING)])

    assert effort(20.0) > 1.5 * effort(45.0)


def test_sleep_stages_tile_every_sleep_bout(days):
    for day in days[:5]:
        assert sum(stop - start for _, start, stop in sleep_stages(day)) / 60 == pytest.approx(minutes(day, SLEEP))


def test_deep_sleep_comes_early_and_rem_late(days):
    deep, rem = [], []
    for day in days:
        onset = day.of(SLEEP)[0].start_s
        deep += [start - onset for stage, start, _ in sleep_stages(day) if stage == 1]
        rem += [start - onset for stage, start, _ in sleep_stages(day) if stage == 2]
    assert np.median(deep) + 3600 < np.median(rem)
