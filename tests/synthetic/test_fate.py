from dataclasses import replace

import numpy as np
import pytest

from wearfm.evaluation.survival import FollowUp, Risks, c_index
from wearfm.synthetic import Cohort, CohortConfig
from wearfm.synthetic.fate import hazard_a_year

COHORT = Cohort(CohortConfig(num_participants=1500, follow_up_years=8.0), seed=0)
PEOPLE = [COHORT.participant(index) for index in range(1500)]
FATES = [COHORT.fate(person) for person in PEOPLE]


def follow_up(outcome):
    time = np.array([fate[f"time_days:{outcome}"] for fate in FATES])
    return FollowUp(time_days=time, event=np.array([fate[f"event:{outcome}"] == 1.0 for fate in FATES]))


def test_the_hazard_doubles_with_ten_years_and_with_twenty_mmhg():
    older = replace(PEOPLE[0], age_years=PEOPLE[0].age_years + 10)
    tenser = replace(PEOPLE[0], sbp_mmHg=PEOPLE[0].sbp_mmHg + 20)
    base = hazard_a_year(PEOPLE[0])
    for changed in (older, tenser):
        assert hazard_a_year(changed)["vascular"] / base["vascular"] == pytest.approx(2.0)
        assert hazard_a_year(changed)["unrelated"] == base["unrelated"]


def test_age_tells_one_outcome_and_not_the_other():
    age = np.array([person.age_years for person in PEOPLE])
    hazard = np.array([hazard_a_year(person)["vascular"] for person in PEOPLE])
    vascular, unrelated = follow_up("vascular"), follow_up("unrelated")
    assert 0.7 < c_index(Risks.of(vascular, age))[0] < c_index(Risks.of(vascular, hazard))[0]
    assert abs(c_index(Risks.of(unrelated, age))[0] - 0.5) < 0.04  # 2.5 standard errors


def test_events_come_at_their_rate_and_nobody_is_followed_beyond_the_end():
    people = follow_up("unrelated")
    assert people.time_days.max() <= round(8 * 365.25)
    rate = people.events / people.time_days.sum() * 365.25
    assert abs(rate - 0.03) < 0.005  # 3 standard errors


def test_fate_is_told_only_if_the_study_asks_and_moves_nothing_else():
    silent = Cohort(CohortConfig(num_participants=2, session_hours=0.05, modalities=("temp",)), seed=0)
    asking = Cohort(CohortConfig(num_participants=2, session_hours=0.05, modalities=("temp",), follow_up_years=8.0), seed=0)
    before, after = silent.record(1, 0), asking.record(1, 0)
    assert {name for name in after.facts if name not in before.facts} == set(FATES[0])
    assert {name: after.facts[name] for name in before.facts} == dict(before.facts)
    np.testing.assert_array_equal(before.channels[0].samples, after.channels[0].samples)


def test_a_longer_study_sees_the_same_people_for_longer():
    longer = Cohort(CohortConfig(num_participants=1500, follow_up_years=16.0), seed=0)
    for person, fate in zip(PEOPLE[:200], FATES[:200], strict=True):
        later = longer.fate(person)
        assert later["time_days:vascular"] >= fate["time_days:vascular"]
        assert later["event:vascular"] >= fate["event:vascular"]
