import numpy as np
import pytest
from scipy.optimize import minimize

from wearfm.evaluation.survival.cox import PartialLikelihood, fit
from wearfm.evaluation.survival.follow_up import FollowUp


def cohort(number=60, width=4, *, seed=0, tied=True):
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(number, width))
    time = generator.exponential(np.exp(-features[:, 0]))
    stop = generator.exponential(1.0, number)
    seen = np.minimum(time, stop)
    return features, FollowUp(time_days=np.ceil(6 * seen) if tied else seen, event=time <= stop)


def loss_by_hand(features, people, weights, *, ties):
    """Breslow 1974 and Efron 1977, as products over event times."""
    eta, total = features @ weights, 0.0
    for t in sorted(set(people.time_days[people.event].tolist())):
        dead = (people.time_days == t) & people.event
        at_risk = people.time_days >= t
        d = int(dead.sum())
        for n in range(d):
            less = n / d if ties == "efron" else 0.0
            total += np.log(np.exp(eta[at_risk]).sum() - less * np.exp(eta[dead]).sum())
        total -= eta[dead].sum()
    return total / people.events


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_the_partial_likelihood_is_the_product_over_event_times(ties):
    features, people = cohort()
    weights = np.array([0.5, -0.2, 0.3, 0.0])
    likelihood = PartialLikelihood(features, people, ties=ties)
    assert likelihood.value(weights) == pytest.approx(loss_by_hand(features, people, weights, ties=ties), rel=1e-12)


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_slope_and_curvature_are_finite_differences(ties):
    features, people = cohort()
    weights, step = np.array([0.5, -0.2, 0.3, 0.1]), 1e-5
    likelihood = PartialLikelihood(features, people, ties=ties)
    ways = [(weights + step * each, weights - step * each) for each in np.eye(4)]
    slope = [(likelihood.value(up) - likelihood.value(down)) / (2 * step) for up, down in ways]
    curvature = [(likelihood.at(up).slope - likelihood.at(down).slope) / (2 * step) for up, down in ways]
    place = likelihood.at(weights)
    np.testing.assert_allclose(place.slope, slope, atol=1e-9)
    np.testing.assert_allclose(place.curvature, curvature, atol=1e-9)
    for direction in np.eye(4) + 0.1:
        np.testing.assert_allclose(place.curved(direction), place.curvature @ direction, atol=1e-14)


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_what_terms_see_and_who_sees_rows_are_transposes(ties):
    features, people = cohort()
    likelihood = PartialLikelihood(features, people, ties=ties)
    seen = likelihood.seen(np.eye(60))
    spread = np.stack([likelihood.spread(term) for term in np.eye(people.events)])
    np.testing.assert_allclose(seen, spread, atol=1e-14)


@pytest.mark.parametrize("ties", ["breslow", "efron"])
@pytest.mark.parametrize("penalty", [1e-3, 0.1, 10.0])
def test_the_optimum_is_the_one_that_scipy_finds(ties, penalty):
    features, people = cohort()
    expected = minimize(
        lambda w: loss_by_hand(features, people, w, ties=ties) + penalty / 2 * w @ w, np.zeros(4), method="BFGS", tol=1e-10
    )
    found, solved = fit(PartialLikelihood(features, people, ties=ties), penalty=penalty, start=np.zeros(4))
    assert solved
    np.testing.assert_allclose(found, expected.x, atol=2e-6)  # BFGS there differentiates numerically


def test_without_ties_breslow_and_efron_are_the_same():
    features, people = cohort(tied=False)
    weights = np.array([0.5, -0.2, 0.3, 0.0])
    values = [PartialLikelihood(features, people, ties=ties).value(weights) for ties in ("breslow", "efron")]
    assert values[0] == values[1]


def test_two_people_have_a_closed_form():
    people = FollowUp(time_days=np.array([1.0, 2.0]), event=np.array([True, False]))
    likelihood = PartialLikelihood(np.array([[1.0], [0.0]]), people)
    assert likelihood.value(np.array([0.7])) == pytest.approx(np.log1p(np.exp(-0.7)))


def test_a_shift_of_all_features_and_a_stretch_of_time_change_nothing():
    features, people = cohort()
    weights = np.array([0.5, -0.2, 0.3, 0.0])
    stretched = FollowUp(time_days=people.time_days**2, event=people.event)
    before = PartialLikelihood(features, people).value(weights)
    assert PartialLikelihood(features + 5.0, people).value(weights) == pytest.approx(before)
    assert PartialLikelihood(features, stretched).value(weights) == before


def test_a_feature_that_orders_all_events_has_a_finite_optimum_and_large_weights_stay_finite():
    people = FollowUp(time_days=np.arange(1.0, 41.0), event=np.ones(40, dtype=bool))
    likelihood = PartialLikelihood(-np.arange(40.0)[:, None], people)
    weights, solved = fit(likelihood, penalty=1e-6, start=np.zeros(1))
    assert solved
    assert 1 < weights[0] < 100
    assert np.isfinite(likelihood.value(np.array([1e4])))


def test_the_planted_weights_are_found():
    features, people = cohort(4000, 2, tied=False)
    weights, _ = fit(PartialLikelihood(features, people), penalty=1e-8, start=np.zeros(2))
    np.testing.assert_allclose(weights, [1.0, 0.0], atol=0.1)  # 4 standard errors
