import numpy as np
import pytest

from wearfm.errors import BadConfiguration
from wearfm.evaluation.survival.concordance import Risks, c_index
from wearfm.evaluation.survival.cox import PartialLikelihood, fit
from wearfm.evaluation.survival.follow_up import FollowUp
from wearfm.evaluation.survival.probe import CoxProbe

STRENGTHS = (1e-3, 1e-1, 1.0)


def cohort(number=120, width=5, *, seed=0, effect=1.0):
    generator = np.random.default_rng(seed)
    latent = generator.normal(size=number)
    features = generator.normal(size=(number, width))
    features[:, 0] += 2 * latent
    time, stop = generator.exponential(np.exp(-effect * latent)) * 100, generator.exponential(150, number)
    people = FollowUp(time_days=np.ceil(np.minimum(time, stop)), event=time <= stop)
    return features * np.arange(1, width + 1) + 3.0, people, np.arange(number) % 4


def cross_fit_by_hand(features, people, fold):
    """One fit after the other, each with its own standardisation, each loss written out."""

    def scaled(train):
        return (features - features[train].mean(axis=0)) / features[train].std(axis=0)

    def fitted(train, strength):
        likelihood = PartialLikelihood(scaled(train)[train], people.select(train))
        return fit(likelihood, penalty=strength * features.shape[1], start=np.zeros(features.shape[1]))[0]

    def total(train, rows, weights):
        likelihood = PartialLikelihood(scaled(train)[rows], people.select(rows))
        return likelihood.value(weights) * likelihood.events

    risk, chosen = np.empty(len(fold)), []
    for outer in range(4):
        losses = []
        for strength in STRENGTHS:
            loss = 0.0
            for inner in set(range(4)) - {outer}:
                train = ~np.isin(fold, (outer, inner))
                weights = fitted(train, strength)
                loss += total(train, fold != outer, weights) - total(train, train, weights)
            losses.append(loss)
        chosen.append(STRENGTHS[int(np.argmin(losses))])
        train = fold != outer
        risk[~train] = (scaled(train) @ fitted(train, chosen[-1]))[~train]
    return risk, chosen


@pytest.mark.parametrize("effect", [1.0, 0.0])
def test_shared_fits_give_what_one_probe_after_the_other_gives(effect):
    features, people, fold = cohort(effect=effect)
    made = CoxProbe(strengths=STRENGTHS).cross_fit(features, people, fold)
    risk, chosen = cross_fit_by_hand(features, people, fold)
    assert made.strength.tolist() == chosen
    assert made.solved == 1.0
    np.testing.assert_allclose(made.risk, risk, atol=1e-6)


def test_more_features_than_people_give_the_same_optimum():
    features, people, fold = cohort(60, 90)
    made = CoxProbe(strengths=(0.1,)).cross_fit(features, people, fold)
    train = fold != 0
    scaled = (features - features[train].mean(axis=0)) / features[train].std(axis=0)
    weights, solved = fit(PartialLikelihood(scaled[train], people.select(train)), penalty=0.1 * 90, start=np.zeros(90))
    assert solved
    np.testing.assert_allclose(made.risk[~train], scaled[~train] @ weights, atol=1e-6)


def test_the_test_fold_cannot_reach_its_own_penalty_or_risk():
    features, people, fold = cohort()
    generator = np.random.default_rng(9)
    time, event = people.time_days.copy(), people.event.copy()
    time[fold == 2], event[fold == 2] = generator.integers(1, 300, 30), generator.random(30) < 0.9
    changed = FollowUp(time_days=time, event=event)
    before, after = (CoxProbe().cross_fit(features, each, fold) for each in (people, changed))
    np.testing.assert_allclose(after.risk[fold == 2], before.risk[fold == 2])
    assert after.strength[2] == before.strength[2]
    assert not np.allclose(after.risk[fold == 1], before.risk[fold == 1])


def test_shift_and_scale_of_features_change_nothing():
    features, people, fold = cohort()
    moved = features * np.linspace(0.01, 50, 5) + 1e3
    first, second = (CoxProbe().cross_fit(each, people, fold).risk for each in (features, moved))
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_a_planted_hazard_is_ordered_as_well_as_its_latent_allows():
    features, people, fold = cohort(800, effect=1.5)
    for ties in ("breslow", "efron"):
        made = CoxProbe(ties=ties).cross_fit(features, people, fold)
        reached = c_index(Risks(follow_up=people, risk=made.risk[None], fold=fold[None]))[0]
        ceiling = c_index(Risks.of(people, features[:, 0]))[0]  # the only feature that knows
        assert reached == pytest.approx(ceiling, abs=0.01)


def test_constant_features_are_left_out():
    features, people, fold = cohort()
    padded = np.concatenate((features, np.full((120, 2), 7.0)), axis=1)
    first, second = (CoxProbe().cross_fit(each, people, fold).risk for each in (features, padded))
    np.testing.assert_array_equal(first, second)
    nothing = CoxProbe().cross_fit(np.ones((120, 2)), people, fold)
    assert nothing.risk.tolist() == [0.0] * 120


def test_settings_that_cannot_work_are_refused():
    with pytest.raises(BadConfiguration, match="ties='exact' is not known; use 'breslow' or 'efron'"):
        CoxProbe(ties="exact")
    with pytest.raises(BadConfiguration, match="must be above 0 and increase"):
        CoxProbe(strengths=(1.0, 0.1))
