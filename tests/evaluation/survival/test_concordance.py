import numpy as np
import pytest

from wearfm.evaluation.metrics import score
from wearfm.evaluation.survival.concordance import Risks, auroc_at, c_index, mean_auroc
from wearfm.evaluation.survival.follow_up import FollowUp, survival


def cohort(number=80, *, seed=0, censored=0.5, tied=True):
    generator = np.random.default_rng(seed)
    latent = generator.normal(size=number)
    time, stop = generator.exponential(np.exp(-latent)) * 10, generator.exponential(10 / max(censored, 1e-9), number)
    event = time <= stop
    seen = np.minimum(time, stop)
    risk = latent + generator.normal(size=number)
    if tied:
        seen, risk = np.ceil(seen), np.round(risk, 1)
    return FollowUp(time_days=seen, event=event), risk


def c_by_hand(people, risk):
    won = pairs = 0.0
    for t, e, r in zip(people.time_days, people.event, risk, strict=True):
        for u, f, s in zip(people.time_days, people.event, risk, strict=True):
            if e and (t < u or (t == u and not f)):
                pairs += 1
                won += 1.0 if r > s else 0.5 if r == s else 0.0
    return won / pairs


def auroc_by_hand(people, risk, horizon):
    def uncensored(day):
        share = 1.0
        for u in sorted(set(people.time_days.tolist())):
            lost = ((people.time_days == u) & ~people.event).sum()
            if u < day and lost:
                share *= 1 - lost / ((people.time_days > u).sum() + lost)
        return share

    won = pairs = 0.0
    for t, e, r in zip(people.time_days, people.event, risk, strict=True):
        for u, s in zip(people.time_days, risk, strict=True):
            if e and t <= horizon < u:
                weight = 1 / uncensored(t)
                pairs += weight
                won += weight * (1.0 if r > s else 0.5 if r == s else 0.0)
    return won / pairs


@pytest.mark.parametrize("seed", range(4))
def test_c_is_the_share_of_comparable_pairs_won(seed):
    people, risk = cohort(seed=seed)
    assert c_index(Risks.of(people, risk)) == pytest.approx(c_by_hand(people, risk))


@pytest.mark.parametrize("seed", range(4))
def test_the_auroc_weighs_cases_by_the_inverse_of_being_uncensored(seed):
    people, risk = cohort(seed=seed)
    horizons = (2.0, 5.0, 9.0)
    expected = [auroc_by_hand(people, risk, horizon) for horizon in horizons]
    np.testing.assert_allclose(auroc_at(Risks.of(people, risk), horizons)[0], expected)


def test_without_censoring_the_auroc_is_the_plain_one():
    people, risk = cohort(censored=0.0)
    assert people.event.all()
    plain = score("auroc", (people.time_days <= 5.0).astype(np.int64), risk)
    assert auroc_at(Risks.of(people, risk), [5.0])[0, 0] == pytest.approx(plain)


def test_limits_of_order():
    people, _ = cohort(tied=False)
    perfect = -people.time_days
    horizons = (2.0, 5.0)
    for figure in (c_index, lambda risks: auroc_at(risks, horizons), lambda risks: mean_auroc(risks, horizons)):
        assert figure(Risks.of(people, perfect)) == pytest.approx(1.0)
        assert figure(Risks.of(people, -perfect)) == pytest.approx(0.0)
        assert figure(Risks.of(people, np.ones(len(people)))) == pytest.approx(0.5)


def test_a_reversed_risk_gives_the_rest():
    people, risk = cohort()
    for figure in (c_index, lambda risks: auroc_at(risks, [3.0, 6.0])):
        np.testing.assert_allclose(figure(Risks.of(people, risk)) + figure(Risks.of(people, -risk)), 1.0)


def test_c_of_the_true_hazard_is_that_of_theory():
    """Without censoring P(first of two is the riskier) = E[1 / (1 + exp(-|b dx|))] under proportional hazards."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=4000)
    time = generator.exponential(np.exp(-0.8 * x))
    people = FollowUp(time_days=time, event=np.ones(4000, dtype=bool))
    gap = np.abs(0.8 * np.sqrt(2) * np.random.default_rng(1).normal(size=1_000_000))
    assert c_index(Risks.of(people, x))[0] == pytest.approx((1 / (1 + np.exp(-gap))).mean(), abs=0.012)  # 3 standard errors


@pytest.mark.parametrize("deals", [1, 3])
def test_a_resample_is_the_figure_of_the_repeated_people(deals):
    people, risk = cohort(40)
    generator = np.random.default_rng(2)
    risks = Risks(
        follow_up=people,
        risk=np.stack([risk + generator.normal(size=40) for _ in range(deals)]),
        fold=generator.integers(0, 3, (deals, 40)),
    )
    counts = generator.multinomial(40, np.full(40, 1 / 40), size=6).astype(float)
    horizons = (3.0, 6.0)
    for figure in (
        c_index,
        lambda risks, counts=None: auroc_at(risks, horizons, counts),
        lambda risks, counts=None: mean_auroc(risks, horizons, counts),
    ):
        for value, count in zip(figure(risks, counts), counts, strict=True):
            rows = np.repeat(np.arange(40), count.astype(int))
            repeated = Risks(follow_up=people.select(rows), risk=risks.risk[:, rows], fold=risks.fold[:, rows])
            np.testing.assert_allclose(value, figure(repeated)[0])


def test_pairs_are_compared_only_within_folds():
    people, risk = cohort()
    fold = np.arange(80)[None] % 4
    before = Risks(follow_up=people, risk=risk[None], fold=fold)
    after = Risks(follow_up=people, risk=risk[None] + 100.0 * fold, fold=fold)
    np.testing.assert_allclose(c_index(after), c_index(before))
    np.testing.assert_allclose(auroc_at(after, [4.0]), auroc_at(before, [4.0]))
    assert not np.allclose(c_index(Risks.of(people, after.risk[0])), c_index(before))


def test_the_mean_auroc_weighs_horizons_by_the_events_before_them():
    people, risk = cohort()
    risks, horizons = Risks.of(people, risk), np.array([2.0, 5.0, 9.0])
    alive = survival(people).at(horizons)[0]
    weight = np.array([1 - alive[0], alive[0] - alive[1], alive[1] - alive[2]])
    expected = (weight * auroc_at(risks, horizons)[0]).sum() / weight.sum()
    assert mean_auroc(risks, horizons.tolist())[0] == pytest.approx(expected)
    assert mean_auroc(risks, [9.0, 2.0, 5.0])[0] == pytest.approx(expected)


def test_what_cannot_be_compared_has_no_figure():
    people = FollowUp(time_days=np.array([1.0, 2.0]), event=np.array([False, False]))
    risks = Risks.of(people, np.array([1.0, 2.0]))
    assert np.isnan(c_index(risks)).all()
    assert np.isnan(auroc_at(risks, [1.5])).all()
    assert np.isnan(mean_auroc(risks, [1.5])).all()
    tied = FollowUp(time_days=np.array([1.0, 1.0]), event=np.array([True, True]))
    assert np.isnan(c_index(Risks.of(tied, np.array([1.0, 2.0])))).all()
