import numpy as np
import pytest

from wearfm.synthetic.config import CohortConfig
from wearfm.synthetic.participant import Participant, af_probability, draw_participant, expected_fitness, expected_rmssd, today

FACTS = {
    "age_years", "sex", "bmi_kg_m2", "fitness_ml_kg_min", "resting_hr_per_min", "rmssd_ms", "vascular_age_years",
    "skin_tone", "rhythm", "chronotype", "sbp_mmHg", "dbp_mmHg", "hypertension",
}  # fmt: skip


@pytest.fixture(scope="module")
def people() -> list[Participant]:
    return [draw_participant(i, CohortConfig(), np.random.default_rng(i)) for i in range(1500)]


def column(people, name) -> np.ndarray:
    return np.array([getattr(person, name) for person in people], dtype=float)


def correlation(people, first, second) -> float:
    return float(np.corrcoef(column(people, first), column(people, second))[0, 1])


def test_facts_are_the_agreed_keys(people):
    assert set(people[0].facts) == FACTS


def test_every_trait_is_that_of_a_living_adult(people):
    for name, low, high in [
        ("age_years", 20, 85), ("bmi_kg_m2", 16, 50), ("fitness_ml_kg_min", 8, 75), ("resting_hr_per_min", 42, 100),
        ("rmssd_ms", 6, 150), ("vascular_age_years", 12, 100), ("skin_tone", 1, 6),
        ("sbp_mmHg", 90, 210), ("dbp_mmHg", 45, 130),
        ("breaths_per_min", 10, 22), ("cadence_hz", 1.4, 2.3), ("sleep_hours", 5, 10), ("skin_temp_degc", 29, 36),
    ]:  # fmt: skip
        values = column(people, name)
        assert low <= values.min() <= values.max() <= high, name


def test_systolic_stays_above_diastolic(people):
    assert (column(people, "sbp_mmHg") - column(people, "dbp_mmHg")).min() >= 25 - 1e-9


def test_resting_heart_rate_has_the_mean_and_spread_of_the_fenland_study(people):
    rates = column(people, "resting_hr_per_min")
    assert rates.mean() == pytest.approx(67.6, abs=1.0)
    assert rates.std() == pytest.approx(9.8, abs=1.2)


def test_a_beat_of_resting_heart_rate_costs_a_quarter_of_a_millilitre_of_fitness(people):
    age, sex = column(people, "age_years"), np.array([person.sex == "male" for person in people], dtype=float)
    design = np.stack((np.ones(len(age)), age, sex, column(people, "resting_hr_per_min")), axis=1)
    slope = np.linalg.lstsq(design, column(people, "fitness_ml_kg_min"), rcond=None)[0][3]
    assert slope == pytest.approx(-0.26, abs=0.07)  # Gonzales et al. 2023


def test_variability_falls_with_age_and_with_heart_rate(people):
    assert correlation(people, "age_years", "rmssd_ms") < -0.4
    assert correlation(people, "resting_hr_per_min", "rmssd_ms") < -0.15


def test_arteries_and_pressure_follow_age_and_weight(people):
    assert correlation(people, "age_years", "vascular_age_years") > 0.85
    assert correlation(people, "vascular_age_years", "sbp_mmHg") > 0.5
    assert correlation(people, "bmi_kg_m2", "sbp_mmHg") > 0.2


def test_a_third_of_adults_has_hypertension(people):
    assert 0.2 < column(people, "hypertension").mean() < 0.45


def test_skin_tone_says_nothing_about_health(people):
    for name in ("age_years", "resting_hr_per_min", "sbp_mmHg", "fitness_ml_kg_min", "perfusion"):
        assert abs(correlation(people, "skin_tone", name)) < 0.08


def test_fibrillation_rises_with_age_and_with_the_odds_asked_for(people):
    old = [person for person in people if person.age_years > 70]
    young = [person for person in people if person.age_years < 50]
    share_old, share_young = (np.mean([p.rhythm == "paroxysmal_af" for p in group]) for group in (old, young))
    assert share_old > 0.2 > 0.05 > share_young
    assert af_probability(82.0, male=True, hypertension=False, odds=1.0) == pytest.approx(0.103)
    assert af_probability(82.0, male=True, hypertension=False, odds=0.0) == 0.0


def test_only_those_who_fibrillate_have_a_burden(people):
    assert all((person.af_burden > 0) == (person.rhythm == "paroxysmal_af") for person in people)


def test_chronotypes_all_occur_and_age_moves_them_earlier(people):
    assert {person.chronotype for person in people} == {"early", "intermediate", "late"}
    assert correlation(people, "age_years", "mid_sleep_hour") < -0.2


def test_published_equations_give_published_values():
    assert expected_rmssd(25.0) == pytest.approx(43.0)
    assert expected_rmssd(65.0) == pytest.approx(22.0, abs=0.1)
    by_hand = 45.2 - 0.35 * 40 - 10.9 - 0.15 * 165.35 + 0.68 * 68.9 - 0.46
    assert expected_fitness(40, male=True, bmi_kg_m2=75 / 1.75**2, height_m=1.75) == pytest.approx(by_hand, abs=0.01)


def test_days_differ_less_than_people(people):
    generator = np.random.default_rng(0)
    days = [today(people[0], generator) for _ in range(300)]
    for name in ("resting_hr_per_min", "perfusion", "skin_conductance_us"):
        between, within = np.log(column(people, name)).std(), np.log(column(days, name)).std()
        assert 0.1 * between < within < 0.75 * between, name


def test_a_day_leaves_the_facts_of_the_body_alone(people):
    day = today(people[0], np.random.default_rng(0))
    for name in ("age_years", "vascular_age_years", "skin_tone", "hypertension"):
        assert getattr(day, name) == getattr(people[0], name)


def test_tremor_is_an_option():
    shaking = [draw_participant(i, CohortConfig(tremor_share=0.5), np.random.default_rng(i)).tremor_hz for i in range(200)]
    assert 0.35 < np.mean(np.array(shaking) > 0) < 0.65
    assert all(4 <= hz <= 6 for hz in shaking if hz)
