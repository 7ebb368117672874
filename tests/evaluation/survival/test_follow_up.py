import numpy as np
import pytest

from wearfm.errors import BadConfiguration
from wearfm.evaluation.survival.follow_up import FollowUp, censoring, survival

SIX = FollowUp(time_days=np.array([1.0, 2.0, 2.0, 3.0, 4.0, 5.0]), event=np.array([True, True, False, False, True, False]))


def survival_by_hand(time, event, day):
    share = 1.0
    for u in sorted(set(time[event].tolist())):
        if u <= day:
            share *= 1 - sum((time == u) & event) / sum(time >= u)
    return share


def uncensored_by_hand(time, event, day):
    """The share not censored before a day; events of a time leave before its censorings."""
    share = 1.0
    for u in sorted(set(time[~event].tolist())):
        if u < day:
            share *= 1 - sum((time == u) & ~event) / (sum(time > u) + sum((time == u) & ~event))
    return share


def test_the_curve_of_six_people_can_be_checked_by_eye():
    curve = survival(SIX)
    np.testing.assert_allclose(curve.at(np.array([0.5, 1.0, 2.0, 3.0, 4.0, 9.0]))[0], [1, 5 / 6, 4 / 6, 4 / 6, 2 / 6, 2 / 6])
    np.testing.assert_allclose(curve.before(np.array([1.0, 2.0, 4.0]))[0], [1, 5 / 6, 4 / 6])
    np.testing.assert_allclose(censoring(SIX).at(np.array([2.0, 3.0]))[0], [3 / 4, 3 / 4 * 2 / 3])


def test_many_ties_agree_with_the_product_by_hand():
    generator = np.random.default_rng(0)
    time, event = generator.integers(0, 12, 60).astype(float), generator.random(60) < 0.6
    people = FollowUp(time_days=time, event=event)
    days = np.linspace(0, 13, 40)
    np.testing.assert_allclose(survival(people).at(days)[0], [survival_by_hand(time, event, day) for day in days])
    np.testing.assert_allclose(censoring(people).before(days)[0], [uncensored_by_hand(time, event, day) for day in days])


def test_without_censoring_the_curve_is_the_share_of_longer_times():
    time = np.random.default_rng(0).exponential(100, 50)
    curve = survival(FollowUp(time_days=time, event=np.ones(50, dtype=bool)))
    np.testing.assert_allclose(curve.at(np.array([30.0, 90.0]))[0], [(time > 30).mean(), (time > 90).mean()])


def test_a_resample_is_the_curve_of_the_repeated_people():
    generator = np.random.default_rng(1)
    people = FollowUp(time_days=generator.integers(0, 12, 30).astype(float), event=generator.random(30) < 0.5)
    counts = generator.multinomial(30, np.full(30, 1 / 30), size=5).astype(float)
    days = np.arange(13.0)
    for kind in (survival, censoring):
        for row, count in zip(kind(people, counts).at(days), counts, strict=True):
            repeated = people.select(np.repeat(np.arange(30), count.astype(int)))
            np.testing.assert_allclose(row, kind(repeated).at(days)[0], atol=1e-12)


def test_negative_times_and_other_shapes_are_refused():
    with pytest.raises(BadConfiguration, match="negative or not a number; leave such people out"):
        FollowUp(time_days=np.array([-1.0]), event=np.array([True]))
    with pytest.raises(BadConfiguration, match=r"give \(N,\) days and \(N,\) bool"):
        FollowUp(time_days=np.array([1.0]), event=np.array([1]))
