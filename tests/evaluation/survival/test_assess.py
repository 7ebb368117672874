import math
from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation.survival.cohort import WINDOWS, YEAR, guessing, knowing, latent, outcomes, people
from tests.recordings import channel, recording
from wearfm.errors import BadConfiguration, LeakyScheme
from wearfm.evaluation.survival import FollowUp, Outcomes, Risks, assess, c_index
from wearfm.store import Store
from wearfm.windows.split import pseudonym

NUMBER = 300
EFFECTS = {"planted": 1.2, "rare": 1.2, **{f"null {n}": 0.0 for n in range(6)}}
FOUND = outcomes(NUMBER, EFFECTS)


def judge(tables=None, found=FOUND, **settings):
    return assess(tables or {"knows": knowing(NUMBER), "guesses": guessing(NUMBER)}, found, **{"bootstrap": 200, **settings})


@pytest.fixture(scope="module")
def risks():
    return judge()


def row_of(table, outcome):
    return next(row for row in table.rows if row.outcome == outcome)


def expected_c(people, linear):
    """What C of the true hazard is on average, given the pairs that are compared: the mean of 1 / (1 + exp(-gap))."""
    total = pairs = 0.0
    for one in np.flatnonzero(people.event):
        later = people.time_days > people.time_days[one]
        total += (1 / (1 + np.exp(-np.abs(linear[one] - linear[later])))).sum()
        pairs += later.sum()
    return total / pairs


def test_the_c_of_the_true_hazard_is_within_its_interval_of_theory():
    _, _, planted = next(each for each in FOUND.each() if each[0] == "planted")
    linear = 1.2 * latent(NUMBER)[:, 0]
    generator = np.random.default_rng(0)
    counts = generator.multinomial(NUMBER, np.full(NUMBER, 1 / NUMBER), size=500).astype(float)
    draws = c_index(Risks.of(planted, linear), counts)
    low, high = np.quantile(draws, (0.025, 0.975))
    assert low < expected_c(planted, linear) < high
    assert low > 0.7


def test_a_planted_outcome_is_found_and_null_ones_are_not(risks):
    assert [row.outcome for row in risks.rows if row.found] == ["planted"]
    planted = row_of(risks, "planted")
    assert planted.scores[0].c_index.low > 0.7
    assert planted.scores[0].p_holm < 1e-6
    assert planted.strong
    assert planted.gaps[0].against == "guesses"
    assert planted.gaps[0].standing == "better"
    guesses = [row.scores[1] for row in risks.answered]
    assert min(score.p_holm for score in guesses) > 0.05


def test_the_planted_risk_reaches_what_its_latent_allows(risks):
    _, _, planted = next(each for each in FOUND.each() if each[0] == "planted")
    ceiling = c_index(Risks.of(planted, latent(NUMBER)[:, 0]))[0]
    assert row_of(risks, "planted").scores[0].c_index.value == pytest.approx(ceiling, abs=0.02)
    areas = [area.value for area in row_of(risks, "planted").scores[0].auroc]
    assert min(areas) > 0.75
    assert min(areas) <= row_of(risks, "planted").scores[0].mean_auroc.value <= max(areas)


def test_outcomes_with_too_few_events_are_listed_with_the_reason(risks):
    rare = row_of(risks, "rare")
    assert not rare.scores
    assert rare.unanswered == f"{rare.events} events among 300 people; at least 10 are needed"
    assert len(risks.answered) == 7


def test_p_values_are_adjusted_over_answered_outcomes(risks):
    scores = [row.scores[0] for row in risks.answered]
    for score in scores:
        assert score.p_bonferroni == pytest.approx(min(1.0, 7 * score.p))
        assert score.p <= score.p_holm <= score.p_bonferroni
    smallest = min(scores, key=lambda score: score.p)
    assert smallest.p_holm == pytest.approx(7 * smallest.p)


def test_the_same_again_gives_the_same_and_another_seed_does_not(risks):
    assert judge().fingerprint == risks.fingerprint
    assert judge(seed=1).fingerprint != risks.fingerprint


def test_people_whom_pretraining_has_seen_only_teach():
    taught = people(NUMBER)[:120]
    tables = {"knows": knowing(NUMBER, seen=tuple(pseudonym(name) for name in taught))}
    seen = row_of(judge(tables), "planted")
    assert (seen.people, seen.teachers) == (180, 120)
    _, _, planted = next(each for each in FOUND.each() if each[0] == "planted")
    assert seen.events == planted.select(np.arange(NUMBER) >= 120).events
    everybody = {"knows": knowing(NUMBER, seen=tuple(pseudonym(name) for name in people(NUMBER)))}
    assert row_of(judge(everybody), "planted").unanswered == (
        "0 events among 0 people, 300 whom pretraining has seen aside; at least 10 are needed"
    )


