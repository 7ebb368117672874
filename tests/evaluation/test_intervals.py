import numpy as np
import pytest

from wearfm.errors import BadConfiguration
from wearfm.evaluation.intervals import Interval, compare, holm, interval, resample
from wearfm.evaluation.metrics import METRICS, Outcome


def cohort(generator, *, persons=30, rows=4, gain=1.0):
    """Rows of persons who differ: rows of one person are alike, so that there is less to learn from them."""
    person = np.repeat(np.arange(persons), rows)
    labels = (np.arange(persons) % 2)[person]
    score = gain * labels + generator.normal(size=persons)[person] + 0.3 * generator.normal(size=persons * rows)
    return Outcome(labels=labels, prediction=score, person=person, fold=person * 0, persons=persons)


def test_resamples_draw_as_many_persons_as_there_are():
    counts = resample(7, replicates=200, seed=0)
    assert counts.shape == (200, 7)
    assert (counts.sum(axis=1) == 7).all()
    np.testing.assert_array_equal(counts, resample(7, replicates=200, seed=0))
    assert not np.array_equal(counts, resample(7, replicates=200, seed=1))


def test_too_few_resamples_are_refused():
    with pytest.raises(BadConfiguration, match="bootstrap=50 resamples cannot hold a 95 % interval; use at least 100"):
        resample(7, replicates=50, seed=0)


def test_the_interval_holds_the_value():
    outcome = cohort(np.random.default_rng(0))
    found = interval(METRICS["auroc"], outcome, counts=resample(30, replicates=500, seed=0))
    assert found.low < found.value < found.high
    assert found.value == METRICS["auroc"](outcome)


def test_rows_of_one_person_do_not_narrow_the_interval():
    outcome = cohort(np.random.default_rng(0))
    rows = np.tile(np.arange(120), 5)
    repeated = Outcome(
        labels=outcome.labels[rows], prediction=outcome.prediction[rows], person=outcome.person[rows], fold=rows * 0, persons=30
    )
    counts = resample(30, replicates=300, seed=0)
    assert interval(METRICS["auroc"], repeated, counts=counts) == interval(METRICS["auroc"], outcome, counts=counts)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["auroc", "mae"])
def test_intervals_cover_the_truth_about_as_often_as_they_say(name):
    generator = np.random.default_rng(3)
    truth = METRICS[name](cohort(generator, persons=20_000))
    counts = resample(30, replicates=300, seed=0)
    found = [interval(METRICS[name], cohort(generator), counts=counts) for _ in range(150)]
    covered = np.mean([each.low <= truth <= each.high for each in found])
    assert 0.88 <= covered <= 0.99  # 95 % within three standard errors of 150 tries, less what 30 persons cost


def test_too_many_undefined_resamples_leave_no_interval():
    outcome = Outcome(
        labels=np.array([1, 0, 0]),
        prediction=np.arange(3.0),
        person=np.array([0, 0, 1]),
        fold=np.zeros(3, dtype=np.int64),
        persons=2,
    )
    one_sided = np.tile([[0.0, 2.0]], (100, 1))
    found = interval(METRICS["auroc"], outcome, counts=one_sided)
    assert found.undefined == 1.0
    assert np.isnan(found.low)


def test_a_model_compared_with_itself_is_no_better():
    outcome = cohort(np.random.default_rng(0))
    gap = compare(METRICS["auroc"], outcome, outcome, counts=resample(30, replicates=200, seed=0))
    assert (gap.value, gap.low, gap.high, gap.p) == (0.0, 0.0, 0.0, 1.0)


def test_less_error_counts_as_better():
    person = np.arange(40)
    labels = np.linspace(0, 1, 40)
    generator = np.random.default_rng(0)
    good = Outcome(
        labels=labels, prediction=labels + 0.1 * generator.normal(size=40), person=person, fold=person * 0, persons=40
    )
    bad = Outcome(
        labels=labels, prediction=labels + 1.0 * generator.normal(size=40), person=person, fold=person * 0, persons=40
    )
    counts = resample(40, replicates=300, seed=0)
    gap, back = compare(METRICS["mae"], good, bad, counts=counts), compare(METRICS["mae"], bad, good, counts=counts)
    assert gap.low > 0
    assert gap.p < 0.02
    assert back.value == -gap.value
    assert back.high < 0


def test_pairing_narrows_the_difference_of_like_models():
    generator = np.random.default_rng(0)
    first = cohort(generator)
    second = Outcome(
        labels=first.labels,
        prediction=first.prediction + 0.05 * generator.normal(size=120),
        person=first.person,
        fold=first.fold,
        persons=30,
    )
    counts = resample(30, replicates=300, seed=0)
    gap = compare(METRICS["auroc"], first, second, counts=counts)
    alone = interval(METRICS["auroc"], first, counts=counts)
    assert gap.high - gap.low < 0.5 * (alone.high - alone.low)


def test_different_rows_are_not_compared():
    first, second = cohort(np.random.default_rng(0)), cohort(np.random.default_rng(0), persons=31)
    with pytest.raises(BadConfiguration, match="judged on different rows"):
        compare(METRICS["auroc"], first, second, counts=resample(30, replicates=200, seed=0))


def test_holm_multiplies_by_what_is_left():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    with_gap = holm([float("nan"), 0.02])
    assert np.isnan(with_gap[0])
    assert with_gap[1] == pytest.approx(0.02)


def test_an_interval_remembers_what_was_undefined():
    assert Interval(value=1.0, low=0.9, high=1.0).undefined == 0.0
