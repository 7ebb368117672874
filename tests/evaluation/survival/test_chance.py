import numpy as np
import pytest

from wearfm.evaluation import folds as dealing
from wearfm.evaluation.survival.chance import null_spread, p_above_chance
from wearfm.evaluation.survival.concordance import Risks, c_index
from wearfm.evaluation.survival.follow_up import FollowUp
from wearfm.evaluation.survival.probe import CoxProbe


def nothing(number=120, *, seed=0, last=1.5):
    """People whose fate follows nothing. last: of the follow-up, in mean times to the event."""
    generator = np.random.default_rng(seed)
    time, stop = generator.exponential(size=number), generator.uniform(0, last, number)
    return FollowUp(time_days=np.minimum(time, stop), event=time <= stop)


def spread_by_hand(people, risk):
    """Without ties in risk: the rank of who falls ill among n at risk is uniform, its variance (n^2 - 1) / 12."""
    at_risk = [int((people.time_days >= time).sum()) for time in people.time_days[people.event]]
    return np.sqrt(sum((n**2 - 1) / 12 for n in at_risk)) / sum(n - 1 for n in at_risk)


def test_the_spread_of_fixed_risks_has_a_closed_form():
    people, risk = nothing(), np.random.default_rng(1).normal(size=120)
    assert null_spread(Risks.of(people, risk)) == pytest.approx(spread_by_hand(people, risk))


@pytest.mark.parametrize("deals", [1, 3])
def test_the_spread_is_that_of_fates_dealt_to_other_people(deals):
    generator, people = np.random.default_rng(2), nothing()
    risk = np.round(generator.normal(size=(1, 120)) + 0.5 * generator.normal(size=(deals, 120)), 1)
    risks = Risks(follow_up=people, risk=risk, fold=generator.integers(0, 4, (deals, 120)))
    dealt = [
        c_index(Risks(follow_up=people.select(generator.permutation(120)), risk=risks.risk, fold=risks.fold))[0]
        for _ in range(600)
    ]
    assert null_spread(risks) == pytest.approx(np.std(dealt), rel=0.08)  # the spread of 600 is known to 3 %


@pytest.mark.slow
def test_cross_fitted_risks_of_nothing_stray_further_than_fixed_ones_and_p_knows_it():
    z, p = [], []
    for seed in range(200):
        people = nothing(200, seed=seed, last=0.3)  # about 28 events
        features = np.random.default_rng([seed, 1]).normal(size=(200, 16))
        fold = dealing.assign(np.arange(200).astype(np.str_), people.event.astype(np.str_), k=3, seed=0)
        fitted = CoxProbe(strengths=(1.0,)).cross_fit(features, people, fold)
        risks = Risks(follow_up=people, risk=fitted.risk[None], fold=fold[None])
        z.append((c_index(risks)[0] - 0.5) / null_spread(risks))
        p.append(p_above_chance(risks))
    assert np.std(z) == pytest.approx(np.sqrt(2), rel=0.12)  # the spread of 200 is known to 5 %
    assert np.mean(np.array(p) < 0.05) < 0.1  # 3 standard errors above 0.05


def test_a_perfect_order_is_far_above_chance_and_its_reverse_is_not():
    people = nothing()
    assert p_above_chance(Risks.of(people, -people.time_days)) < 1e-6
    assert p_above_chance(Risks.of(people, people.time_days)) > 1 - 1e-6
    assert p_above_chance(Risks.of(people, np.random.default_rng(0).normal(size=120))) > 0.01


def test_without_a_pair_or_a_difference_in_risk_there_is_no_p():
    assert np.isnan(p_above_chance(Risks.of(nothing(), np.ones(120))))
    nobody = FollowUp(time_days=np.arange(4.0), event=np.zeros(4, dtype=bool))
    assert np.isnan(p_above_chance(Risks.of(nobody, np.arange(4.0))))