def test_the_fate_of_the_seen_cannot_reach_the_figures_but_through_the_probe():
    """With vectors of one constant feature nothing can be learned, so what the seen suffer changes no figure."""
    flat = replace(knowing(NUMBER, seen=tuple(pseudonym(name) for name in people(NUMBER)[:100])))
    flat = replace(flat, vector=np.ones_like(flat.vector))
    one = outcomes(NUMBER, {"planted": 1.2})
    event = one.follow_up.event.copy()
    event[:100] = ~event[:100]
    other = replace(one, follow_up=FollowUp(time_days=one.follow_up.time_days, event=event))
    first, second = (judge({"flat": flat}, found).rows[0] for found in (one, other))
    assert first.scores[0].c_index == second.scores[0].c_index
    assert first.scores[0].c_index.value == 0.5
    assert math.isnan(first.scores[0].p)


def test_windows_are_averaged_over_each_person_first():
    table = knowing(NUMBER, noise=0.0)
    mean = table.vector.reshape(NUMBER, WINDOWS, -1).mean(axis=1)
    one = table.select(np.arange(NUMBER) * WINDOWS)
    found = outcomes(NUMBER, {"planted": 1.2})
    first = judge({"knows": table}, found).rows[0]
    second = judge({"knows": replace(one, vector=mean)}, found).rows[0]
    assert second.scores[0].c_index.value == pytest.approx(first.scores[0].c_index.value, abs=1e-4)


def test_people_without_vectors_or_outcomes_are_counted():
    found = outcomes(NUMBER, {"planted": 1.2})
    few = knowing(NUMBER).select(np.arange(200 * WINDOWS))
    table = judge({"knows": few}, found)
    assert (table.people, table.unknown, table.without) == (200, 100, 0)
    assert table.rows[0].people == 200
    half = Outcomes(
        participant=found.participant[:150], outcome=found.outcome[:150], follow_up=found.follow_up.select(np.arange(150))
    )
    assert judge({"knows": knowing(NUMBER)}, half).without == 150


def test_a_store_adds_demographics_and_joins_ids_of_one_person(tmp_path):
    generator = np.random.default_rng(0)
    samples = [generator.integers(-1000, 1000, 120, dtype=np.int16) for _ in range(NUMBER)]
    samples[1] = samples[0]  # the second id is the first person again
    ages = 50 + 10 * latent(NUMBER)[:, 0]
    store = Store.create(tmp_path / "store")
    store.commit(
        [
            recording(name, "night", channel(samples[place], rate_hz=2.0), age_years=float(ages[place]), sex="F")
            for place, name in enumerate(people(NUMBER))
        ]
    )
    table = judge({"guesses": guessing(NUMBER)}, outcomes(NUMBER, {"planted": 1.2}), store=store)
    assert table.demographics == ("age_years",)
    assert (table.people, table.joined, table.rows[0].people) == (299, 1, 299)
    model, demographics = table.rows[0].scores
    assert demographics.model == "demographics"
    assert demographics.c_index.low > 0.7 > model.c_index.high
    assert table.rows[0].gaps[0].standing == "worse"
    with pytest.raises(LeakyScheme, match="are not in the store"):
        judge({"knows": knowing(NUMBER + 5)}, FOUND, store=store)


def test_a_vector_that_is_the_time_itself_is_refused():
    found = outcomes(NUMBER, {"planted": 1.2})
    table = knowing(NUMBER)
    vector = table.vector.copy()
    vector[:, 2] = np.repeat(found.follow_up.time_days, WINDOWS)
    with pytest.raises(LeakyScheme, match="feature 2 of 'knows' is the label itself"):
        judge({"knows": replace(table, vector=vector)}, found)


def test_efron_differs_where_days_are_shared_and_is_recorded():
    found = outcomes(NUMBER, {"planted": 1.2})
    coarse = replace(
        found, follow_up=FollowUp(time_days=np.ceil(found.follow_up.time_days / YEAR), event=found.follow_up.event)
    )
    tables = {"knows": knowing(NUMBER)}
    first, second = (judge(tables, coarse, ties=ties, horizons_days=(3.0,)) for ties in ("breslow", "efron"))
    assert second.settings["ties"] == "efron"
    assert first.fingerprint != second.fingerprint


def test_settings_that_cannot_work_are_refused():
    with pytest.raises(BadConfiguration, match="min_events=3 is below folds=5; every fold needs an event"):
        judge(min_events=3)
    with pytest.raises(BadConfiguration, match="give one or more, all above 0"):
        judge(horizons_days=())
    with pytest.raises(BadConfiguration, match="none of them named 'demographics'"):
        judge({"demographics": knowing(NUMBER)})


def test_progress_names_every_outcome():
    told = []
    judge({"knows": knowing(NUMBER)}, outcomes(NUMBER, {"a": 0.0, "b": 0.0}), progress=lambda *each: told.append(each))
    assert told == [(0, 2, "a"), (1, 2, "b"), (2, 2, "table")]
