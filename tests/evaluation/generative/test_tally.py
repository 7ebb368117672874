"""Errors as sums, beside the same figures from all values."""

from __future__ import annotations

import numpy as np
import pytest

from wearfm.evaluation.generative.tally import MAE, RMSE, Tally, bounded, difference
from wearfm.evaluation.intervals import resample


def tally(seed: int, *, size: float = 1.0) -> tuple[Tally, list[tuple[int, str, float]]]:
    """A tally of 6 persons (the last has nothing scored) and every scored error with its person and series."""
    generator = np.random.default_rng(0)
    own, scored_errors = Tally(persons=6), []
    for _ in range(5):
        person = generator.integers(0, 5, 4)
        scored = generator.uniform(size=(4, 2, 7)) < 0.5
        error = size * np.random.default_rng(seed).standard_normal((4, 2, 7)) * [[5.0], [0.1]]
        own.add(person=person, names=("hr", "temp"), error=np.where(scored, error, np.nan), scored=scored)
        for row, series, place in zip(*np.nonzero(scored), strict=True):
            scored_errors.append((int(person[row]), ("hr", "temp")[series], float(error[row, series, place])))
    return own, scored_errors


def test_errors_in_units_are_those_of_all_scored_values() -> None:
    own, errors = tally(1)
    draws = resample(6, replicates=200, seed=0)
    for name in ("hr", "temp"):
        mine = [error for _, series, error in errors if series == name]
        assert bounded(MAE, own.absolute(name), draws).value == pytest.approx(np.mean(np.abs(mine)))
        assert bounded(RMSE, own.squared(name), draws).value == pytest.approx(np.sqrt(np.mean(np.square(mine))))
    assert own.count.tolist() == [sum(person == p for person, *_ in errors) for p in range(6)]


def test_the_overall_error_is_in_training_standard_deviations_and_leaves_out_series_without_one() -> None:
    own, errors = tally(1)
    draws = resample(6, replicates=200, seed=0)
    scales = {"hr": 5.0, "temp": 0.1}
    expected = np.sqrt(np.mean([(error / scales[series]) ** 2 for _, series, error in errors]))
    assert bounded(RMSE, own.normalised(scales), draws).value == pytest.approx(expected)
    alone = np.sqrt(np.mean([(error / 5.0) ** 2 for _, series, error in errors if series == "hr"]))
    assert bounded(RMSE, own.normalised({"hr": 5.0, "temp": np.nan}), draws).value == pytest.approx(alone)


def test_intervals_resample_people() -> None:
    own, errors = tally(1)
    draws = resample(6, replicates=400, seed=0)
    found = bounded(MAE, own.absolute("hr"), draws)
    values = []
    for counts in draws:
        weights = [(counts[person], abs(error)) for person, series, error in errors if series == "hr"]
        if sum(weight for weight, _ in weights):
            values.append(sum(weight * error for weight, error in weights) / sum(weight for weight, _ in weights))
    assert found.low < found.value < found.high
    assert found.low == pytest.approx(np.quantile(values, 0.025), abs=0.3)  # BCa shifts the quantiles a little
    assert found.high == pytest.approx(np.quantile(values, 0.975), abs=0.3)


def test_half_the_error_is_a_difference_to_the_credit_of_the_first() -> None:
    draws = resample(6, replicates=200, seed=0)
    small, large = (tally(1, size=size)[0].normalised({"hr": 5.0, "temp": 0.1}) for size in (1.0, 2.0))
    gap = difference(RMSE, small, large, draws)
    assert gap.value == pytest.approx(bounded(RMSE, small, draws).value)
    assert 0 < gap.low < gap.high
    assert difference(RMSE, large, small, draws).value == pytest.approx(-gap.value)


def test_nothing_scored_has_no_figure() -> None:
    empty = Tally(persons=3)
    empty.add(person=np.array([0]), names=("hr",), error=np.ones((1, 1, 4)), scored=np.zeros((1, 1, 4), dtype=bool))
    found = bounded(MAE, empty.absolute("hr"), resample(3, replicates=100, seed=0))
    assert np.isnan([found.value, found.low, found.high]).all()


def test_one_person_alone_has_a_figure() -> None:
    single = Tally(persons=3)
    error, scored = np.array([[[1.0, -3.0]]]), np.ones((1, 1, 2), dtype=bool)
    single.add(person=np.array([1]), names=("hr",), error=error, scored=scored)
    assert bounded(MAE, single.absolute("hr"), resample(3, replicates=100, seed=0)).value == 2.0
